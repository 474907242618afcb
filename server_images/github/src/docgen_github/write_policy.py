"""What may be changed: which repositories, which branches and files, and how a pull request is merged.

All of it is decided without asking anybody. Whatever is not allowed by the options is refused before a
request is sent, and `read_only` refuses everything.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from docgen_github.errors import InvalidName, NotByPolicy
from docgen_github.keypaths import KeyPaths
from docgen_github.policy import RepositoryName, RepositoryPolicy

Confirm = Literal["grave", "always", "never"]

#: Characters and sequences that git allows in no branch name (git-check-ref-format).
_NOT_IN_BRANCHES = ("..", "@{", "//", "\\", " ", "~", "^", ":", "?", "*", "[")


@dataclass(frozen=True)
class MergePolicy:
    """`methods` that may be used, approvals that are needed, checks that must have succeeded."""

    methods: tuple[str, ...] = ("squash", "merge", "rebase")
    approvals: int = 1
    checks: tuple[str, ...] = ()


@dataclass(frozen=True)
class WritePolicy:
    """What the options let this server change."""

    paths: KeyPaths
    repositories: RepositoryPolicy
    read_only: bool = True
    protected_branches: tuple[str, ...] = ("main", "master", "release/*")
    workflow_files: bool = False
    flows: frozenset[tuple[str, str]] = frozenset()
    flow_s: float = 3600.0
    confirm: Confirm = "grave"
    confirmation_tokens: bool = True
    merge: MergePolicy = MergePolicy()

    @property
    def writes(self) -> bool:
        """Whether anything may be changed at all."""
        return not self.read_only and bool(self.repositories.entries)

    def check(self, repository: RepositoryName) -> None:
        """Raise `NotByPolicy` unless this repository may be changed."""
        if self.read_only:
            raise NotByPolicy(
                "This server is read-only.", f"set {self.paths.option('read_only')} to false in docgen.yaml"
            )
        if not self.repositories.allows(repository):
            raise NotByPolicy(
                f"{repository} may be read but not changed.",
                f"add it to {self.paths.option('write_repositories')} in docgen.yaml, then `docgenctl up`",
            )

    def is_protected(self, branch: str) -> bool:
        """Whether the options protect a branch of this name; case is ignored, as some file systems do."""
        return any(fnmatchcase(branch.lower(), pattern.lower()) for pattern in self.protected_branches)

    def check_path(self, path: str) -> None:
        """Raise unless a file of this path may be changed."""
        check_file_path(path)
        if not self.workflow_files and path.lower().split("/", 1)[0] == ".github":
            raise NotByPolicy(
                "Files below .github may not be changed: they run code with the repository's secrets.",
                f"set {self.paths.option('workflow_files')} to true in docgen.yaml if that is wanted",
            )

    def may_follow(self, read: str, written: str) -> bool:
        """Whether what was read in one private repository may be followed by a write into the other."""
        return (read.lower(), written.lower()) in self.flows


def check_branch(name: str) -> str:
    """The name, if git could have such a branch. Raises `InvalidName`."""
    parts = name.split("/")
    fits = (
        0 < len(name.encode()) <= 244
        and name.isprintable()
        and not any(one in name for one in _NOT_IN_BRANCHES)
        and not name.startswith("-")
        and not name.endswith((".", "/"))
        and not any(part == "" or part.startswith(".") or part.endswith(".lock") for part in parts)
        and name != "@"
    )
    if not fits:
        raise InvalidName("This is not a name of a branch.", "write it without refs/heads/, like feature/x")
    return name


def check_file_path(path: str) -> str:
    """The path, if a repository can hold such a file. Raises `InvalidName`."""
    parts = path.split("/")
    fits = (
        0 < len(path.encode()) <= 4096
        and path.isprintable()
        and not {"", ".", ".."} & set(parts)
        and not any(part.lower().rstrip(". ") == ".git" or "\\" in part for part in parts)
    )
    if not fits:
        raise InvalidName("This is not a path in a repository.", "write it like docs/guide.md")
    return path

"""The allowlist of repositories: names are checked here before anything is sent anywhere."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from docgen_github.errors import InvalidName, NotAllowed, NotConfigured
from docgen_github.keypaths import KeyPaths

#: Logins have 39 characters at most; those of managed users carry `_company` besides.
OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})")
#: `.` and `..` match too and are refused by name below.
NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True)
class RepositoryName:
    """`owner/name`, proven to be nothing else: it may stand in a URL path."""

    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"

    def matches(self, full_name: str) -> bool:
        """Whether GitHub means the same repository; its names ignore case."""
        return str(self).lower() == full_name.lower()


def repository_name(owner: str, name: str) -> RepositoryName:
    """Check both parts; `InvalidName` when GitHub could have no such repository."""
    if not OWNER.fullmatch(owner):
        raise InvalidName("This is not a name of a GitHub user or organisation.", "write it as in owner/name")
    if not NAME.fullmatch(name) or name in {".", ".."}:
        raise InvalidName("This is not a name of a GitHub repository.", "write it as in owner/name")
    return RepositoryName(owner, name)


@dataclass(frozen=True)
class RepositoryPolicy:
    """What may be read: whole names, and owners of whom everything may be read."""

    paths: KeyPaths
    names: tuple[RepositoryName, ...] = ()
    owners: tuple[str, ...] = ()

    @property
    def entries(self) -> tuple[str, ...]:
        """The allowlist in the words of docgen.yaml, sorted."""
        return tuple(sorted([str(name) for name in self.names] + [f"{owner}/*" for owner in self.owners]))

    def check(self, owner: str, name: str) -> RepositoryName:
        """The repository, if it may be read; `InvalidName`, `NotConfigured` or `NotAllowed` otherwise."""
        repository = repository_name(owner, name)
        self.require_any()
        if not self.allows(repository):
            raise NotAllowed(
                f"{repository} is not in the list of allowed repositories.",
                f"add it to {self.paths.repositories} in docgen.yaml, then run `docgenctl up`",
            )
        return repository

    def allows(self, repository: RepositoryName) -> bool:
        """Whether the list names the repository or everything of its owner."""
        if repository.owner.lower() in {owner.lower() for owner in self.owners}:
            return True
        return any(allowed.matches(str(repository)) for allowed in self.names)

    def require_any(self) -> None:
        """`NotConfigured` while the list is empty, which is the default."""
        if not self.names and not self.owners:
            raise NotConfigured(
                "No repository is allowed yet, so nothing can be read from GitHub.",
                f"list some as owner/name or owner/* under {self.paths.repositories} in docgen.yaml, "
                "then run `docgenctl up`",
            )


def parse_policy(
    entries: Iterable[object], paths: KeyPaths, option: str = "repositories"
) -> tuple[RepositoryPolicy, tuple[str, ...]]:
    """The policy that the entries of `option` spell, and a sentence for each entry that spells nothing."""
    names: dict[str, RepositoryName] = {}
    owners: dict[str, str] = {}
    problems: list[str] = []
    for index, entry in enumerate(entries):
        owner, _, name = entry.partition("/") if isinstance(entry, str) else ("", "", "")
        if OWNER.fullmatch(owner) and name == "*":
            owners.setdefault(owner.lower(), owner)
        elif OWNER.fullmatch(owner) and NAME.fullmatch(name) and name not in {".", ".."}:
            names.setdefault(f"{owner}/{name}".lower(), RepositoryName(owner, name))
        else:
            problems.append(f"{paths.option(option)}/{index}: write a repository as owner/name or owner/*")
    return RepositoryPolicy(paths, tuple(names.values()), tuple(owners.values())), tuple(problems)

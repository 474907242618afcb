"""What each tool needs of a token, in the words of GitHub's pages for making one.

After GitHub's "Permissions required for fine-grained personal access tokens" and "Scopes for OAuth apps". A
test holds every request that a tool sends against this table, and docs/github.md is made from it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Permission:
    """A permission of a fine-grained token or of an app on a repository; `write` includes reading."""

    name: str
    write: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {'write' if self.write else 'read'}"


@dataclass(frozen=True)
class Rights:
    """The toolset that a tool is in, whether it changes something, and what it needs besides metadata.

    `classic` are the scopes of which a classic token needs one where the repository is public; where it is
    private, that is always `repo`.
    """

    toolset: str
    writes: bool
    permissions: tuple[Permission, ...]

    @property
    def classic(self) -> tuple[str, ...]:
        """Scopes for public repositories; none for reading."""
        return ("public_repo", "repo") if self.writes else ()


CONTENTS = Permission("Contents")
PULLS = Permission("Pull requests")
ISSUES = Permission("Issues")
CHECKS = Permission("Checks")
STATUSES = Permission("Commit statuses")
WORKFLOWS = Permission("Workflows", write=True)
CONTENTS_WRITE = Permission("Contents", write=True)
PULLS_WRITE = Permission("Pull requests", write=True)
ISSUES_WRITE = Permission("Issues", write=True)


def _of(toolset: str, writes: bool, permissions: tuple[Permission, ...], *names: str) -> dict[str, Rights]:
    return {f"github_{name}": Rights(toolset, writes, permissions) for name in names}


TOOLS: Mapping[str, Rights] = {
    **_of("repos", False, (), "list_repositories", "get_repository", "search_repositories"),
    **_of("contents", False, (CONTENTS,), "get_file", "get_tree", "list_branches", "compare"),
    **_of(
        "contents",
        True,
        (CONTENTS_WRITE,),
        *("create_branch", "commit_files", "delete_files", "delete_branch"),
    ),
    **_of(
        "pulls",
        False,
        (PULLS,),
        *("list_pulls", "get_pull", "get_pull_files", "get_pull_diff", "list_reviews", "list_pull_comments"),
    ),
    **_of(
        "pulls",
        True,
        (PULLS_WRITE,),
        *("create_pull", "update_pull", "close_pull", "comment_pull", "request_reviewers"),
        *("update_pull_branch", "create_review", "submit_review", "dismiss_review"),
    ),
    **_of("pulls", True, (CONTENTS_WRITE, PULLS, CHECKS, STATUSES), "merge_pull"),
    **_of("issues", False, (ISSUES,), "list_issues", "get_issue", "list_issue_comments"),
    **_of(
        "issues",
        True,
        (ISSUES_WRITE,),
        *("create_issue", "update_issue", "close_issue", "comment_issue", "label"),
    ),
    **_of("checks", False, (CHECKS, STATUSES), "list_checks", "wait_for_checks"),
    **_of("releases", False, (CONTENTS,), "list_releases"),
    **_of("releases", True, (CONTENTS_WRITE,), "create_release"),
    **_of("publish", True, (CONTENTS_WRITE, PULLS_WRITE), "publish_documents"),
}
"""Every tool but `github_status` and `github_diagnose`, which need nothing."""


def offered(toolsets: Iterable[str], *, writes: bool) -> dict[str, Rights]:
    """The tools that are there with these toolsets; those that change something where `writes`."""
    chosen = frozenset(toolsets)
    return {
        name: rights
        for name, rights in TOOLS.items()
        if rights.toolset in chosen and (writes or not rights.writes)
    }


def in_need_of(tools: Mapping[str, Rights], permission: Permission) -> list[str]:
    """Those of `tools` that cannot work without it, sorted; whoever may not read may not write either."""
    return sorted(
        name
        for name, rights in tools.items()
        if any(
            one.name == permission.name and (one.write or not permission.write) for one in rights.permissions
        )
    )

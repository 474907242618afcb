"""What GitHub asks of fine-grained tokens for each operation, and whether the table of the tools agrees.

Kept apart from `docgen_github.rights` on purpose: that table is by tool, this one by request, after GitHub's
"Permissions required for fine-grained personal access tokens" (API version 2022-11-28).
"""

from collections.abc import Iterable

from docgen_github.rights import TOOLS, Permission

C, P, I = "Contents", "Pull requests", "Issues"  # noqa: E741
_NOTHING = (
    "rate-limit/get repos/get repos/list-for-authenticated-user repos/list-for-org repos/list-for-user"
    " search/repos users/get-authenticated"
)
_READS = {
    (C,): "git/get-commit git/get-tree repos/compare-commits-with-basehead repos/get-branch repos/get-content"
    " repos/get-release-by-tag repos/list-branches repos/list-releases",
    (C, P): "pulls/get",
    (P,): "pulls/get-review pulls/list pulls/list-files pulls/list-review-comments pulls/list-reviews",
    (I,): "issues/get issues/list-for-repo",
    (I, P): "issues/list-comments issues/list-labels-on-issue",
    ("Checks",): "checks/list-for-ref",
    ("Commit statuses",): "repos/get-combined-status-for-ref",
}
_WRITES = {
    (C,): "git/create-blob git/create-commit git/create-ref git/create-tree git/delete-ref git/update-ref"
    " pulls/merge repos/create-release",
    (P,): "pulls/create pulls/create-review pulls/dismiss-review pulls/request-reviewers pulls/submit-review"
    " pulls/update pulls/update-branch",
    (I,): "issues/create",
    (I, P): "issues/add-labels issues/create-comment issues/remove-label issues/update",
}

#: Operation → permissions of which one suffices; empty for what every token may.
NEEDS: dict[str, tuple[Permission, ...]] = dict.fromkeys(_NOTHING.split(), ())
for _table, _write in ((_READS, False), (_WRITES, True)):
    for _names, _operations in _table.items():
        NEEDS |= {name: tuple(Permission(one, _write) for one in _names) for name in _operations.split()}


def complaints_of_rights(tool: str, operations: Iterable[str]) -> list[str]:
    """Requests that the tool's permissions do not cover, and permissions that none of its requests needs."""
    held = TOOLS[tool].permissions if tool in TOOLS else ()
    told, needed = [], set()
    for operation in operations:
        if operation not in NEEDS:
            told.append(f"{tool} sends {operation}, of which this table does not know what it needs")
            continue
        granting = {one for one in held for need in NEEDS[operation] if _covers(one, need)}
        needed |= granting
        if NEEDS[operation] and not granting:
            told.append(f"{tool} sends {operation}, which its permissions do not cover")
    return told + [f"{tool} asks for {one}, and nothing it sends needs that" for one in {*held} - needed]


def _covers(held: Permission, need: Permission) -> bool:
    return held.name == need.name and (held.write or not need.write)

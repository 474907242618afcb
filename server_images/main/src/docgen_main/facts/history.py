"""Recent history: commits from HEAD backwards and the tags on them."""

import heapq
from collections.abc import Iterator

from dulwich.objects import Commit as RawCommit
from dulwich.objects import Tag as RawTag

from docgen_main.facts.budget import Budget
from docgen_main.facts.git_objects import DamagedError, GitObjects, object_id
from docgen_main.facts.model import Commit, History
from docgen_main.workspace import MissingError, Tree, Workspace, WorkspaceError

_REF_BYTES = 4096
_PACKED_REFS_BYTES = 16 << 20
_TAGS = 2_000
_MESSAGE = 2_000


def read_history(workspace: Workspace, budget: Budget, *, most: int = 2_000) -> History:
    """At most `most` commits of the repository; an empty history that says why when there is none."""
    try:
        tree = workspace.repository()
    except MissingError:
        return History()
    except WorkspaceError:
        return History(problem="the repository's directory cannot be read by this server's user")
    try:
        with GitObjects(tree) as objects:
            return _read(tree, objects, budget, most)
    except DamagedError:
        return History(problem="the repository is damaged or of a kind that is not read")
    finally:
        tree.close()


def _read(tree: Tree, objects: GitObjects, budget: Budget, most: int) -> History:
    packed = _packed_refs(tree)
    branch, head = _head(tree, packed)
    if head is None:
        return History(branch=branch)
    commits: list[Commit] = []
    complete = not tree.exists(("shallow",))
    for commit in _walk(objects, head):
        if len(commits) >= most or not budget.spend(files=1):
            complete = False
            break
        commits.append(commit)
    if not commits:
        return History(branch=branch, problem="the commit at HEAD cannot be read")
    return History(branch, tuple(commits), _tags(tree, objects, packed, budget), complete)


def _head(tree: Tree, packed: dict[str, str]) -> tuple[str, str | None]:
    text = _small(tree, ("HEAD",))
    if not text.startswith(b"ref: "):
        return "", object_id(text)
    name = text[len(b"ref: ") :].strip().decode(errors="replace")
    branch = name.removeprefix("refs/heads/")
    parts = tuple(name.split("/"))
    if parts[0] != "refs" or ".." in parts or "" in parts:
        return branch, None
    return branch, object_id(_small(tree, parts)) or packed.get(name)


def _small(tree: Tree, path: tuple[str, ...]) -> bytes:
    try:
        return tree.read(path, limit=_REF_BYTES)
    except WorkspaceError:
        return b""


def _packed_refs(tree: Tree) -> dict[str, str]:
    try:
        text = tree.read(("packed-refs",), limit=_PACKED_REFS_BYTES)
    except WorkspaceError:
        return {}
    refs = {}
    for line in text.splitlines():
        name, _, ref = line.partition(b" ")
        found = object_id(name)
        if found and ref:
            refs[ref.strip().decode(errors="replace")] = found
    return refs


def _walk(objects: GitObjects, head: str) -> Iterator[Commit]:
    """Commits reachable from `head`, newest first by commit time."""
    seen = {head}
    waiting: list[tuple[int, int, RawCommit]] = []
    _push(waiting, objects, head, 0)
    order = 1
    while waiting:
        raw = heapq.heappop(waiting)[2]
        yield _commit(raw)
        for parent in raw.parents:
            name = parent.decode("ascii", errors="replace")
            if name not in seen and object_id(parent):
                seen.add(name)
                _push(waiting, objects, name, order)
                order += 1


def _push(waiting: list[tuple[int, int, RawCommit]], objects: GitObjects, name: str, order: int) -> None:
    raw = objects.get(name)
    if isinstance(raw, RawCommit):  # missing below a shallow clone's edge
        heapq.heappush(waiting, (-int(raw.commit_time), order, raw))


def _commit(raw: RawCommit) -> Commit:
    message = raw.message[:_MESSAGE].decode(errors="replace").strip()
    subject, _, body = message.partition("\n")
    author = raw.author.decode(errors="replace").partition("<")[0].strip()
    parents = tuple(parent.decode("ascii", errors="replace") for parent in raw.parents)
    return Commit(
        raw.id.decode("ascii"), subject.strip(), body.strip(), author, int(raw.commit_time), parents
    )


def _tags(
    tree: Tree, objects: GitObjects, packed: dict[str, str], budget: Budget
) -> dict[str, tuple[str, ...]]:
    """Tag names by the commit they mark; annotated tags are followed to it."""
    prefix = "refs/tags/"
    named = {ref.removeprefix(prefix): found for ref, found in packed.items() if ref.startswith(prefix)}
    named.update(_loose_tags(tree, ("refs", "tags"), budget))
    marks: dict[str, list[str]] = {}
    for name, found in sorted(named.items())[:_TAGS]:
        budget.check()
        target = _peel(objects, found)
        if target:
            marks.setdefault(target, []).append(name)
    return {target: tuple(names) for target, names in marks.items()}


def _loose_tags(tree: Tree, path: tuple[str, ...], budget: Budget) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        entries = tree.entries(path)
    except WorkspaceError:
        return found
    for entry in entries[:_TAGS]:
        budget.check()
        here = (*path, entry.name)
        if entry.kind == "directory" and len(here) < 8:
            found.update(_loose_tags(tree, here, budget))
        elif entry.kind == "file":
            target = object_id(_small(tree, here))
            if target:
                found["/".join(here[2:])] = target
    return found


def _peel(objects: GitObjects, name: str) -> str | None:
    for _ in range(5):  # a tag of a tag of a tag…
        found = objects.get(name)
        if isinstance(found, RawCommit):
            return name
        if not isinstance(found, RawTag):
            return None
        name = found.object[1].decode("ascii", errors="replace")
        if object_id(name.encode()) is None:
            return None
    return None

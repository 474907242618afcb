"""Changing files and branches. Several files go into one commit, so a repository is never half changed."""

import base64
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field, TypeAdapter

from docgen_github.errors import HeadMoved, InvalidName, NotByPolicy, NotFound
from docgen_github.operation import Changed, Operation
from docgen_github.policy import RepositoryName
from docgen_github.request import FromAnswer, Request
from docgen_github.toolsets.arguments import Branch, DryRun, FilePath, OptionalSha, Owner, Repo, Token
from docgen_github.toolsets.kit import Kit, Told
from docgen_github.wire import WireBranch, WireObject, read_as
from docgen_github.write_policy import check_branch

#: Bytes of all files of one commit together; the server's own limit on a call is a little above.
COMMIT_BYTES = 3 * 2**20

Message = Annotated[str, Field(description="Commit message.", min_length=1, max_length=10_000)]
_BRANCH = TypeAdapter(WireBranch)


class _Commit(BaseModel):
    sha: str
    tree: WireObject


_COMMIT = TypeAdapter(_Commit)


class FileChange(BaseModel):
    """A file with its whole new content."""

    path: FilePath
    content: Annotated[str, Field(description="The whole content.")]
    encoding: Annotated[Literal["utf-8", "base64"], Field(description="base64 for what is not text.")] = (
        "utf-8"
    )
    executable: Annotated[bool, Field(description="Whether it may be run.")] = False


Files = Annotated[
    list[FileChange], Field(description="Files to make or replace.", min_length=1, max_length=100)
]
Paths = Annotated[list[FilePath], Field(description="Files to delete.", min_length=1, max_length=100)]


def add_contents_writes(kit: Kit) -> None:
    """Register what changes files and branches."""
    _add_commit(kit)
    _add_delete_files(kit)
    _add_create_branch(kit)
    _add_delete_branch(kit)


def _add_commit(kit: Kit) -> None:
    @kit.writes("GitHub: commit files", destructive=True)
    async def github_commit_files(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        branch: Branch,
        message: Message,
        files: Files,
        expected_head_sha: OptionalSha = None,
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Make or replace files on a branch that is not protected, all in one commit."""

        async def prepare(repository: RepositoryName) -> Operation:
            head = await writable_head(kit, repository, branch, expected_head_sha)
            requests = await commit_requests(kit, repository, head, message, files=files)
            return Operation(
                f"Commit {len(files)} file(s) to branch {branch} of {repository}.",
                (*requests, move_branch(repository, branch, FromAnswer(len(requests) - 1, "sha"))),
                lambda answers: Changed(sha=str(answers[-2]["sha"]), branch=branch),
            )

        return await kit.change(
            ctx, "github_commit_files", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


def _add_delete_files(kit: Kit) -> None:
    @kit.writes("GitHub: delete files", destructive=True)
    async def github_delete_files(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        branch: Branch,
        message: Message,
        paths: Paths,
        expected_head_sha: OptionalSha = None,
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Delete files on a branch that is not protected, all in one commit."""

        async def prepare(repository: RepositoryName) -> Operation:
            head = await writable_head(kit, repository, branch, expected_head_sha)
            requests = await commit_requests(kit, repository, head, message, deleted=paths)
            return Operation(
                f"Delete {len(paths)} file(s) on branch {branch} of {repository}.",
                (*requests, move_branch(repository, branch, FromAnswer(len(requests) - 1, "sha"))),
                lambda answers: Changed(sha=str(answers[-2]["sha"]), branch=branch),
                grave=True,
            )

        return await kit.change(
            ctx, "github_delete_files", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


def _add_create_branch(kit: Kit) -> None:
    @kit.writes("GitHub: create branch", idempotent=True)
    async def github_create_branch(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        branch: Branch,
        source: Annotated[
            str | None,
            Field(description="Branch or commit to begin at; by default the default branch.", max_length=244),
        ] = None,
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Create a branch."""

        async def prepare(repository: RepositoryName) -> Operation:
            refuse_protected_name(kit, branch)
            begin = source or await kit.reader.default_branch(repository)
            sha = await commit_of(kit, repository, begin)
            there = await head_of(kit, repository, branch)
            summary = f"Create branch {branch} of {repository} at {sha}."
            if there is not None and there != sha:
                raise HeadMoved(
                    f"Branch {branch} of {repository} exists and is elsewhere.", "take another name"
                )
            found = None if there is None else Changed(sha=sha, branch=branch)
            return Operation(
                summary,
                (create_branch(kit, repository, branch, sha),),
                lambda _: Changed(sha=sha, branch=branch),
                found=found,
            )

        return await kit.change(
            ctx, "github_create_branch", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


def _add_delete_branch(kit: Kit) -> None:
    @kit.writes("GitHub: delete branch", destructive=True, idempotent=True)
    async def github_delete_branch(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        branch: Branch,
        expected_head_sha: OptionalSha = None,
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Delete a branch that is not protected."""

        async def prepare(repository: RepositoryName) -> Operation:
            try:
                head = await writable_head(kit, repository, branch, expected_head_sha)
            except NotFound:
                gone = Changed(branch=branch, state="deleted")
                return Operation(f"Delete branch {branch} of {repository}.", found=gone)
            summary = f"Delete branch {branch} of {repository}, which is at {head}."

            async def look() -> dict[str, Any] | None:
                return {} if await head_of(kit, repository, branch) is None else None

            request = Request("DELETE", ref_path(repository, branch), _named(repository, branch), look=look)
            return Operation(
                summary, (request,), lambda _: Changed(branch=branch, state="deleted"), grave=True
            )

        return await kit.change(
            ctx, "github_delete_branch", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


def ref_path(repository: RepositoryName, branch: str) -> tuple[str, ...]:
    """Where a branch is changed."""
    return ("repos", repository.owner, repository.name, "git", "refs", f"heads/{branch}")


def refuse_protected_name(kit: Kit, branch: str) -> None:
    """Raise unless a branch of this name may be changed directly."""
    check_branch(branch)
    if kit.gate.policy.is_protected(branch):
        raise NotByPolicy(
            "This branch is protected by the options; it is changed through pull requests alone.",
            f"use another branch, or see {kit.options.paths.option('protected_branches')} in docgen.yaml",
        )


async def branch_wire(kit: Kit, repository: RepositoryName, branch: str) -> WireBranch:
    """A branch as GitHub sends it. Raises `NotFound`."""
    what = _named(repository, branch)
    return read_as(_BRANCH, (await kit.reader.get(repository, "branches", branch, what=what)).value, what)


async def head_of(kit: Kit, repository: RepositoryName, branch: str) -> str | None:
    """The head commit of a branch; None when there is no such branch."""
    try:
        return (await branch_wire(kit, repository, branch)).commit.sha
    except NotFound:
        return None


async def writable_head(kit: Kit, repository: RepositoryName, branch: str, expected: str | None) -> str:
    """The head of a branch that may be changed directly. Raises `GitHubError` for one that may not."""
    refuse_protected_name(kit, branch)
    wire = await branch_wire(kit, repository, branch)
    if wire.protected or branch == await kit.reader.default_branch(repository):
        raise NotByPolicy(
            f"This branch of {repository} is its default branch or is protected by GitHub; it is changed "
            "through pull requests alone.",
            "commit to another branch and open a pull request",
        )
    if expected is not None and wire.commit.sha != expected:
        raise HeadMoved(
            f"The branch of {repository} is at {wire.commit.sha}, not at {expected}.", "read it again"
        )
    return wire.commit.sha


async def commit_of(kit: Kit, repository: RepositoryName, ref: str) -> str:
    """The commit that a branch or the digits of a commit name."""
    if len(ref) == 40 and all(digit in "0123456789abcdef" for digit in ref):
        return ref
    return (await branch_wire(kit, repository, check_branch(ref))).commit.sha


def create_branch(kit: Kit, repository: RepositoryName, branch: str, sha: str) -> Request:
    """The request that makes a branch; that it is there already counts when it is at the same commit."""

    async def look() -> dict[str, Any] | None:
        there = await head_of(kit, repository, branch)
        return {"ref": branch} if there == sha else None

    path = ("repos", repository.owner, repository.name, "git", "refs")
    body = {"ref": f"refs/heads/{branch}", "sha": sha}
    return Request("POST", path, _named(repository, branch), body, look=look)


def move_branch(repository: RepositoryName, branch: str, sha: FromAnswer, *, force: bool = False) -> Request:
    """The request that moves a branch forward; by force only one that was merged."""
    body = {"sha": sha, "force": force}
    return Request("PATCH", ref_path(repository, branch), _named(repository, branch), body, repeatable=True)


async def commit_requests(
    kit: Kit,
    repository: RepositoryName,
    parent: str,
    message: str,
    *,
    files: Sequence[FileChange] = (),
    deleted: Sequence[str] = (),
) -> list[Request]:
    """Blobs, tree and commit; the commit is the last. What git names by content may be sent twice."""
    if sum(len(file.content.encode()) for file in files) > COMMIT_BYTES:
        raise InvalidName(f"The files have more than {COMMIT_BYTES // 2**20} MiB together.", "commit fewer")
    names = [*(file.path for file in files), *deleted]
    for path in names:
        kit.gate.policy.check_path(path)
    if len({name.lower() for name in names}) < len(names):
        raise InvalidName("A path is named twice.", "name each file once")
    what = f"the files of {repository}"
    git = ("repos", repository.owner, repository.name, "git")
    answer = await kit.reader.get(repository, "git", "commits", parent, what=what)
    requests: list[Request] = []
    tree = [_entry(file, requests, git, what) for file in files]
    tree += [{"path": path, "mode": "100644", "type": "blob", "sha": None} for path in deleted]
    base_tree = read_as(_COMMIT, answer.value, what).tree.sha
    body: dict[str, Any] = {"base_tree": base_tree, "tree": tree}
    requests.append(Request("POST", (*git, "trees"), what, body, repeatable=True))
    body = {"message": message, "tree": FromAnswer(len(requests) - 1, "sha"), "parents": [parent]}
    requests.append(Request("POST", (*git, "commits"), what, body, repeatable=True))
    return requests


def _entry(file: FileChange, requests: list[Request], git: tuple[str, ...], what: str) -> dict[str, Any]:
    """The entry of the tree; what is not text needs a blob of its own first."""
    entry: dict[str, Any] = {
        "path": file.path,
        "mode": "100755" if file.executable else "100644",
        "type": "blob",
    }
    if file.encoding == "utf-8":
        return {**entry, "content": file.content}
    content_of(file)
    body = {"content": file.content, "encoding": "base64"}
    requests.append(Request("POST", (*git, "blobs"), what, body, repeatable=True))
    return {**entry, "sha": FromAnswer(len(requests) - 1, "sha")}


def content_of(file: FileChange) -> bytes:
    """The bytes of a file. Raises `InvalidName` for what is not base64."""
    if file.encoding == "utf-8":
        return file.content.encode()
    try:
        return base64.b64decode(file.content, validate=True)
    except ValueError:
        raise InvalidName("The content of a file is not base64.", "encode it, or send it as utf-8") from None


def _named(repository: RepositoryName, branch: str) -> str:
    return f"branch {branch} of {repository}"

"""Putting documents on a branch and keeping one pull request for them, however often it is called.

The branch and its one pull request are the memory: what is there already is compared with what is wanted,
and only the difference is sent. Where nothing differs, nothing is sent. A branch whose every commit was
merged begins anew at its target, which is the one place where a branch is moved by force.
"""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from pydantic import Field, TypeAdapter

from docgen_github.errors import NotFound
from docgen_github.operation import Changed, Operation
from docgen_github.policy import RepositoryName
from docgen_github.request import FromAnswer, Request
from docgen_github.toolsets.arguments import Branch, DryRun, Owner, Repo, Text, Title, Token
from docgen_github.toolsets.contents_writes import (
    FileChange,
    branch_wire,
    commit_requests,
    content_of,
    create_branch,
    head_of,
    move_branch,
    refuse_protected_name,
    writable_head,
)
from docgen_github.toolsets.kit import Kit, Told
from docgen_github.toolsets.pulls_writes import made, open_pull, open_pull_of, patch_pull
from docgen_github.wire import WirePull, read_as
from docgen_github.write_policy import check_branch

_PULLS = TypeAdapter(list[WirePull])

Documents = Annotated[
    list[FileChange],
    Field(
        description="Documents with their whole content, as files_read gives it.", min_length=1, max_length=50
    ),
]


@dataclass(frozen=True)
class _Words:
    """What the pull request says, and between which branches it is."""

    title: str
    body: str
    branch: str
    base: str
    draft: bool


def add_publish(kit: Kit) -> None:
    """Register `github_publish_documents`."""

    @kit.writes("GitHub: publish documents", idempotent=True)
    async def github_publish_documents(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        documents: Documents,
        title: Title = "Update the documents",
        body: Text = "",
        branch: Branch = "docgen/documents",
        base: Annotated[
            str | None,
            Field(description="Branch to merge into; by default the default branch.", max_length=244),
        ] = None,
        draft: Annotated[bool, Field(description="Open a new pull request as a draft.")] = False,
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Commit documents to a branch and open a pull request for them, or bring the open one up to date."""

        async def prepare(repository: RepositoryName) -> Operation:
            target = check_branch(base or await kit.reader.default_branch(repository))
            words = _Words(title, body, check_branch(branch), target, draft)
            return await _publication(kit, repository, documents, words)

        return await kit.change(
            ctx, "github_publish_documents", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


@dataclass(frozen=True)
class _Place:
    """Where the documents go: the commit to build on, the branch as it is, the open pull request.

    `outdated` says that all of the branch was merged, so that it begins anew at its target; `ahead`, that it
    holds something that was not, and waits for a pull request.
    """

    begin: str
    exists: bool
    there: dict[str, Any] | None = None
    outdated: bool = False
    ahead: bool = False


async def _publication(
    kit: Kit, repository: RepositoryName, documents: list[FileChange], words: _Words
) -> Operation:
    summary = (
        f"Publish {len(documents)} document(s) in {repository}: branch {words.branch}, "
        f"pull request into {words.base}."
    )
    place = await _place(kit, repository, words)
    differing = [one for one in documents if await _differs(kit, repository, one, place.begin)]
    requests: list[Request] = []
    if differing:
        if not place.exists:
            requests.append(create_branch(kit, repository, words.branch, place.begin))
        commit = await commit_requests(kit, repository, place.begin, words.title, files=differing)
        requests += [_shifted(request, len(requests)) for request in commit]
        head = FromAnswer(len(requests) - 1, "sha")
        requests.append(move_branch(repository, words.branch, head, force=place.outdated))
    if place.there is not None:
        requests += _brought_up_to_date(repository, place.there, words)
    elif differing or place.ahead:
        requests.append(
            open_pull(kit, repository, words.title, words.branch, words.base, words.body, draft=words.draft)
        )
    found = None if requests else _found(place.there, words.branch)
    return Operation(
        summary, tuple(requests), lambda answers: _result(answers, place.there, words.branch), found=found
    )


async def _place(kit: Kit, repository: RepositoryName, words: _Words) -> _Place:
    target = (await branch_wire(kit, repository, words.base)).commit.sha
    refuse_protected_name(kit, words.branch)
    head = await head_of(kit, repository, words.branch)
    if head is None:
        return _Place(target, exists=False)
    await writable_head(kit, repository, words.branch, head)
    there = await open_pull_of(kit, repository, words.branch, words.base)
    if there is not None:
        return _Place(head, exists=True, there=there)
    if await _is_merged(kit, repository, words.branch, target, head):
        return _Place(target, exists=True, outdated=True)
    return _Place(head, exists=True, ahead=True)


async def _is_merged(kit: Kit, repository: RepositoryName, branch: str, target: str, head: str) -> bool:
    """Whether everything of the branch is in its target, or was merged there in another form."""
    what = f"the comparison in {repository}"
    answer = await kit.reader.get(repository, "compare", f"{target}...{head}", what=what)
    if isinstance(answer.value, dict) and answer.value.get("ahead_by") == 0:
        return True
    what = f"the pull requests of {repository}"
    closed = await kit.reader.get(
        repository, "pulls", what=what, state="closed", head=f"{repository.owner}:{branch}", per_page=100
    )
    wires: list[WirePull] = read_as(_PULLS, closed.value, what)
    return any(wire.merged_at is not None and wire.head.sha == head for wire in wires)


async def _differs(kit: Kit, repository: RepositoryName, document: FileChange, ref: str) -> bool:
    """Whether a document is another than the one at `ref`, by git's own name for the content."""
    kit.gate.policy.check_path(document.path)
    raw = content_of(document)
    wanted = hashlib.sha1(b"blob %d\0%s" % (len(raw), raw), usedforsecurity=False).hexdigest()
    try:
        answer = await kit.reader.get(
            repository, "contents", document.path, what=f"a document of {repository}", ref=ref
        )
    except NotFound:
        return True
    return not isinstance(answer.value, dict) or answer.value.get("sha") != wanted


def _brought_up_to_date(repository: RepositoryName, there: dict[str, Any], words: _Words) -> list[Request]:
    """The change of the open pull request's title and description, if they are others."""
    now = {"title": there.get("title"), "body": there.get("body") or ""}
    wanted = {"title": words.title, "body": words.body}
    change = {key: value for key, value in wanted.items() if value != now[key]}
    return [patch_pull(repository, int(there["number"]), change)] if change else []


def _shifted(request: Request, by: int) -> Request:
    """The request when it comes `by` places later in the list."""
    if by == 0 or request.body is None:
        return request
    return Request(
        request.method,
        request.path,
        request.what,
        _later(request.body, by),
        repeatable=request.repeatable,
        look=request.look,
    )


def _later(value: Any, by: int) -> Any:
    if isinstance(value, FromAnswer):
        return FromAnswer(value.request + by, value.field)
    if isinstance(value, dict):
        return {key: _later(one, by) for key, one in value.items()}
    if isinstance(value, list):
        return [_later(one, by) for one in value]
    return value


def _found(there: dict[str, Any] | None, branch: str) -> Changed:
    done = made(there) if there is not None else Changed(state="unchanged")
    return done.model_copy(update={"branch": branch})


def _result(answers: list[Any], there: dict[str, Any] | None, branch: str) -> Changed:
    """The pull request, and the branch's new head where it has one."""
    last = answers[-1]
    opened = last if isinstance(last, dict) and "number" in last else there
    sha = next((one["sha"] for one in reversed(answers) if isinstance(one, dict) and "parents" in one), None)
    return made(opened or {}).model_copy(update={"branch": branch, "sha": sha})

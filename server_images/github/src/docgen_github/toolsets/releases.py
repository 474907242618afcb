"""Reading releases, and making one."""

from datetime import datetime
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from pydantic import Field, TypeAdapter

from docgen_github import shapes
from docgen_github.errors import NotFound, Refused
from docgen_github.operation import Changed, Operation
from docgen_github.policy import RepositoryName
from docgen_github.request import Request
from docgen_github.toolsets.arguments import DryRun, Owner, Page, PerPage, Repo, Text, Token
from docgen_github.toolsets.contents_writes import commit_of
from docgen_github.toolsets.kit import Kit, Told
from docgen_github.toolsets.pulls import COMMENT_BYTES
from docgen_github.translate import NAME_BYTES, TITLE_BYTES
from docgen_github.untrusted import bounded, clip
from docgen_github.wire import WireRelease, read_as
from docgen_github.write_policy import check_branch

#: Pages of 100 in which a draft is looked for, which GitHub does not find by its tag.
PAGES = 3


class ReleaseText(shapes.Shape):
    """Written by the people of the repository."""

    tag: str
    name: str
    notes: str
    notes_truncated: bool


class Release(shapes.Shape):
    """One release."""

    id: int
    draft: bool
    prerelease: bool
    author: str | None
    created_at: datetime
    published_at: datetime | None
    untrusted: ReleaseText


class ReleasePage(shapes.ResultShape):
    """One page of releases, newest first."""

    repository: str
    releases: list[Release]
    next_page: int | None


_RELEASE = TypeAdapter(WireRelease)
_RELEASES = TypeAdapter(list[WireRelease])

Tag = Annotated[str, Field(description="Tag of the release, like v1.2.0.", min_length=1, max_length=200)]


def add_releases(kit: Kit) -> None:
    """Register what reads releases."""

    @kit.reads("GitHub: list releases")
    async def github_list_releases(
        owner: Owner, repo: Repo, page: Page = 1, per_page: PerPage = 30
    ) -> ReleasePage:
        """List the releases of a repository, newest first; long notes are cut and say so."""
        allowed = kit.reader.allowed(owner, repo)
        what = f"the releases of {allowed}"
        answer = await kit.reader.get(allowed, "releases", what=what, page=page, per_page=per_page)
        return ReleasePage(
            repository=str(allowed),
            releases=[_release(wire) for wire in read_as(_RELEASES, answer.value, what)],
            next_page=page + 1 if answer.next_url else None,
        )


def add_releases_writes(kit: Kit) -> None:
    """Register what makes releases."""

    @kit.writes("GitHub: create a release", idempotent=True)
    async def github_create_release(
        ctx: Context,
        owner: Owner,
        repo: Repo,
        tag: Tag,
        target: Annotated[
            str | None,
            Field(description="Branch or commit to tag where there is no such tag yet.", max_length=244),
        ] = None,
        name: Annotated[str | None, Field(description="By default the tag.", max_length=256)] = None,
        notes: Text = "",
        generate_notes: Annotated[bool, Field(description="Let GitHub list what was merged.")] = True,
        draft: Annotated[bool, Field(description="Keep it unpublished.")] = False,
        prerelease: Annotated[bool, Field(description="Mark it as not ready for everybody.")] = False,
        dry_run: DryRun = False,
        confirmation_token: Token = None,
    ) -> Told:
        """Make a release of a tag; where there is one of this tag already, that one is answered."""

        async def prepare(repository: RepositoryName) -> Operation:
            begin = target or await kit.reader.default_branch(repository)
            given: dict[str, Any] = {
                "tag_name": check_branch(tag),
                "target_commitish": await commit_of(kit, repository, begin),
                "name": name or tag,
                "draft": draft,
                "prerelease": prerelease,
                "generate_release_notes": generate_notes,
            }
            if notes:
                given["body"] = notes

            async def look() -> dict[str, Any] | None:
                return await _of_tag(kit, repository, tag)

            there = await look()
            if there is not None and bool(there.get("draft")) != draft:
                raise Refused(
                    f"{repository} has a release of this tag that is otherwise published.", "see it"
                )
            request = Request(
                "POST",
                ("repos", repository.owner, repository.name, "releases"),
                f"the releases of {repository}",
                given,
                look=look,
                look_first=True,
            )
            return Operation(
                f"{'Draft' if draft else 'Publish'} release {tag} of {repository}.",
                (request,),
                lambda answers: _made(answers[-1]),
                grave=not draft,
                found=_made(there) if there else None,
            )

        return await kit.change(
            ctx, "github_create_release", (owner, repo), prepare, dry_run=dry_run, token=confirmation_token
        )


async def _of_tag(kit: Kit, repository: RepositoryName, tag: str) -> dict[str, Any] | None:
    """The release of a tag, also a draft; None when there is none."""
    what = f"the releases of {repository}"
    try:
        answer = await kit.reader.get(repository, "releases", "tags", tag, what=what)
    except NotFound:
        entries, _ = await kit.reader.every(repository, "releases", what=what, pages=PAGES)
        return next((one for one in entries if isinstance(one, dict) and one.get("tag_name") == tag), None)
    read_as(_RELEASE, answer.value, what)
    return dict(answer.value)


def _made(value: Any) -> Changed:
    wire = read_as(_RELEASE, value, "the release")
    return Changed(id=wire.id, state="draft" if wire.draft else "published", url=wire.html_url)


def _release(wire: WireRelease) -> Release:
    notes, cut = bounded(wire.body or "", COMMENT_BYTES)
    return Release(
        id=wire.id,
        draft=wire.draft,
        prerelease=wire.prerelease,
        author=wire.author.login if wire.author else None,
        created_at=wire.created_at,
        published_at=wire.published_at,
        untrusted=ReleaseText(
            tag=clip(wire.tag_name, NAME_BYTES),
            name=clip(wire.name or "", TITLE_BYTES),
            notes=notes,
            notes_truncated=cut,
        ),
    )

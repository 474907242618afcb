"""Reading files, trees and branches."""

import base64
import binascii
from typing import Annotated

from pydantic import BaseModel, Field, TypeAdapter

from docgen_github.errors import BadAnswer
from docgen_github.shapes import ChangedFile, ResultShape, Shape
from docgen_github.toolsets.arguments import Branch, FilePath, OptionalRef, Owner, Page, PerPage, Repo
from docgen_github.toolsets.kit import Kit
from docgen_github.translate import NAME_BYTES, TITLE_BYTES, changed_files
from docgen_github.untrusted import bounded, clip
from docgen_github.wire import Sha, WireBranch, WireFile, read_as
from docgen_github.write_policy import check_branch, check_file_path

#: Bytes of text in one answer; escaped twice they stay below the 1 MiB that clients accept.
CONTENT_BYTES = 120_000
#: Entries of a tree in one answer.
TREE_ENTRIES = 1000


class FileText(Shape):
    """Written by the people of the repository."""

    path: str
    content: str | None = Field(None, description="Null for a folder, a link, and what is not UTF-8 text.")


class FileContent(ResultShape):
    """One file of a repository."""

    repository: str
    blob_sha: str = Field(description="Id of the content in git.")
    bytes: int
    binary: bool = Field(description="True when it is not UTF-8 text; then there is no content.")
    next_offset: int | None = Field(description="Ask with this offset for what follows; null at the end.")
    untrusted: FileText


class TreeEntry(Shape):
    """One entry of a tree."""

    type: str = Field(description="blob, tree (a folder) or commit (a submodule).")
    sha: str
    bytes: int | None = None
    untrusted: FileText


class Tree(ResultShape):
    """Files and folders."""

    repository: str
    sha: str
    entries: list[TreeEntry]
    next_offset: int | None = Field(description="Ask with this offset for what follows; null at the end.")
    truncated: bool = Field(description="True when GitHub itself did not list all of it.")


class BranchText(Shape):
    """Chosen by the people of the repository."""

    name: str


class BranchEntry(Shape):
    """One branch."""

    sha: str = Field(description="Its head commit.")
    protected: bool
    untrusted: BranchText


class BranchPage(ResultShape):
    """One page of branches."""

    repository: str
    branches: list[BranchEntry]
    next_page: int | None


class CommitText(Shape):
    """Written by the author of the commit."""

    subject: str


class CommitEntry(Shape):
    """One commit."""

    sha: str
    untrusted: CommitText


class Comparison(ResultShape):
    """What one branch has that the other has not."""

    repository: str
    status: str = Field(description="identical, ahead, behind or diverged: head as seen from base.")
    ahead_by: int
    behind_by: int
    merge_base: str
    commits: list[CommitEntry] = Field(description="Of head alone, oldest first, 50 at most.")
    files: list[ChangedFile]


class _WireContent(BaseModel):
    type: str
    sha: Sha
    size: int
    content: str | None = None
    encoding: str | None = None


class _WireTreeEntry(BaseModel):
    path: str
    type: str
    sha: Sha
    size: int | None = None


class _WireTree(BaseModel):
    sha: Sha
    tree: list[_WireTreeEntry]
    truncated: bool = False


class _WireMessage(BaseModel):
    message: str


class _WireCommit(BaseModel):
    sha: Sha
    commit: _WireMessage


class _WireComparison(BaseModel):
    status: str = Field(pattern=r"\A[a-z]{1,20}\z")
    ahead_by: int
    behind_by: int
    merge_base_commit: _WireCommit
    commits: list[_WireCommit]
    files: list[WireFile] = []


_CONTENT = TypeAdapter(_WireContent)
_TREE = TypeAdapter(_WireTree)
_BRANCHES = TypeAdapter(list[WireBranch])
_COMPARISON = TypeAdapter(_WireComparison)

Offset = Annotated[int, Field(description="Where to go on; `next_offset` of the answer before.", ge=0)]


def add_contents(kit: Kit) -> None:
    """Register what reads files, trees and branches."""
    _add_file(kit)
    _add_tree(kit)
    _add_branches(kit)


def _add_file(kit: Kit) -> None:
    @kit.reads("GitHub: file")
    async def github_get_file(
        owner: Owner, repo: Repo, path: FilePath, ref: OptionalRef = None, offset: Offset = 0
    ) -> FileContent:
        """Read one text file of a repository at a branch, tag or commit; long ones in parts."""
        allowed = kit.reader.allowed(owner, repo)
        what = f"that file of {allowed}"
        place = check_file_path(path)
        answer = await kit.reader.get(allowed, "contents", place, what=what, ref=ref)
        wire = read_as(_CONTENT, answer.value, what)
        raw = _decoded(wire)
        text = None if raw is None else _as_text(raw)
        part, cut = bounded((text or "")[offset:], CONTENT_BYTES)
        following = offset + len(part) if cut else None
        return FileContent(
            repository=str(allowed),
            blob_sha=wire.sha,
            bytes=wire.size,
            binary=text is None,
            next_offset=following,
            untrusted=FileText(path=clip(place, NAME_BYTES), content=None if text is None else part),
        )


def _add_tree(kit: Kit) -> None:
    @kit.reads("GitHub: tree")
    async def github_get_tree(
        owner: Owner,
        repo: Repo,
        ref: OptionalRef = None,
        recursive: Annotated[bool, Field(description="With everything in its folders.")] = False,
        offset: Offset = 0,
    ) -> Tree:
        """List the files and folders of a repository at a branch, tag or commit."""
        allowed = kit.reader.allowed(owner, repo)
        what = f"the tree of {allowed}"
        wanted = ref or await kit.reader.default_branch(allowed)
        query = {"recursive": "1"} if recursive else {}
        answer = await kit.reader.get(allowed, "git", "trees", wanted, what=what, **query)
        wire = read_as(_TREE, answer.value, what)
        page = wire.tree[offset : offset + TREE_ENTRIES]
        rest = offset + len(page) < len(wire.tree)
        return Tree(
            repository=str(allowed),
            sha=wire.sha,
            entries=[
                TreeEntry(
                    type=entry.type if entry.type in {"blob", "tree", "commit"} else "other",
                    sha=entry.sha,
                    bytes=entry.size,
                    untrusted=FileText(path=clip(entry.path, 100 if recursive else NAME_BYTES)),
                )
                for entry in page
            ],
            next_offset=offset + len(page) if rest else None,
            truncated=wire.truncated,
        )


def _add_branches(kit: Kit) -> None:
    @kit.reads("GitHub: branches")
    async def github_list_branches(
        owner: Owner, repo: Repo, page: Page = 1, per_page: PerPage = 30
    ) -> BranchPage:
        """List the branches of a repository with their head commits."""
        allowed = kit.reader.allowed(owner, repo)
        what = f"the branches of {allowed}"
        answer = await kit.reader.get(allowed, "branches", what=what, page=page, per_page=per_page)
        branches = [
            BranchEntry(
                sha=wire.commit.sha,
                protected=wire.protected,
                untrusted=BranchText(name=clip(wire.name, NAME_BYTES)),
            )
            for wire in read_as(_BRANCHES, answer.value, what)
        ]
        return BranchPage(
            repository=str(allowed), branches=branches, next_page=page + 1 if answer.next_url else None
        )

    @kit.reads("GitHub: compare branches")
    async def github_compare(owner: Owner, repo: Repo, base: Branch, head: Branch) -> Comparison:
        """Compare two branches or commits: the commits and files that head has and base has not."""
        allowed = kit.reader.allowed(owner, repo)
        what = f"the comparison in {allowed}"
        pair = f"{check_branch(base)}...{check_branch(head)}"
        wire = read_as(_COMPARISON, (await kit.reader.get(allowed, "compare", pair, what=what)).value, what)
        return Comparison(
            repository=str(allowed),
            status=wire.status,
            ahead_by=wire.ahead_by,
            behind_by=wire.behind_by,
            merge_base=wire.merge_base_commit.sha,
            commits=[
                CommitEntry(sha=one.sha, untrusted=CommitText(subject=_subject(one.commit.message)))
                for one in wire.commits[:50]
            ],
            files=changed_files(wire.files[:100]),
        )


def _subject(message: str) -> str:
    return clip(message.split("\n", 1)[0], TITLE_BYTES)


def _decoded(wire: _WireContent) -> bytes | None:
    """The bytes of a file; None for a folder, a link, a submodule, or one too large for this answer."""
    if wire.type != "file" or wire.content is None or wire.encoding != "base64":
        return None
    try:
        return base64.b64decode(wire.content, validate=False)
    except (binascii.Error, ValueError):
        raise BadAnswer("GitHub's answer holds a file that is not base64.") from None


def _as_text(raw: bytes) -> str | None:
    if b"\0" in raw:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None

"""The questions that tools, resources and checks ask; each passes the policy before the client.

An answer is checked too: when GitHub answers for another repository than the one asked for (it follows
renames in some places), that is an error and not a way around the allowlist.
"""

from collections.abc import AsyncIterator
from typing import Any, Literal

from pydantic import TypeAdapter

from docgen_github import shapes, translate
from docgen_github.client import Answer, GitHubClient
from docgen_github.errors import GitHubError, Moved, NotFound, NotPermitted
from docgen_github.flows import Flows
from docgen_github.options import GitHubOptions
from docgen_github.policy import RepositoryName
from docgen_github.wire import WireFile, WirePull, WireRepository, WireReview, WireUser, read_as

_REPOSITORY = TypeAdapter(WireRepository)
_REPOSITORIES = TypeAdapter(list[WireRepository])
_USER = TypeAdapter(WireUser)
_PULL = TypeAdapter(WirePull)
_PULLS = TypeAdapter(list[WirePull])
_REVIEWS = TypeAdapter(list[WireReview])
_FILES = TypeAdapter(list[WireFile])
_LIST: TypeAdapter[list[Any]] = TypeAdapter(list[Any])

#: Pages of 100 read of one owner's repositories.
OWNER_PAGES = 10
#: Pages of 100 read of one pull request's reviews.
REVIEW_PAGES = 3

State = Literal["open", "closed", "all"]


class GitHubReader:
    """Everything this server can read, in our shapes."""

    def __init__(self, client: GitHubClient, options: GitHubOptions, flows: Flows | None = None) -> None:
        self._client = client
        self._options = options
        self._flows = flows or Flows(options.writing)

    @property
    def client(self) -> GitHubClient:
        """What asks GitHub."""
        return self._client

    @property
    def flows(self) -> Flows:
        """What was read by whom."""
        return self._flows

    def allowed(self, owner: str, name: str) -> RepositoryName:
        """The repository, if configuration and policy let it be read; raises without sending anything."""
        self._options.require_valid()
        allowed = self._options.policy.check(owner, name)
        self._flows.note(allowed)
        return allowed

    def is_allowed(self, owner: str, name: str) -> bool:
        """Whether something that GitHub found may be shown; what is shown counts as read."""
        try:
            self.allowed(owner, name)
        except GitHubError:
            return False
        return True

    async def get(
        self, repository: RepositoryName, *path: str | int, what: str, **query: str | int | None
    ) -> Answer:
        """Ask for something below an allowed repository; arguments of the query that are None stay away."""
        given = {key: value for key, value in query.items() if value is not None}
        return await self._client.get(("repos", repository.owner, repository.name, *path), given, what=what)

    async def every(
        self, repository: RepositoryName, *path: str | int, what: str, pages: int, **query: str | int
    ) -> tuple[list[Any], bool]:
        """All entries of up to `pages` pages of 100, and whether those are all there are."""
        found: list[Any] = []
        more: str | None = None
        whole = ("repos", repository.owner, repository.name, *path)
        async for answer in self._client.walk(whole, {**query, "per_page": 100}, what=what, pages=pages):
            page = answer.value
            if isinstance(page, dict):  # check runs come in an envelope
                page = next((value for value in page.values() if isinstance(value, list)), None)
            entries: list[Any] = read_as(_LIST, page, what)
            found.extend(entries)
            more = answer.next_url
        return found, more is None

    async def is_private(self, repository: RepositoryName) -> bool:
        """Whether GitHub shows the repository to some only. Raises `GitHubError` when it cannot be told."""
        return (await self._wire(repository)).private

    async def default_branch(self, repository: RepositoryName) -> str:
        """The name of the repository's default branch."""
        return (await self._wire(repository)).default_branch

    async def pull_wire(self, repository: RepositoryName, number: int) -> WirePull:
        """One pull request as GitHub sends it."""
        what = f"pull request {repository}#{number}"
        wire = read_as(_PULL, (await self.get(repository, "pulls", number, what=what)).value, what)
        self.same(repository, wire.base.repo.full_name if wire.base.repo else "")
        return wire

    async def own_login(self) -> str | None:
        """The login of the token; None for a token of an app, which has none."""
        try:
            answer = await self._client.get(("user",), what="user of the token")
        except (NotPermitted, NotFound):
            return None
        return read_as(_USER, answer.value, "the user of the token").login

    async def _wire(self, repository: RepositoryName) -> WireRepository:
        what = f"repository {repository}"
        wire = read_as(_REPOSITORY, (await self.get(repository, what=what)).value, what)
        self.same(repository, wire.full_name)
        return wire

    async def repositories(self) -> shapes.RepositoryList:
        """The allowlist with `owner/*` resolved; an owner that fails is named and hides no other."""
        self._options.require_valid()
        policy = self._options.policy
        policy.require_any()
        found = {
            str(name).lower(): shapes.ListedRepository(full_name=str(name), allowed_by=str(name))
            for name in policy.names
        }
        incomplete: list[str] = []
        for owner in policy.owners:
            try:
                more = await self._of_owner(owner, found)
            except GitHubError as error:
                incomplete.append(f"{owner}/*: {error}")
                continue
            if more:
                incomplete.append(f"{owner}/*: only the first {OWNER_PAGES * 100} were read")
        return shapes.RepositoryList(
            repositories=[found[key] for key in sorted(found)], incomplete=incomplete
        )

    async def repository(self, owner: str, name: str) -> shapes.Repository:
        """One repository."""
        return translate.repository(await self._wire(self.allowed(owner, name)))

    async def pulls(
        self, owner: str, name: str, *, state: State, base: str | None, page: int, per_page: int
    ) -> shapes.PullPage:
        """One page of pull requests."""
        allowed = self.allowed(owner, name)
        what = f"repository {allowed}"
        query: dict[str, str | int] = {"state": state, "page": page, "per_page": per_page}
        if base:
            query["base"] = base
        answer = await self._client.get(("repos", allowed.owner, allowed.name, "pulls"), query, what=what)
        wires = read_as(_PULLS, answer.value, f"the pull requests of {allowed}")
        for wire in wires:
            self.same(allowed, wire.base.repo.full_name if wire.base.repo else "")
        return shapes.PullPage(
            repository=str(allowed),
            pulls=[translate.pull(wire) for wire in wires],
            next_page=_next_page(answer, page),
        )

    async def pull(self, owner: str, name: str, number: int) -> shapes.PullDetails:
        """One pull request with its reviews counted."""
        allowed = self.allowed(owner, name)
        what = f"pull request {allowed}#{number}"
        wire = await self.pull_wire(allowed, number)
        read, complete = await self.every(allowed, "pulls", number, "reviews", what=what, pages=REVIEW_PAGES)
        reviews = read_as(_REVIEWS, read, f"the reviews of {what}")
        counted = translate.reviews(reviews, complete=complete)
        return translate.pull_details(wire, str(allowed), counted)

    async def files(self, owner: str, name: str, number: int, *, page: int, per_page: int) -> shapes.FilePage:
        """One page of the files that a pull request changes."""
        allowed = self.allowed(owner, name)
        what = f"pull request {allowed}#{number}"
        answer = await self._client.get(
            ("repos", allowed.owner, allowed.name, "pulls", number, "files"),
            {"page": page, "per_page": per_page},
            what=what,
        )
        wires = read_as(_FILES, answer.value, f"the files of {what}")
        return shapes.FilePage(
            repository=str(allowed),
            number=number,
            files=translate.changed_files(wires),
            next_page=_next_page(answer, page),
        )

    async def _of_owner(self, owner: str, found: dict[str, shapes.ListedRepository]) -> bool:
        """Add an owner's repositories to `found`; True when there are more than are read."""
        more = None
        async for answer in self._owner_pages(owner):
            for wire in read_as(_REPOSITORIES, answer.value, f"the repositories of {owner}"):
                # the API may list repositories of others here, where the token's owner collaborates
                if wire.full_name.lower().startswith(f"{owner.lower()}/"):
                    found[wire.full_name.lower()] = translate.listed(wire, f"{owner}/*")
            more = answer.next_url
        return more is not None

    async def _owner_pages(self, owner: str) -> AsyncIterator[Answer]:
        """Pages of an organisation; else of the token's own user, private ones included; else of a user."""
        what = f"repositories of {owner}"
        try:
            async for answer in self._walk_owner(("orgs", owner, "repos"), {"type": "all"}, what):
                yield answer
        except NotFound:
            path: tuple[str, ...] = ("users", owner, "repos")
            query = {"type": "owner"}
            if await self._is_token_of(owner):
                path, query = ("user", "repos"), {"affiliation": "owner"}
            async for answer in self._walk_owner(path, query, what):
                yield answer

    def _walk_owner(self, path: tuple[str, ...], query: dict[str, str], what: str) -> AsyncIterator[Answer]:
        return self._client.walk(path, {**query, "per_page": 100}, what=what, pages=OWNER_PAGES)

    async def _is_token_of(self, owner: str) -> bool:
        if not self._client.has_token:
            return False
        return (await self.own_login() or "").lower() == owner.lower()

    def same(self, asked: RepositoryName, answered: str) -> None:
        """Raise `Moved` when GitHub answered for another repository than the one asked for."""
        if not asked.matches(answered):
            raise Moved(
                f"GitHub answers for another repository than {asked}.",
                "if it was renamed or transferred, allow its new name in "
                f"{self._options.paths.repositories} in docgen.yaml",
            )


def _next_page(answer: Answer, page: int) -> int | None:
    return page + 1 if answer.next_url else None

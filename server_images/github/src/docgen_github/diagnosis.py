"""`github_diagnose`: what the token is, may reach and lacks; `docgenctl doctor github` asks it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import Field, TypeAdapter

from docgen_github import shapes
from docgen_github.errors import GitHubError, NotFound
from docgen_github.toolsets.kit import Kit
from docgen_github.wire import WireRepository, read_as

#: Repositories that are asked for, one request each.
MOST = 20

#: What a classic token without the scope cannot do; GitHub's "Scopes for OAuth apps".
_SCOPES = (
    (("repo",), "private repositories"),
    (("repo", "public_repo"), "every change to a repository"),
    (("workflow",), "changes to files below .github/workflows"),
    (("read:org", "write:org", "admin:org"), "listing private repositories of organisations (owner/*)"),
)


class Access(shapes.Shape):
    """What the token may do with one repository that may be read by the options."""

    full_name: str
    reachable: bool
    private: bool | None = None
    push: bool | None = Field(None, description="Whether it may write; null where GitHub does not say.")
    problem: str | None = Field(None, description="Why it cannot be reached.")


class Diagnosis(shapes.Shape):
    """The token as GitHub sees it; the token itself is never shown."""

    kind: str = Field(
        description="By its prefix: none, classic, fine-grained, oauth, app-user, app-installation, unknown."
    )
    accepted: bool = Field(description="Whether GitHub answers requests with it.")
    problem: str | None = Field(description="Why not.")
    login: str | None = Field(description="Whose token it is; null for one of an app.")
    scopes: list[str] | None = Field(description="Of a classic token; others do not say.")
    expires: datetime | None
    expires_in_days: int | None
    rate: shapes.Rate | None
    missing: list[str] = Field(description="What each missing scope or right disables.")
    repositories: list[Access]
    not_asked: int = Field(description="Repositories of the allowlist that were not asked for.")


_REPOSITORY = TypeAdapter(WireRepository)


def add_diagnosis(kit: Kit) -> None:
    """Register the tool."""

    @kit.reads("GitHub: diagnose")
    async def github_diagnose() -> Diagnosis:
        """Ask GitHub about the token of this server: kind, scopes, end, rate, repositories it reaches."""
        problem = await _problem(kit)
        login = None if problem else await _login(kit)
        listed = [] if problem else [str(name) for name in kit.options.policy.names]
        access = [await _access(kit, name) for name in listed[:MOST]]
        seen, rate = kit.client.token_seen, kit.client.rate.seen
        scopes = list(seen.scopes) if seen and seen.scopes is not None else None
        expires = seen.expires if seen else None
        return Diagnosis(
            kind=kit.client.token_kind,
            accepted=problem is None,
            problem=problem,
            login=login,
            scopes=scopes,
            expires=expires,
            expires_in_days=(expires - datetime.now(UTC)).days if expires else None,
            rate=shapes.Rate(limit=rate.limit, remaining=rate.remaining, reset=rate.reset) if rate else None,
            missing=_missing(kit, scopes, access),
            repositories=access,
            not_asked=len(listed) - len(access) + len(kit.options.policy.owners),
        )


async def _problem(kit: Kit) -> str | None:
    try:
        kit.options.require_valid()
        await kit.client.get(("rate_limit",), what="rate limit")
    except NotFound:
        return None  # GitHub Enterprise may switch rate limits off
    except GitHubError as error:
        return str(error)
    return None


async def _login(kit: Kit) -> str | None:
    if not kit.client.has_token:
        return None
    try:
        return await kit.reader.own_login()
    except GitHubError:
        return None


async def _access(kit: Kit, name: str) -> Access:
    owner, _, repo = name.partition("/")
    what = f"repository {name}"
    try:
        answer = await kit.client.get(("repos", owner, repo), what=what)
        wire = read_as(_REPOSITORY, answer.value, what)
    except GitHubError as error:
        return Access(full_name=name, reachable=False, problem=str(error))
    rights = answer.value.get("permissions")
    push = rights.get("push") if isinstance(rights, dict) else None
    return Access(
        full_name=name,
        reachable=True,
        private=wire.private,
        push=push if isinstance(push, bool) else None,
    )


def _missing(kit: Kit, scopes: Sequence[str] | None, access: Sequence[Access]) -> list[str]:
    told = []
    if not kit.client.has_token:
        told.append("no token: private repositories, every change, and more than 60 requests an hour")
    if scopes is not None:
        for one_of, what in _SCOPES:
            needless = one_of[0] == "workflow" and not kit.options.writing.workflow_files
            if not needless and not {*one_of} & {*scopes}:
                told.append(f"scope {' or '.join(one_of)}: {what}")
    policy = kit.options.writing
    if policy.writes:
        writable = {str(name).lower() for name in policy.repositories.names}
        told += [
            f"write access to {one.full_name}: every change there"
            for one in access
            if one.push is False and one.full_name.lower() in writable
        ]
    return told

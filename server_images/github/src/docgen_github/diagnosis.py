"""`github_diagnose`: what the token is, may reach and lacks; `docgenctl doctor github` asks it.

Theory of operation. The rate limit is asked for first: it costs none of it, needs no right, and shows
whether GitHub is reached and takes the token. Only then come the token's user and the repositories that the
options name, within half of the requests that are left and a bound of time, and last, for a token that does
not name its rights, one request for each permission that the tools need. Nothing is asked of a GitHub that
told us to wait.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import anyio
from pydantic import Field, TypeAdapter, ValidationError

from docgen_github import shapes
from docgen_github.errors import (
    BadToken,
    EgressClosed,
    GitHubError,
    NotConfigured,
    NotFound,
    RateLimited,
    Unreachable,
)
from docgen_github.missing_rights import Access, Missing, missing_of, notes_of, probed
from docgen_github.rate import when
from docgen_github.toolsets.kit import Kit
from docgen_github.wire import WireRepository, read_as

#: Repositories that are asked for, one request each.
MOST = 20
#: Seconds GitHub has for the first answer, and for all that follow.
FIRST_S = 8.0
REST_S = 12.0


class Diagnosis(shapes.Shape):
    """The token as GitHub sees it; the token itself is never shown."""

    kind: str = Field(
        description="By its prefix: none, classic, fine-grained, oauth, app-user, app-installation, unknown."
    )
    api_host: str = Field(description="Host of the GitHub REST API.")
    egress_proxy: bool = Field(description="Whether requests go through the stack's egress proxy.")
    reached: bool | None = Field(description="Whether GitHub answered; null where it was not asked.")
    accepted: bool | None = Field(description="Whether it takes the token; null where that did not show.")
    problem: str | None = Field(description="What went wrong with the first question.")
    login: str | None = Field(description="Whose token it is; null for one of an app.")
    scopes: list[str] | None = Field(description="Of a classic token; others do not say.")
    expires: datetime | None = Field(description="null where it has no end or GitHub does not say.")
    expires_in_days: int | None
    rate: shapes.Rate | None = Field(description="null where GitHub keeps no count.")
    toolsets: list[str] = Field(description="Groups of tools that are switched on.")
    read_only: bool = Field(description="Whether nothing can be changed.")
    allowed: list[str] = Field(description="The allowlist: owner/name, or owner/* for all of an owner.")
    writable: list[str] = Field(description="Repositories that the options let be changed.")
    missing: list[Missing] = Field(description="Rights that the token lacks, and what each disables.")
    notes: list[str] = Field(description="What cannot be told, and what is as it is without a right.")
    repositories: list[Access]
    not_asked: list[str] = Field(description="Entries of the allowlist that were not asked for.")


@dataclass
class _First:
    """What the first question showed."""

    reached: bool | None = None
    accepted: bool | None = None
    problem: str | None = None
    rate: shapes.Rate | None = None

    @property
    def may_ask(self) -> bool:
        return self.problem is None and (self.rate is None or self.rate.remaining > 0)

    @property
    def most(self) -> int:
        """Repositories to ask for: never more than takes half of what is left."""
        return MOST if self.rate is None else min(MOST, self.rate.remaining // 2)


_REPOSITORY = TypeAdapter(WireRepository)
_RATE = TypeAdapter(shapes.Rate)


def add_diagnosis(kit: Kit) -> None:
    """Register the tool."""

    @kit.reads("GitHub: diagnose")
    async def github_diagnose() -> Diagnosis:
        """Ask GitHub about the token of this server: kind, scopes, end, rate, repositories it reaches."""
        first = await _first(kit)
        login: str | None = None
        access: list[Access] = []
        lacking: list[Missing] = []
        if first.may_ask:
            with anyio.move_on_after(REST_S):
                login = await _login(kit, first)
                await _reach(kit, first, access)
                lacking += await probed(kit, access)
        return _told(kit, first, login, access, lacking)


def _told(
    kit: Kit, first: _First, login: str | None, access: list[Access], lacking: list[Missing]
) -> Diagnosis:
    seen, options = kit.client.token_seen, kit.options
    scopes = list(seen.scopes) if seen and seen.scopes is not None else None
    expires = seen.expires if seen else None
    asked = {one.full_name for one in access}
    return Diagnosis(
        kind=kit.client.token_kind,
        api_host=options.host,
        egress_proxy=kit.client.proxied,
        reached=first.reached,
        accepted=first.accepted,
        problem=first.problem,
        login=login,
        scopes=scopes,
        expires=expires,
        expires_in_days=(expires - datetime.now(UTC)).days if expires else None,
        rate=first.rate,
        toolsets=sorted(options.toolsets),
        read_only=options.writing.read_only,
        allowed=list(options.policy.entries),
        writable=list(options.writing.repositories.entries),
        missing=[*missing_of(kit, scopes, access), *lacking] if first.accepted else [],
        notes=notes_of(kit, scopes) if first.accepted else [],
        repositories=access,
        not_asked=[entry for entry in options.policy.entries if entry not in asked],
    )


async def _first(kit: Kit) -> _First:
    waits = kit.client.waits_seconds
    if waits > 0:
        return _First(problem=f"GitHub's rate limit is reached; nothing is sent until {when(waits)}.")
    try:
        kit.options.require_valid()
        with anyio.fail_after(FIRST_S):
            answer = await kit.client.get(("rate_limit",), what="rate limit")
    except TimeoutError:
        return _First(reached=False, problem=f"{kit.options.host} did not answer within {FIRST_S:g} s.")
    except NotFound:
        return _First(reached=True, accepted=True)  # GitHub Enterprise may switch rate limits off
    except BadToken as error:
        # a token that could not stand in a header was never sent
        return _First(reached=kit.client.token_is_sendable or None, accepted=False, problem=str(error))
    except (EgressClosed, Unreachable) as error:
        return _First(reached=False, problem=str(error))
    except NotConfigured as error:
        return _First(problem=str(error))
    except GitHubError as error:
        return _First(reached=True, problem=str(error))
    return _First(reached=True, accepted=True, rate=_rate(kit, answer.value))


def _rate(kit: Kit, value: Any) -> shapes.Rate | None:
    """The counters of the REST API; those of the headers where the body has none."""
    resources = value.get("resources") if isinstance(value, Mapping) else None
    core = resources.get("core") if isinstance(resources, Mapping) else None
    try:
        return _RATE.validate_python(core)
    except ValidationError:
        seen = kit.client.rate.seen
        return shapes.Rate(limit=seen.limit, remaining=seen.remaining, reset=seen.reset) if seen else None


async def _login(kit: Kit, first: _First) -> str | None:
    if not kit.client.has_token:
        return None
    try:
        return await kit.reader.own_login()
    except BadToken as error:  # where rate limits are off, it shows here first
        first.accepted, first.problem = False, str(error)
    except GitHubError:
        pass
    return None


async def _reach(kit: Kit, first: _First, access: list[Access]) -> None:
    """Ask for the repositories that are named, into `access`: what came before a bound is kept."""
    if first.problem:
        return
    for name in kit.options.policy.names[: first.most]:
        what = f"repository {name}"
        try:
            answer = await kit.client.get(("repos", name.owner, name.name), what=what)
            wire = read_as(_REPOSITORY, answer.value, what)
        except RateLimited:
            return
        except GitHubError as error:
            access.append(Access(full_name=str(name), reachable=False, problem=str(error)))
            continue
        rights = answer.value.get("permissions")
        push = rights.get("push") if isinstance(rights, Mapping) else None
        access.append(
            Access(
                full_name=str(name),
                reachable=True,
                private=wire.private,
                default_branch=wire.default_branch,
                push=push if isinstance(push, bool) else None,
            )
        )

"""A key for clients: what is known of it, and the one rule for each word that people write about it.

The servers read the same words (`docgen_common.scopes` and `docgen_common.rates`); a test holds both to the
same ones.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from docgenctl.model.errors import UsageError

#: The key that docgenctl itself calls with; its value lies in the state directory.
DEFAULT_KEY = "default"

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", re.ASCII)
#: The orchestrator's keys for its servers begin so, and servers believe those whom they call for.
_RESERVED = "upstream-"
_SERVER = r"(?:\*|[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?)"
_TOOLS = r"[A-Za-z0-9_./*-]{1,128}"
_SCOPE = re.compile(rf"(?P<server>{_SERVER})(?:/{_TOOLS})?(?::read)?", re.ASCII)
_TOOL_NAMES = re.compile(_TOOLS, re.ASCII)
_RATE = re.compile(r"0*[1-9][0-9]{0,8}/[smh](?: burst 0*[1-9][0-9]{0,8})?", re.ASCII)
_LONGEST_NUMBER = 9
_SPAN = re.compile(r"(?P<count>[1-9][0-9]{0,4})(?P<unit>[mhdw])", re.ASCII)
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


class KeyState(StrEnum):
    """Whether a key opens the stack."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKey:
    """One key; times are RFC 3339 in UTC. `sha256` is empty once it is revoked.

    `expires` is None for never, `rate` None for none. `tool_rates` are pairs of tool names, with `*` for any
    characters, and rates.
    """

    name: str
    sha256: str
    created: str
    scopes: tuple[str, ...] = ("*",)
    expires: str | None = None
    rate: str | None = None
    tool_rates: tuple[tuple[str, str], ...] = ()
    revoked: str | None = None

    def state(self, now: datetime) -> KeyState:
        """What it is at `now`; from the instant of its expiry on it is expired."""
        if self.revoked is not None:
            return KeyState.REVOKED
        ends = datetime.fromisoformat(self.expires) if self.expires else None
        return KeyState.EXPIRED if ends is not None and now >= ends else KeyState.ACTIVE


def check_key_name(name: str) -> str:
    """The name if a new key may have it. Raises UsageError."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a key",
            hint="write 1 to 32 of a-z, 0-9 and -, with no - at the ends",
        )
    if name.startswith(_RESERVED) or name == DEFAULT_KEY:
        raise UsageError(f"the name {name} is docgenctl's own", hint="take another one")
    return name


def check_scope(scope: str) -> str:
    """The scope if it is one. Raises UsageError."""
    if not _SCOPE.fullmatch(scope):
        raise UsageError(
            f"{scope!r} is not a scope",
            hint="write a server (main), some of its tools (github/github_get_*) or * for every server, "
            "with :read behind it for what only reads",
        )
    return scope


def scope_server(scope: str) -> str:
    """The server that a scope is about, `*` for every one."""
    found = _SCOPE.fullmatch(scope)
    return found["server"] if found else ""


def check_rate(rate: str) -> str:
    """The rate if it is one. Raises UsageError."""
    numbers = re.findall(r"[0-9]+", rate)
    if not _RATE.fullmatch(rate) or any(len(number) > _LONGEST_NUMBER for number in numbers):
        raise UsageError(f"{rate!r} is not a rate", hint="write 10/s, 600/m, 100/h or '5/s burst 20'")
    return rate


def read_tool_rate(text: str) -> tuple[str, str]:
    """Tool names and rate of `github_*=5/m`. Raises UsageError."""
    names, equals, rate = text.partition("=")
    if not equals or not _TOOL_NAMES.fullmatch(names):
        raise UsageError(f"{text!r} is not a tool's rate", hint="write github_*=5/m, or one tool's name")
    return names, check_rate(rate)


def read_expiry(text: str, now: datetime) -> str:
    """When a key ends, RFC 3339 in UTC: after a span (`30d`), with a day (`2027-01-31`), or at an instant.

    Raises UsageError for anything else, and for what is past.
    """
    span = _SPAN.fullmatch(text)
    try:
        ends = now + int(span["count"]) * _UNITS[span["unit"]] if span else _instant(text)
        told = ends.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} does not say when a key ends",
            hint="write a span (30d, 12h), a day (2027-01-31) or an instant (2027-01-31T12:00:00Z)",
        ) from None
    if ends <= now:
        raise UsageError(f"a key that ends at {told} would never have been valid", hint="write a later time")
    return told


def _instant(text: str) -> datetime:
    """A day means its end in UTC. Raises ValueError, also for an instant without a time zone."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        day = datetime.fromisoformat(text).date()
        return datetime.combine(day + timedelta(days=1), time(), UTC)
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("it has no time zone")
    return instant

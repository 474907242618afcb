"""What is known of a token without showing it: its kind, scopes and end.

Kinds are told by GitHub's prefixes ("Behind GitHub's new authentication token formats"). Classic tokens name
their scopes in `X-OAuth-Scopes`; fine-grained ones and those of apps do not say what they may do.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

_KINDS = {
    "github_pat_": "fine-grained",
    "ghp_": "classic",
    "gho_": "oauth",
    "ghu_": "app-user",
    "ghs_": "app-installation",
}
_SCOPE = re.compile(r"[a-z_]{1,30}(?::[a-z_]{1,30})?")


@dataclass(frozen=True)
class TokenSeen:
    """`scopes` is None where the token does not name any; `expires` None where it has no end or hides it."""

    scopes: tuple[str, ...] | None
    expires: datetime | None


def kind_of(token: str | None) -> str:
    """`none`, the kind that the prefix says, or `unknown`."""
    if not token:
        return "none"
    return next((kind for prefix, kind in _KINDS.items() if token.startswith(prefix)), "unknown")


def seen_token(headers: Mapping[str, str], before: TokenSeen | None) -> TokenSeen | None:
    """What an answer says of the token; `before` where it says nothing."""
    named = headers.get("x-oauth-scopes")
    expires = _moment(headers.get("github-authentication-token-expiration", ""))
    if named is None and expires is None:
        return before
    scopes = None
    if named is not None:
        words = [word.strip() for word in named.split(",")]
        scopes = tuple(word for word in words if _SCOPE.fullmatch(word))
    return TokenSeen(scopes, expires)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip().replace("UTC", "+0000"), "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
    except ValueError:
        return None

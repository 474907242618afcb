"""API keys: how they are made, recognised and written down for the servers that check them."""

import hashlib
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from docgenctl.model.secret import Secret

#: The prefix lets secret scanners find a key that was pasted somewhere it should not be.
KEY_PREFIX = "dgk_"
_KEY_BYTES = 32
_KEY = re.compile(re.escape(KEY_PREFIX) + r"[A-Za-z0-9_-]{43}", re.ASCII)
# 43 random characters of 64 have fewer than 12 different ones once in 10**20 keys; typed ones often do.
_FEWEST_DIFFERENT_CHARACTERS = 12


def new_api_key() -> Secret:
    """A fresh key: `dgk_` and 43 url-safe base64 characters from 256 random bits."""
    return Secret(KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES))


def is_api_key(secret: Secret) -> bool:
    """Whether it looks like a key made by `new_api_key`, rather than an example that somebody typed."""
    try:
        text = secret.reveal()
    except UnicodeDecodeError:
        return False
    if _KEY.fullmatch(text) is None:
        return False
    return len(set(text.removeprefix(KEY_PREFIX))) >= _FEWEST_DIFFERENT_CHARACTERS


def hash_key(key: Secret) -> str:
    """SHA-256 of the key in hex. A plain hash is enough for 256 random bits: there is nothing to guess."""
    return hashlib.sha256(key.reveal_bytes()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """One key as a server knows it; times are RFC 3339 in UTC, `expires` is None for never.

    `rate` and `tool_rates` are as in `ClientKey`.
    """

    id: str
    sha256: str
    created: str
    scopes: tuple[str, ...] = ("*",)
    expires: str | None = None
    rate: str | None = None
    tool_rates: tuple[tuple[str, str], ...] = ()


def api_keys_document(entries: Iterable[KeyEntry]) -> bytes:
    """The api-keys.json that servers read; the same entries in any order give the same bytes."""
    keys = [
        {
            "id": entry.id,
            "sha256": entry.sha256,
            "scopes": list(entry.scopes),
            "created": entry.created,
            "expires": entry.expires,
            # Left out where there is none: what was written before there were rates stays the same.
            **({"rate": entry.rate} if entry.rate else {}),
            **({"tool_rates": dict(entry.tool_rates)} if entry.tool_rates else {}),
        }
        for entry in sorted(entries, key=lambda entry: (entry.id, entry.sha256))
    ]
    return (json.dumps({"version": 1, "keys": keys}, indent=2) + "\n").encode()

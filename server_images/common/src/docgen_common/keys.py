"""The API keys that open a server: read from ``api-keys.json``, kept as hashes, replaced without a restart.

``{"version": 1, "keys": [{"id": …, "sha256": …, "scopes": […], "created": …, "expires": … or null}]}``

A key may also have a ``rate`` (``"10/s"``), and ``tool_rates`` (``{"github_*": "5/m"}``, a rate for each tool
of such a name). What is left out is not limited, and ``scopes`` left out are ``["*"]``.

The folder is a versioned one behind a ``current`` link. Each look opens the folder once and reads from that
descriptor, so a switch of the link in between cannot mix two versions. A file that became unreadable keeps
the last good keys (and is reported): a slip while rotating must not lock everybody out, and a removed key is
removed by a readable file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from docgen_common.errors import SettingsError
from docgen_common.rates import Rate
from docgen_common.scopes import Grants, name_pattern

FILE_NAME = "api-keys.json"
_LOOK_EVERY_SECONDS = 0.4
_MAX_FILE_BYTES = 1024 * 1024
_HASH = re.compile(r"[0-9a-f]{64}")
_log = logging.getLogger(__name__)

_WELL_KNOWN = (
    *(
        "",
        "admin",
        "api-key",
        "apikey",
        "api_key",
        "changeme",
        "change-me",
        "change_me",
        "default",
        "demo",
        "dev",
    ),
    *(
        "development",
        "docgen",
        "docgenctl",
        "dgk_",
        "dgk_changeme",
        "dgk_example",
        "example",
        "insecure",
        "key",
    ),
    *("letmein", "mcp", "mcp-key", "none", "null", "password", "placeholder", "root", "secret", "secret-key"),
    *(
        "supersecret",
        "test",
        "test-key",
        "token",
        "your-api-key",
        "your_api_key",
        "your-key-here",
        "xxx",
        "12345",
    ),
)
_WELL_KNOWN_HASHES = frozenset(hashlib.sha256(value.encode()).hexdigest() for value in _WELL_KNOWN)


@dataclass(frozen=True)
class ApiKey:
    """One accepted key: its public id, the SHA-256 of its value (hex), what it may do, how often, how long.

    ``tool_rates`` are by patterns of tool names, each for every single tool. ``grants`` are what ``scopes``
    give. Raises ValueError for scopes that are none.
    """

    id: str
    sha256: str
    scopes: tuple[str, ...] = ("*",)
    expires: datetime | None = None
    rate: Rate | None = None
    tool_rates: tuple[tuple[re.Pattern[str], Rate], ...] = ()
    grants: Grants = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "grants", Grants.parse(self.scopes))


def parse_keys(raw: bytes) -> tuple[ApiKey, ...]:
    """The keys in the bytes of ``api-keys.json``. Raises SettingsError, which never has a value in it."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise SettingsError(f"{FILE_NAME} is not JSON") from None
    if (
        not isinstance(document, dict)
        or document.get("version") != 1
        or not isinstance(document.get("keys"), list)
    ):
        raise SettingsError(f'{FILE_NAME} must be {{"version": 1, "keys": [...]}}')
    return tuple(_parse_key(position, item) for position, item in enumerate(document["keys"]))


def _parse_key(position: int, item: Any) -> ApiKey:
    def refuse(what: str) -> SettingsError:
        return SettingsError(f"{FILE_NAME}: keys[{position}]: {what}")

    if not isinstance(item, dict) or not isinstance(item.get("id"), str) or not item["id"]:
        raise refuse("needs an id")
    digest = item.get("sha256")
    if not isinstance(digest, str) or not _HASH.fullmatch(digest):
        raise refuse("sha256 must be 64 lower-case hexadecimal digits")
    if digest in _WELL_KNOWN_HASHES:
        raise refuse("is a well-known default value; make a random key")
    scopes, rate, by_tool = item.get("scopes", ["*"]), item.get("rate"), item.get("tool_rates", {})
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise refuse("scopes must be a list of strings")
    if not isinstance(by_tool, dict):
        raise refuse("tool_rates must be a map of tool names to rates")
    try:
        rates = tuple((name_pattern(name), Rate.parse(str(value))) for name, value in by_tool.items())
        return ApiKey(
            item["id"],
            digest,
            tuple(scopes),
            _instant(item.get("expires"), refuse),
            None if rate is None else Rate.parse(str(rate)),
            rates,
        )
    except ValueError as error:
        raise refuse(str(error)) from None


def _instant(value: Any, refuse: Callable[[str], SettingsError]) -> datetime | None:
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise refuse("expires must be an RFC 3339 time or null") from None
    if instant.tzinfo is None:
        raise refuse("expires needs a time zone")
    return instant


class KeyRing:
    """The keys in force. ``find`` looks at the file again when 0.4 s have passed since the last look.

    ``clock`` tells monotonic seconds, ``now`` the time of day, by which keys expire.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._now = now
        self._stamp: tuple[int, ...] | None = None
        self._keys: tuple[ApiKey, ...] = ()
        self._by_hash: dict[bytes, ApiKey] = {}
        self._existed = False
        self._look()
        self._looked = clock()

    @property
    def keys(self) -> tuple[ApiKey, ...]:
        """The keys in force, expired ones included."""
        return self._keys

    @property
    def enforced(self) -> bool:
        """Whether requests need a key: always, once a key file was there."""
        self.refresh()
        return self._existed

    def find(self, raw: str) -> ApiKey | None:
        """The key in force whose value is ``raw``, None when there is none or it has expired.

        Keys are looked up by the SHA-256 of what was presented. How long that takes may tell something of
        that hash, which nobody can steer without knowing a key, and nothing of how much of a guess was right:
        a guess that is nearly a key has a hash as far from the key's as any other. So it leaks no more than
        comparing every hash in constant time, which would take longer with each key.
        """
        self.refresh()
        digest = hashlib.sha256(raw.encode("utf-8", "surrogateescape")).digest()
        found = self._by_hash.get(digest)
        if found is not None and found.expires is not None and self._now() >= found.expires:
            _log.warning(
                "expired key refused",
                extra={"refused_key_id": found.id, "expired": found.expires.isoformat()},
            )
            return None
        return found

    def accepts(self, key: ApiKey) -> bool:
        """Whether a key that was found before is still in force, by the last look at the file."""
        known = self._by_hash.get(bytes.fromhex(key.sha256))
        return known is not None and (known.expires is None or self._now() < known.expires)

    def refresh(self) -> None:
        """Take over other keys if the file has some; looks at most every 0.4 s."""
        now = self._clock()
        if now - self._looked < _LOOK_EVERY_SECONDS:
            return
        self._looked = now
        try:
            self._look()
        except SettingsError as error:
            _log.error("keys kept: %s", error)

    def _look(self) -> None:
        """Read the file if it is another one than last time. Raises SettingsError when it cannot be used."""
        try:
            read = _read_if_changed(self._folder, self._stamp)
        except FileNotFoundError:
            if self._existed and self._stamp is not None:
                self._stamp = None
                _log.error("keys kept: %s is gone", FILE_NAME)
            return
        except OSError as error:
            raise SettingsError(f"{FILE_NAME} cannot be read: {error.strerror}") from None
        if read is None:
            return
        self._stamp, raw = read
        keys = parse_keys(raw)
        if self._existed:
            _log.info("keys replaced", extra={"key_count": len(keys)})
        self._by_hash = {bytes.fromhex(key.sha256): key for key in keys}
        self._keys, self._existed = keys, True


def _read_if_changed(folder: Path, stamp: tuple[int, ...] | None) -> tuple[tuple[int, ...], bytes] | None:
    """The file's new stamp and bytes, or None when it is the one of ``stamp``."""
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        descriptor = os.open(FILE_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=directory)
    finally:
        os.close(directory)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        new = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
        return None if new == stamp else (new, file.read(_MAX_FILE_BYTES))

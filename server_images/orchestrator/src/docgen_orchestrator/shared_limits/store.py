"""The store of rates, a Valkey: one script judges all buckets that are asked for, by Valkey's own clock.

A bucket is a hash of three numbers: its level, when that was (microseconds since 1970), and what a token
costs. As in ``docgen_common.rates`` levels are whole numbers: a token costs as many units as its rate's
period has microseconds, and each microsecond adds ``count``. They are exact up to 2**53; beyond that (bursts
of more than two million an hour) they are rounded by less than a millionth of a token. A full bucket is as
good as none, so its key expires when it is full. A clock that is set back gives and takes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from docgen_common.rates import BucketName

from docgen_orchestrator.shared_limits.leases import Answer, Ask

if TYPE_CHECKING:
    from valkey.asyncio import Valkey

USER = "orchestrator"
ANSWER_SECONDS = 0.5
"""How long the store may take to answer before it counts as away."""

_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local told = {}
for i = 1, #KEYS do
  local o = (i - 1) * 7
  local count, cost = tonumber(ARGV[o + 1]), ARGV[o + 2] * 1000000
  local full = ARGV[o + 3] * cost
  local need, extra = tonumber(ARGV[o + 4]), tonumber(ARGV[o + 5])
  local kept = redis.call('HMGET', KEYS[i], 'level', 'seen', 'cost')
  local level = full
  if kept[1] then
    level = tonumber(kept[1])
    if tonumber(kept[3]) ~= cost then level = math.floor(level / kept[3]) * cost end
    if now > tonumber(kept[2]) then level = level + (now - kept[2]) * count end
  end
  level = math.min(full, level + ARGV[o + 6] * cost)
  level = math.max(0, level - ARGV[o + 7] * cost)
  local there = math.floor(level / cost)
  local granted = math.min(there, need)
  granted = granted + math.min(extra, math.floor((there - granted) / 8))
  level = level - granted * cost
  local until_full = math.ceil((full - level) / count)
  redis.call('HSET', KEYS[i], 'level', string.format('%.0f', level), 'seen', string.format('%.0f', now),
    'cost', string.format('%.0f', cost))
  redis.call('PEXPIRE', KEYS[i], math.ceil(until_full / 1000) + 1)
  local until_next = math.max(0, math.ceil((cost - level) / count))
  told[#told + 1] = granted
  told[#told + 1] = math.floor(level / cost)
  told[#told + 1] = until_next
  told[#told + 1] = until_full
end
return told
"""
_SHA = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()


class StoreAwayError(Exception):
    """The store does not answer, or not as it should; the message says how, and no secret."""


class CountingStore(Protocol):
    """Who judges buckets for all orchestrators."""

    async def count(self, asks: Sequence[Ask]) -> Sequence[Answer]:
        """An answer for each, all of them judged at once. Raises StoreAwayError."""

    async def greet(self) -> None:
        """Raises StoreAwayError unless it answers."""

    async def close(self) -> None:
        """Let go of the connection."""


class ValkeyStore:
    """The store at a host and port; ``password`` says each time it is opened with which, which may change."""

    def __init__(self, host: str, port: int, password: Callable[[], str | None]) -> None:
        self._address = (host, port)
        self._password = password
        self._client: Valkey | None = None

    async def count(self, asks: Sequence[Ask]) -> list[Answer]:
        """As ``CountingStore``."""
        keys = [key_of(ask.name) for ask in asks]
        numbers = [number for ask in asks for number in _numbers(ask)]
        told = await self._told(keys, numbers)
        try:
            found = [Answer(*(int(number) for number in told[i : i + 4])) for i in range(0, len(told), 4)]
        except (TypeError, ValueError):
            found = []
        if len(found) != len(asks):
            raise StoreAwayError("it answers something else")
        return found

    async def greet(self) -> None:
        """As ``CountingStore``."""
        await self._look_up()
        await self._command("PING")

    async def close(self) -> None:
        """As ``CountingStore``."""
        if self._client is not None:
            client, self._client = self._client, None
            with contextlib.suppress(Exception):
                await client.aclose()

    async def _look_up(self) -> None:
        """Find the store's name, which is gone with its container, and whose look-up may then take long.

        Opening a connection looks it up too; but uvloop does not end that look-up with it, and writes each
        that fails later into the log, as an exception that nobody fetched.
        """
        host, port = self._address
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await asyncio.get_running_loop().getaddrinfo(host, port)
        except (OSError, TimeoutError) as error:
            raise StoreAwayError(_told(error)) from None

    async def _told(self, keys: Sequence[bytes], numbers: Sequence[int]) -> Any:
        from valkey.exceptions import NoScriptError

        try:
            return await self._command("EVALSHA", _SHA, len(keys), *keys, *numbers)
        except NoScriptError:  # it was started anew
            return await self._command("EVAL", _SCRIPT, len(keys), *keys, *numbers)

    async def _command(self, *words: str | bytes | int) -> Any:
        from valkey.exceptions import NoScriptError, ValkeyError

        client = self._client = self._client or self._open()
        try:
            async with asyncio.timeout(2 * ANSWER_SECONDS):  # with the time to connect
                return await client.execute_command(*words)  # type: ignore[no-untyped-call]
        except NoScriptError:
            raise
        except (ValkeyError, OSError, TimeoutError) as error:
            await self.close()  # what is left of it, or its password, may be of yesterday
            raise StoreAwayError(_told(error)) from None

    def _open(self) -> Valkey:
        # Not at the top: it is not small, and without a store nobody needs it.
        from valkey.asyncio import Valkey

        host, port = self._address
        password = self._password()
        return Valkey(
            host=host,
            port=port,
            username=USER if password else None,
            password=password,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            lib_name=None,
            lib_version=None,
            max_connections=2,
        )


def key_of(name: BucketName) -> bytes:
    """The store's key of a bucket. Neither part of a name ends with a NUL, so no two names are one key."""
    return b"rate:" + "\0".join(name).encode()


def _numbers(ask: Ask) -> tuple[int, ...]:
    rate = ask.rate
    return rate.count, rate.per_s, rate.burst, ask.need, ask.extra, ask.back, ask.owed


def _told(error: Exception) -> str:
    """What happened, in one short line."""
    words = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__

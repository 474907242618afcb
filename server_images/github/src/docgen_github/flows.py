"""Keeps what was read in private repositories from being written into others.

An issue may tell a model to fetch something private and to put it where the author of the issue can read it.
So it is remembered which key read which repository when, and before a write into another repository GitHub
is asked which of those are private. Asking only then costs reads nothing; where the answer cannot be had, the
repository counts as private. The note outlives the process in the scratch folder, so that a crash forgets
nothing.
"""

import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
from docgen_common.auth import current_caller

from docgen_github.errors import GitHubError, NotByPolicy
from docgen_github.policy import RepositoryName
from docgen_github.write_policy import WritePolicy

#: Repositories remembered of one key; reading more than these within the time forbids writing elsewhere.
MOST = 500
_ALL = "*"

IsPrivate = Callable[[RepositoryName], Awaitable[bool]]
_log = structlog.stdlib.get_logger("docgen.github")


class Flows:
    """Who read which repository, when."""

    def __init__(
        self,
        policy: WritePolicy,
        folder: Path | None = None,
        *,
        caller: Callable[[], str | None] = current_caller,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._policy = policy
        self._file = folder / "read-repositories.json" if folder else None
        self._caller = caller
        self._clock = clock
        self._read: dict[str, dict[str, float]] = self._load()

    def note(self, repository: RepositoryName) -> None:
        """The caller is about to read something in this repository."""
        if not self._policy.writes or not self._policy.flow_s:
            return
        now = self._clock()
        mine = self._read.setdefault(self._who(), {})
        for old in [name for name, at in mine.items() if at < now - self._policy.flow_s]:
            del mine[old]
        name = str(repository).lower()
        fresh = name not in mine
        mine[name if len(mine) < MOST or not fresh else _ALL] = now
        if fresh or now - self._saved > 60:
            self._save(now)

    async def check(self, target: RepositoryName, is_private: IsPrivate) -> None:
        """Raise `NotByPolicy` when the caller lately read a private repository other than this one."""
        since = self._clock() - self._policy.flow_s
        written = str(target).lower()
        seen = dict(self._read.get(self._who(), {}))
        seen.setdefault(_ALL, self._forgotten_at)
        for read, at in seen.items():
            if at < since or read == written or self._policy.may_follow(read, written):
                continue
            if read == _ALL or await self._private(read, is_private):
                raise NotByPolicy(
                    f"This key read another private repository less than {self._policy.flow_s / 60:g} "
                    f"minutes ago, so it may not write into {target} now.",
                    "wait, use another key, or allow it in "
                    f"{self._policy.paths.option('flows')} in docgen.yaml",
                )

    async def _private(self, read: str, is_private: IsPrivate) -> bool:
        owner, _, name = read.partition("/")
        try:
            return await is_private(RepositoryName(owner, name))
        except GitHubError:
            return True

    def _who(self) -> str:
        return self._caller() or ""

    def _load(self) -> dict[str, dict[str, float]]:
        self._saved, self._forgotten_at = 0.0, float("-inf")
        if self._file is None:
            return {}
        try:
            found = json.loads(self._file.read_text())
            return {str(who): {str(k): float(v) for k, v in read.items()} for who, read in found.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError):
            _log.warning("what was read before is not known; it counts as private")
            self._forgotten_at = self._clock()
            return {}

    def _save(self, now: float) -> None:
        self._saved = now
        if self._file is None:
            return
        beside = self._file.with_suffix(".new")
        with contextlib.suppress(OSError):
            beside.write_text(json.dumps(self._read))
            beside.replace(self._file)

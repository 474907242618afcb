"""What was spent, day by day (UTC), in files that outlive the process.

Theory of operation. Before a request goes out, the most that it can cost is written down and counts as
spent; afterwards what it did cost takes its place. Lines are only appended and synced, so a process that is
killed in between leaves the higher amount standing: a day's budget is never exceeded, however often the
server restarts. A torn last line is the beginning of a request that never went out, or of a settlement that
is not counted.
"""

import json
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from docgen_main.language_models.failures import ModelError

DAYS_KEPT = 62


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Reservation:
    """The right to spend up to `usd`, noted on `day` under `id`."""

    day: str
    id: str
    usd: float


class Ledger:
    """The spending of all documents. `per_day_usd` is the most of one day; None is without a limit."""

    def __init__(
        self, folder: Path, per_day_usd: float | None, *, now: Callable[[], datetime] = _now
    ) -> None:
        self._folder = folder
        self._per_day_usd = per_day_usd
        self._now = now
        self._lock = anyio.Lock()
        self._day = ""
        self._open: dict[str, float] = {}
        self._settled_usd = 0.0

    async def reserve(self, usd: float, model: str) -> Reservation:
        """Set `usd` aside. Raises `ModelError` if the day's budget does not hold it or it cannot be noted."""
        async with self._lock:
            await self._turn_to_today()
            if self._per_day_usd is not None and self._spent() + usd > self._per_day_usd:
                raise ModelError("the day's budget is used up", blames_provider=False)
            reservation = Reservation(self._day, uuid.uuid4().hex, usd)
            await self._append(
                {"id": reservation.id, "reserved_usd": usd, "model": model, "at": self._now().isoformat()}
            )
            self._open[reservation.id] = usd
            return reservation

    async def settle(self, reservation: Reservation, usd: float, tokens: tuple[int, int]) -> None:
        """Put what it did cost in the reservation's place; where that cannot be noted it stays as it is."""
        async with self._lock:
            await self._turn_to_today()
            if (
                reservation.day != self._day
            ):  # it counts for the day on which it began, with all that was set aside
                return
            line = {"id": reservation.id, "spent_usd": usd, "input": tokens[0], "output": tokens[1]}
            try:
                await self._append(line)
            except ModelError:
                return
            self._open.pop(reservation.id, None)
            self._settled_usd += usd

    async def spent_today_usd(self) -> float:
        """What counts as spent today, with what is set aside."""
        async with self._lock:
            await self._turn_to_today()
            return self._spent()

    def _spent(self) -> float:
        return self._settled_usd + sum(self._open.values())

    async def _turn_to_today(self) -> None:
        today = self._now().date().isoformat()
        if today != self._day:
            self._open, self._settled_usd = await anyio.to_thread.run_sync(self._read, today)
            self._day = today

    def _read(self, day: str) -> tuple[dict[str, float], float]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._forget_old_days()
            lines = (self._folder / f"{day}.jsonl").read_bytes().splitlines()
        except FileNotFoundError:
            lines = []
        except OSError as error:
            raise ModelError(f"spending cannot be read ({error.strerror})", blames_provider=False) from None
        waiting: dict[str, float] = {}
        settled = 0.0
        for line in lines:
            entry = _parsed(line)
            if "reserved_usd" in entry:
                waiting[str(entry["id"])] = float(entry["reserved_usd"])
            elif "spent_usd" in entry and waiting.pop(str(entry["id"]), None) is not None:
                settled += float(entry["spent_usd"])
        return {}, settled + sum(waiting.values())

    def _forget_old_days(self) -> None:
        days = sorted(self._folder.glob("????-??-??.jsonl"))
        for file in days[: -DAYS_KEPT or None]:
            file.unlink(missing_ok=True)

    async def _append(self, entry: dict[str, Any]) -> None:
        # Uncancelled: a line must be whole, and what memory says must be what the file says.
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._write, json.dumps(entry) + "\n")

    def _write(self, line: str) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / f"{self._day}.jsonl").open("ab") as file:
                # After a torn line the next one begins on its own.
                begun = file.tell() > 0 and not _ends_a_line(self._folder / f"{self._day}.jsonl")
                file.write((b"\n" if begun else b"") + line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ModelError(f"spending cannot be noted ({error.strerror})", blames_provider=False) from None


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) and "id" in entry else {}

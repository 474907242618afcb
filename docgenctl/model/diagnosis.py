"""What `doctor` says: one finding a check, each with verdict, evidence and fix."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended; `unknown` always comes with the reason why it could not be told."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Repair:
    """Something that `--fix` may do: `what` says it to people, `run` does it.

    `run` raises DocgenError or OSError when it cannot be done. Doing it twice does no harm.
    """

    what: str
    run: Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one check found. `fix` is something to type or to change; `details` are further lines."""

    verdict: Verdict
    evidence: str
    fix: str = ""
    details: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An outcome with the check it is of: `area/name`."""

    area: str
    name: str
    outcome: Outcome


def ok(evidence: str, *details: str) -> Outcome:
    """Nothing to do."""
    return Outcome(verdict=Verdict.OK, evidence=evidence, details=details)


def warning(evidence: str, *details: str, fix: str = "", repairs: tuple[Repair, ...] = ()) -> Outcome:
    """Works now, and may not tomorrow or is not as safe as it could be."""
    return Outcome(verdict=Verdict.WARNING, evidence=evidence, fix=fix, details=details, repairs=repairs)


def problem(evidence: str, *details: str, fix: str = "", repairs: tuple[Repair, ...] = ()) -> Outcome:
    """A stack, or something switched on in it, cannot work, or not safely, before this is changed."""
    return Outcome(verdict=Verdict.PROBLEM, evidence=evidence, fix=fix, details=details, repairs=repairs)


def unknown(reason: str, *details: str, fix: str = "") -> Outcome:
    """It could not be told; says why."""
    return Outcome(verdict=Verdict.UNKNOWN, evidence=reason, fix=fix, details=details)

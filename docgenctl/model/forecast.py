"""What a changing command would do, in full: the result of `plan` and of every `--dry-run`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from docgenctl.model.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageForecast:
    """An image that would be built, for these services, and why."""

    reference: str
    services: tuple[str, ...]
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileForecast:
    """A file of the workspace that would be `created`, `changed` or `removed`; `diff` is a unified diff.

    That of a lock is empty: it would be hashes by the hundred.
    """

    path: str
    change: str
    diff: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PortMove:
    """A published port that moves; `old` is None for one that was not published before."""

    purpose: str
    old: int | None
    new: int
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceForecast:
    """What happens to a service.

    `action` is created, recreated, started, updated, reloaded, connected, disconnected, stopped, restarted or
    removed; `interrupts` tells whether it serves now and would not for a while.
    """

    service: str
    action: str
    cause: str
    interrupts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """All that a command would do.

    `made` are files of the state directory (keys, certificates) that would be made or renewed, `ports` all
    published ones by purpose, `findings` what is not as it should be and not ours to change, `unknown` what
    could not be foreseen, and why.
    """

    project: str
    command: str
    engine: str | None
    plan: Plan = field(default_factory=lambda: Plan(steps=()))
    images: tuple[ImageForecast, ...] = ()
    services: tuple[ServiceForecast, ...] = ()
    files: tuple[FileForecast, ...] = ()
    moves: tuple[PortMove, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    made: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether anything would be changed."""
        return bool(self.images or self.files or self.made or not self.plan.empty or self.services)

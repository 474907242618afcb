"""Notice at once when a container dies that should be starting."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from docgenctl.engine.protocol import Engine
from docgenctl.model.errors import EngineError, NotHealthyError
from docgenctl.model.observed import ContainerEvent, ObservedContainer
from docgenctl.model.plan import Plan, Verb

LOG_LINES = 20
#: Characters of a container's last line that fit into a sentence.
_LONGEST_WORDS = 200


class CrashWatch:
    """Collects the deaths of containers; those that a plan itself ends do not count."""

    def __init__(self, engine: Engine, project: str) -> None:
        self._engine = engine
        self._project = project
        self._expected: set[str] = set()
        self._died: list[ContainerEvent] = []

    def expect_ends(self, plan: Plan) -> None:
        """Containers that this plan stops or removes may die, and may have died while it was made."""
        self._expected |= {
            step.target
            for step in plan.steps
            if step.verb in (Verb.STOP_CONTAINER, Verb.REMOVE_CONTAINER) and step.target
        }

    def follow(self, events: Iterator[ContainerEvent]) -> None:
        """Read events until they end; runs in a thread of its own."""
        for event in events:
            if event.action in ("die", "oom"):
                self._died.append(event)

    def crashed(self) -> bool:
        """Whether a container died that should not have."""
        return bool(self._unexpected())

    def raise_if_crashed(self) -> None:
        """Raise NotHealthyError with exit code and last log lines of the first container that died."""
        died = self._unexpected()
        if not died:
            return
        event = next((e for e in died if e.action == "die"), died[0])
        raise NotHealthyError(
            f"{event.service} crashed while starting: it {_how(event, died)}",
            hint=f"docgenctl logs {event.service}",
            code="crashed",
            details=last_lines(self._engine, event.container_id),
        )

    def _unexpected(self) -> list[ContainerEvent]:
        return [event for event in tuple(self._died) if event.container_id not in self._expected]


@contextmanager
def watch_crashes(engine: Engine, project: str) -> Iterator[CrashWatch]:
    """A watch over the project's containers, listening from before the block until after it."""
    watch = CrashWatch(engine, project)
    with engine.events(project) as events:
        thread = threading.Thread(target=watch.follow, args=(events,), name="crash-watch", daemon=True)
        thread.start()
        yield watch


def last_lines(engine: Engine, container_id: str, *, tail: int = LOG_LINES) -> tuple[str, ...]:
    """The last lines that a container printed; none when it is gone."""
    container = engine.inspect(container_id)
    if container is None:
        return ()
    return tuple(line.text for line in engine.logs(container, tail=tail, follow=False))


def trouble_of(container: ObservedContainer, engine: Engine) -> str:
    """Why a container is not well, with its last words; empty for one that is, or was stopped on purpose.

    Asks the engine only about those that are not well.
    """
    if container.state == "running" and not container.restarts:
        return ""
    from datetime import UTC, datetime  # what status of a healthy stack need not wait for

    from docgenctl.planning.explain_end import explain_trouble

    now = datetime.now(UTC)
    if not explain_trouble(container, now):
        return ""
    try:
        words = [line.text.strip() for line in engine.logs(container, tail=1, follow=False)]
    except EngineError:  # it is being removed
        words = []
    return explain_trouble(container, now, words[-1][:_LONGEST_WORDS] if words else "")


def _how(event: ContainerEvent, died: list[ContainerEvent]) -> str:
    from docgenctl.planning.explain_end import explain_end

    oom = any(other.action == "oom" and other.container_id == event.container_id for other in died)
    return explain_end(event.exit_code or 0, oom=oom)

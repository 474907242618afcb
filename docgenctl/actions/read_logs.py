"""Logs of one, several or all services, in the order of time."""

import heapq
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

from docgenctl.actions.choose_services import chosen_services
from docgenctl.actions.open_project import OpenProject
from docgenctl.engine.protocol import Engine
from docgenctl.model.observed import LogLine, ObservedContainer
from docgenctl.planning.steps import instance_name


def read_logs(
    opened: OpenProject, engine: Engine, services: Sequence[str], *, tail: int | None, since: str = ""
) -> Iterator[LogLine]:
    """What the services printed so far, merged by time; `tail` lines of each."""
    containers = _containers(opened, engine, services)
    streams = [_lines(engine, container, tail=tail, follow=False, since=since) for container in containers]
    return heapq.merge(*streams, key=lambda line: line.time)


def follow_logs(
    opened: OpenProject, engine: Engine, services: Sequence[str], *, tail: int | None, since: str = ""
) -> Iterator[LogLine]:
    """The same, and what they print from now on, until all of them have ended or the caller stops."""
    lines: queue.SimpleQueue[LogLine | None] = queue.SimpleQueue()
    containers = _containers(opened, engine, services)

    def pump(container: ObservedContainer) -> None:
        try:
            for line in _lines(engine, container, tail=tail, follow=True, since=since):
                lines.put(line)
        finally:
            lines.put(None)

    for container in containers:
        threading.Thread(
            target=pump, args=(container,), name=f"logs-{container.service}", daemon=True
        ).start()
    open_streams = len(containers)
    while open_streams:
        line = lines.get()
        if line is None:
            open_streams -= 1
        else:
            yield line


def _lines(
    engine: Engine, container: ObservedContainer, *, tail: int | None, follow: bool, since: str
) -> Iterator[LogLine]:
    """With the name that a plan has for the container, where it is not the first of its service."""
    lines = engine.logs(container, tail=tail, follow=follow, since=since)
    if container.number == 1:
        return lines
    name = instance_name(container.service, container.number)
    return (replace(line, service=name) for line in lines)


def _containers(opened: OpenProject, engine: Engine, services: Sequence[str]) -> list[ObservedContainer]:
    observation = engine.observe(opened.project.name)
    names = chosen_services(observation, services)
    return [container for container in observation.containers if container.service in names]

"""What the tests of actions share: the stage they play on, and somebody who writes down what is said."""

import socket
from dataclasses import dataclass, field

from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.up import _Attempt
from docgenctl.actions.watch_crashes import watch_crashes
from docgenctl.model.plan import Plan
from tests.contract.fake_engine import FakeEngine


@dataclass
class Listener:
    """A reporter that remembers."""

    said: list[str] = field(default_factory=list)

    def begin(self, topic: str, subject: str, text: str) -> None:
        self.said.append(f"begin {topic} {subject}")

    def advance(self, topic: str, subject: str, text: str) -> None:
        self.said.append(f"advance {topic} {subject}: {text}")

    def done(self, topic: str, subject: str, text: str) -> None:
        self.said.append(f"done {topic} {subject}: {text}")

    def failed(self, topic: str, subject: str, text: str) -> None:
        self.said.append(f"failed {topic} {subject}: {text}")

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.said.append(f"Warning: {text}")


@dataclass
class Stage:
    """A project and an engine for it."""

    opened: OpenProject
    engine: FakeEngine
    listener: Listener = field(default_factory=Listener)

    def decide_and_do(self) -> Plan:
        """The part of `up` before it waits: no server listens behind an engine in memory."""
        with watch_crashes(self.engine, self.opened.project.name) as crashes:
            attempt = _Attempt(self.opened, self.engine, self.listener, rebuild=False, recreate=frozenset())
            return attempt.run(crashes)[1]


def free_range(length: int = 3) -> str:
    """A few neighbouring ports of 127.0.0.1 that nobody holds."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = int(probe.getsockname()[1])
        if first + length < 65_536 and all(can_bind(first + n) for n in range(length)):
            return f"{first}-{first + length - 1}"


def can_bind(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

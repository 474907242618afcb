"""A plan: the printable steps from what is to what should be, each one engine call with its cause."""

from dataclasses import dataclass, field
from enum import StrEnum


class Verb(StrEnum):
    """What one step does; each maps to one call of the engine protocol.

    Some map to a named few: a reload checks, switches and confirms, `admit` waits until a further container
    of a service is healthy before callers reach it, and `drain` until they have left it.
    """

    CREATE_NETWORK = "create network"
    REMOVE_NETWORK = "remove network"
    CREATE_VOLUME = "create volume"
    FILL_VOLUME = "fill volume"
    REMOVE_VOLUME = "remove volume"
    CREATE_CONTAINER = "create container"
    START_CONTAINER = "start container"
    UPDATE_CONTAINER = "update container"
    CONNECT_NETWORK = "connect"
    DISCONNECT_NETWORK = "disconnect"
    RELOAD_CONTAINER = "reload"
    ADMIT_CONTAINER = "admit"
    DRAIN_CONTAINER = "drain"
    STOP_CONTAINER = "stop container"
    REMOVE_CONTAINER = "remove container"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One engine call.

    `subject` is what users call the thing (a service's name, a network's or volume's key); `target` is
    the engine's id or name where the thing already exists; `needs` are ids of steps to finish before.
    Where a running container is put on a network or taken off one, `network` is that one: its key when it
    is put there, the engine's name when it is taken off. `service` and `number` tell which container of
    which service a step is about.
    """

    id: str
    verb: Verb
    subject: str
    cause: str
    target: str = ""
    needs: frozenset[str] = field(default_factory=frozenset)
    network: str = ""
    service: str = ""
    number: int = 1

    def __str__(self) -> str:
        return f"{self.verb} {self.object} ({self.cause})"

    @property
    def object(self) -> str:
        """The subject, and the network that it is put on or taken off."""
        if not self.network:
            return self.subject
        preposition = "from" if self.verb is Verb.DISCONNECT_NETWORK else "to"
        return f"{self.subject} {preposition} network {self.network}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps in an order in which they may run one after the other."""

    steps: tuple[Step, ...]

    @property
    def empty(self) -> bool:
        """Nothing to do."""
        return not self.steps

    def touching(self, verb: Verb) -> tuple[str, ...]:
        """Subjects of all steps with that verb, in order."""
        return tuple(step.subject for step in self.steps if step.verb is verb)

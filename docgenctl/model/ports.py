"""Host ports and subnets: who holds one, why one was chosen, and what stood in the way of another."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PortHolder:
    """Who listens on a host port, as far as the system tells.

    `pid` is 0 and `program` empty where the process belongs to somebody else and the kernel keeps it to
    itself; `user` is known even then. `container` and `project` are set when a container publishes the port.
    """

    port: int
    address: str = ""
    pid: int = 0
    program: str = ""
    user: str = ""
    container: str = ""
    project: str = ""

    def __str__(self) -> str:
        if self.container:
            return f"container {self.container}" + (f" of {self.project}" if self.project else "")
        if self.pid:
            return f"{self.program or 'a process'} (pid {self.pid}, {self.user})"
        if self.user:
            return f"a process of {self.user}"
        return "another process"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSubstitution:
    """A purpose that did not get the port it would have got: the remembered one, or its range's first.

    `beside` names the purpose of this stack that has that port; empty when somebody else holds it, who is
    `holder` as far as the system tells.
    """

    purpose: str
    port: int
    instead_of: int
    remembered: bool
    beside: str = ""
    holder: PortHolder | None = None

    def __str__(self) -> str:
        first = "remembered" if self.remembered else "first"
        who = f"this stack's {self.beside}" if self.beside else str(self.holder or "another process")
        return f"{self.purpose} takes port {self.port}: its {first} choice {self.instead_of} is held by {who}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetMove:
    """A network that does not keep its remembered subnet, and what it makes way for."""

    network: str
    subnet: str
    instead_of: str
    cause: str

    def __str__(self) -> str:
        return f"{self.network} moves from {self.instead_of} to {self.subnet}: {self.cause}"

"""Let callers reach one more container of a service, and leave one that goes, without one of them noticing.

Theory of operation. The gateway finds orchestrators by name on a network that they share, and believes in a
new one before it has asked it anything. So a further container is started off that network, its own health
check is run until it passes, and only then it is put there. One that goes is first taken out of the gateway's
choice through HAProxy's runtime socket, and stopped when the last request has left it. The gateway uses the
place of such a one again only when told so, once its address has gone from the name.
"""

import time

from docgenctl.actions.watch_crashes import last_lines
from docgenctl.engine.protocol import Engine
from docgenctl.model.blueprint import CONFIG_TARGET
from docgenctl.model.errors import EngineError, NotHealthyError
from docgenctl.model.stack import Service, Stack

#: How long a further container may take until its own check passes.
PATIENCE_S = 120.0
_POLL_S = 0.2
_CONTROL = ("bash", f"{CONFIG_TARGET}/current/control.bash")


def admit(engine: Engine, stack: Stack, service: Service, container_id: str, network: str) -> None:
    """Put a container on the network where callers find it, once it is healthy.

    Raises NotHealthyError when it ends, or is not healthy in time; nobody has reached it then.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not _is_healthy(engine, service, container_id):
        container = engine.inspect(container_id)
        gone = container is None or container.state not in ("running", "restarting")
        if gone or time.monotonic() > deadline:
            raise NotHealthyError(
                f"a further {service.name} {'ended' if gone else 'is not healthy'}; others serve as before",
                hint=f"docgenctl logs {service.name}; docgenctl scale {service.name}=1 gives it up",
                code="not_in_time",
                details=last_lines(engine, container_id),
            )
        time.sleep(_POLL_S)
    release(engine, stack)
    engine.connect_network(container_id, service, network, stack)


def _is_healthy(engine: Engine, service: Service, container_id: str) -> bool:
    try:
        return engine.execute(container_id, service.health_check.command).exit_code == 0
    except EngineError:  # it is being started again
        return False


def drain(engine: Engine, stack: Stack, service: Service, container_id: str) -> None:
    """Send nobody new to a container, and wait for those who are with it, ten seconds at most."""
    container = engine.inspect(container_id)
    address = container.networks.get(stack.network(service.admitted_on).name) if container else None
    if address:
        _control(engine, stack, "drain", address)


def release(engine: Engine, stack: Stack) -> None:
    """Let the gateway use the places of drained containers again; five seconds at most."""
    _control(engine, stack, "release")


def _control(engine: Engine, stack: Stack, *words: str) -> None:
    """A gateway that does not run has no callers to be careful with."""
    gateway = engine.observe(stack.project).container("gateway")
    if gateway is not None and gateway.state == "running":
        engine.execute(gateway.id, (*_CONTROL, *words))

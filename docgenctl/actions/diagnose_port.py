"""Who holds a port, and what can be done about it."""

from collections.abc import Iterable
from dataclasses import dataclass

from docgenctl.actions.find_port_holders import find_port_holders
from docgenctl.engine.protocol import Engine
from docgenctl.host.ports import probing
from docgenctl.model.ports import PortHolder


@dataclass(frozen=True, kw_only=True)
class PortDiagnosis:
    """What was found about `address:port`. `fix` is something to type; empty when nothing is to be done."""

    address: str
    port: int
    free: bool
    holder: PortHolder | None
    evidence: str
    fix: str = ""


def diagnose_ports(
    ports: Iterable[int], address: str, engine: Engine | None, *, project: str = ""
) -> tuple[PortDiagnosis, ...]:
    """One diagnosis a port; `project` is the stack that may hold it. Without an engine, processes only."""
    wanted = tuple(ports)
    with probing(address) as can_bind:
        free = {port: can_bind(port) for port in wanted}
    holders = find_port_holders(wanted, engine)
    return tuple(_diagnosis(address, port, holders.get(port), project, free=free[port]) for port in wanted)


def _diagnosis(
    address: str, port: int, holder: PortHolder | None, project: str, *, free: bool
) -> PortDiagnosis:
    evidence, fix = _told(address, port, holder, project, free=free)
    return PortDiagnosis(address=address, port=port, free=free, holder=holder, evidence=evidence, fix=fix)


def _told(address: str, port: int, holder: PortHolder | None, project: str, *, free: bool) -> tuple[str, str]:
    if holder and holder.container:
        if holder.project == project and project:
            return f"this stack publishes it, by container {holder.container}", ""
        stop = f"docker stop {holder.container}"
        if holder.project:
            stop = f"docker compose -p {holder.project} stop"
        return f"{holder} publishes it", stop
    if free:
        if holder is None:
            return "nobody listens on it", ""
        return f"{holder} listens on it at {holder.address}, which leaves {address} free", ""
    if holder is None:
        return (
            "it cannot be bound and nobody listens on it: a socket that is bound without listening, an"
            " outgoing connection, or a process outside of this network namespace holds it",
            f"sudo ss -anp 'sport = :{port}'",
        )
    if holder.pid:
        return f"{holder} listens on it", f"kill {holder.pid}"
    return (
        f"{holder} listens on it; the system does not tell which, because it belongs to another user",
        f"sudo ss -ltnp 'sport = :{port}'",
    )

"""Which host port each purpose has, out of which range, who chose it, and who holds it now."""

from collections.abc import Mapping
from dataclasses import dataclass

from docgenctl.actions.find_port_holders import find_port_holders
from docgenctl.actions.open_project import OpenProject
from docgenctl.engine.protocol import Engine
from docgenctl.host.ports import probing
from docgenctl.model.ports import PortHolder
from docgenctl.model.setting_values import PortRange
from docgenctl.model.state import State, SubstitutedPort
from docgenctl.planning.resolve_servers import resolve_servers, wanted_ports
from docgenctl.state.store import StateStore


@dataclass(frozen=True, kw_only=True)
class PortRow:
    """One purpose. `port` is the remembered one, else the one that `up` would take now, 0 when none is free.

    `chosen_by` is where the range comes from: `default`, `docgen.yaml:4`, `environment MAIN_MCP_PORT_RANGE`.
    `remembered` tells that an earlier command took this port. `instead_of` is why it is not the first
    choice. `usable` is whether `up` would get it now.
    """

    purpose: str
    address: str
    port: int
    range: PortRange
    chosen_by: str
    remembered: bool
    usable: bool
    instead_of: SubstitutedPort | None = None
    holder: PortHolder | None = None

    @property
    def used_by_us(self) -> bool:
        """Whether this stack's own gateway holds it."""
        return self.usable and self.holder is not None


def list_ports(opened: OpenProject, engine: Engine | None) -> tuple[PortRow, ...]:
    """One row for every purpose of the configured stack, sorted; writes nothing.

    Without an engine, or with one that does not answer, holders are told as processes only.
    """
    settings = opened.configuration.settings
    state = StateStore(opened.state_dir).read()
    wanted = wanted_ports(settings, resolve_servers(settings, opened.facts))
    with probing(settings.ports.bind) as can_bind:
        ports = {
            purpose: _remembered(purpose, range_, state)
            or next((port for port in range(range_.first, range_.last + 1) if can_bind(port)), 0)
            for purpose, range_ in wanted.items()
        }
        free = {port: can_bind(port) for port in ports.values() if port}
    holders = find_port_holders((port for port, is_free in free.items() if not is_free), engine)
    return tuple(
        PortRow(
            purpose=purpose,
            address=settings.ports.bind,
            port=port,
            range=wanted[purpose],
            chosen_by=origin_of(purpose, opened.configuration.origins),
            remembered=_remembered(purpose, wanted[purpose], state) == port != 0,
            usable=port != 0 and (free[port] or _is_ours(holders.get(port), opened)),
            instead_of=_reason(purpose, port, state),
            holder=holders.get(port),
        )
        for purpose, port in sorted(ports.items())
    )


def origin_of(purpose: str, origins: Mapping[str, str]) -> str:
    """Where the range of a purpose was written."""
    if purpose == "orchestrator":
        return origins.get("ports/orchestrator", "default")
    key = f"servers/{purpose}/port"
    if purpose.endswith("_health") and key not in origins:
        key = f"servers/{purpose.removesuffix('_health')}/health_port"
    return origins.get(key, "default")


def _remembered(purpose: str, range_: PortRange, state: State) -> int:
    port = state.ports.get(purpose, 0)
    return port if range_.first <= port <= range_.last else 0


def _reason(purpose: str, port: int, state: State) -> SubstitutedPort | None:
    reason = state.substituted_ports.get(purpose)
    return reason if reason is not None and reason.port == port else None


def _is_ours(holder: PortHolder | None, opened: OpenProject) -> bool:
    return holder is not None and holder.project == opened.project.name

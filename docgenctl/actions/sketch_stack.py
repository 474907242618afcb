"""The stack as it is configured, from what is remembered alone: nothing is chosen, written or asked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from docgenctl import __version__
from docgenctl.actions.open_engine import runs_as_processes
from docgenctl.actions.open_project import OpenProject
from docgenctl.host.workspace import service_owner
from docgenctl.model.blueprint import Blueprint
from docgenctl.model.stack import Stack
from docgenctl.model.state import State
from docgenctl.model.topology import Topology
from docgenctl.planning.assemble_stack import ImageChoice, assemble_stack, network_keys, service_names
from docgenctl.planning.choose_replicas import limits_are_shared, replicas_wanted
from docgenctl.planning.resolve_servers import resolve_servers, wanted_ports
from docgenctl.planning.trace_topology import trace_topology
from docgenctl.state.store import StateStore


@dataclass(frozen=True, kw_only=True)
class Sketch:
    """A stack with what is known of it before it runs.

    `port_words` are the ports as far as they were chosen, else their ranges; networks whose subnet was not
    chosen have none, and services no image.
    """

    blueprint: Blueprint
    stack: Stack
    state: State
    port_words: Mapping[str, str]

    @property
    def topology(self) -> Topology:
        """The picture's content."""
        allowed = {server.name: server.reachable_hosts for server in self.blueprint.servers}
        traced = trace_topology(self.stack, port_words=self.port_words, allowed=allowed)
        return replace(traced, isolates=self.blueprint.isolates)


def sketch_stack(opened: OpenProject) -> Sketch:
    """The configured stack; see the module."""
    settings = opened.configuration.settings
    state = StateStore(opened.state_dir).read()
    servers = resolve_servers(settings, opened.facts)
    wanted = wanted_ports(settings, servers)
    isolates = not runs_as_processes(opened)
    replicas = replicas_wanted(settings, state.scaled)
    shared_limits = limits_are_shared(settings, replicas, isolates=isolates)
    keys = network_keys(tuple(server.name for server in servers), shared_limits=shared_limits)
    blueprint = Blueprint(
        project=opened.project,
        settings=settings,
        servers=servers,
        ports={purpose: state.ports.get(purpose, range_.first) for purpose, range_ in wanted.items()},
        subnets={key: state.subnets.get(key, "") for key in keys},
        owner=service_owner(opened.project.directory),
        tool_version=__version__,
        isolates=isolates,
        shared_limits=shared_limits,
    )
    images = dict.fromkeys(service_names(blueprint), ImageChoice(reference=""))
    return Sketch(
        blueprint=blueprint,
        stack=assemble_stack(blueprint, images, {}),
        state=state,
        port_words={purpose: str(state.ports.get(purpose, range_)) for purpose, range_ in wanted.items()},
    )

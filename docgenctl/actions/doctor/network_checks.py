"""Checks of the network: names, ports, subnets, and the firewall that published ports pass by."""

from ipaddress import IPv4Network, ip_address

from docgenctl.actions.doctor.scene import Scene
from docgenctl.actions.find_port_holders import find_port_holders
from docgenctl.engine.protocol import Engine
from docgenctl.host.firewall import active_firewalls
from docgenctl.host.ports import probing
from docgenctl.host.resolver import SilentResolverError, name_servers, resolve
from docgenctl.host.routes import routes
from docgenctl.model.diagnosis import Outcome, ok, problem, warning
from docgenctl.model.errors import DocgenError, EngineError
from docgenctl.planning.assemble_stack import is_open, network_keys
from docgenctl.planning.choose_subnets import PREFIX_LENGTH
from docgenctl.planning.resolve_servers import resolve_servers, wanted_ports

_DNS_PATIENCE_S = 3.0
_OUTSIDE = "registry-1.docker.io"


def names(scene: Scene) -> Outcome:
    """`localhost` is this machine, and names outside are resolved, unless a proxy does that."""
    try:
        here = resolve("localhost", _DNS_PATIENCE_S)
    except OSError as error:
        here = ()
        why = f": {error}"
    else:
        why = f", but {', '.join(here)}"
    if "127.0.0.1" not in here:
        return problem(
            f"localhost is not 127.0.0.1{why}; the endpoint is https://localhost",
            fix="put this line into /etc/hosts: 127.0.0.1 localhost",
        )
    if any(scene.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy")):
        return ok("localhost is 127.0.0.1; names outside are the proxy's business")
    servers = ", ".join(name_servers()) or "none named"
    try:
        resolve(_OUTSIDE, _DNS_PATIENCE_S)
    except SilentResolverError as error:
        return warning(f"{error}: the resolver is silent ({servers})", fix="check /etc/resolv.conf")
    except OSError:
        return warning(
            f"localhost is 127.0.0.1, but {_OUTSIDE} has no address (resolvers: {servers}): images cannot be"
            " pulled; a base made here or loaded into the engine works without",
            fix="check /etc/resolv.conf, or set HTTPS_PROXY",
        )
    return ok(f"localhost is 127.0.0.1, and {_OUTSIDE} is resolved")


def ports(scene: Scene) -> Outcome:
    """Every range has a port that `up` could take."""
    settings, remembered = scene.settings(), scene.state().ports
    wanted = wanted_ports(settings, resolve_servers(settings, scene.facts()))
    engine = _engine(scene)
    ours = _published_by(scene)
    told, full = [], []
    with probing(settings.ports.bind) as can_bind:
        for purpose, range_ in sorted(wanted.items()):
            every = [remembered.get(purpose, 0), *range(range_.first, range_.last + 1)]
            inside = (port for port in every if range_.first <= port <= range_.last)
            port = next((port for port in inside if port in ours or can_bind(port)), 0)
            told.append(f"{purpose}: {port or 'none is free'} of {range_}")
            full += [] if port else [range_]
    if not full:
        return ok(f"every purpose has a port on {settings.ports.bind}", *told)
    first = find_port_holders([range_.first for range_ in full], engine)
    held = tuple(f"{port}: {holder}" for port, holder in sorted(first.items()))
    return problem(
        f"no port is free in {', '.join(map(str, full))}",
        *told,
        *held,
        fix="docgenctl ports diagnose; stop what holds them, or give other ranges in docgen.yaml",
    )


def _engine(scene: Scene) -> Engine | None:
    try:
        return scene.engine()
    except EngineError:
        return None


def _published_by(scene: Scene) -> set[int]:
    """Ports that this project's own containers publish."""
    try:
        containers, project = scene.inventory().containers, scene.project().name
    except EngineError:
        return set()
    return {port.host_port for each in containers if each.project == project for port in each.ports}


def subnets(scene: Scene) -> Outcome:
    """The pools have room, and no network of this stack lies under a route of the host (a VPN)."""
    settings = scene.settings()
    project = scene.project().name
    try:
        networks = scene.inventory().networks
    except EngineError:
        networks = ()
    own = {
        IPv4Network(subnet): each for each in networks if each.project == project for subnet in each.subnets
    }
    foreign = [
        (IPv4Network(s), f"network {n.name}") for n in networks if n.project != project for s in n.subnets
    ]
    foreign += [(r.network, f"the route over {r.interface}") for r in routes() if r.network not in own]
    clashes = [
        f"{each.name} ({subnet}) overlaps {who} ({other})"
        for subnet, each in own.items()
        for other, who in foreign
        if subnet.overlaps(other)
    ]
    if clashes:
        return problem(
            clashes[0], *clashes[1:], fix="docgenctl down && docgenctl up, which takes other subnets"
        )
    names = tuple(server.name for server in resolve_servers(settings, scene.facts()))
    # As many as there can be: the store of rates may come with the next `scale`.
    keys = network_keys(names, shared_limits=settings.orchestrator.shared_limits != "never")
    needed = {True: sum(map(is_open, keys)), False: sum(not is_open(key) for key in keys)}
    pools = {True: settings.networks.frontend_pool, False: settings.networks.backend_pool}
    told, full = [], []
    for opened, pool in pools.items():
        blocking = [(other, who) for other, who in foreign if other.overlaps(pool)]
        left = sum(
            not any(subnet.overlaps(other) for other, _ in blocking)
            for subnet in pool.subnets(new_prefix=PREFIX_LENGTH)
        )
        told.append(f"{pool}: {left} of {2 ** (PREFIX_LENGTH - pool.prefixlen)} subnets are free")
        if left < needed[opened]:
            who = ", ".join(sorted({f"{who} ({other})" for other, who in blocking})[:5])
            full.append(f"{pool} has {left} free subnets, {needed[opened]} are needed; taken by {who}")
    if full:
        return problem(full[0], *full[1:], fix="give other pools in docgen.yaml under networks")
    return ok("; ".join(told))


def firewall(scene: Scene) -> Outcome:
    """Ports are published past the host's firewall; that matters as soon as they leave this machine."""
    try:
        bind = scene.settings().ports.bind
    except DocgenError:
        bind = "127.0.0.1"
    found = active_firewalls()
    told = tuple(f"{each.name} is active: {each.evidence}" for each in found)
    if ip_address(bind).is_loopback:
        return ok(f"ports are published on {bind} only, which no firewall needs to close", *told)
    if not found:
        return warning(
            f"ports are published on {bind}, and no ufw or firewalld was found in front",
            fix="set ports/bind to 127.0.0.1, or put a firewall in front of this machine",
        )
    names_ = " and ".join(each.name for each in found)
    return warning(
        f"ports are published on {bind}, and {names_} does not stop them: the engine's own rules come first",
        *told,
        fix="set ports/bind to 127.0.0.1, or filter in the chain DOCKER-USER",
    )

"""From what people wrote under `servers` to what each server needs."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from docgenctl.model.blueprint import Server
from docgenctl.model.image_facts import ImageFacts
from docgenctl.model.settings import PortRange, ServerSettings, Settings
from docgenctl.model.stack import Limits


def resolve_servers(settings: Settings, facts: Mapping[str, ImageFacts]) -> tuple[Server, ...]:
    """Every enabled server, sorted by name, resolved against the facts of its image."""
    return tuple(
        _resolve(name, entry, settings, facts[entry.image or name])
        for name, entry in sorted(settings.servers.items())
        if entry.enabled
    )


def wanted_ports(settings: Settings, servers: tuple[Server, ...]) -> dict[str, PortRange]:
    """Purpose → range of host ports, for the orchestrator and every server that has ports."""
    wanted = {"orchestrator": settings.ports.orchestrator}
    for server in servers:
        entry = settings.servers[server.name]
        for purpose, range_ in (
            (server.name, entry.port or server.facts.port),
            (f"{server.name}_health", entry.health_port or server.facts.health_port),
        ):
            if range_ is not None:
                wanted[purpose] = range_
    return wanted


def _resolve(name: str, entry: ServerSettings, settings: Settings, facts: ImageFacts) -> Server:
    options = {key: option.default for key, option in facts.options.items()} | dict(entry.options)
    port = entry.port or facts.port
    health_port = entry.health_port or facts.health_port
    return Server(
        name=name,
        facts=facts,
        limits=Limits(
            cpus=entry.limits.cpus or settings.limits.cpus,
            memory_bytes=entry.limits.memory or settings.limits.memory,
            pids=entry.limits.pids or settings.limits.pids,
        ),
        options=options,
        egress_hosts=tuple(sorted({*entry.egress.allow, *_opened_by_feature(facts, options)})),
        gateway_port=port.first if port else None,
        gateway_health_port=health_port.first if health_port else None,
    )


def _opened_by_feature(facts: ImageFacts, options: Mapping[str, object]) -> set[str]:
    """The host that a configured feature needs; nothing as long as the feature is not configured."""
    if facts.egress is None or not options.get(facts.egress.when):
        return set()
    url = urlsplit(str(options[facts.egress.host_of]))
    if not url.hostname:
        return set()
    port = url.port or (80 if url.scheme == "http" else 443)
    return {url.hostname if port == 443 else f"{url.hostname}:{port}"}

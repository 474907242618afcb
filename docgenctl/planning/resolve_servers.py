"""From what people wrote under `servers` to what each server needs."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from docgenctl.model.blueprint import GATEWAY_PORT, GATEWAY_STATUS_PORT, Server
from docgenctl.model.image_facts import ImageFacts, SecretFacts
from docgenctl.model.model_providers import variable_of
from docgenctl.model.server_sources import parse_package
from docgenctl.model.setting_values import PortRange
from docgenctl.model.settings import ModelSettings, ServerSettings, Settings
from docgenctl.model.stack import Limits
from docgenctl.planning.reachable_canary import reachable_canary
from docgenctl.planning.resolve_models import model_options, model_secrets, model_urls
from docgenctl.planning.resolve_others import (
    adapter_options,
    facts_of_others,
    origin_of,
    public_host_of,
    secrets_of_others,
)


def resolve_servers(settings: Settings, facts: Mapping[str, ImageFacts]) -> tuple[Server, ...]:
    """Every enabled server, sorted by name, resolved against the facts of its image."""
    given = {GATEWAY_PORT, GATEWAY_STATUS_PORT}
    return tuple(
        _resolve(name, entry, settings, facts[entry.image_name(name)], given)
        for name, entry in sorted(settings.servers.items())
        if entry.enabled
    )


def wanted_ports(settings: Settings, servers: tuple[Server, ...]) -> dict[str, PortRange]:
    """Purpose → range of host ports, for the orchestrator and every server that has ports."""
    wanted: dict[str, PortRange | None] = {"orchestrator": settings.ports.orchestrator}
    for server in servers:
        entry = settings.servers[server.name]
        wanted[server.name] = entry.port or server.facts.port
        wanted[f"{server.name}_health"] = entry.health_port or server.facts.health_port
    return {purpose: range_ for purpose, range_ in wanted.items() if range_ is not None}


def _resolve(
    name: str, entry: ServerSettings, settings: Settings, facts: ImageFacts, given: set[int]
) -> Server:
    if entry.of_others:
        facts = facts_of_others(name, entry, facts)
    options = {key: option.default for key, option in facts.options.items()} | dict(entry.options)
    models = settings.models if facts.models else ModelSettings()
    urls = (*_wanted_by_feature(facts, options), *model_urls(models))
    port = entry.port or facts.port
    health_port = entry.health_port or facts.health_port
    return Server(
        name=name,
        facts=facts.model_copy(update={"canary": reachable_canary(facts.canary, entry.tools)}),
        limits=Limits(
            cpus=entry.limits.cpus or settings.limits.cpus,
            memory_bytes=entry.limits.memory or settings.limits.memory,
            pids=entry.limits.pids or settings.limits.pids,
        ),
        options=options | dict(model_options(models)) | adapter_options(name, entry),
        egress_hosts=tuple(sorted({*entry.egress.allow, *(_egress_entry(url) for url in urls)})),
        secrets=(*_own_secrets(entry, facts), *model_secrets(models), *secrets_of_others(name, entry)),
        gateway_port=_inside(port, facts.port, given),
        gateway_health_port=_inside(health_port, facts.health_port, given),
        data=facts.data or entry.data,
        packages=tuple(parse_package(text) for text in entry.packages),
        origin=origin_of(entry),
        public_host=public_host_of(entry),
        ca_file=entry.ca_file,
    )


def _own_secrets(entry: ServerSettings, facts: ImageFacts) -> Iterator[SecretFacts]:
    """The image's secrets, each from the variable that the entry chose for it, or else from its usual one."""
    for secret in facts.secrets:
        chosen = entry.secrets.get(secret.environment)
        yield secret.model_copy(update={"environment": variable_of(chosen)}) if chosen else secret


def _inside(wanted: PortRange | None, usual: PortRange | None, given: set[int]) -> int | None:
    """The gateway's container-side port: the image's usual one, or the next that no other server has."""
    if wanted is None:
        return None
    port = (usual or wanted).first
    while port in given or port < 1024:
        port = max(port + 1, 1024)
    given.add(port)
    return port


def _wanted_by_feature(facts: ImageFacts, options: Mapping[str, object]) -> tuple[str, ...]:
    """The address that a configured feature needs; nothing as long as the feature is not configured."""
    if facts.egress is None or not options.get(facts.egress.when):
        return ()
    url = str(options[facts.egress.host_of])
    return (url,) if urlsplit(url).hostname else ()


def _egress_entry(address: str) -> str:
    """What the allowlist calls the host of an address."""
    url = urlsplit(address)
    port = url.port or (80 if url.scheme == "http" else 443)
    return str(url.hostname) if port == 443 else f"{url.hostname}:{port}"

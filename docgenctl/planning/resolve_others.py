"""From an entry of `servers` that is no server of ours to what its adapter is told, and what goes with it."""

from typing import Any
from urllib.parse import urlsplit

from docgenctl.model.blueprint import Origin, origin_name
from docgenctl.model.image_facts import ImageFacts, SecretFacts
from docgenctl.model.model_providers import variable_of
from docgenctl.model.server_sources import CONTAINER_PATH, CONTAINER_PORT, split_command
from docgenctl.model.settings import ServerSettings


def facts_of_others(name: str, entry: ServerSettings, adapter: ImageFacts) -> ImageFacts:
    """The adapter's facts with what is known of the server that it speaks for."""
    what = entry.reference or entry.url or f"{entry.stdio} ({', '.join(entry.packages)})"
    return adapter.model_copy(update={"title": name, "description": f"A server of others: {what}"})


def adapter_options(name: str, entry: ServerSettings) -> dict[str, Any]:
    """The options in server.json of the adapter; nothing for servers of ours."""
    if entry.stdio is not None:
        return {
            "command": list(split_command(entry.stdio)),
            "environment": dict(entry.environment),
            "secrets": dict(entry.secrets),
        }
    if entry.url is not None:
        return {"url": entry.url, "key_secret": entry.key_secret, "outside": True}
    origin = origin_of(entry)
    if origin is not None:
        return {"url": f"http://{origin_name(name)}:{origin.port}{origin.path}", "outside": False}
    return {}


def secrets_of_others(name: str, entry: ServerSettings) -> tuple[SecretFacts, ...]:
    """Secrets that the entry of a server of others names, each once."""
    if not entry.of_others:
        return ()
    wanted = {*entry.secrets.values(), *((entry.key_secret,) if entry.key_secret else ())}
    return tuple(
        SecretFacts(name=secret, environment=variable_of(secret), description=f"For the server {name}.")
        for secret in sorted(wanted)
    )


def origin_of(entry: ServerSettings) -> Origin | None:
    """The container of an image of others."""
    if entry.reference is None:
        return None
    return Origin(
        reference=entry.reference,
        port=entry.container_port or CONTAINER_PORT,
        path=entry.path or CONTAINER_PATH,
        environment=dict(entry.environment),
    )


def public_host_of(entry: ServerSettings) -> str:
    """`host:port` of the address; empty where there is none."""
    if entry.url is None:
        return ""
    parts = urlsplit(entry.url)
    return f"{(parts.hostname or '').rstrip('.')}:{parts.port or 443}"

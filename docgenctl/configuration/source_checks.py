"""What the keys of one server's source mean together: exactly one source, and only what belongs to it."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from docgenctl.configuration.layers import Mistake
from docgenctl.configuration.secret_look import looks_secret
from docgenctl.model.server_sources import SourceSettings, is_private, parse_package
from docgenctl.model.settings import ServerSettings

_OF_OTHERS = ("environment", "data")
_BELONGS_TO = {
    "packages": ("stdio",),
    "container_port": ("image",),
    "path": ("image",),
    "key_secret": ("url",),
    "ca_file": ("url",),
}
#: Keys that only mean something beside their source.
BELONGINGS = (*_BELONGS_TO, *_OF_OTHERS)
_SOURCES = ("image", "stdio", "url")


def is_source(key_path: str) -> bool:
    """Whether `servers/NAME/image`, `…/stdio` or `…/url` is meant."""
    parts = key_path.split("/")
    return len(parts) == 3 and parts[0] == "servers" and parts[2] in _SOURCES


def source_mistakes(name: str, server: ServerSettings) -> Iterator[Mistake]:
    """Everything wrong with where a server comes from."""
    where = ("servers", name)
    given = [key for key in _SOURCES if getattr(server, key) is not None]
    if len(given) > 1:
        yield Mistake((*where, given[1]), f"the server has {given[0]} already", "keep one of both")
        return
    yield from _misplaced(where, server)
    if server.stdio is not None:
        yield from _package_mistakes(where, server)
    if server.url is not None and "environment" in server.model_fields_set and server.environment:
        yield Mistake((*where, "environment"), "a server elsewhere has none of ours", "remove the key")
    for variable, value in server.environment.items():
        if looks_secret(value):
            hint = f"write secrets: {{{variable}: my-api-key}} and set MY_API_KEY"
            yield Mistake((*where, "environment", variable), "looks like a secret", hint)
    yield from _address_mistakes(where, server)


def _misplaced(where: tuple[str, ...], server: SourceSettings) -> Iterator[Mistake]:
    kind = "image" if server.reference else "stdio" if server.stdio else "url" if server.url else "built-in"
    for key in BELONGINGS:
        if not getattr(server, key):
            continue
        owners = _BELONGS_TO.get(key, _SOURCES)
        if kind not in owners:
            hint = "an image of others, by reference" if owners == ("image",) else " or ".join(owners)
            yield Mistake((*where, key), "does not belong to this server", f"it goes with {hint}")


def _package_mistakes(where: tuple[str, ...], server: SourceSettings) -> Iterator[Mistake]:
    packages = [parse_package(text) for text in server.packages]
    if not packages:
        hint = 'packages: ["pypi:mcp-server-time==2026.1.1"], or let `docgenctl servers add` write it'
        yield Mistake((*where, "stdio"), "does not say which package it is from", hint)
    if len({package.registry for package in packages}) > 1:
        yield Mistake((*where, "packages"), "come from two registries", "make two servers of it")


def _address_mistakes(where: tuple[str, ...], server: ServerSettings) -> Iterator[Mistake]:
    """An address of a private network has to be meant: by an entry of the allowlist that names its port."""
    if server.url is None:
        return
    parts = urlsplit(server.url)
    host = parts.hostname or ""
    entry = f"{host}:{parts.port or 443}"
    if is_private(host) and entry not in server.egress.allow:
        hint = f"where that is meant, write egress: {{allow: [{entry}]}}"
        yield Mistake((*where, "url"), f"{host} is an address of a private network", hint)

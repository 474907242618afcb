"""``routing.yaml``: which servers there are and where, what of them callers see, and named endpoints."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from docgen_common.errors import SettingsError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from docgen_orchestrator.entry import Entry
from docgen_orchestrator.globs import EVERYTHING, NOTHING, UNFILTERED, Filter
from docgen_orchestrator.shared_limits.place import StorePlace, parse_place
from docgen_orchestrator.subset import Subset
from docgen_orchestrator.tool_policy import UNRESTRICTED, Changes, ToolPolicy

FILE_NAME = "routing.yaml"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_TOOL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_KEYS = frozenset({"version", "servers", "endpoints", "replicas", "limits"})
_MOST_REPLICAS = 64
_SERVER_KEYS = frozenset(
    {
        "url",
        "ready_url",
        "key_secret",
        "tool_prefixes",
        "resource_schemes",
        "timeout_s",
        "events_url",
        "tools",
        "resources",
        "prompts",
    }
)
_FILTER_KEYS = frozenset({"allow", "deny"})
_TOOLS_KEYS = frozenset({"allow", "deny", "rename", "timeout_s", "rate", "changes"})
_ENDPOINT_KEYS = frozenset({"servers", "tools", "resources", "prompts"})


@dataclass(frozen=True)
class Route:
    """One server behind the orchestrator.

    ``tool_prefixes`` and ``resource_schemes`` route a name only while the server has never told what it
    offers. ``timeout_s`` bounds one call, in seconds. ``events_url`` is where its events are, if it has any.
    ``tools`` says which of its tools callers see, under which names and within which bounds; ``resources``
    (by URI, or by the text of a template) and ``prompts`` say which of those they see.
    """

    name: str
    url: str
    ready_url: str
    key_secret: str
    tool_prefixes: tuple[str, ...]
    resource_schemes: tuple[str, ...]
    timeout_s: float
    events_url: str | None = None
    tools: ToolPolicy = UNRESTRICTED
    resources: Filter = UNFILTERED
    prompts: Filter = UNFILTERED


@dataclass(frozen=True)
class Routing:
    """All of ``routing.yaml``; servers and endpoints are sorted by name.

    ``replicas`` is how many orchestrators serve the same callers, ``limits`` where they count together; where
    that is None, each keeps its share of every rate.
    """

    servers: tuple[Route, ...]
    endpoints: tuple[Subset, ...] = ()
    replicas: int = 1
    limits: StorePlace | None = None


def parse_routing(raw: bytes) -> Routing:
    """What the bytes of ``routing.yaml`` say. Raises SettingsError naming the key that is wrong."""
    try:
        document = YAML(typ="safe", pure=True).load(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise SettingsError(f"{FILE_NAME} is not UTF-8 text") from None
    except (YAMLError, RecursionError) as error:
        raise SettingsError(f"{FILE_NAME} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict) or document.get("version") != 1:
        raise SettingsError(f"{FILE_NAME}: version must be 1")
    top = Entry(f"{FILE_NAME}", document, _KEYS)
    if not isinstance(document.get("servers"), dict) or not document["servers"]:
        raise SettingsError(f"{FILE_NAME}: servers must name at least one server")
    servers = tuple(_route(name, entry) for name, entry in top.entries("servers", _SERVER_KEYS))
    names = frozenset(server.name for server in servers)
    endpoints = tuple(_subset(name, entry, names) for name, entry in top.entries("endpoints", _ENDPOINT_KEYS))
    limits = parse_place(top) if "limits" in top else None
    return Routing(servers, endpoints, _replicas(document.get("replicas", 1)), limits)


def _replicas(value: object) -> int:
    if type(value) is not int or not 1 <= value <= _MOST_REPLICAS:
        raise SettingsError(f"{FILE_NAME}: replicas must be a number from 1 to {_MOST_REPLICAS}")
    return value


def _route(name: str, entry: Entry) -> Route:
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{entry.where}: not a server name (a-z, 0-9, - and _)")
    url = _url(entry, "url")
    return Route(
        name=name,
        url=url,
        ready_url=_url(entry, "ready_url") if "ready_url" in entry else _ready_url(url),
        key_secret=entry.text("key_secret", f"upstream-{name}"),
        tool_prefixes=entry.texts("tool_prefixes"),
        resource_schemes=entry.texts("resource_schemes"),
        timeout_s=entry.seconds("timeout_s", 60),
        events_url=_url(entry, "events_url") if "events_url" in entry else None,
        tools=_policy(entry.entry("tools", _TOOLS_KEYS)),
        resources=_filter(entry.entry("resources", _FILTER_KEYS)),
        prompts=_filter(entry.entry("prompts", _FILTER_KEYS)),
    )


def _filter(entry: Entry) -> Filter:
    return Filter(allow=entry.globs("allow", EVERYTHING), deny=entry.globs("deny", NOTHING))


def _policy(entry: Entry) -> ToolPolicy:
    rename = entry.names("rename")
    for own, shown in rename.items():
        if own.endswith("*") is not shown.endswith("*"):
            raise entry.refuse("rename", f"{own!r} and {shown!r}: both end with * or neither does")
        if not _TOOL_NAME.fullmatch(shown.removesuffix("*")):
            raise entry.refuse("rename", f"{shown!r} is not a tool name (A-Z, a-z, 0-9, _, - and .)")
        if list(rename.values()).count(shown) > 1:
            raise entry.refuse("rename", f"{shown!r} is given twice")
    return ToolPolicy(
        allow=entry.globs("allow", EVERYTHING),
        deny=entry.globs("deny", NOTHING),
        rename=rename,
        timeouts=entry.bounds("timeout_s", Entry.seconds),
        rates=entry.bounds("rate", Entry.rate),
        changes=entry.word("changes", Changes, "report"),
    )


def _subset(name: str, entry: Entry, servers: frozenset[str]) -> Subset:
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{entry.where}: not an endpoint's name (a-z, 0-9, - and _)")
    if name in servers:
        raise SettingsError(f"{entry.where}: a server has this name")
    wanted = frozenset(entry.texts("servers")) if "servers" in entry else servers
    if unknown := sorted(wanted - servers):
        raise entry.refuse("servers", f"there is no server {unknown[0]}")
    return Subset(
        name=name,
        servers=wanted,
        tools=entry.globs("tools", NOTHING),
        resources=entry.globs("resources", NOTHING),
        prompts=entry.globs("prompts", NOTHING),
    )


def _url(entry: Entry, key: str) -> str:
    value = entry.text(key)
    try:
        parts = urlsplit(value)
        fits = parts.scheme in ("http", "https") and parts.hostname and not parts.username and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not value.isascii() or any(char <= " " for char in value):
        raise entry.refuse(key, f"must look like http://{entry.where.rpartition('/')[2]}:8000/mcp")
    return value


def _ready_url(url: str) -> str:
    return urlsplit(url)._replace(path="/health/ready", query="", fragment="").geturl()

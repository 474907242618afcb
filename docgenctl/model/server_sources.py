"""Where a server comes from: an image of ours, a program from a package, an image of others, or an address.

What is written in docgen.yaml is checked here value by value; `docgenctl.configuration.source_checks` looks
at what the values mean together.
"""

import re
import shlex
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from docgenctl.model.setting_values import KeySecret, RelativePath, Section

#: The image that speaks for servers of others.
ADAPTER = "adapter"
#: Where an image of others listens unless it is said.
CONTAINER_PORT, CONTAINER_PATH = 8000, "/mcp"

_PYPI = re.compile(
    r"pypi:([A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?(?:\[[A-Za-z0-9,._-]+\])?)==([A-Za-z0-9.!+_-]{1,64})"
)
_NPM = re.compile(
    r"npm:((?:@[a-z0-9][a-z0-9._-]{0,100}/)?[a-z0-9][a-z0-9._-]{0,100})@([0-9][A-Za-z0-9.+-]{0,63})"
)
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")
_REFERENCE = re.compile(
    r"(?:[a-z0-9.-]+(?::\d{1,5})?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
#: Variables that would change what runs, and not only how it works.
_NOT_GIVEN = re.compile(r"LD_|PYTHON|NODE_OPTIONS|NODE_PATH|PATH$|HOME$|DOCGEN", re.IGNORECASE)
#: `1`, `0x7f.1`, `2130706433`, `010.0.0.1`: resolvers take it for an address, and it does not look like one.
_ENDS_IN_A_NUMBER = re.compile(r"(?:^|\.)(?:0x[0-9a-f]*|[0-9]+)\.?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Package:
    """One exact version of a package; `registry` is `pypi` or `npm`."""

    registry: str
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.registry}:{self.name}{'==' if self.registry == 'pypi' else '@'}{self.version}"


def parse_package(text: str) -> Package:
    """`pypi:mcp-server-time==2026.1.1` or `npm:@scope/name@1.2.3`. Raises ValueError with what to write."""
    for registry, pattern in (("pypi", _PYPI), ("npm", _NPM)):
        match = pattern.fullmatch(text)
        if match:
            return Package(registry, match[1], match[2])
    raise ValueError(f"{text!r} is no exact package; write pypi:NAME==VERSION or npm:NAME@VERSION")


def split_command(text: str) -> tuple[str, ...]:
    """The words of a command as a shell would read them, without one. Raises ValueError."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise ValueError(f"{text!r} cannot be split into words ({error}); close the quotes") from None
    if not words or "\0" in text:
        raise ValueError(f"{text!r} names no program; write mcp-server-time --local-timezone UTC")
    return words


def is_reference(image: str | None) -> bool:
    """Whether it is the image of somebody else, by reference, and not the name of one of ours."""
    return image is not None and _NAME.fullmatch(image) is None


def is_private(host: str) -> bool:
    """Whether a host is an address that is not out on the internet; a name never is, whatever it leads to."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return not address.is_global or address.is_multicast or mapped is not None


def _command(value: str) -> str:
    first = split_command(value)[0]
    if first in ("uvx", "npx", "docker", "sh", "bash", "uv", "npm", "pipx"):
        raise ValueError(
            f"{first!r} would fetch or start something else; let `docgenctl servers add` write this"
        )
    if "/" in first:
        raise ValueError(f"{first!r} is a path; write the name of a program of its packages")
    return value


def _package(value: str) -> str:
    return str(parse_package(value))


def _image(value: str) -> str:
    if not _NAME.fullmatch(value) and not _REFERENCE.fullmatch(value):
        raise ValueError(f"{value!r} is no image; write main, or ghcr.io/owner/name:1.2")
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", 0
    if not host or port == 0 or parts.scheme != "https" or any(c <= " " or c > "~" for c in value):
        raise ValueError(f"{value!r} is no address of a server; write https://mcp.example.com/mcp")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError(
            f"{value!r} carries a user or a fragment; write https://{host}/mcp, and key_secret for a key"
        )
    _refuse_disguise(host)
    return value


def _refuse_disguise(host: str) -> None:
    """Raise ValueError for addresses that nobody may be sent to, and for those that hide what they are."""
    name = host.rstrip(".")
    if name in ("localhost", "ip6-localhost") or name.endswith((".localhost", ".local", ".internal")):
        raise ValueError(f"{host!r} is this machine or its network; write the name of a server outside")
    try:
        address = ip_address(host)
    except ValueError:
        if ":" in host or _ENDS_IN_A_NUMBER.search(host):
            raise ValueError(
                f"{host!r} is an address in disguise; write it as 192.0.2.10, or a name"
            ) from None
        if not re.fullmatch(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9])?\.?", host):
            raise ValueError(f"{host!r} is not a host name; write mcp.example.com") from None
        return
    if address.version == 6 or address.is_loopback or address.is_link_local or address.is_multicast:
        raise ValueError(f"{host!r} is never reached from a server; write the name of a server outside")
    if address.is_unspecified or str(address) == "100.100.100.200":
        raise ValueError(f"{host!r} is never reached from a server; write the name of a server outside")


def _variables(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not _VARIABLE.fullmatch(name) or "\0" in text:
            raise ValueError(f"{name!r} is not a variable; write NAME: value")
        if _NOT_GIVEN.match(name):
            raise ValueError(f"{name!r} would change what runs; leave it out")
    return value


def _path(value: str) -> str:
    if not re.fullmatch(r"/[A-Za-z0-9._~/-]{0,200}", value):
        raise ValueError(f"{value!r} is not a path; write /mcp")
    return value


class SourceSettings(Section):
    """Exactly one of `image`, `stdio` and `url`, and what belongs to it; by default the image of its name."""

    enabled: bool = Field(True, description="Whether it is part of the stack.")
    image: Annotated[str, AfterValidator(_image)] | None = Field(
        None, description="A built-in server image (by default the entry's name), or any image by reference."
    )
    container_port: int | None = Field(
        None, ge=1, le=65535, description="Port that an image of others serves MCP on; by default 8000."
    )
    path: Annotated[str, AfterValidator(_path)] | None = Field(
        None, description="Path that an image of others serves MCP at; by default /mcp."
    )
    stdio: Annotated[str, AfterValidator(_command)] | None = Field(
        None, description="Command of a server that speaks over stdin and stdout; no shell reads it."
    )
    packages: tuple[Annotated[str, AfterValidator(_package)], ...] = Field(
        (), description="Its packages, exact: pypi:NAME==VERSION or npm:NAME@VERSION."
    )
    url: Annotated[str, AfterValidator(_url)] | None = Field(
        None, description="Address of a server elsewhere: https://mcp.example.com/mcp."
    )
    key_secret: KeySecret | None = Field(
        None, description="Secret with the key for `url`: my-api-key is read from the variable MY_API_KEY."
    )
    ca_file: RelativePath | None = Field(
        None, description="Certificates in the workspace that are trusted for `url` besides the usual."
    )
    environment: Annotated[dict[str, str], AfterValidator(_variables)] = Field(
        default_factory=dict, description="Variables that a server of others is given; no secrets."
    )
    secrets: Annotated[dict[str, KeySecret], AfterValidator(_variables)] = Field(
        default_factory=dict, description="Variable to secret: TOKEN: my-api-key is read from MY_API_KEY."
    )
    data: bool = Field(False, description="Give a server of others a volume that outlives `down`.")

    @property
    def reference(self) -> str | None:
        """The image of somebody else, where it is one."""
        return self.image if is_reference(self.image) else None

    @property
    def of_others(self) -> bool:
        """Whether it is none of the built-in servers."""
        return self.stdio is not None or self.url is not None or self.reference is not None

    def image_name(self, name: str) -> str:
        """Which of our images runs the entry of that name."""
        return ADAPTER if self.of_others else (self.image or name)


def source_of(entry: SourceSettings, name: str) -> dict[str, Any]:
    """What a server is, for people and programs: its kind, and what it comes from."""
    if entry.stdio is not None:
        return {"kind": "stdio", "command": entry.stdio, "packages": list(entry.packages)}
    if entry.url is not None:
        return {"kind": "url", "url": entry.url}
    kind = "image" if entry.reference is not None else "built-in"
    return {"kind": kind, "image": entry.image or name}

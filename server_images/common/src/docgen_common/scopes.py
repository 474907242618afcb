"""What a key may use: scopes, such as ``*``, ``main:read`` or ``github/github_get_*``.

``SERVER[/TOOLGLOB][:read]``. ``SERVER`` is a server's name or ``*`` for every server. Without a glob a scope
gives all of the server: its tools, resources, prompts and events. With one (``*`` stands for any characters)
it gives the tools so named, and nothing else of the server. ``:read`` leaves out tools that do not say of
themselves that they only read (``readOnlyHint: true``; MCP 2026-07-28, tool annotations). Tool names are
those that callers see. A key's scopes add up; a key without any may use nothing.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass

EVERY = "*"
"""Every server; as a scope: everything."""

_READ = ":read"
_SERVER = re.compile(r"\*|[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?", re.ASCII)
_GLOB = re.compile(r"[A-Za-z0-9_./*-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Scope:
    """One scope; ``tools`` is None where no glob narrows it."""

    server: str
    tools: re.Pattern[str] | None
    read_only: bool

    def covers(self, server: str) -> bool:
        return self.server in (EVERY, server)

    def gives_tool(self, server: str, tool: str, read_only: bool) -> bool:
        return (
            self.covers(server)
            and (read_only or not self.read_only)
            and (self.tools is None or self.tools.fullmatch(tool) is not None)
        )


@dataclass(frozen=True, slots=True)
class Grants:
    """What the scopes of one key give together."""

    scopes: tuple[_Scope, ...]
    unrestricted: bool
    """Whether everything is given, so that nobody need ask further."""

    @classmethod
    def parse(cls, scopes: Iterable[str]) -> Grants:
        """The grants of ``scopes``. Raises ValueError naming the scope that is none."""
        parsed = tuple(_scope(text) for text in scopes)
        return cls(parsed, any(s.server == EVERY and s.tools is None and not s.read_only for s in parsed))

    def allows_tool(self, server: str, tool: str, *, read_only: bool) -> bool:
        """Whether ``tool`` of ``server``, which says of itself whether it is ``read_only``, may be called."""
        return self.unrestricted or any(s.gives_tool(server, tool, read_only) for s in self.scopes)

    def allows_server(self, server: str) -> bool:
        """Whether the resources, prompts and events of ``server`` may be used."""
        return self.unrestricted or any(s.tools is None and s.covers(server) for s in self.scopes)

    def touches_server(self, server: str) -> bool:
        """Whether anything of ``server`` is given; of others a caller learns not even their state."""
        return self.unrestricted or any(s.covers(server) for s in self.scopes)


def _scope(text: str) -> _Scope:
    rest = text.removesuffix(_READ)
    server, slash, glob = rest.partition("/")
    if not _SERVER.fullmatch(server) or (slash and not _GLOB.fullmatch(glob)):
        raise ValueError(f"{text!r} is not a scope; write SERVER, SERVER/TOOLS or *, with :read if wanted")
    return _Scope(server, name_pattern(glob) if slash else None, rest != text)


def name_pattern(glob: str) -> re.Pattern[str]:
    """What full names of tools have to match for ``glob``. Raises ValueError for what is no such name."""
    if not _GLOB.fullmatch(glob):
        raise ValueError(f"{glob!r} is not the name of a tool, nor one with * in it")
    # Of what fnmatch knows only the star passes the check above; its patterns take no time to speak of,
    # however many stars there are.
    return re.compile(fnmatch.translate(glob))


UNRESTRICTED = Grants.parse([EVERY])
"""What a key without scopes of its own has, and everybody where no keys are asked for."""

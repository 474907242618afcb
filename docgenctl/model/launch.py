"""How a client starts a stdio server."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Launch:
    """A command with its arguments, and variables that it needs besides the client's own."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, value: Any) -> "Launch | None":
        """What a client's file says, None when that starts nothing (a server behind a URL, for one)."""
        if not isinstance(value, Mapping) or not isinstance(value.get("command"), str):
            return None
        args, env = value.get("args", []), value.get("env", {})
        if not isinstance(args, Sequence) or isinstance(args, str) or not isinstance(env, Mapping):
            return None
        texts = {str(name): str(item) for name, item in env.items()}
        return cls(str(value["command"]), tuple(map(str, args)), texts)

    def as_json(self) -> dict[str, Any]:
        """The members that all clients' files have in common."""
        found: dict[str, Any] = {"command": self.command, "args": list(self.args)}
        return found | ({"env": dict(self.env)} if self.env else {})

    @property
    def is_bridge(self) -> bool:
        """Whether this starts `docgenctl mcp`, however docgenctl is installed."""
        words = (os.path.basename(self.command), *self.args)  # noqa: PTH119 - may be a Windows path
        named = any(word in ("docgenctl", "docgenctl.exe") for word in words)
        return named and "mcp" in self.args

    @property
    def directory(self) -> Path | None:
        """The workspace that a bridge serves; None when it takes that of where it is started."""
        return self._path_of("--project-dir", "-C")

    @property
    def door(self) -> str:
        """The server or other endpoint that a bridge serves, empty for everything."""
        words = self.args[self.args.index("mcp") + 1 :]
        return words[0] if words and not words[0].startswith("-") else ""

    @property
    def key_file(self) -> Path | None:
        """The file with the key that a bridge uses; None for the stack's own."""
        return self._path_of("--key-file")

    def _path_of(self, *options: str) -> Path | None:
        for index, word in enumerate(self.args):
            option, equals, value = word.partition("=")
            if option in options:
                return Path(value if equals else "".join(self.args[index + 1 : index + 2]))
        return None

"""`docgenctl mcp`: the stack as a stdio server."""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from docgenctl.actions.locate import locate
from docgenctl.configuration.project_identity import project_id
from docgenctl.endpoint.address import Endpoint, host_of, own_key_file
from docgenctl.endpoint.bridge.bridge import Bridge
from docgenctl.endpoint.bridge.streams import Output, lines, private_output
from docgenctl.files.private_files import read_private
from docgenctl.model.errors import NotHealthyError, UsageError
from docgenctl.state.directory import state_directory_if_there

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def bridge_stdio(
    directory: Path | None, door: str, environ: Mapping[str, str], *, key_file: Path | None = None
) -> None:
    """Serve the client on standard input and output until it closes them.

    `door` is a server or another endpoint behind `/mcp/`, empty for everything. `key_file` holds a key made
    for this client; without one the stack's own is used. Raises UsageError when the directory is not there or
    the door cannot be one, NotHealthyError and RefusedError for a key file that cannot be used; a stack that
    is not there is no error.
    """
    refuse_odd_door(door)
    if key_file is not None:
        key_file = own_key_file(key_file)
    if os.isatty(sys.stdin.fileno()):
        _log("waits for an MCP client; clients start it themselves after: docgenctl clients connect")
    find = Whereabouts(locate(directory), door, environ, key_file=key_file)
    Bridge(find, Output(private_output()), _log).run(lines(sys.stdin.fileno()))


def could_be_door(text: str) -> bool:
    """Whether a server or another endpoint can be called so."""
    return _NAME.fullmatch(text) is not None


def refuse_odd_door(door: str) -> None:
    """Raise UsageError for what no endpoint can be called; empty is everything."""
    if door and not could_be_door(door):
        raise UsageError(
            f"{door!r} is not the name of an endpoint", hint="docgenctl describe lists those that there are"
        )


class Whereabouts:
    """Where the stack of a project is, as its state directory says at the moment of the call.

    Nothing is imported for it that takes long, and docgen.yaml is not read: what runs is what `up` has
    written down, also while somebody edits that file. The same Endpoint comes back while nothing changes.
    """

    def __init__(
        self, directory: Path, door: str, environ: Mapping[str, str], *, key_file: Path | None = None
    ) -> None:
        self._directory = directory
        self._key_file = key_file
        self._path = f"/mcp/{door}" if door else "/mcp"
        self._environ = environ
        self._known: tuple[object, Endpoint] | None = None

    def __call__(self) -> Endpoint:
        """Raises NotHealthyError (`never_started`), and RefusedError when the state cannot be trusted."""
        state_dir = state_directory_if_there(project_id(self._directory), self._environ)
        if state_dir is None:
            raise self._never_started()
        files = (state_dir / "state.json", state_dir / "ca" / "root.pem")
        stamp = tuple(map(_stamp, files))
        if self._known is None or self._known[0] != stamp:
            self._known = (stamp, self._read(*files))
        return self._known[1]

    def _read(self, state_file: Path, root_file: Path) -> Endpoint:
        try:
            state = json.loads(read_private(state_file) or b"{}")
            port, bind = int(state["ports"]["orchestrator"]), str(state.get("bind", ""))
        except (ValueError, KeyError, TypeError):
            raise self._never_started() from None
        url = f"https://{host_of(bind)}:{port}{self._path}"
        if self._key_file is not None:
            return Endpoint(url, root_file, self._key_file, own_key=True)
        return Endpoint(url, root_file, state_file.parent / "api-key")

    def _never_started(self) -> NotHealthyError:
        return NotHealthyError(
            f"the stack of {self._directory} was never started",
            hint=f"start it with: docgenctl up --project-dir {self._directory}",
            code="never_started",
        )


def _stamp(path: Path) -> object:
    try:
        found = os.stat(path)  # noqa: PTH116 - before every request
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _log(sentence: str) -> None:
    print(f"docgenctl mcp: {sentence}", file=sys.stderr, flush=True)  # noqa: T201 - standard output is taken


def read_arguments(arguments: list[str]) -> tuple[Path | None, str, Path | None] | None:
    """Directory, door and key file of a plain command line, None for one that Typer should read."""
    directory: Path | None = None
    key_file: Path | None = None
    door = ""
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        option, equals, value = word.partition("=")
        if option in ("--project-dir", "-C", "--key-file") and (equals or rest):
            path = Path(value if equals else rest.pop(0))
            directory, key_file = (directory, path) if option == "--key-file" else (path, key_file)
        elif word.startswith("-") or door or not word:
            return None
        else:
            door = word
    return directory, door, key_file

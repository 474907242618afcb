"""Where a stack answers, what proves it is the right one, and where the key to it lies."""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from docgenctl.model.errors import ConfigurationError, NotHealthyError, RefusedError
from docgenctl.model.secret import Secret

_KEY = re.compile(rb"[\x21-\x7e]{1,4096}")
_HTTPS_PORT = 443
_LONGEST_FILE = 8 * 1024


def host_of(bind: str) -> str:
    """A name of the gateway's certificate that leads to where it listens."""
    if bind in ("", "0.0.0.0", "127.0.0.1", "::", "::1"):  # noqa: S104 - compared, not bound
        return "localhost"
    return f"[{bind}]" if ":" in bind else bind


@dataclass(frozen=True, slots=True)
class Endpoint:
    """All that a client needs: URL of `/mcp`, the root certificate to trust, the file with the API key.

    `own_key` says that the key's file is not the stack's but one that somebody named: nobody else may read
    it. Raises ConfigurationError for a URL that is not https with a host: the key is never sent in clear.
    """

    url: str
    ca_file: Path
    api_key_file: Path
    own_key: bool = False

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or not self.url.isascii() or not self.url.isprintable() or " " in self.url:
            raise ConfigurationError(
                f"{self.url!r} is not an https address", hint="Write https://localhost:8080/mcp."
            )

    @property
    def host(self) -> str:
        """Host name or address, without brackets."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """TCP port."""
        return urlsplit(self.url).port or _HTTPS_PORT

    @property
    def path(self) -> str:
        """Path of the MCP endpoint."""
        return urlsplit(self.url).path or "/"

    @property
    def authority(self) -> str:
        """`host:port`, as users read it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def as_json(self) -> dict[str, str]:
        """The three strings of `docgenctl endpoint --json`."""
        return {"url": self.url, "ca_file": str(self.ca_file), "api_key_file": str(self.api_key_file)}

    def read_key(self) -> Secret:
        """The key, read now, so that a rotated one takes effect at once.

        Raises NotHealthyError when there is none that can be sent, RefusedError for a file of one's own that
        others may read; its content is never part of the error.
        """
        file = self.api_key_file
        try:
            content = _only_ours(file) if self.own_key else file.read_bytes()
        except OSError as error:
            raise NotHealthyError(
                f"the API key cannot be read from {file}: {error.strerror}",
                code="key_missing",
                hint=_way_to(file, error) if self.own_key else "'docgenctl up' makes one.",
            ) from None
        if _KEY.fullmatch(content.strip()) is None:
            another = f"Look into it; a new key is made by: docgenctl keys create NAME --out {file}.new"
            raise NotHealthyError(
                f"{file} holds no API key",
                code="key_missing",
                hint=another if self.own_key else f"Remove it, and 'docgenctl up' makes a new one: rm {file}",
            )
        return Secret(content.strip())


def own_key_file(named: Path) -> Path:
    """The absolute path of a file with a key made for a client, links kept.

    Raises NotHealthyError and RefusedError, as `Endpoint.read_key` does, for one that cannot be used.
    """
    path = Path(os.path.abspath(named.expanduser()))  # noqa: PTH100 - links stay links
    Endpoint("https://localhost", path, path, own_key=True).read_key()
    return path


def _only_ours(path: Path) -> bytes:
    """The content of a file that its owner alone may read. Raises RefusedError and OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise RefusedError(f"{path} is not a plain file", hint="name the file that the key is in")
        if found.st_uid != os.geteuid():
            raise RefusedError(
                f"{path} belongs to uid {found.st_uid}, not to you (uid {os.geteuid()})",
                hint=f"take it over if it is yours: chown {os.geteuid()} {path}",
            )
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise RefusedError(
                f"{path} is open to others (mode {stat.S_IMODE(found.st_mode):04o})",
                hint=f"if nobody else read it: chmod 600 {path}; otherwise make a new key",
            )
        return os.read(descriptor, _LONGEST_FILE)
    finally:
        os.close(descriptor)


def _way_to(key_file: Path, error: OSError) -> str:
    """What to type where a key made for a client cannot be read."""
    if isinstance(error, FileNotFoundError):
        return f"docgenctl keys create NAME --out {key_file}"
    return f"ls -l {key_file} shows who may read it"

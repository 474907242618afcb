"""Where a stack answers, what proves it is the right one, and where the key to it lies."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from docgenctl.model.errors import ConfigurationError, NotHealthyError
from docgenctl.model.secret import Secret

_KEY = re.compile(rb"[\x21-\x7e]{1,4096}")
_HTTPS_PORT = 443


def host_of(bind: str) -> str:
    """A name of the gateway's certificate that leads to where it listens."""
    if bind in ("", "0.0.0.0", "127.0.0.1", "::", "::1"):  # noqa: S104 - compared, not bound
        return "localhost"
    return f"[{bind}]" if ":" in bind else bind


@dataclass(frozen=True, slots=True)
class Endpoint:
    """All that a client needs: URL of `/mcp`, the root certificate to trust, the file with the API key.

    Raises ConfigurationError for a URL that is not https with a host: the key is never sent in clear.
    """

    url: str
    ca_file: Path
    api_key_file: Path

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

        Raises NotHealthyError when there is none that can be sent; its content is never part of the error.
        """
        try:
            content = self.api_key_file.read_bytes().strip()
        except OSError as error:
            raise NotHealthyError(
                f"the API key cannot be read from {self.api_key_file}: {error.strerror}",
                code="key_missing",
                hint="'docgenctl up' makes one.",
            ) from None
        if _KEY.fullmatch(content) is None:
            raise NotHealthyError(
                f"{self.api_key_file} holds no API key",
                code="key_missing",
                hint=f"Remove it, and 'docgenctl up' makes a new one: rm {self.api_key_file}",
            )
        return Secret(content)

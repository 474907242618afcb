"""The options that image.toml declares, read and checked once at start."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from docgen_github.errors import NotConfigured
from docgen_github.keypaths import KeyPaths
from docgen_github.policy import RepositoryPolicy, parse_policy

DEFAULT_API_URL = "https://api.github.com"


@dataclass(frozen=True)
class GitHubOptions:
    """What this server may read and where; with `problems` it answers every call by naming them."""

    api_url: str
    policy: RepositoryPolicy
    paths: KeyPaths
    problems: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """Host of the API, with the port where it is not the scheme's own; empty when the URL is wrong."""
        return urlsplit(self.api_url).netloc

    @property
    def https(self) -> bool:
        """Whether requests, and with them the token, travel encrypted."""
        return urlsplit(self.api_url).scheme == "https"

    def require_valid(self) -> None:
        """Raise `NotConfigured` that names every wrong key."""
        if self.problems:
            raise NotConfigured(
                "The configuration of this server is not valid: " + "; ".join(self.problems) + ".",
                "correct docgen.yaml, then run `docgenctl up`",
            )


def read_options(values: Mapping[str, object], server: str = "github") -> GitHubOptions:
    """Check the options; a wrong one closes the server instead of widening what it may read."""
    paths = KeyPaths(server)
    entries = values.get("repositories") or []
    if not isinstance(entries, list | tuple):
        entries = [entries]
    policy, problems = parse_policy(entries, paths)
    url = values.get("api_url") or DEFAULT_API_URL
    if not isinstance(url, str) or not _is_base_url(url):
        problems = (*problems, f"{paths.api_url}: write an http or https URL without user, query or fragment")
        url = ""
    return GitHubOptions(url.rstrip("/"), policy, paths, problems)


def _is_base_url(url: str) -> bool:
    """Whether requests can be built below it without leaving it."""
    try:
        parts = urlsplit(url)
        port_is_sane = parts.port != 0
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and not set(url) & set(" ?#@\\%")
    return (
        plain
        and port_is_sane
        and parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and not {".", ".."} & set(parts.path.split("/"))
    )

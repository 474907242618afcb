"""The options that image.toml declares, read and checked once at start."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from docgen_github.errors import NotConfigured
from docgen_github.keypaths import KeyPaths
from docgen_github.policy import RepositoryPolicy, parse_policy
from docgen_github.write_policy import Confirm, MergePolicy, WritePolicy

DEFAULT_API_URL = "https://api.github.com"
DEFAULT_TOOLSETS = ("repos", "contents", "pulls", "issues", "checks", "releases")
TOOLSETS = (*DEFAULT_TOOLSETS, "publish")
METHODS = ("squash", "merge", "rebase")


@dataclass(frozen=True)
class GitHubOptions:
    """What this server may read and where; with `problems` it answers every call by naming them."""

    api_url: str
    policy: RepositoryPolicy
    paths: KeyPaths
    problems: tuple[str, ...] = ()
    toolsets: frozenset[str] = frozenset(DEFAULT_TOOLSETS)
    write: WritePolicy | None = None

    def offers(self, toolset: str) -> bool:
        """Whether the tools of this group are there."""
        return toolset in self.toolsets

    @property
    def writing(self) -> WritePolicy:
        """What may be changed; nothing where the options say nothing."""
        return self.write or WritePolicy(self.paths, RepositoryPolicy(self.paths))

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
    given = _Given(values, paths)
    toolsets = given.words("toolsets", DEFAULT_TOOLSETS, TOOLSETS)
    write = _write_policy(given, paths)
    return GitHubOptions(
        url.rstrip("/"), policy, paths, (*problems, *given.problems), frozenset(toolsets), write
    )


def _write_policy(given: "_Given", paths: KeyPaths) -> WritePolicy:
    repositories, problems = parse_policy(given.items("write_repositories", ()), paths, "write_repositories")
    given.problems.extend(problems)
    merge = MergePolicy(
        methods=given.words("merge_methods", METHODS, METHODS),
        approvals=given.number("merge_approvals", 1),
        checks=tuple(map(str, given.items("merge_checks", ()))),
    )
    return WritePolicy(
        paths,
        repositories,
        read_only=given.flag("read_only", default=True),
        protected_branches=tuple(
            map(str, given.items("protected_branches", ("main", "master", "release/*")))
        ),
        workflow_files=given.flag("workflow_files", default=False),
        flows=frozenset(given.flows()),
        flow_s=given.number("flow_minutes", 60) * 60.0,
        confirm=cast("Confirm", given.words("confirm", ("grave",), ("grave", "always", "never"))[0]),
        confirmation_tokens=given.flag("confirmation_tokens", default=True),
        merge=merge,
    )


class _Given:
    """The options as they were written; what is wrong with them is collected in `problems`."""

    def __init__(self, values: Mapping[str, object], paths: KeyPaths) -> None:
        self._values = values
        self._paths = paths
        self.problems: list[str] = []

    def items(self, name: str, default: tuple[str, ...]) -> tuple[object, ...]:
        """A list."""
        value = self._values.get(name)
        if value is None:
            return default
        return tuple(value) if isinstance(value, list | tuple) else (value,)

    def words(self, name: str, default: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
        """A list of known words."""
        found = tuple(map(str, self.items(name, default)))
        if unknown := [word for word in found if word not in known]:
            self.problems.append(f"{self._paths.option(name)}: {unknown[0]!r} is none of {', '.join(known)}")
            return default
        return found

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, bool):
            self.problems.append(f"{self._paths.option(name)}: write true or false")
        return value if isinstance(value, bool) else default

    def number(self, name: str, default: int) -> int:
        """A whole number that is not negative."""
        value = self._values.get(name)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 100_000:
            self.problems.append(f"{self._paths.option(name)}: write a whole number from 0")
            return default
        return value

    def flows(self) -> list[tuple[str, str]]:
        """Pairs of repositories, in lower case."""
        found = []
        for index, entry in enumerate(self.items("flows", ())):
            read, arrow, written = str(entry).lower().partition(" -> ")
            if not arrow or read.count("/") != 1 or written.count("/") != 1:
                self.problems.append(f"{self._paths.option('flows')}/{index}: write owner/from -> owner/to")
                continue
            found.append((read.strip(), written.strip()))
        return found


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

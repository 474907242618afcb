"""What `/health/ready` looks at: the configuration, and now and then the API."""

import time
from collections.abc import Awaitable, Callable, Mapping

import anyio
from docgen_common.health import CheckResult

from docgen_github.client import GitHubClient
from docgen_github.errors import GitHubError, NotFound
from docgen_github.options import GitHubOptions

#: Seconds between two requests to the API, however often readiness is asked.
EVERY = 30.0
#: Seconds the API has for its answer; readiness itself gives a check two.
PATIENCE = 1.8

Check = Callable[[], Awaitable[CheckResult]]


def checks(client: GitHubClient, options: GitHubOptions) -> Mapping[str, Check]:
    """The checks by name; the API is asked only where repositories are configured."""

    async def configuration() -> CheckResult:
        return CheckResult(not options.problems, "; ".join(options.problems) or _summary(options))

    if options.problems or not options.policy.entries:
        return {"configuration": configuration}
    return {"configuration": configuration, "api": ApiCheck(client)}


def wants_requests(results: Mapping[str, CheckResult]) -> bool:
    """Only a wrong configuration closes the server; while GitHub is away, its tools say why."""
    return results["configuration"].ok


class ApiCheck:
    """Asks for the rate limit, which costs none of it, and remembers the verdict."""

    def __init__(self, client: GitHubClient, every: float = EVERY) -> None:
        self._client = client
        self._every = every
        self._lock = anyio.Lock()
        self._verdict = CheckResult(False, "not asked yet")
        self._fresh_until = 0.0

    async def __call__(self) -> CheckResult:
        """The verdict, at most `every` seconds old."""
        async with self._lock:
            if time.monotonic() >= self._fresh_until:
                self._fresh_until = time.monotonic() + self._every
                self._verdict = await self._ask()
            return self._verdict

    async def _ask(self) -> CheckResult:
        with anyio.move_on_after(PATIENCE):
            try:
                await self._client.get(("rate_limit",), what="rate limit")
            except NotFound:
                return CheckResult(
                    True, "answers; rate limits are off"
                )  # GitHub Enterprise may switch them off
            except GitHubError as error:
                return CheckResult(False, str(error))
            return CheckResult(True, "answers")
        return CheckResult(False, f"no answer within {PATIENCE:g} s")


def _summary(options: GitHubOptions) -> str:
    count = len(options.policy.entries)
    return f"{count} entries in {options.paths.repositories}" if count else "no repository is allowed yet"

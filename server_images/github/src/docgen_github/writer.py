"""Carries out requests that change something, so that a lost answer never changes it twice.

Theory of operation. Requests go out one at a time, each at least a second after the one before, as GitHub
asks of clients that write ("Best practices for using the REST API"). What a failure says decides on:

- refused (4xx): nothing was done, and the error is the answer. A rate limit is waited out within the budget.
- unsent (no connection, no way through the proxy): nothing was done; it is tried again.
- lost (a connection that broke, silence, 5xx): it may have been done, or may yet be. A repeatable request is
  sent again. For another one we wait a moment and look, and look again; only what is not there after that is
  sent once more. Where one cannot look, the caller is told that the outcome is unknown.

A refusal after a loss is looked at too: "already exists" then means that the lost one was done.
"""

import time
from collections.abc import Sequence
from typing import Any

import anyio

from docgen_github.client import Bounds, GitHubClient, Question
from docgen_github.errors import GitHubError, OutcomeUnknown, RateLimited, Refused
from docgen_github.request import Request, filled


class GitHubWriter:
    """Sends requests one by one; make one for each client."""

    def __init__(self, client: GitHubClient, bounds: Bounds | None = None) -> None:
        self._client = client
        self._bounds = bounds or Bounds()
        self._lock = anyio.Lock()
        self._free_at = 0.0

    async def carry_out(self, requests: Sequence[Request]) -> list[Any]:
        """The answers to all requests, in order. Raises `GitHubError` at the first that fails."""
        answers: list[Any] = []
        async with self._lock:
            for request in requests:
                answers.append(await self._bounded(request, answers))
        return answers

    async def _bounded(self, request: Request, answers: Sequence[Any]) -> Any:
        try:
            with anyio.fail_after(self._bounds.write_s):
                if request.look_first and request.look and (found := await request.look()) is not None:
                    return found
                return await self._attempts(request, answers)
        except TimeoutError:
            raise _unknown(request) from None

    async def _attempts(self, request: Request, answers: Sequence[Any]) -> Any:
        question = self._client.question(
            request.method, request.path, what=request.what, body=filled(request.body, answers)
        )
        lost = False
        for attempt in range(1, self._bounds.attempts + 1):
            pause = self._bounds.first_pause_s * 2 ** (attempt - 1)
            try:
                return await self._once(question)
            except GitHubError as error:
                lost = lost or error.lost
                if found := await self._found(request, error, lost):
                    return found.pop()
                pause = self._pause(request, error, pause)
            await anyio.sleep(pause)
        raise _unknown(request) if lost else _gave_up(request)

    async def _once(self, question: Question) -> Any:
        await anyio.sleep(max(0.0, self._free_at - time.monotonic()))
        self._free_at = time.monotonic() + self._bounds.write_spacing_s
        return (await self._client.once(question)).value

    async def _found(self, request: Request, error: GitHubError, lost: bool) -> list[Any]:
        """What the request did already, as the one entry of a list; empty when nothing is there."""
        if request.look is None or not (lost or isinstance(error, Refused)):
            return []
        for pause in self._bounds.settle_s if error.lost else (0.0,):
            await anyio.sleep(pause)
            found = await request.look()
            if found is not None:
                return [found]
        return []

    def _pause(self, request: Request, error: GitHubError, pause: float) -> float:
        """How long to wait before the next try; raises when there must be none."""
        if isinstance(error, RateLimited):
            if error.seconds > self._bounds.wait_budget_s:
                self._client.rest(error.seconds)
                raise error
            return error.seconds
        if error.lost:
            if not request.repeatable and request.look is None:
                raise _unknown(request)
            return max(pause, min(error.retry_after, self._bounds.wait_budget_s))
        if not (error.unsent and error.transient):
            raise error
        return pause


def _unknown(request: Request) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"GitHub's answer was lost, and whether {request.what} was changed is not known.",
        "look before you call again",
    )


def _gave_up(request: Request) -> GitHubError:
    return GitHubError(
        f"GitHub could not be reached for {request.what}; nothing was changed.", "try again later"
    )

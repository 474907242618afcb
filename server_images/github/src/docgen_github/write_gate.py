"""The one way to change something: every tool that writes goes through `WriteGate.run`.

In this order: the options (read-only first, repository, what the caller read before), the preparation with
its reads and rules, the dry run, the confirmation, and only then the requests.
"""

from dataclasses import dataclass
from typing import Any

import structlog
from docgen_common.auth import current_caller
from mcp.server.mcpserver import Context
from mcp_types import InputRequiredResult

from docgen_github import confirmation
from docgen_github.errors import NotConfirmed
from docgen_github.flows import Flows
from docgen_github.operation import Operation, Outcome, PlannedRequest, Prepare
from docgen_github.policy import RepositoryName
from docgen_github.reader import GitHubReader
from docgen_github.request import Request, digest, shown
from docgen_github.write_policy import WritePolicy
from docgen_github.writer import GitHubWriter

_log = structlog.stdlib.get_logger("docgen.github")


@dataclass(frozen=True)
class Call:
    """One call of a tool that writes."""

    ctx: Context[Any, Any]
    tool: str
    repository: RepositoryName
    dry_run: bool
    token: str | None


class WriteGate:
    """Decides whether a change is made, and makes it."""

    def __init__(
        self,
        reader: GitHubReader,
        writer: GitHubWriter,
        policy: WritePolicy,
        flows: Flows,
        tokens: confirmation.ConfirmationTokens | None = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._policy = policy
        self._flows = flows
        self._tokens = tokens or confirmation.ConfirmationTokens()

    @property
    def policy(self) -> WritePolicy:
        """What the options let be changed."""
        return self._policy

    async def admit(self, owner: str, repo: str) -> RepositoryName:
        """The repository, if it may be changed by this caller now. Raises `GitHubError`."""
        repository = self._reader.allowed(owner, repo)
        self._policy.check(repository)
        await self._flows.check(repository, self._reader.is_private)
        return repository

    async def run(self, call: Call, prepare: Prepare) -> Outcome | InputRequiredResult:
        """Make the change, or say what it would be, or ask. Raises `GitHubError`."""
        operation = await prepare()
        if operation.found is not None:
            return Outcome(status="already_done", summary=operation.summary, result=operation.found)
        if call.dry_run:
            return Outcome(status="dry_run", summary=operation.summary, requests=_planned(operation))
        waiting = self._confirmed(call, operation)
        if waiting is not None:
            return waiting
        answers = await self._writer.carry_out(operation.requests)
        result = operation.result(answers)
        _log.info(
            "github changed",
            tool=call.tool,
            repository=str(call.repository),
            caller=current_caller(),
            number=result.number,
            sha=result.sha,
            branch=result.branch,
        )
        return Outcome(status="done", summary=operation.summary, result=result)

    def _confirmed(self, call: Call, operation: Operation) -> Outcome | InputRequiredResult | None:
        """None when the change may be made now."""
        wanted = self._policy.confirm == "always" or (self._policy.confirm == "grave" and operation.grave)
        if not wanted:
            return None
        what = digest(operation.summary, operation.requests)
        if confirmation.can_be_asked(call.ctx):
            return confirmation.asked(call.ctx, what, operation.summary)
        if not self._policy.confirmation_tokens:
            raise NotConfirmed(
                "This change needs a person's yes, and this client cannot ask for it.",
                "use a client that shows forms (elicitation)",
            )
        if call.token is not None:
            self._tokens.use(call.token, call.tool, what)
            return None
        return Outcome(
            status="confirmation_required",
            summary=operation.summary,
            requests=_planned(operation),
            confirmation_token=self._tokens.issue(call.tool, what),
            confirmation_expires_s=confirmation.GOOD_S,
        )


def _planned(operation: Operation) -> list[PlannedRequest]:
    return [_planned_request(request) for request in operation.requests]


def _planned_request(request: Request) -> PlannedRequest:
    path = "/" + "/".join(map(str, request.path))
    return PlannedRequest(method=request.method, path=path, body=shown(request.body))

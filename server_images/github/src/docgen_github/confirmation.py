"""Asking before a grave change: a person where the client can show a form, else a token of one use.

A form comes as `input_required`. The state that travels with it holds the digest of what was asked about, so
an answer counts only for exactly these requests: a head that moved in between makes another digest, and the
question is asked anew. A client that cannot show forms gets a token bound to caller, tool and the requests,
which hold every argument's effect; it is good once and for minutes. It makes a client show the change a
second time before it is made; it cannot prove that a person looked, which is why it can be switched off.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from docgen_common.auth import current_caller
from mcp.server.mcpserver import Context
from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from docgen_github.errors import NotConfirmed

#: Seconds that a token is good.
GOOD_S = 300
#: Tokens that wait at once; the oldest goes first.
MOST = 1000
_KEY = "confirm"


def can_be_asked(ctx: Context[Any, Any]) -> bool:
    """Whether the client shows forms and speaks the revision in which a result can ask for them."""
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    shows_forms = elicitation is not None and (elicitation.form is not None or elicitation.url is None)
    return shows_forms and ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


def asked(ctx: Context[Any, Any], digest: str, summary: str) -> InputRequiredResult | None:
    """The question; None when it was answered with yes. Raises `NotConfirmed` for a no."""
    response = (ctx.input_responses or {}).get(_KEY)
    if not isinstance(response, ElicitResult) or ctx.request_state != digest:
        return _question(digest, summary)
    if response.action == "accept" and (response.content or {}).get(_KEY) is True:
        return None
    raise NotConfirmed("The change was not confirmed; nothing was done.")


def _question(digest: str, summary: str) -> InputRequiredResult:
    form = {
        "type": "object",
        "properties": {_KEY: {"type": "boolean", "title": "Do it", "description": summary}},
        "required": [_KEY],
    }
    params = ElicitRequestFormParams(message=f"{summary} Do it?", requested_schema=form)
    return InputRequiredResult(input_requests={_KEY: ElicitRequest(params=params)}, request_state=digest)


class ConfirmationTokens:
    """Tokens that were given out and not yet used; only their hashes are kept, in memory."""

    def __init__(
        self,
        *,
        caller: Callable[[], str | None] = current_caller,
        clock: Callable[[], float] = time.monotonic,
        good_s: float = GOOD_S,
    ) -> None:
        self._caller = caller
        self._clock = clock
        self._good_s = good_s
        self._waiting: dict[str, tuple[str, float]] = {}

    def issue(self, tool: str, digest: str) -> str:
        """A token for this caller's call of this tool that comes to these requests."""
        token = secrets.token_urlsafe(24)
        while len(self._waiting) >= MOST:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[_hash(token)] = (self._bound(tool, digest), self._clock() + self._good_s)
        return token

    def use(self, token: str, tool: str, digest: str) -> None:
        """Spend a token. Raises `NotConfirmed` unless it is good for exactly this."""
        bound, until = self._waiting.pop(_hash(token), ("", 0.0))
        if self._clock() > until or not secrets.compare_digest(bound, self._bound(tool, digest)):
            raise NotConfirmed(
                "The confirmation token is not good for this change: it was used, is too old, or something "
                "about the change is another than when it was given.",
                "call again without confirmation_token",
            )

    def _bound(self, tool: str, digest: str) -> str:
        return _hash(json.dumps([self._caller(), tool, digest]))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

"""Call the harmless tool that each server names, as a client would."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from docgenctl.endpoint.mcp_client import McpEndpoint
from docgenctl.endpoint.probe import probe_tool
from docgenctl.model.errors import NotHealthyError

if TYPE_CHECKING:
    from docgenctl.endpoint.address import Endpoint
    from docgenctl.model.blueprint import Server
    from docgenctl.model.health import LayerResult

    #: A tool's name and its arguments.
    Canary = tuple[str, Mapping[str, Any]]

#: A canary answers in milliseconds; one that takes longer than this is not healthy.
PROBE_TIMEOUT_S = 15.0
#: A server that has just said it is ready may still miss a call on a machine that is out of breath.
PATIENCE_S = 5.0
_PAUSE_S = 0.2


def canaries_of(servers: Iterable[Server]) -> tuple[Canary, ...]:
    """The harmless call of each server that names one."""
    named = (server.facts.canary for server in servers)
    return tuple((canary.tool, canary.arguments) for canary in named if canary is not None)


def call_canaries(canaries: Iterable[Canary], client: McpEndpoint) -> tuple[LayerResult, ...]:
    """Layer `tool`: each call once, over the client's connection."""
    return tuple(probe_tool(client, tool, arguments) for tool, arguments in canaries)


def prove_canaries(canaries: Iterable[Canary], endpoint: Endpoint) -> tuple[LayerResult, ...]:
    """Each call with the key that clients use; one that fails is tried again for a few seconds.

    For stacks that have just said that they are ready. Raises NotHealthyError (`not_proved`) when one fails
    all the same: a stack whose tools do not work is not up, however healthy its containers say they are.
    """
    pending = dict(enumerate(canaries))
    proofs: dict[int, LayerResult] = {}
    deadline = time.monotonic() + PATIENCE_S
    with McpEndpoint(endpoint, timeout_s=PROBE_TIMEOUT_S) as client:
        while True:
            proofs |= zip(pending, call_canaries(pending.values(), client), strict=True)
            pending = {index: canary for index, canary in pending.items() if not proofs[index].ok}
            if not pending or time.monotonic() > deadline:
                break
            time.sleep(_PAUSE_S)
    found = tuple(proofs[index] for index in sorted(proofs))
    failed = [proof for proof in found if not proof.ok]
    if failed:
        raise NotHealthyError(
            f"the stack runs, but {failed[0].subject} fails: {failed[0].detail}",
            hint="docgenctl health, docgenctl logs",
            code="not_proved",
            details=[f"{proof.subject}: {proof.detail}" for proof in failed],
        )
    return found

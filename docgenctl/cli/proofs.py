"""How proofs are told, after `up` and by `prove`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docgenctl.model.health import LayerResult
    from docgenctl.model.proof import Proof

NOT_ISOLATED = (
    "not isolated: this engine runs the services as processes of this machine, with your rights; they reach"
    " each other, this machine and the internet"
)


def proof_documents(proofs: Sequence[Proof]) -> list[dict[str, Any]]:
    """The proofs as JSON data."""
    return [
        {
            "service": proof.service,
            "target": proof.target,
            "verdict": proof.verdict.value,
            "detail": proof.detail,
        }
        for proof in proofs
    ]


def tool_lines(tools: Sequence[LayerResult]) -> Iterator[str]:
    """One line for the calls that answered, one for each that did not."""
    answered = [f"{tool.subject} in {tool.latency_ms:.0f} ms" for tool in tools if tool.ok]
    if answered:
        yield f"✔ proved just now: tool calls {', '.join(answered)}"
    for tool in tools:
        if not tool.ok:
            yield f"✘ tool call {tool.subject}: {tool.detail}"


def isolation_lines(proofs: Sequence[Proof], servers: Sequence[str] = ()) -> Iterator[str]:
    """A line for each service: what it was kept from; then whatever is not proved, with the reason.

    With `servers`, services besides these are told only when something is wrong with them.
    """
    for service in dict.fromkeys(proof.service for proof in proofs):
        own = [proof for proof in proofs if proof.service == service]
        blocked = [proof.target for proof in own if proof.verdict == "blocked"]
        if blocked and (not servers or service in servers):
            yield f"✔ proved just now: {service} → {', '.join(blocked)}: blocked"
        for proof in own:
            if proof.verdict == "reached":
                yield f"✘ {service} → {proof.target}: {proof.detail}"
            elif proof.verdict == "not_proved":
                yield f"? not proved: {service} → {proof.target}: {proof.detail}"

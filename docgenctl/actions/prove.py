"""`docgenctl prove`: real tool calls, and attempts from inside to reach what must not be reached."""

from dataclasses import dataclass

from docgenctl.actions.check_health import prove_servers
from docgenctl.actions.find_endpoint import find_endpoint
from docgenctl.actions.open_project import OpenProject
from docgenctl.actions.prove_isolation import prove_isolation
from docgenctl.engine.protocol import Engine
from docgenctl.model.errors import NotHealthyError
from docgenctl.model.health import LayerResult
from docgenctl.model.proof import Proof, Verdict
from docgenctl.planning.resolve_servers import resolve_servers


@dataclass(frozen=True, kw_only=True)
class Proofs:
    """What was proved just now. `isolates` is false on an engine that cannot isolate: nothing was tried."""

    tools: tuple[LayerResult, ...]
    isolation: tuple[Proof, ...]
    isolates: bool

    @property
    def good(self) -> bool:
        """Whether every tool answered and every attempt was blocked, with its controls."""
        blocked = all(proof.verdict is Verdict.BLOCKED for proof in self.isolation)
        return self.isolates and blocked and all(tool.ok for tool in self.tools)


def prove(opened: OpenProject, engine: Engine) -> Proofs:
    """Try everything once more. Raises NotHealthyError when the stack was never started or is down."""
    endpoint = find_endpoint(opened)
    if not engine.observe(opened.project.name).containers:
        raise NotHealthyError(
            "no container of this stack exists", hint="start it with: docgenctl up", code="never_started"
        )
    servers = resolve_servers(opened.configuration.settings, opened.facts)
    return Proofs(
        tools=prove_servers(servers, endpoint),
        isolation=prove_isolation(opened, engine),
        isolates=engine.info().isolates,
    )


def refuse_reached(proofs: tuple[Proof, ...]) -> None:
    """Raises NotHealthyError (`not_isolated`) when something was reached that must not be."""
    reached = [proof for proof in proofs if proof.verdict is Verdict.REACHED]
    if reached:
        first = reached[0]
        what = f"the {first.target}" if first.target in ("host", "outside") else first.target
        raise NotHealthyError(
            f"the stack runs, but it is not closed: {first.service} reaches {what}",
            hint="docgenctl down, then docgenctl up; docgenctl prove tells more",
            code="not_isolated",
            details=[f"{proof.service} → {proof.target}: {proof.detail}" for proof in reached],
        )

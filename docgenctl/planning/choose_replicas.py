"""How many containers of a service run, why of most there is one, and whether they count together."""

from collections.abc import Mapping

from docgenctl.model.errors import RefusedError, UsageError
from docgenctl.model.settings import MOST_REPLICAS, Settings
from docgenctl.model.state import Scaled

_SCALED = "orchestrator"
_REASONS = {
    "gateway": "it publishes the ports, and each can be published once",
    "egress": "servers find it under one name, and one proxy is no bottleneck for them",
    "main": "its documents, tasks and events live in one process, and the output folder has one writer",
    "valkey": "it is the one place where all orchestrators count",
    "github": "GitHub counts its requests together, and its tasks live in one process",
}
_OF_ANY_SERVER = "its tasks, events and data live in one process"


def replicas_wanted(settings: Settings, scaled: Scaled | None) -> int:
    """What `docgenctl scale` said, as long as the settings say what they said then; else the settings."""
    holding = still_scaled(settings, scaled)
    return settings.orchestrator.replicas if holding is None else holding.replicas


def still_scaled(settings: Settings, scaled: Scaled | None) -> Scaled | None:
    """What `docgenctl scale` said if it still holds."""
    holds = scaled is not None and scaled.configured == settings.orchestrator.replicas
    return scaled if holds else None


def limits_are_shared(settings: Settings, replicas: int, *, isolates: bool) -> bool:
    """Whether rates are counted in a store beside the orchestrators."""
    wanted = settings.orchestrator.shared_limits
    return isolates and (wanted == "always" or (wanted == "auto" and replicas > 1))


def refuse_shared_limits(settings: Settings, *, isolates: bool) -> None:
    """Raise RefusedError `cannot_share_limits` where a store of rates is wanted and cannot be."""
    if settings.orchestrator.shared_limits == "always" and not isolates:
        raise RefusedError(
            "without containers there is no store of rates",
            hint="docgenctl up --engine docker; or orchestrator: {shared_limits: auto} in docgen.yaml",
            code="cannot_share_limits",
        )


def refuse_impossible(settings: Settings, wanted: Mapping[str, int], *, isolates: bool) -> None:
    """Raise UsageError for a service that there is not and for a count out of bounds.

    Raises RefusedError `cannot_scale` for a service of which there is one, with the reason.
    """
    for service, count in wanted.items():
        if service not in (*_REASONS, _SCALED, *settings.servers):
            raise UsageError(
                f"there is no service {service} here", hint=f"docgenctl scale {_SCALED}=2; others run once"
            )
        if not 1 <= count <= MOST_REPLICAS:
            raise UsageError(
                f"{service}={count} is out of bounds", hint=f"write a number from 1 to {MOST_REPLICAS}"
            )
        if service != _SCALED and count != 1:
            reason = _REASONS.get(service, _OF_ANY_SERVER)
            raise RefusedError(
                f"{service} runs once: {reason}", hint=f"docgenctl scale {_SCALED}=2", code="cannot_scale"
            )
    if wanted.get(_SCALED, 1) > 1:
        refuse_several(settings, isolates=isolates)


def refuse_several(settings: Settings, *, isolates: bool) -> None:
    """Raise RefusedError `cannot_scale` where there can be one orchestrator only."""
    if not isolates:
        raise RefusedError(
            "without containers there is one orchestrator",
            hint="docgenctl up --engine docker; or orchestrator: {replicas: 1} in docgen.yaml",
            code="cannot_scale",
        )
    if settings.orchestrator.legacy_sessions:
        raise RefusedError(
            "with orchestrator.legacy_sessions there is one orchestrator: a session lives in one",
            hint="docgen.yaml: orchestrator: {legacy_sessions: false}",
            code="cannot_scale",
        )

"""What `up` says when it has ended well."""

from collections.abc import Mapping
from dataclasses import dataclass

from docgenctl.endpoint.address import Endpoint
from docgenctl.model.health import LayerResult
from docgenctl.model.plan import Plan


@dataclass(frozen=True, kw_only=True)
class UpResult:
    """What `up` did and proved; `plan` is empty when there was nothing to do, times are in seconds.

    `services` are the names of all that run, `ports` maps what a host port is for to its number.
    """

    project: str
    services: tuple[str, ...]
    endpoint: Endpoint
    plan: Plan
    ports: Mapping[str, int]
    proofs: tuple[LayerResult, ...]
    healthy_after_s: float

"""What probing found: one result a layer, from the outside in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayerResult:
    """One layer of one subject, probed once.

    `layer` is the kind of proof (`service`, `gateway`, `ready`, `limits`, `discover`, `tool`), `subject` what
    was probed (a service, an address, a tool), `latency_ms` how long the answer took, failures included.
    `detail` says what was seen; never a secret.
    """

    layer: str
    subject: str
    ok: bool
    latency_ms: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The verdict on a stack and the layers it rests on, in the order they were probed."""

    healthy: bool
    layers: tuple[LayerResult, ...]

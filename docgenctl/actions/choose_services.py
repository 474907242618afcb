"""Which services a command is about."""

from collections.abc import Sequence

from docgenctl.model.errors import NotHealthyError, UsageError
from docgenctl.model.observed import Observation


def chosen_services(observation: Observation, services: Sequence[str]) -> tuple[str, ...]:
    """The named services, or all there are. Raises UsageError naming the services there are."""
    present = tuple(dict.fromkeys(container.service for container in observation.containers))
    if not present:
        raise NotHealthyError(
            "no container of this stack exists", hint="start it with: docgenctl up", code="never_started"
        )
    unknown = [name for name in services if name not in present]
    if unknown:
        raise UsageError(
            f"there is no service {', '.join(unknown)} here", hint=f"services: {', '.join(sorted(present))}"
        )
    return tuple(services) or present

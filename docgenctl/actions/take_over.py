"""Let a running service take over new content of its volumes: bring, check, switch, apply.

Theory of operation. The new files are brought beside those in use, and the service's own program looks at
them inside its container. Only what it accepts becomes `current`, so a file that cannot be used changes
nothing, and a container that restarts in between comes up with what has served so far. After the switch the
service is told, and has to show that it works with the new files. A command that is cut off anywhere has told
nobody that it is done, so the next one does it again, which is harmless.
"""

from collections.abc import Sequence

from docgenctl.engine.protocol import Engine
from docgenctl.model.errors import NotHealthyError
from docgenctl.model.observed import ExecResult
from docgenctl.model.stack import Service, Volume, VolumeContent, VolumePurpose

_LINES = 12


def take_over(
    engine: Engine, service: Service, container_id: str, fills: Sequence[tuple[VolumeContent, Volume]]
) -> None:
    """Bring a service's container to work with these contents of its volumes.

    Raises NotHealthyError `reload_refused` when it does not accept them, and the old ones go on serving, or
    `not_reloaded` when it accepted them and does not work with them.
    """
    assert service.reload is not None  # noqa: S101 - planned for those that can
    if service.reload.check:
        places = _stage(engine, service, fills)
        command = tuple(part.format(**places) for part in service.reload.check)
        checked = engine.execute(container_id, command)
        if checked.exit_code != 0:
            raise _refused(service, checked)
    for content, volume in fills:
        engine.fill_volume(content, volume, service.image)
    if service.reload.apply:
        applied = engine.execute(container_id, service.reload.apply)
        if applied.exit_code != 0:
            raise _not_reloaded(service, applied)


def _stage(engine: Engine, service: Service, fills: Sequence[tuple[VolumeContent, Volume]]) -> dict[str, str]:
    """Purpose → directory of the new version inside the container."""
    targets = {mount.volume: mount.target for mount in service.volumes}
    places = {purpose.value: "" for purpose in VolumePurpose}
    for content, volume in fills:
        version = engine.stage_volume(content, volume, service.image)
        places[volume.purpose.value] = f"{targets[volume.key]}/{version}"
    return places


def _refused(service: Service, result: ExecResult) -> NotHealthyError:
    return NotHealthyError(
        f"{service.name} does not accept its new configuration; it goes on with the one it has",
        hint="docgenctl up tries again; docgenctl up --recreate starts every service anew",
        code="reload_refused",
        details=result.output.splitlines()[-_LINES:],
    )


def _not_reloaded(service: Service, result: ExecResult) -> NotHealthyError:
    return NotHealthyError(
        f"{service.name} did not take over its new configuration",
        hint=f"docgenctl logs {service.name}; docgenctl up tries again",
        code="not_reloaded",
        details=result.output.splitlines()[-_LINES:],
    )

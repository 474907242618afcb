"""What differs from service to service, and how it becomes a complete service."""

from collections.abc import Mapping
from dataclasses import dataclass

from docgenctl.model.blueprint import (
    CONFIG_TARGET,
    DATA_TARGET,
    SCRATCH_TARGET,
    SECRETS_TARGET,
    SERVICE_UID,
    Blueprint,
)
from docgenctl.model.stack import (
    LABEL_CONTENT_DIGEST,
    LABEL_PROJECT_ID,
    LABEL_ROLE,
    Attachment,
    BindMount,
    HealthCheck,
    Limits,
    PortBinding,
    Reload,
    Service,
    TmpfsMount,
    Volume,
    VolumeMount,
    VolumePurpose,
    stop_grace_s,
)

FIXED_OWNER = f"{SERVICE_UID}:{SERVICE_UID}"
_MEBIBYTE = 1024**2

#: A check waits 15 s before it ends a service that hangs (`healthcheck.py`); the engine must not cut it off.
CHECK_TIMEOUT_S = 25.0

#: Inside closed networks the engine's resolver must not pass outside names on; nothing listens here.
NO_OUTSIDE_NAMES = ("127.0.0.1",)
#: There, engines before 25 take 10 s to say that a name (of a server that is down) does not exist.
FAIL_FAST = ("timeout:1", "attempts:1")


@dataclass(frozen=True, kw_only=True)
class ImageChoice:
    """The image a service runs: a reference that names its content, and the engine's id for it if known."""

    reference: str
    id: str = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What differs from service to service; `finish` adds what is the same for all."""

    name: str
    networks: tuple[str, ...]
    limits: Limits
    health_command: tuple[str, ...]
    environment: Mapping[str, str]
    owner: str = FIXED_OWNER
    purposes: tuple[VolumePurpose, ...] = (VolumePurpose.CONFIG, VolumePurpose.SECRETS)
    ports: tuple[PortBinding, ...] = ()
    binds: tuple[BindMount, ...] = ()
    depends_on: tuple[str, ...] = ()
    dns: tuple[str, ...] = NO_OUTSIDE_NAMES
    dns_options: tuple[str, ...] = FAIL_FAST
    command: tuple[str, ...] = ()
    reload: Reload | None = None
    replicas: int = 1
    admitted_on: str = ""

    def volumes(self, blueprint: Blueprint, labels: Mapping[str, str]) -> tuple[Volume, ...]:
        """Its volumes, under names of the project."""
        return tuple(
            Volume(
                key=volume_key(self.name, purpose),
                name=f"{blueprint.project.name}_{volume_key(self.name, purpose)}",
                purpose=purpose,
                owner=self.owner,
                labels={**labels, LABEL_ROLE: purpose.value},
            )
            for purpose in self.purposes
        )

    def finish(
        self, blueprint: Blueprint, images: Mapping[str, ImageChoice], content_versions: Mapping[str, str]
    ) -> Service:
        """The complete service."""
        keys = [volume_key(self.name, purpose) for purpose in self.purposes]
        content = ".".join(content_versions[key][:16] for key in keys if key in content_versions)
        return Service(
            name=self.name,
            container_name=f"{blueprint.project.name}-{self.name}-1",
            image=images[self.name].reference,
            image_id=images[self.name].id,
            user=self.owner,
            # By name, which is the order in which Compose takes them: the first one is the network mode.
            networks=tuple(Attachment(network=key, aliases=(self.name,)) for key in sorted(self.networks)),
            limits=self.limits,
            health_check=HealthCheck(
                command=self.health_command,
                interval_s=10.0,
                timeout_s=CHECK_TIMEOUT_S,
                retries=3,
                start_period_s=30.0,
            ),
            command=self.command,
            environment=self.environment,
            ports=self.ports,
            binds=self.binds,
            volumes=tuple(
                VolumeMount(volume=key, target=_TARGETS[purpose], read_only=purpose in _READ_ONLY)
                for key, purpose in zip(keys, self.purposes, strict=True)
            ),
            tmpfs=(TmpfsMount(target="/tmp", size_bytes=64 * _MEBIBYTE),),  # noqa: S108 - the container's own
            depends_on=self.depends_on,
            dns=self.dns,
            dns_options=self.dns_options,
            stop_grace_s=stop_grace_s(self.name),
            reload=self.reload,
            replicas=self.replicas,
            admitted_on=self.admitted_on,
            labels={
                LABEL_PROJECT_ID: blueprint.project.id,
                LABEL_ROLE: self.name,
                LABEL_CONTENT_DIGEST: content,
            },
        )


_TARGETS = {
    VolumePurpose.CONFIG: CONFIG_TARGET,
    VolumePurpose.SECRETS: SECRETS_TARGET,
    VolumePurpose.DATA: DATA_TARGET,
    VolumePurpose.SCRATCH: SCRATCH_TARGET,
}
_READ_ONLY = (VolumePurpose.CONFIG, VolumePurpose.SECRETS)


def volume_key(service: str, purpose: VolumePurpose) -> str:
    """Key of a service's volume for that purpose."""
    return f"{service}-{purpose.value}"

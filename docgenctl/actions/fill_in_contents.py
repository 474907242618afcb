"""What goes into every config and secrets volume of a stack, and under which version."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from docgenctl.actions.open_project import OpenProject
from docgenctl.certificates.gateway import ensure_gateway_certificate
from docgenctl.configuration.environment import variables_in_force
from docgenctl.files.bounded_file import read_bounded
from docgenctl.model.blueprint import Blueprint
from docgenctl.model.errors import ConfigurationError
from docgenctl.model.secret import Secret
from docgenctl.model.stack import VolumeContent, VolumePurpose
from docgenctl.planning.assemble_stack import service_names, volume_key
from docgenctl.secrets.stack_secrets import ACCEPTED_FILE, content_version, ensure_stack_secrets
from docgenctl.secrets.store import FileStore
from docgenctl.state.definitions import DEFINITIONS_FILE, delivered, read_definitions
from docgenctl.state.store import StateStore

_MAX_BYTES = 256 * 1024
#: The service that clients' keys open, and which looks for other ones by itself.
KEY_HOLDER = "orchestrator"


def fill_in_contents(
    opened: OpenProject, blueprint: Blueprint, service_files: Mapping[str, Mapping[str, str]]
) -> dict[str, VolumeContent]:
    """Volume key → content; makes keys and certificates where there are none yet.

    `service_files` are the rendered configuration files of each service. Secrets named by the servers'
    images are read from the environment, or from `.env` beside docgen.yaml.
    """
    now = datetime.now(UTC)
    salt = StateStore(opened.state_dir).read().digest_salt
    secrets = ensure_stack_secrets(
        FileStore(opened.state_dir),
        opened.state_dir,
        blueprint.servers,
        now=now,
        environ=variables_in_force(opened.project.directory, opened.environ),
        shared_limits=blueprint.shared_limits,
    )
    certificate = ensure_gateway_certificate(
        opened.state_dir,
        blueprint.settings.gateway.hostnames,
        blueprint.settings.environment,
        now,
        project=opened.project.name,
    )
    contents: dict[str, VolumeContent] = {}
    authorities = {
        server.name: _authorities(opened, server.ca_file) for server in blueprint.servers if server.ca_file
    }
    for service in service_names(blueprint):
        config = {name: text.encode() for name, text in service_files.get(service, {}).items()}
        private: dict[str, bytes | Secret] = dict(secrets.files_for(service))
        if service in authorities:
            config["ca.pem"] = authorities[service]
        if service == KEY_HOLDER and (known := read_definitions(opened.state_dir)):
            private[DEFINITIONS_FILE] = delivered(known)
        if service == "gateway":
            private["gateway.pem"] = certificate.pem
            # What the gateway's status page tells, by which a reload sees that it has come about.
            config["version"] = content_version(config, salt)[:16].encode()
            private["version"] = content_version(private, salt)[:16].encode()
        for purpose, files in ((VolumePurpose.CONFIG, config), (VolumePurpose.SECRETS, private)):
            key = volume_key(service, purpose)
            contents[key] = VolumeContent(volume=key, version=content_version(files, salt), files=files)
    key = volume_key(KEY_HOLDER, VolumePurpose.SECRETS)
    contents[key] = _without_keys(contents[key], salt)
    return contents


def _authorities(opened: OpenProject, file: str) -> bytes:
    """Certificates in the workspace. Raises ConfigurationError when there are none at the place."""
    data = read_bounded(opened.project.directory / file, _MAX_BYTES)
    if data is None or b"-----BEGIN CERTIFICATE-----" not in data:
        raise ConfigurationError(
            f"{file} holds no certificates", hint="put them there in PEM form, or remove ca_file"
        )
    return data


def _without_keys(content: VolumeContent, salt: str) -> VolumeContent:
    """The content, whose keys may come and go while its container runs (see `deliver_keys`).

    The same goes for what is known of tools, which is learnt from a stack that runs.
    """
    moving = (ACCEPTED_FILE, DEFINITIONS_FILE)
    lasting = {name: value for name, value in content.files.items() if name not in moving}
    return replace(content, lasting=content_version(lasting, salt))

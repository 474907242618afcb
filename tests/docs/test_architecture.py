"""The pictures and tables of docs/architecture.md, against the stack that the code assembles."""

import re
import tomllib
from pathlib import Path

import pytest

from docgenctl.images.facts import all_image_facts
from docgenctl.model.blueprint import EGRESS_PORT, SERVER_PORT, Blueprint
from docgenctl.model.project import Project
from docgenctl.model.settings import Settings
from docgenctl.model.stack import Stack, VolumePurpose
from docgenctl.planning.assemble_stack import (
    ImageChoice,
    assemble_stack,
    network_keys,
    service_names,
)
from docgenctl.planning.resolve_servers import resolve_servers, wanted_ports
from docgenctl.planning.stack_part import _TARGETS

from .documents import ROOT, block, read, section, table

OUTER = {"host", "outside"}


@pytest.fixture(scope="module")
def stack() -> Stack:
    """The stack of the default settings."""
    settings = Settings()
    servers = resolve_servers(settings, all_image_facts())
    keys = network_keys(tuple(server.name for server in servers))
    blueprint = Blueprint(
        project=Project(name="demo", id="0123456789abcdef", directory=Path("/home/user/demo")),
        settings=settings,
        servers=servers,
        ports={purpose: wanted.first for purpose, wanted in wanted_ports(settings, servers).items()},
        subnets={key: f"10.213.0.{16 * index}/28" for index, key in enumerate(keys)},
        owner="1000:1000",
        tool_version="0",
    )
    images = {name: ImageChoice(reference=f"docgenctl/{name}:0") for name in service_names(blueprint)}
    return assemble_stack(blueprint, images, {})


def members(stack: Stack) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {network.key: set() for network in stack.networks}
    for service in stack.services:
        for place in service.networks:
            found[place.network].add(service.name)
    return found


def drawn() -> list[tuple[str, str, str, str]]:
    """(from, network, what else the line is labelled with, to) for each line of the picture."""
    picture = block("architecture.md", "compared with the assembled stack by a test")
    line = re.compile(r'^ +(\w+)(?:\(.*?\))? -->\|"([a-z-]+)(?:: ([^"]*))?"\| (\w+)', re.MULTILINE)
    found = [(start, network, more or "", end) for start, network, more, end in line.findall(picture)]
    assert len(found) == picture.count("-->")
    return found


def test_the_picture_shows_every_network_with_its_members_and_no_other(stack: Stack) -> None:
    shown: dict[str, set[str]] = {}
    for start, network, _, end in drawn():
        shown.setdefault(network, set()).update({start, end} - OUTER)
    assert shown == members(stack)


def test_the_picture_shows_the_published_ports(stack: Stack) -> None:
    (ports,) = [more for start, _, more, _ in drawn() if start == "host"]
    published = {port.container_port for service in stack.services for port in service.ports}
    assert {int(port) for port in ports.split(", ")} == published


def test_a_line_to_the_world_leaves_from_networks_that_are_not_closed(stack: Stack) -> None:
    open_lines = {network for start, network, _, end in drawn() if OUTER & {start, end}}
    assert open_lines == {network.key for network in stack.networks if not network.closed}


def test_the_table_of_networks_is_true(stack: Stack) -> None:
    rows = table(section(read("architecture.md"), "### Networks"))
    told = {row[0]: (row[1] == "yes", set(row[2].split(", "))) for row in rows}
    assert told == {network.key: (network.closed, members(stack)[network.key]) for network in stack.networks}


def test_the_table_of_who_reaches_whom_is_true(stack: Stack) -> None:
    rows = {row[0]: row[1:] for row in table(section(read("architecture.md"), "### Who reaches whom"))}
    assert rows.keys() == set(stack.service_names)
    edges = {(start, end) for start, _, _, end in drawn() if start != "host"}
    for name, (reaches, published, mounts) in rows.items():
        service = stack.service(name)
        ports = {str(port.container_port) for port in service.ports} or {"-"}
        volumes = {stack.volume(mount.volume).purpose.value for mount in service.volumes}
        assert set(published.split(", ")) == ports, name
        assert set(mounts.split(", ")) == volumes | ({"workspace"} if service.binds else set()), name
        assert set(reaches.removesuffix(", by allowlist").split(", ")) == {
            end for start, end in edges if start == name
        }


def test_the_table_of_volumes_is_true() -> None:
    rows = table(section(read("architecture.md"), "### Volumes"))
    told = {row[0]: (row[1].split("`")[0], "--volumes" not in row[3]) for row in rows}
    assert told == {purpose.value: (_TARGETS[purpose], not purpose.kept_by_down) for purpose in VolumePurpose}


def test_the_ports_inside_are_those_of_the_code() -> None:
    request = section(read("architecture.md"), "## A request")
    assert set(re.findall(r":(\d{4})\b", request)) == {str(SERVER_PORT), str(EGRESS_PORT), "8080"}


def test_the_rooms_are_the_layers_that_import_linter_checks() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [c for c in project["tool"]["importlinter"]["contracts"] if c["type"] == "layers"]
    drawn_rooms = block("architecture.md", "compared with the contracts of import-linter by a test")
    layers = [line.replace("docgenctl.", "") for line in contract["layers"]]
    assert drawn_rooms.split("\n")[:-1] == layers


def test_every_room_is_there_and_described() -> None:
    packages = {path.parent.name for path in (ROOT / "docgenctl").glob("*/__init__.py")}
    rows = table(section(read("architecture.md"), "## Rooms").split("```")[2])
    assert {row[0] for row in rows} == packages
    assert all(row[1] for row in rows)

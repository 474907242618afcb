from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from docgenctl.model.errors import Problem
from docgenctl.model.stack import LABEL_CONTENT_DIGEST, Reload, digest_of
from tests.unit.rendering.blueprints import make_blueprint, make_stack


@dataclass(frozen=True)
class Thing:
    labels: dict[str, Any] = field(default_factory=dict)
    items: tuple[Any, ...] = ()


def test_a_digest_is_blind_to_the_order_of_mappings_but_not_of_sequences() -> None:
    assert digest_of(Thing({"a": 1, "b": 2})) == digest_of(Thing({"b": 2, "a": 1}))
    assert digest_of(Thing(items=(1, 2))) != digest_of(Thing(items=(2, 1)))


def test_a_digest_sees_every_level() -> None:
    assert digest_of(Thing(items=(Thing({"a": 1}),))) != digest_of(Thing(items=(Thing({"a": 2}),)))


def test_what_has_no_place_in_a_digest_is_an_error() -> None:
    with pytest.raises(TypeError, match="set has no place"):
        digest_of(Thing(items=({1},)))


def test_every_field_of_a_service_that_only_a_new_container_takes_over_is_in_its_digest() -> None:
    service = make_stack(make_blueprint()).service("main")
    changes: dict[str, Any] = {
        "name": "x",
        "container_name": "x",
        "image": "x",
        "user": "1:1",
        "limits": replace(service.limits, pids=17),
        "health_check": replace(service.health_check, retries=9),
        "command": ("x",),
        "environment": {},
        "ports": make_stack(make_blueprint()).service("gateway").ports,
        "binds": (),
        "volumes": (),
        "tmpfs": (),
        "dns": ("x",),
        "dns_options": ("x",),
        "labels": {},
        "log_rotation": replace(service.log_rotation, max_files=9),
        "stop_grace_s": 99,
        "restart": "no",
    }
    live: dict[str, Any] = {
        "image_id": "sha256:x",
        "networks": (),
        "depends_on": ("x",),
        "replicas": 2,
        "admitted_on": "x",
    }
    assert set(changes) | set(live) | {"reload"} == set(service.__dataclass_fields__)
    for name, value in changes.items():
        assert replace(service, **{name: value}).digest != service.digest, name
    for name, value in live.items():
        assert replace(service, **{name: value}).digest == service.digest, name


def test_the_content_of_its_volumes_is_in_the_digest_of_a_service_that_cannot_reload_it() -> None:
    service = make_stack(make_blueprint()).service("main")
    other = replace(service, labels={**service.labels, LABEL_CONTENT_DIGEST: "other"})
    assert other.digest != service.digest
    assert replace(other, reload=Reload()).digest == replace(service, reload=Reload()).digest


def test_parts_of_a_stack_are_found_by_name_or_not_at_all() -> None:
    stack = make_stack(make_blueprint())
    assert stack.service("main").name == "main"
    assert stack.network("mcp-main").key == "mcp-main"
    assert stack.volume("main-data").key == "main-data"
    for look in (stack.service, stack.network, stack.volume):
        with pytest.raises(KeyError):
            look("nothing")


def test_a_problem_reads_like_a_compiler_s() -> None:
    problem = Problem(file="docgen.yaml", line=12, key_path="servers/main/port", message="no port")
    assert str(problem) == "docgen.yaml:12: servers/main/port: no port"
    assert str(replace(problem, line=0, key_path="")) == "docgen.yaml: no port"

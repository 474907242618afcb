from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from docgenctl.configuration.schema import docgen_schema
from docgenctl.configuration.starter import starter_text
from docgenctl.configuration.yaml_source import parse_yaml
from docgenctl.model.image_facts import ImageFacts

from .test_starter import uncommented


@pytest.fixture(scope="module")
def schema(facts: Mapping[str, ImageFacts]) -> dict[str, Any]:
    return docgen_schema(facts)


def is_valid(schema: dict[str, Any], text: str) -> bool:
    document = dict(parse_yaml(text.encode(), "docgen.yaml").values)
    return bool(Draft202012Validator(schema).is_valid(document))


def test_the_schema_is_one_of_the_dialect_it_names(schema: dict[str, Any]) -> None:
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


def test_every_setting_is_described(schema: dict[str, Any]) -> None:
    for name, definition in [("", schema), *schema["$defs"].items()]:
        for key, value in definition.get("properties", {}).items():
            assert value.get("description"), f"{name}/{key}"


def test_no_generated_titles_are_shown(schema: dict[str, Any]) -> None:
    assert [node["title"] for node in [schema, *schema["$defs"].values()] if "title" in node] == [
        "docgen.yaml"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ports:\nproject:",
        "ports: {orchestrator: 8080}",
        "ports: {orchestrator: 8080-8180}",
        "limits: {memory: 1g, cpus: 0.5}",
        "servers: {main: }",
        "servers: {github: {options: {repositories: [a/b], api_url: 'https://ghe.example/api/v3'}}}",
        "servers: {second: {image: github, options: {repositories: [a/*]}}}",
        "servers: {main: {image: github, options: {repositories: []}}}",
    ],
)
def test_what_the_loader_takes_is_valid(schema: dict[str, Any], text: str) -> None:
    assert is_valid(schema, text)


@pytest.mark.parametrize(
    "text",
    [
        "log_levl: info",
        "log_level: loud",
        "version: 3",
        "ports: {orchestrator: 80a}",
        "ports: 1",
        "limits: {cpus: 0}",
        "servers: {Bad: {}}",
        "servers: {second: {image: mian}}",
        "servers: {main: {options: {x: 1}}}",
        "servers: {github: {options: {repositories: a/b}}}",
        "servers: {github: {options: {repositories: ['a b']}}}",
        "servers: {second: {image: github, options: {api_url: 3}}}",
    ],
)
def test_what_the_loader_refuses_is_invalid(schema: dict[str, Any], text: str) -> None:
    assert not is_valid(schema, text)


def test_the_starter_is_valid_commented_and_uncommented(
    schema: dict[str, Any], facts: Mapping[str, ImageFacts]
) -> None:
    assert is_valid(schema, starter_text(facts))
    assert is_valid(schema, uncommented(starter_text(facts)))

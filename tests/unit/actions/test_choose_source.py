"""From what people type to an exact source: with the real uv and npm, over packages made here.

Wheels lie in a folder, packages of npm come from a registry on 127.0.0.1; nothing else is asked for them.
"""

import base64
import hashlib
import http.server
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from docgenctl.actions.choose_source import Source, Wish, choose_source, relock
from docgenctl.configuration.package_locks import locked_packages
from docgenctl.model.errors import DocgenError, EngineError, UsageError
from docgenctl.model.server_sources import parse_package

#: uv and Node are fetched into it once, by hash.
CACHE = Path(__file__).parents[3] / ".cache/docgenctl"
Choose = Callable[..., Source]

NPM: Mapping[str, Mapping[str, Any]] = {
    "@scope/server": {"bin": {"server": "dist/index.js"}, "dependencies": {"helper": "^1.0.0"}},
    "helper": {"bin": {"helping": "./run.js"}},
    "several": {"bin": {"one": "a.js", "two": "b.js"}},
    "none": {},
}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "1.2"):
        write_wheel(folder, "time_server", version, "Requires-Dist: small-part>=1\n")
    write_wheel(folder, "small_part", "1.5")
    return folder


def write_wheel(folder: Path, name: str, version: str, requires: str = "") -> None:
    """A wheel without a module: only resolved, never run."""
    info = f"{name}-{version}.dist-info"
    described = f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n{requires}"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", described)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """The address of a registry that knows the packages of `NPM`, each in two versions."""
    tarballs = {f"{name}-{version}": packed(name, version) for name in NPM for version in ("1.0.0", "1.1.0")}

    class Registry(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.lstrip("/").replace("%2f", "/").replace("%2F", "/")
            body = tarballs.get(path.removeprefix("tarballs/"))
            if path in NPM:
                body = json.dumps(self.document(path)).encode()
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def document(self, name: str) -> dict[str, Any]:
            here = f"http://127.0.0.1:{self.server.server_address[1]}/tarballs"
            versions = {
                version: {
                    **manifest(name, version),
                    "dist": {"tarball": f"{here}/{name}-{version}", "integrity": integrity(name, version)},
                }
                for version in ("1.0.0", "1.1.0")
            }
            return {"name": name, "dist-tags": {"latest": "1.1.0"}, "versions": versions}

        def log_message(self, *arguments: object) -> None:
            return None

    def integrity(name: str, version: str) -> str:
        return "sha512-" + base64.b64encode(hashlib.sha512(tarballs[f"{name}-{version}"]).digest()).decode()

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def manifest(name: str, version: str) -> dict[str, Any]:
    return {"name": name, "version": version, **NPM[name]}


def packed(name: str, version: str) -> bytes:
    stream, text = io.BytesIO(), json.dumps(manifest(name, version)).encode()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        info = tarfile.TarInfo("package/package.json")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    return stream.getvalue()


@pytest.fixture
def choose(wheels: Path, registry: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Choose:
    """Chooses from the packages made here alone."""
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("npm_config_registry", registry)

    def choosing(stdio: str | None = None, *packages: str, **more: Any) -> Source:
        wish = Wish(stdio=stdio, packages=packages, **more)
        return choose_source(wish, python="3.13", cache_dir=CACHE, on_line=lambda _: None)

    return choosing


@pytest.mark.parametrize("more", [{}, {"image": "a/b", "url": "https://mcp.example.com/mcp"}])
def test_there_is_exactly_one_source(choose: Choose, more: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="in one way"):
        choose(None, **more)
    with pytest.raises(UsageError, match="packages go with --stdio"):
        choose(None, "pypi:x", image="a/b")


def test_an_image_and_an_address_are_taken_as_they_are_with_what_goes_with_them(choose: Choose) -> None:
    source = choose(None, image="ghcr.io/o/n:1", settings={"container_port": 9000})
    assert (source.settings, source.packages) == ({"image": "ghcr.io/o/n:1", "container_port": 9000}, ())
    assert choose(None, url="https://mcp.example.com/mcp").settings == {"url": "https://mcp.example.com/mcp"}


@pytest.mark.parametrize(
    ("typed", "packages", "command", "version"),
    [
        ("uvx time-server --zone 'a b'", (), "time-server --zone 'a b'", "1.2"),
        ("time-server", (), "time-server", "1.2"),
        ("uvx time-server@1.0 -v", (), "time-server -v", "1.0"),
        ("uvx time-server@latest", (), "time-server", "1.2"),
        ("uvx time-server==1.0", (), "time-server", "1.0"),
        ("uvx --from time-server==1.0 clock", (), "clock", "1.0"),
        ("clock", ("pypi:time-server",), "clock", "1.2"),
        ("uvx clock", ("pypi:time-server==1.0",), "clock", "1.0"),
    ],
)
def test_a_package_of_pypi_gets_its_version_and_a_lock_with_all_that_it_needs(
    choose: Choose, typed: str, packages: tuple[str, ...], command: str, version: str
) -> None:
    source = choose(typed, *packages)
    assert source.settings == {"stdio": command, "packages": [f"pypi:time-server=={version}"]}
    assert locked_packages(source.lock, "pypi") == [f"pypi:time-server=={version}"]
    assert f"time-server=={version}" in source.lock
    assert "small-part==1.5" in source.lock
    assert source.lock.count("--hash=sha256:") == 2
    assert "find-links" not in source.lock


@pytest.mark.parametrize(
    ("typed", "packages", "command", "package"),
    [
        ("npx -y @scope/server --x 1", (), "server --x 1", "npm:@scope/server@1.1.0"),
        ("npx @scope/server@1.0.0", (), "server", "npm:@scope/server@1.0.0"),
        ("npx -y @scope/server@latest", (), "server", "npm:@scope/server@1.1.0"),
        ("npx --yes -p several two", (), "two", "npm:several@1.1.0"),
        ("one", ("npm:several@1.0.0",), "one", "npm:several@1.0.0"),
        ("npx helper", (), "helping", "npm:helper@1.1.0"),
    ],
)
def test_a_package_of_npm_gets_its_version_its_program_and_a_lock_without_addresses(
    choose: Choose, registry: str, typed: str, packages: tuple[str, ...], command: str, package: str
) -> None:
    source = choose(typed, *packages)
    assert source.settings == {"stdio": command, "packages": [package]}
    assert locked_packages(source.lock, "npm") == [package]
    assert '"integrity": "sha512-' in source.lock
    assert "127.0.0.1" not in source.lock
    assert '"resolved"' not in source.lock
    if "@scope/server" in package:
        assert "node_modules/helper" in source.lock


@pytest.mark.parametrize(
    ("typed", "packages", "message", "hint"),
    [
        ("'x", (), "cannot be split into words", "--stdio"),
        ("uvx", (), "uvx is told nothing to run", "uvx mcp-server-time"),
        ("uvx --python 3.9 x", (), "uvx's option --python is not understood", "--package pypi:NAME"),
        ("uvx --from", (), "uvx's option --from is not understood", "--package pypi:NAME"),
        ("npx", (), "npx is told nothing to run", "npx -y @scope/server"),
        ("npx --call x", (), "npx's option --call is not understood", "--package npm:NAME"),
        ("npx git+ssh://x/y", (), "'npm:git+ssh://x/y' is not a package", "write pypi:NAME"),
        ("x", ("time-server",), "'time-server' is not a package", "write pypi:NAME"),
        ("x", ("pypi:time-server>=1",), "is not a package", "write pypi:NAME"),
        ("x", ("pypi:time-server", "npm:several"), "packages of two registries", "make two servers"),
        ("npx several", (), "several does not say which of its programs is meant", "its programs: one, two"),
        ("npx none", (), "does not say which of its programs is meant", "its programs: none"),
    ],
)
def test_what_cannot_be_meant_is_told_with_what_to_type(
    choose: Choose, typed: str, packages: tuple[str, ...], message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        choose(typed, *packages)
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "typed",
    ["uvx nobody-published", "uvx time-server@9", "npx nobody-published", "npx @scope/server@9.9.9"],
)
def test_a_package_that_nobody_published_is_told_by_its_name(choose: Choose, typed: str) -> None:
    with pytest.raises(EngineError) as caught:
        choose(typed)
    assert caught.value.code == "package_unavailable"
    assert any(name in caught.value.message for name in ("nobody-published", "time-server", "@scope/server"))
    assert caught.value.details


def test_a_registry_that_does_not_answer_is_told(choose: Choose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    with pytest.raises(DocgenError) as caught:
        choose("npx -y @scope/server@1.0.0")
    assert (caught.value.code, caught.value.exit_code) == ("wheels_failed", 4)


@pytest.mark.parametrize("text", ["pypi:time-server==1.0", "npm:several@1.0.0"])
def test_a_lock_is_made_anew_for_exactly_the_same_packages(choose: Choose, text: str) -> None:
    package = parse_package(text)
    lock = relock([package], python="3.13", cache_dir=CACHE, on_line=lambda _: None)
    assert locked_packages(lock, package.registry) == [text]
    again = relock([package], python="3.13", cache_dir=CACHE, on_line=lambda _: None)
    assert again == lock

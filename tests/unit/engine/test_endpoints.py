"""Which endpoint is chosen, from variables and the Docker client's files."""

import hashlib
import json
from pathlib import Path

import pytest

from docgenctl.engine.endpoints import chosen_endpoint, known_endpoints


def _context(config: Path, name: str, host: str, *, current: bool = False) -> None:
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = config / "contexts" / "meta" / digest
    meta.mkdir(parents=True)
    endpoint = {"docker": {"Host": host, "SkipTLSVerify": False}}
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": endpoint}))
    if current:
        (config / "config.json").write_text(json.dumps({"currentContext": name}))


def test_docker_host_goes_before_contexts(tmp_path: Path) -> None:
    _context(tmp_path, "one", "unix:///one", current=True)
    _context(tmp_path, "two", "unix:///two")
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    found = [
        chosen_endpoint(environ | more)
        for more in ({}, {"DOCKER_CONTEXT": "two"}, {"DOCKER_CONTEXT": "two", "DOCKER_HOST": "unix:///three"})
    ]
    assert [(e.address, e.source) for e in found if e] == [
        ("unix:///one", "context one"),
        ("unix:///two", "context two"),
        ("unix:///three", "DOCKER_HOST"),
    ]


@pytest.mark.parametrize("content", [None, "{}", '{"currentContext": "default"}', "not json", "[]"])
def test_without_a_choice_the_known_sockets_are_tried(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    assert chosen_endpoint({"DOCKER_CONFIG": str(tmp_path)}) is None


def test_the_default_context_overrides_the_current_one(tmp_path: Path) -> None:
    _context(tmp_path, "one", "unix:///one", current=True)
    assert chosen_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "default"}) is None


def test_known_sockets_are_the_systems_then_the_users() -> None:
    paths = [e.address for e in known_endpoints({"HOME": "/home/u", "XDG_RUNTIME_DIR": "/run/user/1"})]
    assert paths[:3] == [
        "unix:///var/run/docker.sock",
        "unix:///run/user/1/docker.sock",
        "unix:///home/u/.docker/run/docker.sock",
    ]


def test_a_context_brings_its_tls_files(tmp_path: Path) -> None:
    _context(tmp_path, "local", "tcp://127.0.0.1:2376", current=True)
    folder = tmp_path / "contexts" / "tls" / hashlib.sha256(b"local").hexdigest() / "docker"
    folder.mkdir(parents=True)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).touch()
    endpoint = chosen_endpoint({"DOCKER_CONFIG": str(tmp_path)})
    assert endpoint is not None
    assert endpoint.tls is not None
    assert (endpoint.tls.ca, endpoint.tls.verify) == (str(folder / "ca.pem"), True)


def test_tls_of_docker_host_comes_from_its_variables(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    environ = {
        "DOCKER_HOST": "tcp://127.0.0.1:2376",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(tmp_path),
    }
    endpoint = chosen_endpoint(environ)
    assert endpoint is not None
    assert endpoint.tls is not None
    assert endpoint.tls.ca == str(tmp_path / "ca.pem")
    assert endpoint.tls.key == ""

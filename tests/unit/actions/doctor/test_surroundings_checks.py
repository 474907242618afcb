"""Proxies, certificates, Compose variables and programs as shells bring them along."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.unit.actions.doctor.sandbox import Patient


@pytest.mark.parametrize(
    ("variables", "verdict", "told"),
    [
        ({}, "ok", "no proxy"),
        ({"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "localhost,127.0.0.1"}, "ok", "left out"),
        ({"https_proxy": "p.example.com:3128", "no_proxy": "*"}, "ok", "left out"),
        ({"HTTPS_PROXY": "http://p:3128"}, "warning", "NO_PROXY leaves out localhost and 127.0.0.1"),
        ({"HTTP_PROXY": "http://a:1", "http_proxy": "http://b:1"}, "warning", "differ"),
        ({"HTTPS_PROXY": "http://p:port"}, "problem", "no proxy address"),
        ({"HTTP_PROXY": "http://"}, "problem", "no proxy address"),
    ],
)
def test_proxy_variables_are_judged(
    tmp_path: Path, variables: dict[str, str], verdict: str, told: str
) -> None:
    found = Patient(tmp_path).look("surroundings/proxy", **variables)
    assert found.verdict == verdict
    assert told in found.evidence


def test_a_proxy_s_password_is_never_printed(tmp_path: Path) -> None:
    found = Patient(tmp_path).look("surroundings/proxy", HTTPS_PROXY="http://me:hush-hush@p:3128")
    assert "hush-hush" not in repr(found)
    assert any("…@p:3128" in line for line in found.details)


def certificate(path: Path, days: int) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"test {days}")])
    end = datetime.now(UTC) + timedelta(days=days)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=30))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return path


def test_certificate_files_that_variables_name_are_judged(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    junk = tmp_path / "junk.pem"
    junk.write_text("nothing")
    cases = {
        str(certificate(tmp_path / "good.pem", 20)): "ok",
        str(certificate(tmp_path / "old.pem", -2)): "warning",
        str(junk): "problem",
        str(tmp_path / "none.pem"): "problem",
    }
    for path, verdict in cases.items():
        found = patient.look("surroundings/certificates", REQUESTS_CA_BUNDLE=path)
        assert found.verdict == verdict, (path, found)
    assert patient.look("surroundings/certificates").verdict == "ok"
    missing = patient.look("surroundings/certificates", SSL_CERT_FILE="/none", SSL_CERT_DIR="/none")
    assert missing.verdict == "problem"
    assert missing.fix.startswith("unset SSL_CERT_FILE")


def test_variables_that_steer_compose_alone_are_told(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    found = patient.look("surroundings/variables", COMPOSE_FILE="/evil.yml", COMPOSE_PROJECT_NAME="x")
    assert found.verdict == "warning"
    assert found.fix == "unset COMPOSE_FILE COMPOSE_PROJECT_NAME"
    assert patient.look("surroundings/variables", COMPOSE_ANSI="never").verdict == "ok"


def test_a_docker_program_that_others_may_have_put_there_is_told(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "docker"
    program.write_text("#!/bin/sh\nexit 66\n")
    program.chmod(0o755)
    assert patient.look("surroundings/programs", PATH=str(folder)).verdict == "ok"
    folder.chmod(0o777)
    found = patient.look("surroundings/programs", PATH=str(folder))
    assert found.verdict == "warning"
    assert f"everybody may write to {folder}" in found.evidence
    assert patient.look("surroundings/programs", PATH="/none").verdict == "ok"


def test_a_docker_program_in_the_workspace_is_told(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    program = patient.workspace / "docker"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    found = patient.look("surroundings/programs", PATH=str(patient.workspace))
    assert found.verdict == "warning"
    assert "workspace" in found.evidence

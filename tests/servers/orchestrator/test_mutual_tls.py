"""Services that show each other certificates: DOCGEN_TLS=mutual."""

import shutil
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests.servers import wire
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.orchestrator.conftest import CLIENT_KEY, Process, Stack


def trust(process: Process, made: Certificates) -> None:
    for file in made.files:
        shutil.copy(file, process.folder / "secrets")
    process.environment["DOCGEN_TLS"] = "mutual"


@pytest.fixture
def ours(tmp_path: Path) -> Certificates:
    return make_certificates(tmp_path / "certificates")


def make(make_stack: Callable[[], Stack], certificates: Certificates) -> Stack:
    stack = make_stack()
    stack.add("red", host="localhost", scheme="https")
    stack.add("blue", host="localhost", scheme="https")
    for process in (stack.orchestrator, *stack.servers.values()):
        trust(process, certificates)
    return stack


def ask(stack: Stack, tool: str, context: ssl.SSLContext) -> dict[str, object]:
    request = wire.message("tools/call", {"name": tool, "arguments": {"text": "hi"}})
    headers = {"Authorization": f"Bearer {CLIENT_KEY}", **wire.headers(request)}
    url = f"https://localhost:{stack.orchestrator.port}/mcp"
    with httpx2.Client(verify=context, trust_env=False) as http:
        answer: dict[str, object] = http.post(url, json=request, headers=headers).json()
    return answer


def test_a_call_passes_two_hops_that_each_ask_for_a_certificate(
    make_stack: Callable[[], Stack], ours: Certificates
) -> None:
    stack = make(make_stack, ours).up()
    assert ask(stack, "red_echo", ours.client())["result"]["content"][0]["text"] == "hi"  # type: ignore[index]


def test_who_has_no_certificate_or_a_foreign_one_gets_no_answer(
    make_stack: Callable[[], Stack], ours: Certificates, tmp_path: Path
) -> None:
    stack = make(make_stack, ours).up()
    bare = ssl.create_default_context(cafile=ours.authority)
    foreign = make_certificates(tmp_path / "foreign")
    bearer = ssl.create_default_context(cafile=ours.authority)
    bearer.load_cert_chain(foreign.certificate, foreign.key)
    for context in (bare, bearer):
        with pytest.raises(httpx2.TransportError):
            ask(stack, "red_echo", context)
    with pytest.raises(httpx2.TransportError):  # nor is plain HTTP spoken
        stack.http().get("/health")


def test_a_server_of_a_foreign_authority_takes_only_its_own_calls_away(
    make_stack: Callable[[], Stack], ours: Certificates, tmp_path: Path
) -> None:
    stack = make(make_stack, ours)
    trust(stack.servers["red"], make_certificates(tmp_path / "foreign"))
    stack.up()
    error = ask(stack, "red_echo", ours.client())["error"]
    assert error["code"] == -32010  # type: ignore[index]
    assert "The server red is not available" in error["message"]  # type: ignore[index]
    assert "certificate" in error["message"]  # type: ignore[index]
    assert "result" in ask(stack, "blue_echo", ours.client())


@pytest.mark.parametrize("missing", ["tls.crt", "tls.key", "tls-ca.crt"])
def test_a_missing_file_ends_the_start_with_one_line(
    make_stack: Callable[[], Stack], ours: Certificates, missing: str
) -> None:
    stack = make(make_stack, ours)
    (stack.servers["red"].folder / "secrets" / missing).unlink()
    stack.servers["red"].start(wait=False)
    assert stack.servers["red"].process is not None
    assert stack.servers["red"].process.wait(15) == 78
    assert "cannot be used for TLS" in stack.servers["red"].lines()[0]["event"]


def test_an_https_server_is_refused_where_there_is_no_certificate_to_show(
    make_stack: Callable[[], Stack],
) -> None:
    stack = make_stack()
    red = stack.add("red", scheme="https")
    stack.orchestrator.folder.joinpath("config/routing.yaml").write_text(
        f"{{version: 1, servers: {{red: {{url: 'https://localhost:{red.port}/mcp'}}}}}}"
    )
    stack.orchestrator.start(wait=False)
    assert stack.orchestrator.process is not None
    assert stack.orchestrator.process.wait(15) == 78
    assert "DOCGEN_TLS is not mutual" in stack.orchestrator.lines()[0]["event"]

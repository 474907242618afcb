"""Starting and stopping the real SDK server that tests of the client talk to."""

import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from docgenctl.certificates import ensure_gateway_certificate
from docgenctl.endpoint import Endpoint
from docgenctl.secrets import new_api_key


@dataclass
class Stack:
    """A running server, the address of it, and the directory in which signals are given and seen."""

    process: subprocess.Popen[str]
    endpoint: Endpoint
    signals: Path

    def at(self, path: str) -> Endpoint:
        return replace(self.endpoint, url=self.endpoint.url.replace("/mcp", path))


def start(directory: Path) -> Stack:
    state, signals = directory / "state", directory / "signals"
    state.mkdir(mode=0o700)
    signals.mkdir()
    certificate = ensure_gateway_certificate(state, [], "development", datetime.now(UTC), project="test")
    key = new_api_key()
    (state / "api-key").write_bytes(key.reveal_bytes() + b"\n")
    program = Path(__file__).with_name("sdk_server.py")
    process = subprocess.Popen(
        [sys.executable, program, state / "gateway.pem", key.reveal(), signals],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    port = int(process.stdout.readline())
    endpoint = Endpoint(f"https://localhost:{port}/mcp", certificate.root_path, state / "api-key")
    return Stack(process, endpoint, signals)


def stop(stack: Stack) -> None:
    stack.process.kill()
    stack.process.wait()
    assert stack.process.stdout is not None
    stack.process.stdout.close()

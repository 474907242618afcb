"""A project whose endpoint answers although no engine runs anything: a real orchestrator behind TLS.

The orchestrator is a process as it is in a container; in front of it stands what the gateway is to clients
of the command line: TLS with the project's own certificate. The state says that the stack was started.
"""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from docgenctl.actions.open_project import OpenProject, open_project
from docgenctl.certificates import ensure_gateway_certificate
from docgenctl.model.state import State
from docgenctl.secrets.stack_secrets import API_KEY_FILE
from docgenctl.state.store import StateStore
from tests.servers.orchestrator.conftest import CLIENT_KEY, Stack


@contextlib.contextmanager
def served(folder: Path, stack: Stack) -> Iterator[OpenProject]:
    """The project in `folder/workspace` with its state in `folder/state`, in front of a stack that is up."""
    workspace = folder / "workspace"
    workspace.mkdir(exist_ok=True)
    opened = open_project(workspace, environ_of(folder))
    issued = ensure_gateway_certificate(
        opened.state_dir, [], "development", datetime.now(UTC), project=opened.project.name
    )
    assert issued.root_path == opened.state_dir / "ca" / "root.pem"
    (opened.state_dir / API_KEY_FILE).touch(0o600)
    (opened.state_dir / API_KEY_FILE).write_text(CLIENT_KEY + "\n")
    with tls_in_front_of(stack.orchestrator.port, opened.state_dir / "gateway.pem") as port:
        StateStore(opened.state_dir).write(State(ports={"orchestrator": port}))
        yield opened


def environ_of(folder: Path) -> dict[str, str]:
    """The variables of a project whose state and cache are its own, where no Docker Engine answers."""
    return {
        "DOCGENCTL_STATE_DIR": str(folder / "state"),
        "DOCGENCTL_CACHE_DIR": str(folder / "cache"),
        "DOCKER_HOST": f"unix://{folder}/no-engine.sock",
    }


@contextlib.contextmanager
def tls_in_front_of(port: int, certificate: Path) -> Iterator[int]:
    """The port of 127.0.0.1 at which TLS is ended for another one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    loop, bound = asyncio.new_event_loop(), threading.Event()
    ports: list[int] = []

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))

    async def serve() -> None:
        server = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context)
        ports.append(server.sockets[0].getsockname()[1])
        bound.set()
        with contextlib.suppress(asyncio.CancelledError):
            await server.serve_forever()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert bound.wait(10)
    try:
        yield ports[0]
    finally:
        for task in asyncio.all_tasks(loop):
            loop.call_soon_threadsafe(task.cancel)
        thread.join(10)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()

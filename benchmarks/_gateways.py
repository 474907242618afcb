"""Other people's MCP proxies, each in a virtual environment of its own (`make peers`).

`mcp-proxy` takes programs that speak on standard input and output as its backends, so its way to a backend
that speaks HTTP is a second `mcp-proxy` as that program. It speaks the 2025-11-25 revision, and no TLS.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from _fronts import Bench, Front
from _processes import ROOT, free_port, started

PLACE = ROOT / ".cache" / "peers"


def has(name: str) -> bool:
    """Whether the virtual environment of a peer is there."""
    return _python(name).exists()


@contextlib.contextmanager
def fastmcp(bench: Bench) -> Iterator[Front]:
    """FastMCP's proxy."""
    port = free_port()
    url = f"{'https' if bench.tls else 'http'}://localhost:{bench.backend.port}/mcp"
    program = str(Path(__file__).with_name("_fastmcp_proxy.py"))
    command = [str(_python("fastmcp")), program, str(port), url, *(bench.tls.files if bench.tls else ())]
    with started(command, port, bench.log) as process:
        yield Front("FastMCP proxy", process)


@contextlib.contextmanager
def mcp_proxy(bench: Bench) -> Iterator[Front]:
    """mcp-proxy before mcp-proxy."""
    port = free_port()
    program = str(_python("mcp-proxy").with_name("mcp-proxy"))
    url = f"http://127.0.0.1:{bench.backend.port}/mcp"
    inner = [program, "--log-level", "ERROR", "--transport", "streamablehttp", url]
    outer = [program, "--log-level", "ERROR", "--stateless", "--port", str(port), "--pass-environment"]
    with started([*outer, "--", *inner], port, bench.log) as process:
        yield Front("mcp-proxy", process, wire="2025-11-25", path="/mcp/")


def _python(name: str) -> Path:
    return PLACE / name / "bin" / "python"

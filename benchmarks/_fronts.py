"""What stands between the load generator and the raw backend: nothing, nginx, HAProxy, or ours.

Each has one worker, so that a front's share of two processors is the same. HAProxy comes twice: as a plain
reverse proxy, and with the policy that ours has too, as far as it can have it: a key, a limit of rate for the
key, routing by `Mcp-Name`, a breaker that watches answers.
"""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from _certificates import Certificates
from _processes import Process, free_port, python_program, server_sources, started, wait_until_answered
from _servers import KEY, META

MODERN = "2026-07-28"
OURS, IN_IMAGE = "ours", "ours in its image"


@dataclass(frozen=True)
class Front:
    """A front that runs: which wire it is spoken to by, at which path."""

    name: str
    process: Process
    wire: str = MODERN
    path: str = "/mcp"

    def head(self, method: str, tool: str | None) -> bytes:
        """The head of a request, without Content-Length."""
        lines = [
            f"POST {self.path} HTTP/1.1",
            f"Host: localhost:{self.process.port}",
            f"Authorization: Bearer {KEY}",
            "Content-Type: application/json",
            "Accept: application/json, text/event-stream",
            f"MCP-Protocol-Version: {self.wire}",
            *([f"Mcp-Method: {method}"] if self.wire == MODERN else []),
            *([f"Mcp-Name: {tool}"] if self.wire == MODERN and tool else []),
        ]
        return "".join(f"{line}\r\n" for line in lines).encode()

    def body(self, method: str, tool: str | None) -> bytes:
        """A message with `%d` in the place of its id."""
        meta = {**(META if self.wire == MODERN else {}), "progressToken": 1}
        called = {"name": tool, "arguments": {"text": "hello"}} if tool else {}
        message = {"jsonrpc": "2.0", "id": 0, "method": method, "params": {**called, "_meta": meta}}
        return json.dumps(message).encode().replace(b'"id": 0', b'"id": %d', 1)


@dataclass(frozen=True)
class Bench:
    """Where fronts are made: a folder of their own, the backend behind them, certificates for mTLS."""

    folder: Path
    backend: Process
    tls: Certificates | None = None

    @property
    def log(self) -> Path:
        """A file for what a front says."""
        return self.folder / "log"


def program(name: str) -> str | None:
    """Where a reverse proxy is: on the path, or where Debian puts it."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def _needed(name: str) -> str:
    found = program(name)
    if found is None:
        raise SystemExit(f"{name} is not here (make peers)")
    return found


@contextlib.contextmanager
def raw_backend(folder: Path, tools: int, tls: Certificates | None) -> Iterator[Process]:
    """The server behind every front."""
    port = free_port()
    files = tls.files if tls else ()
    command = python_program("_raw_backend.py", str(port), str(tools), *files)
    with started(command, port, folder / "backend.log") as process:
        yield process


@contextlib.contextmanager
def direct(bench: Bench) -> Iterator[Front]:
    """Nothing: the floor."""
    yield Front("direct", bench.backend)


@contextlib.contextmanager
def nginx(bench: Bench) -> Iterator[Front]:
    """A reverse proxy of nginx that keeps its connections and buffers nothing."""
    port = free_port()
    (bench.folder / "nginx.conf").write_text(_nginx(bench, port))
    command = [_needed("nginx"), "-p", str(bench.folder), "-c", "nginx.conf", "-e", "error.log"]
    with started(command, port, bench.log) as process:
        yield Front("nginx", process)


@contextlib.contextmanager
def haproxy(bench: Bench) -> Iterator[Front]:
    """HAProxy as a plain reverse proxy."""
    with _haproxy(bench, "") as process:
        yield Front("haproxy", process)


@contextlib.contextmanager
def haproxy_with_policy(bench: Bench) -> Iterator[Front]:
    """HAProxy with key, rate, routing and breaker."""
    with _haproxy(bench, _POLICY % KEY) as process:
        yield Front("haproxy +policy", process)


@contextlib.contextmanager
def ours(bench: Bench) -> Iterator[Front]:
    """The orchestrator as it is in its container, but for the container."""
    port = free_port()
    environ = _orchestrator(bench, port)
    command = [sys.executable, "-m", "docgen_orchestrator"]
    with started(command, port, bench.log, environ) as process:
        yield Front(OURS, process)


def own_image() -> str | None:
    """The image of the orchestrator that this working tree makes; None where no engine can make it."""
    place = Path(__file__).parents[1]
    command = [sys.executable, "-m", "docgenctl", "build", "--json", "--project-dir", str(place)]
    built = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if built.returncode:
        return None
    return str(json.loads(built.stdout)["orchestrator"]["reference"])


def ours_in(image: str) -> Callable[[Bench], AbstractContextManager[Front]]:
    """The same from its image, with the Python that users have; on the host's network, so without bridges."""

    @contextlib.contextmanager
    def front(bench: Bench) -> Iterator[Front]:
        port = free_port()
        environ = {name: value for name, value in _orchestrator(bench, port).items() if name != "PYTHONPATH"}
        options = [word for name, value in environ.items() for word in ("--env", f"{name}={value}")]
        mount = f"{bench.folder}:{bench.folder}:ro"
        docker = ["docker", "run", "--detach", "--read-only", "--user", "0", "--network", "host"]
        command = [*docker, "--volume", mount, "--tmpfs", "/log", *options, image, "sh", "-c"]
        # Its lines go into a file, as those of ours without a container: the engine's log is not ours.
        container = _said([*command, "exec /opt/docgen/venv/bin/python -m docgen_orchestrator >/log/lines"])
        try:
            wait_until_answered(port)
            pid = int(_said(["docker", "inspect", "--format", "{{.State.Pid}}", container]))
            yield Front(IN_IMAGE, Process(port, pid))
        finally:
            _said(["docker", "rm", "--force", container])

    return front


def _said(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _nginx(bench: Bench, port: int) -> str:
    tls = bench.tls
    listen, sides, scheme = f"127.0.0.1:{port}", "", "http"
    if tls is not None:
        scheme, listen = "https", f"127.0.0.1:{port} ssl"
        sides = f"""
    ssl_certificate {tls.certificate}; ssl_certificate_key {tls.key};
    ssl_client_certificate {tls.authority}; ssl_verify_client on;
    proxy_ssl_certificate {tls.certificate}; proxy_ssl_certificate_key {tls.key};
    proxy_ssl_trusted_certificate {tls.authority}; proxy_ssl_verify on; proxy_ssl_name localhost;"""
    temporary = "".join(
        f"  {kind}_temp_path {bench.folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    return f"""{user}daemon off;
worker_processes 1;
pid {bench.folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 100000000;
{temporary}  upstream backend {{
    server 127.0.0.1:{bench.backend.port};
    keepalive 64; keepalive_requests 100000000;
  }}
  server {{
    listen {listen};{sides}
    location /mcp {{
      proxy_pass {scheme}://backend; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
"""


_POLICY = """
  acl known req.hdr(Authorization) -m str "Bearer %s"
  http-request return status 401 unless known
  stick-table type string len 64 size 10k expire 1m store http_req_rate(1s)
  http-request track-sc0 req.hdr(Authorization)
  http-request return status 429 hdr Retry-After 1 if { sc_http_req_rate(0) gt 1000000 }
  acl bench req.hdr(Mcp-Name) -m beg bench_
  acl listing req.hdr(Mcp-Method) -m str tools/list
  http-request return status 404 unless bench or listing
"""


@contextlib.contextmanager
def _haproxy(bench: Bench, policy: str) -> Iterator[Process]:
    port, tls = free_port(), bench.tls
    bind = server = ""
    if tls is not None:
        bind = f" ssl crt {tls.both} ca-file {tls.authority} verify required alpn http/1.1"
        server = f" ssl crt {tls.both} ca-file {tls.authority} verify required verifyhost localhost"
    breaker = " observe layer7 error-limit 50 on-error mark-down check" if policy else ""
    (bench.folder / "haproxy.cfg").write_text(f"""global
  maxconn 1000
  nbthread 1
defaults
  mode http
  option http-no-delay
  timeout connect 2s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:{port}{bind}{policy}
  default_backend raw
backend raw
  http-reuse always
  server raw 127.0.0.1:{bench.backend.port}{server}{breaker}
""")
    command = [_needed("haproxy"), "-db", "-f", str(bench.folder / "haproxy.cfg")]
    with started(command, port, bench.log) as process:
        yield process


def _orchestrator(bench: Bench, port: int) -> dict[str, str]:
    """Write what the orchestrator reads; its environment."""
    config, secrets = bench.folder / "config", bench.folder / "secrets"
    for place in (config, secrets):
        place.mkdir()
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    key = {"id": "default", "sha256": digest, "scopes": ["*"], "rate": "1000000/s", "expires": None}
    (secrets / "api-keys.json").write_text(json.dumps({"version": 1, "keys": [key]}))
    (secrets / "upstream-bench").write_text("dgk_backend-0000000000000000000000000000000000000000")
    scheme = "https" if bench.tls else "http"
    server = {
        "url": f"{scheme}://localhost:{bench.backend.port}/mcp",
        "tool_prefixes": ["bench_"],
        "timeout_s": 60,
    }
    (config / "routing.yaml").write_text(json.dumps({"version": 1, "servers": {"bench": server}}))
    return {
        "PYTHONPATH": server_sources(),
        "DOCGEN_SERVER": "orchestrator",
        "DOCGEN_BIND": "127.0.0.1",
        "DOCGEN_PORT": str(port),
        "DOCGEN_CONFIG_DIR": str(config),
        "DOCGEN_SECRETS_DIR": str(secrets),
        **_mutual(bench.tls, secrets),
    }


def _mutual(tls: Certificates | None, secrets: Path) -> dict[str, str]:
    if tls is None:
        return {}
    for file in tls.files:
        shutil.copy(file, secrets)
    return {"DOCGEN_TLS": "mutual"}

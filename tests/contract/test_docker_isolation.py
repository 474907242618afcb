"""Hardening and closed networks on the real engine, each seen from inside, with a positive control."""

import http.server
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from docgenctl.engine.docker_engine import DockerEngine
from docgenctl.model.errors import EngineError
from docgenctl.model.stack import Attachment, BindMount, Network
from tests.contract.laboratory import Laboratory, free_port, published

pytestmark = [pytest.mark.engine, pytest.mark.timeout(90)]


#: Waits inside a container until its server listens.
LISTENS = (
    "bash",
    "-c",
    "for n in {1..100}; do (: < /dev/tcp/127.0.0.1/8000) 2>&- && break; sleep 0.05; done",
)


def fetch(host: str, port: int) -> tuple[str, ...]:
    """A command that prints what an HTTP server answers, or why there is no answer."""
    request = f"GET / HTTP/1.0\\r\\nHost: {host}\\r\\n\\r\\n"
    script = f"exec 3<>/dev/tcp/{host}/{port} && printf '{request}' >&3 && cat <&3"
    return ("timeout", "3", "bash", "-c", script)


@pytest.fixture
def listener_on_all_addresses() -> Iterator[int]:
    """A process of the host that listens on 0.0.0.0, as development servers do."""

    class Quiet(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"this is the host")

        def log_message(self, *arguments: object) -> None:
            return None

    server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def _gateway(subnet: str) -> str:
    """The first address of a subnet: the bridge's, where it has one."""
    base, _, _ = subnet.partition("/")
    head, _, last = base.rpartition(".")
    return f"{head}.{int(last) + 1}"


def test_the_host_is_out_of_reach_from_a_closed_network_and_in_reach_from_an_open_one(
    docker_laboratory: Laboratory, listener_on_all_addresses: int
) -> None:
    laboratory, port = docker_laboratory, listener_on_all_addresses
    answers = {}
    for closed in (True, False):
        project = laboratory.project("closed" if closed else "open")
        dns = ("127.0.0.1",) if closed else ()
        service = laboratory.service(project, dns=dns)
        stack = laboratory.stack(project, service, closed=closed)
        container_id = laboratory.run(service, stack)
        addresses = (_gateway(stack.networks[0].subnet), "172.17.0.1")
        answers[closed] = "".join(
            laboratory.engine.execute(container_id, fetch(address, port)).output for address in addresses
        )
    assert answers[False].count("this is the host") == 2, answers[False]
    assert "this is the host" not in answers[True], answers[True]


def test_services_of_a_closed_network_find_each_other_by_all_their_names(
    docker_laboratory: Laboratory,
) -> None:
    laboratory, project = docker_laboratory, docker_laboratory.project("names")
    serving = laboratory.service(
        project,
        "serving",
        ("sh", "-c", "echo found > /tmp/index.html; exec httpd -f -p 8000 -h /tmp"),
        networks=(Attachment(network="a", aliases=("also",)), Attachment(network="b", aliases=("there",))),
        dns=("127.0.0.1",),
    )
    asking = laboratory.service(project, "asking", dns=("127.0.0.1",))
    far = laboratory.service(project, "far", networks=(Attachment(network="b"),), dns=("127.0.0.1",))
    stack = laboratory.stack(project, serving, asking, far)
    second = laboratory.network(stack, "b")
    stack = laboratory.stack(project, serving, asking, far, networks=(*stack.networks, second))
    ids = {service.name: laboratory.run(service, stack) for service in stack.services}

    def ask(who: str, name: str) -> str:
        return laboratory.engine.execute(ids[who], fetch(name, 8000)).output

    laboratory.engine.execute(ids["serving"], LISTENS)
    for name in ("serving", "also", f"{project}-serving-1"):
        assert "found" in ask("asking", name)
    assert "found" in ask("far", "there")
    assert set(laboratory.seen(ids["serving"]).networks) == {f"{project}_a", f"{project}_b"}
    # names of the other network are not known here
    assert "found" not in ask("asking", "there")


def test_a_published_port_is_bound_to_its_address_on_a_network_without_a_way_out(
    docker_laboratory: Laboratory, listener_on_all_addresses: int
) -> None:
    laboratory, project, port = docker_laboratory, docker_laboratory.project("front"), free_port()
    command = ("sh", "-c", "echo front > /tmp/index.html; exec httpd -f -p 8000 -h /tmp")
    front = laboratory.service(
        project, command=command, ports=published(port), networks=(Attachment(network="front"),)
    )
    draft = laboratory.stack(project, front)
    base = laboratory.network(draft, "front", closed=False)
    laboratory.engine.remove_network(base.name)
    network = Network(key="front", name=base.name, subnet=base.subnet, closed=False, masquerade=False)
    stack = laboratory.stack(project, front, networks=(network,))
    laboratory.engine.create_network(network, stack)
    container_id = laboratory.run(front, stack)
    laboratory.engine.execute(container_id, LISTENS)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
        assert answer.read() == b"front\n"
    (binding,) = laboratory.seen(container_id).ports
    assert (binding.host_ip, binding.host_port, binding.container_port) == ("127.0.0.1", port, 8000)


def test_every_container_is_hardened_as_inspection_tells(
    engine: DockerEngine, docker_laboratory: Laboratory
) -> None:
    project = docker_laboratory.project("hard")
    service = docker_laboratory.service(project)
    stack = docker_laboratory.stack(project, service)
    container_id = engine.create_container(service, stack)
    answer = engine._api.inspect_container(container_id)
    host = answer["HostConfig"]
    assert answer["Config"]["User"] == "10001:10001"
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Privileged"] is False
    assert host["Init"] is True
    assert host["Memory"] == host["MemorySwap"] == service.limits.memory_bytes
    assert (host["NanoCpus"], host["PidsLimit"]) == (10**9, 64)
    assert host["LogConfig"] == {
        "Type": "json-file",
        "Config": {"max-size": str(10 * 1024**2), "max-file": "3"},
    }
    assert answer["Config"]["StopTimeout"] == service.stop_grace_s
    assert "docker.sock" not in str(host.get("Mounts"))


def test_every_container_is_hardened_as_seen_from_inside(docker_laboratory: Laboratory) -> None:
    laboratory, project = docker_laboratory, docker_laboratory.project("inside")
    service = laboratory.service(project)
    container_id = laboratory.run(service, laboratory.stack(project, service))

    def inside(script: str) -> str:
        return laboratory.engine.execute(container_id, ("sh", "-c", f"{script} 2>&1")).output.strip()

    assert inside("id -u; id -g").split() == ["10001", "10001"]
    status = dict(line.split(":", 1) for line in inside("cat /proc/self/status").splitlines() if ":" in line)
    assert {int(status[key], 16) for key in ("CapEff", "CapPrm", "CapBnd", "CapInh")} == {0}
    assert status["NoNewPrivs"].strip() == "1"
    assert "Read-only file system" in inside("touch /bin/x")
    assert "Permission denied" in inside("echo 'echo hello' > /tmp/say; chmod +x /tmp/say; /tmp/say")
    mount = next(line for line in inside("mount").splitlines() if " /tmp " in line)
    assert {"noexec", "nosuid", "nodev"} <= set(mount.rpartition("(")[2].rstrip(")").split(","))
    assert "No space left" in inside("dd if=/dev/zero of=/tmp/big bs=1M count=3")
    # the first process is the engine's init, which reaps children and passes signals on
    assert "sleep" not in inside("cat /proc/1/comm")


def test_a_bind_whose_source_is_missing_is_refused_and_not_made(
    docker_laboratory: Laboratory, tmp_path: Path
) -> None:
    project, missing = docker_laboratory.project("bind"), tmp_path / "missing"
    binds = (BindMount(source=str(missing), target="/w", read_only=True),)
    service = docker_laboratory.service(project, binds=binds)
    with pytest.raises(EngineError) as caught:
        docker_laboratory.engine.create_container(service, docker_laboratory.stack(project, service))
    assert caught.value.hint == f"mkdir -p {missing}"
    assert not missing.exists()


def test_the_planned_image_runs_even_when_its_name_has_moved_on(
    engine: DockerEngine, docker_laboratory: Laboratory
) -> None:
    project = docker_laboratory.project("moved")
    reference = f"docgenctl-test/{project}:1"
    # a name that names nothing any more stands for one that names something else
    service = docker_laboratory.service(project, image=reference)
    container_id = engine.create_container(service, docker_laboratory.stack(project, service))
    assert docker_laboratory.seen(container_id).image_id == docker_laboratory.image_id


def test_a_paused_container_goes_on_when_started(engine: DockerEngine, docker_laboratory: Laboratory) -> None:
    project = docker_laboratory.project("paused")
    service = docker_laboratory.service(project)
    container_id = docker_laboratory.run(service, docker_laboratory.stack(project, service))
    engine._api.pause(container_id)
    assert docker_laboratory.seen(container_id).state == "paused"
    engine.start_container(container_id)
    assert docker_laboratory.seen(container_id).state == "running"

"""Keys and tokens are looked for everywhere they must not be, and found where they belong.

The search is for the raw bytes and for base64 of them, in what the engine tells, in what containers print, in
what images hold, on the disk, and in every process of the machine while commands run.
"""

import base64
import contextlib
import hashlib
import io
import json
import os
import stat
import tarfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from docgenctl.engine.docker_engine import DockerEngine
from tests.e2e.repositories import git, python_repository
from tests.e2e.stack import SERVICES, Door, Ran, Stack

pytestmark = pytest.mark.engine

TOKEN = "ghp_CANARY0e2e7f3a9c1e5b8d2f4a6c0e1b3d5f7"
TOKEN_VARIABLE = "GITHUB_TOKEN"


@dataclass
class Needles:
    """Secrets by what they are, each in the forms in which it might leak."""

    values: dict[str, bytes] = field(default_factory=dict)

    def found_in(self, hay: bytes) -> list[str]:
        return [name for name, value in self.values.items() if any(form in hay for form in _forms(value))]


def _forms(value: bytes) -> Iterator[bytes]:
    yield value
    for shift in range(3):
        # base64 of the value at any offset in something longer: the ends depend on what is around it
        encoded = base64.b64encode(b"\0" * shift + value).rstrip(b"=")
        yield encoded[4:-4] if shift else encoded[:-4]


@dataclass
class Witness:
    """Looks at every process of the machine, as often as it can, for words in argv and environment.

    `allowed` are process ids that hold a secret in their environment because the test put it there.
    """

    needles: Needles
    looks: int = 0
    in_arguments: set[str] = field(default_factory=set)
    in_environments: dict[int, set[str]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    def look(self) -> None:
        self.looks += 1
        for process in Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                arguments = (process / "cmdline").read_bytes()
                self.in_arguments |= set(self.needles.found_in(arguments))
                if found := self.needles.found_in((process / "environ").read_bytes()):
                    pid = int(process.name)
                    self.names[pid] = arguments.replace(b"\0", b" ").decode(errors="replace")[:200]
                    self.in_environments.setdefault(pid, set()).update(found)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        done = threading.Event()

        def go_on() -> None:
            while not done.wait(0.05):
                self.look()

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            self.look()


@dataclass
class Story:
    """A stack that has been through everything, what its commands printed, and who watched."""

    stack: Stack
    door: Door
    needles: Needles
    witness: Witness
    ran: list[Ran]
    rendered_before_up: bytes


@pytest.fixture(scope="module")
def story(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Up, a document, calls that fail, a deployment with new settings, all logs at level debug."""
    place = tmp_path_factory.mktemp("secret")
    folder = place / "harbour"
    folder.mkdir()
    folder.chmod(0o755)
    stack = Stack(
        engine,
        python_repository(folder),
        place / "state",
        word="secret",
        settings={
            "log_level": "debug",
            "servers": {"github": {"options": {"repositories": ["octo/demo"]}}},
            "orchestrator": {"shared_limits": "always"},
        },
        environ={TOKEN_VARIABLE: TOKEN},
    )
    needles = Needles({"token": TOKEN.encode()})
    ran = []
    try:
        ran.append(stack.ok("render", "--json"))
        rendered = b"".join(contents(folder))
        witness = Witness(needles)
        with witness.watching():
            ran.append(stack.ok("up", "--json", timeout=600))
            door = Door.of(stack.endpoint())
            needles.values |= {"client key": door.key.encode(), **upstream_keys(stack), **store_key(stack)}
            ran.append(stack.ok("generate", "readme"))
            ran.append(stack.run("tools", "call", "files_read", '{"path": "../../etc/shadow"}'))
            ran.append(stack.run("tools", "call", "github_list_pulls", '{"owner": "octo", "repo": "demo"}'))
            ran.append(stack.run("tools", "call", "no_such_tool"))
            with door.http() as client:
                for headers in ({"Authorization": f"Bearer {door.key}x"}, {"X-API-Key": f"{door.key}."}):
                    client.post("/mcp", json={}, headers=headers)
                client.get(f"/nothing?key={door.key}")
                client.post(f"/mcp?api_key={door.key}", content=b"{")
            stack.configure({"limits": {"pids": 200}})
            ran.append(stack.ok("deploy", "--ci", timeout=600))
            ran += [stack.ok(*words) for words in LOOKING]
        yield Story(stack, door, needles, witness, ran, rendered)
    finally:
        stack.remove()


LOOKING = (
    ("status", "--json"),
    ("health", "--json"),
    ("endpoint",),
    ("config", "show", "--origins"),
    ("tools", "list"),
    ("logs",),
)


def test_the_search_finds_what_it_looks_for(story: Story) -> None:
    value = story.door.key.encode()
    for hidden in (
        b"x" + value + b"y",
        base64.b64encode(b"Bearer " + value),
        base64.b64encode(b"a:" + value + b"\n"),
    ):
        assert story.needles.found_in(b"before " + hidden + b" after") == ["client key"], hidden
    assert len(story.needles.values) == 5
    assert story.witness.looks > 20


def test_nothing_that_the_engine_tells_of_the_stack_holds_a_secret(story: Story, api: APIClient) -> None:
    label = {"label": f"com.docker.compose.project={story.stack.project}"}
    containers = api.containers(all=True, filters=label)
    assert len(containers) == len(SERVICES) + 1
    told = [api.inspect_container(each["Id"]) for each in containers]
    told += [api.top(each["Id"], ps_args="-ef") for each in containers]
    told += [api.inspect_network(each["Id"]) for each in api.networks(filters=label)]
    told += [api.inspect_volume(each["Name"]) for each in api.volumes(filters=label)["Volumes"]]
    for image in sorted({each["ImageID"] for each in containers}):
        told += [api.inspect_image(image), api.history(image)]
    assert len(told) > 20
    assert story.needles.found_in(json.dumps(told).encode()) == []


def test_no_log_holds_a_secret(story: Story, api: APIClient) -> None:
    for service, container in story.stack.containers().items():
        raw = api.logs(container, stdout=True, stderr=True)
        assert raw, service
        assert story.needles.found_in(raw) == [], service
    printed = "\n".join(line["text"] for line in story.stack.logs())
    assert '"level": "debug"' in printed or '"level":"debug"' in printed
    assert story.needles.found_in(printed.encode()) == []


def test_no_command_prints_a_secret(story: Story) -> None:
    for ran in story.ran:
        assert story.needles.found_in((ran.stdout + ran.stderr).encode()) == [], ran.argv


def test_no_layer_of_our_images_holds_a_secret(story: Story, api: APIClient) -> None:
    images = sorted({api.inspect_container(each)["Image"] for each in story.stack.containers().values()})
    assert len(images) == len(SERVICES) + 1
    layers: dict[str, list[str]] = {}
    for image in images:
        with tarfile.open(fileobj=_Stream(api.get_image(image)), mode="r|") as saved:
            for entry in saved:
                source = saved.extractfile(entry)
                # Layers that images share have the same name, which is made of their content.
                place = entry.name if "layer" in entry.name or "blobs" in entry.name else image + entry.name
                if source is not None and place not in layers:
                    layers[place] = found_in_stream(source, story.needles)
    assert len(layers) > 2 * len(images)
    assert {name: found for name, found in layers.items() if found} == {}


def test_no_file_of_the_workspace_holds_a_secret(story: Story) -> None:
    folder = story.stack.directory
    names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    assert {"docker-compose.mcp.yml", ".env.mcp", ".env.mcp.template"} <= names
    assert story.needles.found_in(b"".join(contents(folder))) == []
    assert story.needles.found_in(story.rendered_before_up) == []
    changes = git(folder, "status", "--porcelain", "--untracked-files=all")
    assert "api-key" not in changes
    assert "secrets" not in changes
    assert not (story.stack.state_dir.resolve()).is_relative_to(folder.resolve())


def test_the_state_directory_keeps_secrets_in_private_files_of_their_own(story: Story) -> None:
    base = story.stack.state_dir
    found: dict[str, list[str]] = {}
    for path in [base, *base.rglob("*")]:
        status = path.lstat()
        assert not stat.S_ISLNK(status.st_mode), path
        assert status.st_uid == os.geteuid()
        if path.is_dir():
            assert stat.S_IMODE(status.st_mode) == 0o700, path
            continue
        if hits := story.needles.found_in(path.read_bytes()):
            assert stat.S_IMODE(status.st_mode) == 0o600, path
            for hit in hits:
                found.setdefault(hit, []).append(path.name)
        if b"PRIVATE KEY" in path.read_bytes():
            assert stat.S_IMODE(status.st_mode) == 0o600, path
    assert found == {
        "client key": ["api-key"],
        "upstream main": ["upstream-main"],
        "upstream github": ["upstream-github"],
        "store of rates": ["limits-store"],
    }


def test_no_process_had_a_secret_in_its_arguments_and_only_ours_the_token_we_gave(story: Story) -> None:
    assert story.witness.in_arguments == set()
    for pid, found in story.witness.in_environments.items():
        # The command line was given the token in its environment by this test; nobody else may have it.
        assert found == {"token"}, story.witness.names[pid]
        assert "docgenctl" in story.witness.names[pid] or "pip" in story.witness.names[pid]


def test_processes_in_the_containers_have_no_secret(story: Story, api: APIClient) -> None:
    story.witness.look()
    for container in story.stack.containers().values():
        for pid, *_ in api.top(container, ps_args="-eo pid,args")["Processes"]:
            for name in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    assert story.needles.found_in(Path(f"/proc/{pid}/{name}").read_bytes()) == []


DIGESTS = ("version", "definitions.json")
"""What lies beside the secrets to be switched with them, and is none."""


def test_servers_hold_hashes_and_each_service_only_what_it_needs(story: Story, api: APIClient) -> None:
    files = {service: secrets_of(api, container) for service, container in story.stack.containers().items()}
    assert {service: sorted(held) for service, held in files.items()} == {
        "gateway": ["gateway.pem", "version"],
        "egress": [],
        "orchestrator": [
            "api-keys.json",
            "definitions.json",
            "limits-store",
            "upstream-github",
            "upstream-main",
        ],
        "valkey": ["users.acl"],
        "main": ["api-keys.json"],
        "github": ["api-keys.json", "github-token"],
    }
    values = story.needles.values
    accepted = {
        "orchestrator": values["client key"],
        "main": values["upstream main"],
        "github": values["upstream github"],
    }
    for service, key in accepted.items():
        content, _ = files[service]["api-keys.json"]
        (entry,) = json.loads(content)["keys"]
        assert entry["sha256"] == hashlib.sha256(key).hexdigest()
        assert story.needles.found_in(content) == []
    assert files["orchestrator"]["upstream-main"][0].strip() == values["upstream main"]
    assert files["orchestrator"]["limits-store"][0].strip() == values["store of rates"]
    assert hashlib.sha256(values["store of rates"]).hexdigest().encode() in files["valkey"]["users.acl"][0]
    assert files["github"]["github-token"][0].strip() == values["token"]
    for service, held in files.items():
        for name, (content, entry) in held.items():
            mode = 0o444 if name in DIGESTS else 0o400
            assert (entry.mode & 0o777, entry.uid) == (mode, 10001), (service, name)
            if name in ("api-keys.json", "gateway.pem", "users.acl"):
                assert story.needles.found_in(content) == [], (service, name)


def test_deploying_and_starting_again_keeps_the_key(story: Story) -> None:
    assert Door.of(story.stack.endpoint()).key == story.door.key
    with story.door.http() as client:
        assert client.get("/health").status_code == 200


# -- parts -------------------------------------------------------------------------------------------


def upstream_keys(stack: Stack) -> dict[str, bytes]:
    """The orchestrator's keys for servers, from where the state keeps them."""
    (folder,) = (path for path in stack.state_dir.iterdir() if path.is_dir())
    files = {f"upstream {name}": folder / "secrets" / f"upstream-{name}" for name in ("main", "github")}
    return {name: path.read_bytes().strip() for name, path in files.items()}


def store_key(stack: Stack) -> dict[str, bytes]:
    """The orchestrators' password at the store of rates, from where the state keeps it."""
    (folder,) = (path for path in stack.state_dir.iterdir() if path.is_dir())
    return {"store of rates": (folder / "secrets" / "limits-store").read_bytes().strip()}


def contents(folder: Path) -> Iterable[bytes]:
    return (path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def secrets_of(api: APIClient, container: str) -> dict[str, tuple[bytes, tarfile.TarInfo]]:
    """Files of the version that `current` names in the secrets volume, by name."""
    mounts = {mount["Destination"] for mount in api.inspect_container(container)["Mounts"]}
    if "/run/secrets" not in mounts:
        return {}
    chunks, _ = api.get_archive(container, "/run/secrets")
    found: dict[str, tuple[bytes, tarfile.TarInfo]] = {}
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        current = next(entry for entry in archive if entry.name.endswith("/current"))
        for entry in archive:
            parent, _, name = entry.name.rpartition("/")
            if entry.isfile() and parent.rpartition("/")[2] == current.linkname.rstrip("/"):
                source = archive.extractfile(entry)
                assert source is not None
                found[name] = (source.read(), entry)
    return found


def found_in_stream(source: Any, needles: Needles) -> list[str]:
    """What is found in a long stream, read in pieces that overlap."""
    found: set[str] = set()
    before = b""
    while piece := source.read(4 * 1024**2):
        found |= set(needles.found_in(before + piece))
        before = piece[-256:]
    return sorted(found)


class _Stream(io.RawIOBase):
    """Chunks as a file, so that an image is never held as a whole."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            self._rest += chunk
        size = len(self._rest) if size < 0 else size
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece

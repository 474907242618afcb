"""How stacks of processes end and come back: every way of ending, and nothing left behind."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from docgenctl.engine.processes.engine import ProcessEngine
from docgenctl.engine.processes.places import read_json
from docgenctl.engine.processes.proc import MARK
from docgenctl.model.errors import EngineError
from docgenctl.model.observed import ContainerEvent, Health
from docgenctl.model.stack import HealthCheck, Limits, LogRotation
from tests.contract.laboratory import Laboratory, free_port, published, until

pytestmark = pytest.mark.timeout(60)

#: Has a child in a session of its own, which no signal to its group reaches.
LEAVES_A_CHILD = ("sh", "-c", "setsid sleep 3607 & exec sleep 3608")
SHRUGS = ("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done")


@pytest.fixture
def laboratory(process_laboratory: Laboratory) -> Laboratory:
    return process_laboratory


def marked(container_id: str) -> list[int]:
    """All processes of a container, by what no program changes: the environment it was started with."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if f"{MARK}={container_id}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def eventually(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


def home_of(laboratory: Laboratory) -> Path:
    return Path(laboratory.engine.info().address)


def supervisor_of(laboratory: Laboratory) -> int:
    """The one process whose command line names the home."""
    wanted = [b"docgenctl.engine.processes.supervisor", str(home_of(laboratory)).encode()]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if all(word in words for word in wanted):
                return int(entry.name)
    return 0


def started(laboratory: Laboratory, word: str, **more: object) -> str:
    project = laboratory.project(word)
    service = laboratory.service(project, **more)  # type: ignore[arg-type]
    return laboratory.run(service, laboratory.stack(project, service, closed=not service.ports))


def test_killing_the_supervisor_ends_its_processes_and_a_start_brings_them_back(
    laboratory: Laboratory,
) -> None:
    container_id = started(laboratory, "killed", command=LEAVES_A_CHILD)
    eventually(lambda: len(marked(container_id)) == 2)
    os.kill(supervisor_of(laboratory), signal.SIGKILL)
    eventually(lambda: laboratory.seen(container_id).state == "exited")
    assert laboratory.seen(container_id).exit_code == 137
    eventually(lambda: len(marked(container_id)) <= 1)  # the kernel ends what the supervisor has started
    laboratory.engine.start_container(container_id)
    assert laboratory.seen(container_id).state == "running"
    eventually(lambda: len(marked(container_id)) == 2)  # and the next supervisor what those had started
    laboratory.engine.remove_container(container_id)
    assert marked(container_id) == []


def test_after_the_supervisor_was_killed_a_removal_leaves_nothing(laboratory: Laboratory) -> None:
    container_id = started(laboratory, "removed", command=LEAVES_A_CHILD)
    eventually(lambda: len(marked(container_id)) == 2)
    os.kill(supervisor_of(laboratory), signal.SIGKILL)
    eventually(lambda: laboratory.seen(container_id).state == "exited")
    laboratory.engine.remove_container(container_id)
    eventually(lambda: marked(container_id) == [])


def test_terminating_the_supervisor_stops_everything_in_order(laboratory: Laboratory) -> None:
    said = ("sh", "-c", "trap 'echo goodbye; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
    container_id = started(laboratory, "term", command=said)
    container = laboratory.seen(container_id)
    assert next(laboratory.engine.logs(container, tail=None, follow=True)).text == "ready"
    os.kill(supervisor_of(laboratory), signal.SIGTERM)
    eventually(lambda: not supervisor_of(laboratory))
    ended = laboratory.seen(container_id)
    assert (ended.state, ended.exit_code) == ("exited", 0)
    lines = [line.text for line in laboratory.engine.logs(ended, tail=None, follow=False)]
    assert lines == ["ready", "goodbye"]
    assert marked(container_id) == []


def test_what_ignores_a_stop_is_killed_after_the_grace(laboratory: Laboratory) -> None:
    container_id = started(laboratory, "shrugs", command=SHRUGS)
    next(laboratory.engine.logs(laboratory.seen(container_id), tail=None, follow=True))
    laboratory.engine.stop_container(container_id, 1)
    assert laboratory.seen(container_id).exit_code == 137
    assert marked(container_id) == []


def test_a_process_that_dies_is_started_again_and_counted(laboratory: Laboratory) -> None:
    project = laboratory.project("dies")
    service = laboratory.service(project, restart="unless-stopped")
    stack = laboratory.stack(project, service)
    with laboratory.engine.events(project) as events:
        container_id = laboratory.run(service, stack)
        until(events, "start")
        os.kill(marked(container_id)[0], signal.SIGKILL)
        assert until(events, "die").exit_code == 137
        until(events, "start")
    seen = laboratory.seen(container_id)
    assert (seen.state, seen.restarts) == ("running", 1)
    laboratory.engine.stop_container(container_id, 1)
    assert laboratory.seen(container_id).state == "exited"


def test_a_crash_loop_backs_off(laboratory: Laboratory) -> None:
    project = laboratory.project("loop")
    service = laboratory.service(project, command=("sh", "-c", "exit 4"), restart="unless-stopped")
    stack = laboratory.stack(project, service)
    times: list[float] = []
    with laboratory.engine.events(project) as events:
        container_id = laboratory.run(service, stack)
        while len(times) < 4:
            until(events, "die")
            times.append(time.monotonic())
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses[2] > pauses[0] + 0.2
    laboratory.engine.stop_container(container_id, 1)
    assert laboratory.seen(container_id).exit_code == 4


def test_a_stopped_process_that_hangs_is_started_again(laboratory: Laboratory, tmp_path: Path) -> None:
    """The check fails as long as a stopped process would let it fail."""
    sign = tmp_path / "hangs"
    check = HealthCheck(
        command=("sh", "-c", f"test ! -e {sign}"), interval_s=0.1, timeout_s=5, retries=2, start_period_s=0
    )
    project = laboratory.project("hangs")
    service = laboratory.service(project, restart="unless-stopped", health_check=check)
    stack = laboratory.stack(project, service)
    with laboratory.engine.events(project) as events:
        container_id = laboratory.run(service, stack)
        assert until(events, "health").health is Health.HEALTHY
        os.kill(marked(container_id)[0], signal.SIGSTOP)
        sign.touch()
        assert until(events, "health").health is Health.UNHEALTHY
        until(events, "die")
        sign.unlink()
        until(events, "start")
        assert until(events, "health").health is Health.HEALTHY
    assert laboratory.seen(container_id).restarts == 1


def test_more_memory_than_the_limit_ends_a_process(laboratory: Laboratory) -> None:
    greedy = (sys.executable, "-c", "x = b'x' * (120 << 20); import time; time.sleep(600)")
    project = laboratory.project("greedy")
    limits = Limits(cpus=1, memory_bytes=64 << 20, pids=64)
    service = laboratory.service(project, command=greedy, limits=limits, tmpfs=())
    stack = laboratory.stack(project, service)
    with laboratory.engine.events(project) as events:
        container_id = laboratory.run(service, stack)
        actions = [until(events, "oom").action, until(events, "die").action]
    assert actions == ["oom", "die"]
    seen = laboratory.seen(container_id)
    assert (seen.state, seen.oom_killed) == ("exited", True)


def test_what_holds_more_than_its_limit_is_never_called_healthy_even_before_it_is_ended(
    laboratory: Laboratory,
) -> None:
    greedy = "x = b'x' * (120 << 20); print('holds it', flush=True); import time; time.sleep(600)"
    project = laboratory.project("early")
    limits = Limits(cpus=1, memory_bytes=64 << 20, pids=64)
    service = laboratory.service(project, command=(sys.executable, "-c", greedy), limits=limits, tmpfs=())
    container_id = laboratory.run(service, laboratory.stack(project, service))
    assert (
        next(laboratory.engine.logs(laboratory.seen(container_id), tail=None, follow=True)).text == "holds it"
    )
    assert laboratory.seen(container_id).health is Health.UNHEALTHY
    (observed,) = laboratory.engine.observe(project).containers
    assert observed.health is Health.UNHEALTHY


def test_what_asked_to_end_first_ends_before_its_service(laboratory: Laboratory, tmp_path: Path) -> None:
    said = tmp_path / "said"
    child = (
        "open('/proc/self/oom_score_adj', 'w').write('1000'); "
        "x = b'x' * (120 << 20); import time; time.sleep(600)"
    )
    service_text = (
        "import pathlib, subprocess, sys, time\n"
        f"code = subprocess.run([sys.executable, '-c', {child!r}]).returncode\n"
        f"pathlib.Path({str(said)!r}).write_text(str(code))\n"
        "time.sleep(600)"
    )
    project = laboratory.project("generous")
    limits = Limits(cpus=1, memory_bytes=64 << 20, pids=64)
    command = (sys.executable, "-c", service_text)
    service = laboratory.service(project, command=command, limits=limits, tmpfs=())
    container_id = laboratory.run(service, laboratory.stack(project, service))
    eventually(lambda: said.exists() and said.read_text() == str(-signal.SIGKILL))
    seen = laboratory.seen(container_id)
    assert (seen.state, seen.oom_killed) == ("running", False)


def test_callers_wait_while_a_process_that_died_comes_back(laboratory: Laboratory) -> None:
    """A published port stays bound, so that nobody is refused in between."""
    port = free_port()
    serve = (
        "import os, socket; s = socket.socket(fileno=int(os.environ['DOCGEN_LISTEN'].split('=')[1]))\n"
        "while True:\n  c, _ = s.accept(); c.sendall(str(os.getpid()).encode()); c.close()"
    )
    project = laboratory.project("port")
    service = laboratory.service(
        project,
        command=(sys.executable, "-c", serve),
        ports=published(port),
        restart="unless-stopped",
        tmpfs=(),
    )
    container_id = laboratory.run(service, laboratory.stack(project, service, closed=False))

    def asked() -> int:
        """Who answers; 0 when it is killed with the connection already in its hands."""
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            try:
                return int(connection.recv(100) or 0)
            except ConnectionResetError:
                return 0

    first = asked()
    os.kill(first, signal.SIGKILL)
    eventually(lambda: asked() not in (0, first))
    laboratory.engine.stop_container(container_id, 1)
    with pytest.raises(ConnectionRefusedError):
        asked()


def test_logs_are_rotated_by_size_and_read_over_the_parts(laboratory: Laboratory) -> None:
    counts = ("sh", "-c", "i=0; while [ $i -lt 200 ]; do echo line-$i; i=$((i+1)); done; exec sleep 3600")
    container_id = started(
        laboratory, "rotated", command=counts, log_rotation=LogRotation(max_size_bytes=4000, max_files=3)
    )
    container = laboratory.seen(container_id)
    following = laboratory.engine.logs(container, tail=None, follow=True)
    assert next(line for line in following if line.text == "line-199")
    following.close()  # type: ignore[attr-defined]
    lines = [line.text for line in laboratory.engine.logs(container, tail=None, follow=False)]
    assert lines == [f"line-{number}" for number in range(200 - len(lines), 200)]
    files = sorted((home_of(laboratory) / "logs").glob(f"{container_id}.log*"))
    assert len(files) == 3
    assert all(file.stat().st_size <= 4000 for file in files)


def test_nothing_of_the_callers_environment_reaches_supervisor_or_service(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "canary-of-the-environment")
    container_id = started(laboratory, "environment")
    for pid in (*marked(container_id), supervisor_of(laboratory)):
        for name in ("environ", "cmdline"):
            assert b"canary" not in Path(f"/proc/{pid}/{name}").read_bytes()


def test_the_home_is_closed_to_others(laboratory: Laboratory) -> None:
    container_id = started(laboratory, "closed")
    for path in (home_of(laboratory), *home_of(laboratory).rglob("*")):
        if not path.is_symlink() and not path.is_socket():
            assert path.stat().st_mode & 0o077 == 0, path
    laboratory.engine.remove_container(container_id)


def test_a_record_of_an_earlier_boot_is_not_believed(laboratory: Laboratory) -> None:
    """After a reboot the notes say `running`, and no supervisor answers."""
    container_id = started(laboratory, "reboot")
    os.kill(supervisor_of(laboratory), signal.SIGKILL)
    eventually(lambda: marked(container_id) == [])
    note = read_json(home_of(laboratory) / "containers" / f"{container_id}.state")
    assert note is not None
    assert note["state"] == "running"
    seen = laboratory.seen(container_id)
    assert (seen.state, seen.health) == ("exited", Health.UNHEALTHY)
    with pytest.raises(EngineError, match="not running"):
        laboratory.engine.stats(container_id)


def test_several_commands_at_once_find_one_supervisor(laboratory: Laboratory) -> None:
    project = laboratory.project("many")
    services = [laboratory.service(project, f"s{number}") for number in range(6)]
    stack = laboratory.stack(project, *services)
    ids = [laboratory.engine.create_container(service, stack) for service in services]
    engine = laboratory.engine
    assert isinstance(engine, ProcessEngine)
    others = [ProcessEngine(home_of(laboratory), engine.images) for _ in ids]
    threads = [
        threading.Thread(target=other.start_container, args=(one,))
        for other, one in zip(others, ids, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    parents = {int(Path(f"/proc/{marked(one)[0]}/stat").read_text().split()[3]) for one in ids}
    assert parents == {supervisor_of(laboratory)}


def test_a_supervisor_with_nothing_to_do_ends(laboratory: Laboratory) -> None:
    container_id = started(laboratory, "idle")
    laboratory.engine.stop_container(container_id, 1)
    eventually(lambda: not supervisor_of(laboratory))
    assert laboratory.seen(container_id).state == "exited"


def test_the_caller_may_end_before_what_it_started(laboratory: Laboratory) -> None:
    """As the command line does: the process that starts a stack is gone a moment later."""
    project = laboratory.project("orphan")
    service = laboratory.service(project)
    container_id = laboratory.engine.create_container(service, laboratory.stack(project, service))
    script = (
        "import sys; from pathlib import Path; from docgenctl.engine.processes.engine import ProcessEngine\n"
        "ProcessEngine(Path(sys.argv[1]), Path(sys.argv[1])).start_container(sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", script, str(home_of(laboratory)), container_id], check=True)
    assert laboratory.seen(container_id).state == "running"


def test_events_tell_of_every_change_once(laboratory: Laboratory) -> None:
    project = laboratory.project("told")
    service = laboratory.service(project)
    stack = laboratory.stack(project, service)
    told: list[ContainerEvent] = []
    with laboratory.engine.events(project) as events:
        container_id = laboratory.run(service, stack)
        told.append(next(events))
        told.append(next(events))
        laboratory.engine.stop_container(container_id, 1)
        told.append(next(events))
        laboratory.engine.remove_container(container_id)
        told.append(next(events))
    assert [event.action for event in told] == ["start", "health", "die", "destroy"]


def test_the_engine_says_that_it_does_not_isolate(laboratory: Laboratory) -> None:
    assert not laboratory.engine.info().isolates
    assert not laboratory.engine.observe("nobody").isolates
    assert {line.partition(":")[0] for line in laboratory.engine.info().missing} == {
        "files",
        "network",
        "processes",
        "limits",
    }

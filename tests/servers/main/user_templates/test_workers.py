"""Worker processes: what they have, how they end, and that their end harms nobody."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docgen_main.template_worker.sandbox import Sandbox
from docgen_main.user_templates import RenderError
from docgen_main.user_templates.workers import Worker, Workers

ENDLESS = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"


def nothing(_: str, __: str) -> dict[str, Any]:
    return {"text": None}


def request(text: str, **values: object) -> dict[str, Any]:
    return {"op": "render", "name": "t", "text": text, "line": 0, "values": values}


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setenv("OPENAI_API_KEY", "worker-canary-9a")
    made = Worker()
    yield made
    made.kill()


def test_a_worker_has_no_environment_and_no_descriptor_of_ours(worker: Worker) -> None:
    secret = os.open("/etc/passwd", os.O_RDONLY)
    os.set_inheritable(secret, True)
    try:
        second = Worker()
    finally:
        os.close(secret)
    for one in (worker, second):
        environment = Path(f"/proc/{one.pid}/environ").read_bytes().split(b"\0")
        assert {name.split(b"=")[0] for name in environment if name} <= {b"LD_LIBRARY_PATH", b"LC_CTYPE"}
        assert sorted(entry.name for entry in Path(f"/proc/{one.pid}/fd").iterdir()) == ["0", "1", "2"]
        assert Path(f"/proc/{one.pid}/cwd").readlink() == Path("/")
        status = Path(f"/proc/{one.pid}/status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert "Seccomp:\t2" in status
    second.kill()


def test_a_worker_goes_before_the_server_when_memory_runs_out(worker: Worker) -> None:
    assert Path(f"/proc/{worker.pid}/oom_score_adj").read_text().strip() == "1000"


def test_a_worker_finds_its_code_by_relative_places_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [os.path.relpath(place) for place in sys.path if place])
    made = Worker()
    assert made.ask(request("x") | {"most": 9}, nothing, seconds=5, most=99) == {"text": "x"}
    made.kill()


def test_every_filter_and_test_that_is_left_works_in_a_worker(worker: Worker) -> None:
    sandbox = Sandbox(lambda _: None, dict)
    arguments = {
        "batch": "(2)", "groupby": "('a')", "indent": "(2)", "join": "(',')", "map": "('text')", "d": "(1)",
        "plural": "('file')", "reject": "('none')", "rejectattr": "('a')", "replace": "('a', 'b')",
        "select": "('defined')", "selectattr": "('a')", "slice": "(2)", "truncate": "(3)", "default": "(1)",
        "format": "(1)", "wordwrap": "(9)",
    }  # fmt: skip
    inputs = {
        "table": "{'a': 1}", "list": "[1, 2]", "tables": "[{'a': 1}, {'a': 2}]", "number": "3",
        "text": "'one two three four %s'",
    }  # fmt: skip
    kinds = {
        "dictsort": "table", "items": "table", "groupby": "tables", "selectattr": "tables",
        "rejectattr": "tables", "abs": "number", "float": "number", "int": "number", "round": "number",
        "filesizeformat": "number", "plural": "number", "sum": "list", "max": "list", "min": "list",
        "batch": "list", "slice": "list", "map": "list", "select": "list", "reject": "list",
        "unique": "list", "sort": "list", "join": "list", "first": "list", "last": "list", "list": "list",
        "reverse": "list",
    }  # fmt: skip
    for name in sandbox.filters:
        if " " in name:
            continue
        value = inputs[kinds.get(name, "text")]
        text = f"{{{{ ({value} | {name}{arguments.get(name, '')}) | string | length }}}}"
        answer = worker.ask(request(text) | {"most": 999}, nothing, seconds=5, most=9999)
        assert "text" in answer, (name, answer)
    for name in ("defined", "none", "mapping", "iterable", "number", "string", "even", "boolean", "sequence"):
        answer = worker.ask(request(f"{{{{ 2 is {name} }}}}") | {"most": 999}, nothing, seconds=5, most=9999)
        assert "text" in answer, (name, answer)


def test_a_killed_worker_is_replaced_and_only_its_request_fails() -> None:
    workers = Workers(render_seconds=30)
    failures: list[RenderError] = []

    def endless() -> None:
        try:
            workers.ask(request(ENDLESS), nothing)
        except RenderError as error:
            failures.append(error)

    thread = threading.Thread(target=endless)
    before = children()
    thread.start()
    until(lambda: bool(busy(children() - before)))
    for pid in children() - before:
        os.kill(pid, signal.SIGKILL)
    thread.join(20)
    assert [error.rule for error in failures] == ["worker"]
    assert workers.ask(request("{{ a }}", a=1), nothing) == {"text": "1"}
    workers.close()
    until(lambda: not children() - before)


def test_a_stopped_worker_is_late_and_killed() -> None:
    workers = Workers(render_seconds=0.5)
    before = children()
    workers.ask(request("x"), nothing)
    (pid,) = children() - before
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(RenderError, match=r"longer than 0\.5 seconds"):
        workers.ask(request("x" * (1 << 20)), nothing)
    assert gone(pid)
    workers.close()


def test_an_idle_worker_ends_by_itself() -> None:
    workers = Workers(idle_seconds=0.05)
    before = children()
    workers.ask(request("x"), nothing)
    until(lambda: workers.idle == 0 and not children() - before)
    assert workers.ask(request("again"), nothing) == {"text": "again"}
    workers.close()


def test_workers_end_with_a_server_that_is_killed() -> None:
    code = f"""
import sys; sys.path[:] = {sys.path!r}
from docgen_main.user_templates.workers import Worker
print(Worker().pid, flush=True)
input()
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], text=True, **pipes) as parent:  # type: ignore[call-overload]
        pid = int(parent.stdout.readline())
        assert not gone(pid)
        parent.kill()
    until(lambda: gone(pid))


def test_many_at_once_wait_for_two_workers() -> None:
    workers = Workers()
    before = children()
    seen: list[int] = []
    answers: list[str] = []

    def ask(number: int) -> None:
        answers.append(workers.ask(request("{{ a }}", a=number), nothing)["text"])
        seen.append(len(children() - before))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(map(int, answers)) == list(range(20))
    assert max(seen) <= 2
    workers.close()


def test_facts_that_take_long_do_not_count_against_the_template() -> None:
    workers = Workers(render_seconds=1.0)

    def slow(what: str, _: str) -> dict[str, Any]:
        threading.Event().wait(1.2)
        return {"facts": {"name": "x"}} if what == "facts" else {"text": None}

    assert workers.ask(request("{{ project.name }}"), slow) == {"text": "x"}
    workers.close()


def children() -> set[int]:
    """Worker processes of this one."""
    found = set()
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        found.add(int(pid))
    for task in Path("/proc/self/task").iterdir():
        try:
            found.update(map(int, (task / "children").read_text().split()))
        except OSError:
            continue
    return {pid for pid in found if not gone(pid)}


def busy(pids: set[int]) -> set[int]:
    """Those that have been at work for half a second of the processor."""
    return {pid for pid in pids if ticks(pid) > os.sysconf("SC_CLK_TCK") // 2}


def ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])

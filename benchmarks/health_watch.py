"""What watching the health of a running stack once a second costs, in percent of one core.

Runs `docgenctl health --watch` against the stack of a workspace (the current directory, or the first
argument), and in the same time a bare loop that sleeps as long, which is the floor. CPU is user and system
time of the process after its start is over; what the watch makes gateway, servers and engine spend is the
difference between two spans of the same length, one with and one without it.

    python benchmarks/health_watch.py [WORKSPACE] [SECONDS]

Needs a running stack. Without one it starts one for a small repository of its own, and takes it down.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS = 60
SETTLE_S = 5
LIMIT_PERCENT = 0.5
TICKS = os.sysconf("SC_CLK_TCK")
FLOOR = "import time\nwhile True:\n    time.sleep(1)\n"
DOCGENCTL = [sys.executable, "-m", "docgenctl"]


def main() -> None:
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    with _workspace(sys.argv[1] if len(sys.argv) > 1 else None) as workspace:
        groups = _groups(workspace)
        idle = _spent(groups, seconds)
        watching = [*DOCGENCTL, "health", "--watch", "--json"]
        bare_loop = [sys.executable, "-c", FLOOR]
        with _running(watching, workspace) as watch, _running(bare_loop, workspace) as floor:
            time.sleep(SETTLE_S)
            before = _cpu_s(watch.pid), _cpu_s(floor.pid)
            busy = _spent(groups, seconds)
            after = _cpu_s(watch.pid), _cpu_s(floor.pid)
    ours, bare = ((end - start) / seconds * 100 for start, end in zip(before, after, strict=True))
    print(f"watching, once a second   {ours:6.2f} % of a core (limit {LIMIT_PERCENT} %)")
    print(f"a loop that only sleeps   {bare:6.2f} %")
    print(f"ratio to the floor        {ours / max(bare, 100 / TICKS / seconds):6.1f} x")
    for name in groups:
        print(f"{name:<26}{busy[name]:6.2f} % with it, {idle[name]:.2f} % without")


@contextmanager
def _workspace(given: str | None) -> Iterator[Path]:
    if given:
        yield Path(given)
        return
    with tempfile.TemporaryDirectory() as place:
        workspace = Path(place, "workspace")
        workspace.mkdir()
        Path(place).chmod(0o755)
        (workspace / "README.md").write_text("# Watched\n")
        os.environ["DOCGENCTL_STATE_DIR"] = f"{place}/state"
        subprocess.run([*DOCGENCTL, "up", "--no-prove"], cwd=workspace, check=True, stdout=subprocess.DEVNULL)
        try:
            yield workspace
        finally:
            subprocess.run([*DOCGENCTL, "down", "--volumes", "--yes"], cwd=workspace, check=True)


@contextmanager
def _running(command: list[str], workspace: Path) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(command, cwd=workspace, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _groups(workspace: Path) -> dict[str, list[int]]:
    """Processes of the engine and of each container, by the words they are printed under."""
    status = subprocess.run(
        [*DOCGENCTL, "status", "--json"], cwd=workspace, check=True, capture_output=True, text=True
    )
    groups = {"engine and its shims": _named("dockerd", "containerd", "containerd-shim", "docker-proxy")}
    for service in json.loads(status.stdout):
        top = subprocess.run(
            ["docker", "top", service["container"], "-eo", "pid"], check=True, capture_output=True, text=True
        )
        groups[service["service"]] = [int(line) for line in top.stdout.split()[1:]]
    return groups


def _named(*names: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "comm").read_text().strip() in {n[:15] for n in names}:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _spent(groups: dict[str, list[int]], seconds: float) -> dict[str, float]:
    """Percent of a core that each group spends during so many seconds."""
    before = {name: sum(map(_cpu_s, pids)) for name, pids in groups.items()}
    time.sleep(seconds)
    after = {name: sum(map(_cpu_s, pids)) for name, pids in groups.items()}
    return {name: (after[name] - before[name]) / seconds * 100 for name in groups}


def _cpu_s(pid: int) -> float:
    """User and system time of a process so far, 0 for one that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


if __name__ == "__main__":
    main()

"""How long commands take, as whole processes, as multiples of `python -c pass` in the same run.

The commands are interleaved, so that a machine that speeds up or slows down treats all alike. Prints medians
in milliseconds and their ratio to the floor; with `--limits` it exits 1 when one is above what is promised
(docs/decisions/0010). `render, changed` writes another docgen.yaml before each run; what runs in between is
not timed. Where an engine answers, `status` asks it; the state of a stack is that of an empty project, and
with `--workspace DIR` that of the stack there. Run it with `make bench`.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from docgenctl.cli.app import COMMANDS

FLOOR = "python -c pass"
#: What is promised, in multiples of the floor.
LIMITS = {"--help": 8, "completion": 8, "status": 15, "status --json": 15, "render": 15}


class Case(NamedTuple):
    """A process to start; `prepare` runs before each start and is not timed."""

    argv: tuple[str, ...]
    environ: Mapping[str, str] = {}
    prepare: Callable[[], object] | None = None


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory() as place:
        workspace = Path(options.workspace or f"{place}/workspace").resolve()
        workspace.mkdir(exist_ok=True)
        environ = dict(os.environ)
        if not options.workspace:
            environ["DOCGENCTL_STATE_DIR"] = f"{place}/state"
        cases = _cases(Path(place), every_help=options.every_help)
        times = _measured(cases, workspace, environ, options.rounds)
    floor = statistics.median(times[FLOOR])
    late = []
    for name, samples in times.items():
        ratio = statistics.median(samples) / floor
        limit = LIMITS.get(name)
        late += [name] if limit and ratio > limit else []
        told = f"  at most {limit} x" if limit else ""
        print(f"{name:<28}{statistics.median(samples):8.1f} ms {ratio:6.1f} x{told}")
    return int(options.limits and bool(late))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("BENCH_ROUNDS", "15")))
    parser.add_argument("--workspace", help="a workspace whose stack runs")
    parser.add_argument("--every-help", action="store_true", help="measure the help page of every command")
    parser.add_argument("--limits", action="store_true", help="exit 1 when a promise is not kept")
    return parser.parse_args()


def _cases(place: Path, *, every_help: bool) -> dict[str, Case]:
    changing = place / "changing"
    changing.mkdir()
    written = iter(range(1_000_000))

    def change() -> None:
        (changing / "docgen.yaml").write_text(f"limits:\n  pids: {256 + next(written)}\n")

    cases = {FLOOR: Case((sys.executable, "-c", "pass"))}
    ours = {
        "--help": Case(("--help",)),
        "completion": _completion("docgenctl st"),
        "completion of a service": _completion("docgenctl logs "),
        "up --help": Case(("up", "--help")),
        "version": Case(("version",)),
        "status": Case(("status",)),
        "status --json": Case(("status", "--json")),
        "render": Case(("render",)),
        "render, changed": Case(("render", "-C", str(changing)), prepare=change),
        "config validate": Case(("config", "validate")),
    }
    if every_help:
        ours |= {f"{name} --help": Case((name, "--help")) for name in COMMANDS}
    program = _program()
    return cases | {name: case._replace(argv=(*program, *case.argv)) for name, case in ours.items()}


def _program() -> tuple[str, ...]:
    """The installed program beside this interpreter, as people start it."""
    installed = shutil.which("docgenctl", path=str(Path(sys.executable).parent))
    return (installed,) if installed else (sys.executable, "-m", "docgenctl")


def _completion(line: str) -> Case:
    words = line.split(" ")
    asked = {
        "_DOCGENCTL_COMPLETE": "complete_bash",
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    return Case((), asked)


def _measured(
    cases: Mapping[str, Case], workspace: Path, environ: Mapping[str, str], rounds: int
) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in cases}
    for round_ in range(rounds + 2):
        for name, case in cases.items():
            if case.prepare is not None:
                case.prepare()
            began = time.perf_counter()
            done = subprocess.run(
                case.argv, cwd=workspace, env={**environ, **case.environ}, capture_output=True
            )
            took_ms = (time.perf_counter() - began) * 1000
            # without an engine `status` ends with 4, after all that it can do
            assert done.returncode in (0, 4), (name, done.stderr.decode())
            if round_ > 1:  # the first rounds warm the file cache and leave their notes
                times[name].append(took_ms)
    return times


if __name__ == "__main__":
    sys.exit(main())

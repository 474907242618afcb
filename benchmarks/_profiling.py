"""Where the time of our front goes while 32 callers call: py-spy's samples, added up by function."""

import asyncio
import re
import subprocess
from collections import Counter
from pathlib import Path

from _fronts import Bench, Front
from _gateways import PLACE
from _load import run
from _measuring import TOGETHER, TOOL, ready, target

PY_SPY = PLACE / "py-spy" / "bin" / "py-spy"
_SHOWN = 40
_IDLE = "_worker (concurrent/futures/thread.py"
"""A thread of the pool that waits for work: py-spy takes it for busy."""

_PLACE = re.compile(r"(?P<function>.+) \((?P<file>[^()]+?)(?::\d+)?\)$")


async def profile(bench: Bench, front: Front, seconds: float, output: Path) -> None:
    """Sample a front under load; the stacks go to `output` in the collapsed form of flame graphs."""
    await ready(bench, front)
    command = [str(PY_SPY), "record", "--pid", str(front.process.pid), "--duration", str(int(seconds))]
    options = ["--rate", "500", "--format", "raw", "--function", "--output", str(output)]
    sampler = await asyncio.create_subprocess_exec(
        *command, *options, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    # Longer than the sampling, which needs a moment to begin.
    load = await run(target(bench, front, "tools/call", TOOL), TOGETHER, seconds=seconds + 2)
    _, said = await sampler.communicate()
    if sampler.returncode != 0:
        raise SystemExit(f"py-spy failed: {said.decode()[-500:]}")
    _show(output.read_text().splitlines(), load.rate)
    print(f"stacks: {output}")


def _show(stacks: list[str], rate: float) -> None:
    own: Counter[str] = Counter()
    packages: Counter[str] = Counter()
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        top = stack.rpartition(";")[2]
        if top.startswith(_IDLE):
            continue
        own[top] += int(count)
        packages[_package(top)] += int(count)
    total = own.total()
    print(f"\n{total} samples of our front at {rate:,.0f} calls a second")
    print("by package:   " + "  ".join(f"{name} {n / total:.0%}" for name, n in packages.most_common(12)))
    print("by function, its own time:")
    for name, count in own.most_common(_SHOWN):
        print(f"  {count / total:6.1%}  {name}")


def _package(place: str) -> str:
    found = _PLACE.match(place)
    file = found["file"] if found else place
    parts = file.split("/")
    known = [part for part in parts if part.startswith("docgen_")]
    return known[-1] if known else parts[0].removesuffix(".py")

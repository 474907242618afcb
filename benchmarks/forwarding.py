"""What the orchestrator costs before a server, beside reverse proxies and other MCP gateways, in one run.

    make bench, or python benchmarks/forwarding.py [--quick] [--json FILE] [--only ours,nginx] [--profile]

The same load generator (`_load.py`) asks the same raw backend (`_raw_backend.py`) through each front, every
front and the backend a process of its own with one worker. Ours runs with all that it has: key, limits,
time-outs, cancellation, metrics, log lines. It comes twice: with the Python that runs this, and in the image
that this working tree makes, with the Python that users have. Where there is an engine, the latter is held
against what is promised. Everything goes over loopback, the image's too, with no docker-proxy in between.
Trust ratios, which are made within a round; a machine with something else to do makes absolute figures
worthless.

Other people's programs come from `make peers`; what is not there is left out, and said.
"""

import argparse
import contextlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import _fronts
import _gateways
import uvloop
from _certificates import Certificates, make_certificates
from _fronts import Bench, Front, raw_backend
from _load import run
from _measuring import TOGETHER, TOOL, Plan, measure, ready, target
from _profiling import PY_SPY, profile
from _table import Section, as_json, print_claims, print_section

Make = Callable[[Bench], AbstractContextManager[Front]]
FRONTS: dict[str, Make] = {
    "direct": _fronts.direct,
    "nginx": _fronts.nginx,
    "haproxy": _fronts.haproxy,
    "haproxy-policy": _fronts.haproxy_with_policy,
    "ours": _fronts.ours,
    "fastmcp": _gateways.fastmcp,
    "mcp-proxy": _gateways.mcp_proxy,
}
GATEWAYS = ("fastmcp", "mcp-proxy")
PLAIN, MUTUAL = "plaintext", "mTLS on both hops"
MANY = 1_000


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What forwarding a call costs.")
    parser.add_argument("--quick", action="store_true", help="about a minute; for a first look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    parser.add_argument(
        "--only", type=lambda value: value.split(","), help="these fronts, with commas between"
    )
    parser.add_argument("--image", metavar="REF", help="another image of ours than that of this working tree")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0.0, help="of each measurement")
    parser.add_argument("--profile", type=float, default=0.0, metavar="SECONDS", help="sample ours instead")
    parser.add_argument("--memory", type=int, default=-1, metavar="CALLS", help="calls of the look at memory")
    return parser.parse_args()


def chosen(options: argparse.Namespace) -> dict[str, Make]:
    """The fronts that can be measured here; says which cannot."""
    found = {}
    for name, make in FRONTS.items():
        if options.only and name not in options.only:
            continue
        missing = _missing(name)
        if missing:
            print(f"left out: {name}, because {missing} is not here (make peers)")
        else:
            found[name] = make
    image = options.image or (_fronts.own_image() if not options.only or "image" in options.only else None)
    if image:
        found["image"] = _fronts.ours_in(image)
    else:
        print("left out: image, because there is no engine that makes one (make engine)")
    return found


def _missing(name: str) -> str:
    program = {"nginx": "nginx", "haproxy": "haproxy", "haproxy-policy": "haproxy"}.get(name)
    if program is not None and _fronts.program(program) is None:
        return program
    if name in GATEWAYS and not _gateways.has(name):
        return name
    return ""


@contextlib.contextmanager
def running(
    folder: Path, makes: dict[str, Make], tools: int, tls: Certificates | None
) -> Iterator[tuple[Bench, list[Front]]]:
    """A backend with so many tools, and the fronts before it."""
    with contextlib.ExitStack() as stack:
        folder.mkdir()
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        backend = stack.enter_context(raw_backend(folder, tools, tls))
        fronts = []
        for name, make in makes.items():
            (folder / name).mkdir()
            fronts.append(stack.enter_context(make(Bench(folder / name, backend, tls))))
        yield Bench(folder, backend, tls), fronts


def sections(options: argparse.Namespace, folder: Path, makes: dict[str, Make]) -> Iterator[Section]:
    """Measure: each number of tools in plaintext, then mTLS."""
    quick = options.quick
    rounds = options.rounds or (1 if quick else 5)
    seconds = options.seconds or (0.3 if quick else 1.5)
    for tools in (100, MANY) if quick else (1, 100, MANY):
        plan = Plan(rounds, seconds, lists=tools == MANY, streams=(5 if quick else 20) if tools == 100 else 0)
        # A call of theirs asks for all tools first: minutes, where a first look has one.
        those = {n: make for n, make in makes.items() if not (quick and tools == MANY and n in GATEWAYS)}
        with running(folder / f"plain-{tools}", those, tools, None) as (bench, fronts):
            yield Section(PLAIN, tools, uvloop.run(measure(bench, fronts, plan)))
    tls = make_certificates(folder / "certificates")
    able = {name: make for name, make in makes.items() if name != "mcp-proxy"}
    with running(folder / "mutual", able, 100, tls) as (bench, fronts):
        plan = Plan(rounds, seconds, streams=5 if quick else 20)
        yield Section(MUTUAL, 100, uvloop.run(measure(bench, fronts, plan)))


def memory(folder: Path, calls: int, ours: Make) -> dict[str, float]:
    """PSS of ours in MiB when it can be called, and after calls from 32 callers."""
    marks = sorted({0, min(1_000, calls), calls // 2, calls})
    with running(folder / "memory", {"ours": ours}, MANY, None) as (bench, (front,)):

        async def look() -> dict[str, float]:
            await ready(bench, front)
            seen, done = {}, 0
            for mark in marks:
                if mark > done:
                    call = target(bench, front, "tools/call", TOOL)
                    await run(call, min(TOGETHER, mark - done), calls=mark - done)
                    done = mark
                seen[str(mark)] = front.process.pss_kib() / 1024
            return seen

        return uvloop.run(look())


def conditions() -> dict[str, Any]:
    """What the figures rest on."""
    return {
        "path": "127.0.0.1, no bridge, no docker-proxy",
        "processors": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "workers_of_each_front": 1,
    }


def main() -> None:
    """Measure, print."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="docgenctl-forwarding-") as place:
        folder = Path(place)
        if options.profile:
            _profile(folder, options.profile)
            return
        makes = chosen(options)
        print(", ".join(f"{name}: {value}" for name, value in conditions().items()))
        found = []
        for section in sections(options, folder, makes):
            print_section(section)
            found.append(section)
        calls = options.memory if options.memory >= 0 else 3_000 if options.quick else 100_000
        ours = makes.get("image") or makes.get("ours")
        seen = memory(folder, calls, ours) if calls and ours else {}
        print_claims([as_json(section) for section in found if section.wire == PLAIN], seen)
        if options.json:
            document = {
                "conditions": conditions(),
                "sections": [as_json(section) for section in found],
                "pss_mib": seen,
            }
            options.json.write_text(json.dumps(document, indent=1) + "\n")


def _profile(folder: Path, seconds: float) -> None:
    if not PY_SPY.exists():
        raise SystemExit("py-spy is not here (make peers)")
    output = _gateways.PLACE.parent / "profile.txt"
    with running(folder / "profile", {"ours": _fronts.ours}, 100, None) as (bench, (front,)):
        uvloop.run(profile(bench, front, seconds, output))


if __name__ == "__main__":
    main()

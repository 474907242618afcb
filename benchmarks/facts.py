"""Facts of 1,000 and of 10,000 files: cold, after a restart, with nothing changed, and after one change.

The floor of the same run is what no reader can do without: listing the folders, reading each file once and
parsing it with the parser of Python's standard library, without keeping or judging anything.
"""

import ast
import gc
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from docgen_main.facts import Budget, FactsStore, Project
from docgen_main.workspace import Workspace

SIZES = (1_000, 10_000)
CLAIM_S = 1.0

MODULE = '''"""Module {n} of package {p}."""

import os
from dataclasses import dataclass

from shop.p{next} import m{other}

LIMIT: int = {n}


@dataclass(frozen=True)
class Order{n}:
    """An order of kind {n}."""

    number: int
    lines: tuple[str, ...] = ()

    def total(self, *, tax: float = 0.2) -> float:
        """What is to be paid."""
        return len(self.lines) * (1 + tax)


def place{n}(order: Order{n}, retries: int = 3) -> bool:
    """Place `order`, trying again `retries` times."""
    for attempt in range(retries):
        if order.total() > attempt * LIMIT:
            return bool(os.environ.get("SHOP_DRY_RUN")) or m{other} is not None
    return False
'''


def main() -> None:
    """Make trees, measure, print."""
    for count in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "ws")
            make(root, count)
            time.sleep(2.1)  # as in life: files that are two seconds old, whose times can be relied on
            measure(root, Path(folder, "facts"), count)


def make(root: Path, count: int) -> None:
    """A package of `count` files, a hundred in each of its subpackages."""
    for number in range(count):
        package = root / "shop" / f"p{number // 100}"
        if number % 100 == 0:
            package.mkdir(parents=True)
            text = f'"""Package {number // 100}."""\nfrom .m{number + 1} import place{number + 1}\n'
            (package / "__init__.py").write_text(text)
        else:
            following = (number + 100) % count // 100
            text = MODULE.format(n=number, p=number // 100, next=following, other=following * 100 + 1)
            (package / f"m{number}.py").write_text(text)
    (root / "shop" / "__init__.py").write_text("")


def measure(root: Path, kept: Path, count: int) -> None:
    """Print a line for each situation."""
    print(f"{count} files, {sum(path.stat().st_size for path in root.rglob('*.py')) >> 10} KiB")
    floor = timed(lambda: floor_of(root))
    show("floor: list, read, parse", floor, floor)
    workspace = Workspace(str(root), "docs/generated")
    store = FactsStore(str(kept))
    collect = lambda: read(workspace, store, count)  # noqa: E731 - five times the same
    show("cold", timed(collect), floor)
    show("nothing changed", timed(collect), floor)
    changed = root / "shop" / "p0" / "m7.py"
    changed.write_text(changed.read_text() + "\n\ndef added() -> None: ...\n")
    after = timed(collect)
    show("after one change", after, floor, f"(claim: below {CLAIM_S:.0f} s)")
    store.close()
    store = FactsStore(str(kept))
    show("after a restart", timed(lambda: read(workspace, store, count)), floor)
    store.close()
    workspace.close()


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of wall clock and of CPU that `work` takes."""
    gc.collect()
    begun, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begun, time.process_time() - used


def show(name: str, taken: tuple[float, float], floor: tuple[float, float], claim: str = "") -> None:
    """One line: wall clock, CPU, CPU as a multiple of the floor's."""
    print(
        f"  {name:<26}{taken[0]:7.2f} s  CPU {taken[1]:7.2f} s  {taken[1] / floor[1]:6.2f} x floor  {claim}"
    )


def floor_of(root: Path) -> None:
    for path in sorted(root.rglob("*.py")):
        ast.parse(path.read_bytes())


def read(workspace: Workspace, store: FactsStore, count: int) -> None:
    project = Project(workspace, Budget(seconds=600), store)
    assert len(project.modules) == count + 1
    assert project.languages
    assert project.edges
    assert [variable.name for variable in project.environment] == ["SHOP_DRY_RUN"]


if __name__ == "__main__":
    main()

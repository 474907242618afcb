"""What the tests of interruption share: commands cut off at a step, and what must not be left of them."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from docker import APIClient

from tests.e2e.stack import Stack

ENDS_WITH = {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
KILL, INT, TERM, HUP = ENDS_WITH


class NotReachedError(AssertionError):
    """The command ended without this step: another one, running beside it, took it away."""


@dataclass
class Matrix:
    """A stack whose commands are cut off; `done` holds command, step, signal and exit code of each time."""

    stack: Stack
    api: APIClient
    record: Path
    done: list[tuple[str, str, str, int]] = field(default_factory=list)

    def steps_of(self, *argv: str) -> list[str]:
        """Run the command to its end; every step that it took."""
        self.record.write_text("")
        code, errors = self._run("-", signal.SIGTERM, argv)
        assert code == 0, errors
        return self.record.read_text().splitlines()

    def cut(self, step: str, number: signal.Signals, *argv: str) -> None:
        """Run the command and end it at that step, which it must reach."""
        self.record.write_text("")
        code, errors = self._run(step, number, argv)
        self.done.append((argv[0], step, number.name, code))
        reached = self.record.read_text().splitlines()
        if step not in reached:
            raise NotReachedError(f"{step} was not reached\n{self.table()}\n{errors}")
        assert code == ENDS_WITH[number], (step, number.name, code, errors)
        assert "Traceback" not in errors, errors
        if number != signal.SIGKILL:
            assert errors.count("To go on or back: docgenctl") == 1, errors

    def cut_if_reached(self, step: str, number: signal.Signals, *argv: str) -> bool:
        """The same where steps run side by side, and one may not come about; whether it did."""
        try:
            self.cut(step, number, *argv)
        except NotReachedError:
            return False
        return True

    def tell(self, command: str, steps: int) -> None:
        """Print what was done, for whoever runs the long tests."""
        cut = [done for done in self.done if done[3] != 0]
        missed = len(self.done) - len(cut)
        sys.stdout.write(
            f"{command}: {steps} steps, ended at {len(cut)}, {missed} not reached\n{self.table()}\n"
        )
        assert len(cut) >= 0.8 * len(self.done), "most steps must be reached for this to say anything"

    def _run(self, step: str, number: signal.Signals, argv: Sequence[str]) -> tuple[int, str]:
        command = [sys.executable, "-m", "tests.e2e.cut_off", step, number.name, str(self.record)]
        done = subprocess.run(
            [*command, *argv, "--project-dir", str(self.stack.directory)],
            env=self.stack.environ,
            capture_output=True,
            text=True,
            timeout=300,
        )
        return done.returncode, done.stderr

    def leftovers(self) -> list[str]:
        """Helpers, second networks and half-written files: what no command may leave for good."""
        project = self.stack.project
        helpers = [name for name in self._containers() if project in name and "-fill-" in name]
        networks = [n["Name"] for n in self.api.networks() if n["Name"].startswith(project)]
        twice = sorted({name for name in networks if networks.count(name) > 1})
        return [*helpers, *twice, *self._unfinished_files()]

    def remains(self, *, data: bool) -> list[str]:
        """What is there after `down`; with `data` data volumes may be."""
        project = self.stack.project
        volumes = [v["Name"] for v in self.api.volumes()["Volumes"] or () if v["Name"].startswith(project)]
        kept = [name for name in volumes if not (data and name.endswith("-data"))]
        networks = [n["Name"] for n in self.api.networks() if n["Name"].startswith(project)]
        containers = [name for name in self._containers() if project in name]
        return [*containers, *networks, *kept, *self._unfinished_files()]

    def _containers(self) -> list[str]:
        listed = self.api.containers(all=True)
        return [name.lstrip("/") for entry in listed for name in entry["Names"] or ()]

    def _unfinished_files(self) -> list[str]:
        places = (self.stack.directory, self.stack.state_dir)
        return [
            str(path)
            for place in places
            for path in place.rglob("*")
            if path.name.endswith((".new", "docgenctl-new", ".tmp"))
        ]

    def table(self) -> str:
        """What was done, a line each."""
        return "\n".join(
            f"{command:<8}{number:<9}{code:>4}  {step}" for command, step, number, code in self.done
        )

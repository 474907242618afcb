"""Run checks side by side: isolated, bounded in time, told in the order of the catalogue.

Each check has a thread of its own. One that raises becomes an `unknown` with the reason; one that does not
come back (a resolver that is silent, a network file system that hangs) becomes an `unknown` too, and its
thread, which Python cannot end, does not keep the command from ending.
"""

import threading
import time
from collections.abc import Iterable

from docgenctl.actions.doctor.catalogue import Check
from docgenctl.actions.doctor.scene import Scene
from docgenctl.model.diagnosis import Finding, Outcome, unknown
from docgenctl.model.errors import DocgenError


def run_checks(
    scene: Scene, checks: Iterable[Check], *, timeout_s: float | None = None
) -> tuple[Finding, ...]:
    """One finding a check, each within the time that it has (or `timeout_s`) and a little."""
    running = [_Running(check, scene) for check in checks]
    begun = time.monotonic()
    return tuple(each.finding(begun, timeout_s) for each in running)


class _Running:
    def __init__(self, check: Check, scene: Scene) -> None:
        self._check = check
        self._scene = scene
        self._outcome: Outcome | None = None
        self._thread = threading.Thread(target=self._run, name=f"doctor {check.name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._outcome = self._check.look(self._scene)
        except DocgenError as error:
            self._outcome = unknown(f"not looked at: {error.message}", fix=error.hint)
        except OSError as error:
            self._outcome = unknown(f"not looked at: {error}")
        except Exception as error:  # noqa: BLE001 - a mistake in one check must not hide the others
            self._outcome = unknown(f"this check failed, which is a bug: {type(error).__name__}: {error}")

    def finding(self, begun: float, timeout_s: float | None) -> Finding:
        within_s = self._check.within_s if timeout_s is None else timeout_s
        self._thread.join(max(begun + within_s - time.monotonic(), 0))
        outcome = self._outcome or unknown(f"no answer within {within_s:.0f} s")
        return Finding(area=self._check.area, name=self._check.name, outcome=outcome)

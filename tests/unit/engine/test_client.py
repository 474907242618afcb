"""The SDK's import by several threads of a command."""

import subprocess
import sys

#: A second thread asks for the SDK's exceptions while the first is on its way into the package. Python holds
#: a lock for each module, and of two threads that wait for each other's it makes one fail.
_MEETING = """
import importlib.abc, sys, threading
from docgenctl.engine.client import answers, open_client

inside, failures = threading.Event(), []

class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "docker" and not inside.is_set():
            inside.set()
            other.join(0.5)  # it cannot end before this one does
        return None

def ask():
    inside.wait(10)
    try:
        with answers("look"):
            pass
    except Exception as error:
        failures.append(error)

other = threading.Thread(target=ask)
sys.meta_path.insert(0, Slow())
other.start()
open_client("unix:///nowhere", api_version="1.41", timeout_s=1).close()
other.join(10)
assert inside.is_set() and not failures, failures
"""


def test_two_threads_may_meet_on_their_way_into_the_sdk() -> None:
    ended = subprocess.run([sys.executable, "-c", _MEETING], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr

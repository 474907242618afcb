import subprocess
import sys

import pytest


@pytest.mark.parametrize("pid", [0, 1, -1])
def test_no_process_number_means_that_nothing_is_killed_least_of_all_the_caller(pid: int) -> None:
    program = (
        "import os; from docgenctl.engine.processes import proc\n"
        "reached = []; os.killpg = lambda *asked: reached.append(asked)\n"
        f"try: proc.kill_session({pid})\n"
        "except ValueError: print('refused', reached)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, start_new_session=True
    )
    assert ran.stdout == "refused []\n", ran.stderr

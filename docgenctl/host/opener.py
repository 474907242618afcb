"""Show a file to the person at the machine, with whatever their desktop uses for it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def open_file(path: Path) -> bool:
    """Start the desktop's viewer for a file and come back at once; False where there is no desktop."""
    for program in _viewers():
        if shutil.which(program):
            subprocess.Popen(
                [program, str(path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            return True
    return False


def _viewers() -> tuple[str, ...]:
    """Programs that open windows here. `xdg-open` without a display looks for a browser in the terminal."""
    if sys.platform == "darwin":
        return ("open",)
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return ("xdg-open", "wslview") if display else ("wslview",)

"""Show a file to the person at the machine, with whatever their desktop uses for it."""

import shutil
import subprocess
from pathlib import Path


def open_file(path: Path) -> bool:
    """Start the desktop's viewer for a file and come back at once; False where there is no desktop."""
    for program in ("xdg-open", "open", "wslview"):
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

"""Which host firewall is in force, as far as files and processes tell without being root."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """A firewall that is active, and what shows it."""

    name: str
    evidence: str


def active_firewalls(root: Path = Path("/")) -> tuple[Firewall, ...]:
    """Those in force: ufw by its configuration, firewalld by its process."""
    found = []
    ufw = root / "etc/ufw/ufw.conf"
    if re.search(r"^\s*ENABLED\s*=\s*yes\s*$", _text(ufw), re.MULTILINE | re.IGNORECASE):
        found.append(Firewall(name="ufw", evidence=f"{ufw} says ENABLED=yes"))
    for process in _processes(root / "proc"):
        if _text(process / "comm").strip() == "firewalld":
            found.append(Firewall(name="firewalld", evidence=f"it runs as process {process.name}"))
            break
    return tuple(found)


def _processes(proc: Path) -> Iterable[Path]:
    try:
        return [path for path in proc.iterdir() if path.name.isdigit()]
    except OSError:
        return ()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

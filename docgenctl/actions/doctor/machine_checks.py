"""Checks of the machine: room on disks, memory, the clock."""

from collections.abc import Callable, Iterator
from pathlib import Path

from docgenctl.actions.doctor.scene import Scene
from docgenctl.engine.inventory import seconds
from docgenctl.host.free_room import Room, room_at
from docgenctl.host.memory import available_bytes
from docgenctl.model.diagnosis import Outcome, ok, problem, unknown, warning
from docgenctl.model.errors import DocgenError

MIB = 1024**2
#: what it is for → bytes below which it cannot work, and below which it soon will not
_FLOORS = {
    "state": (16 * MIB, 128 * MIB),
    "workspace": (16 * MIB, 128 * MIB),
    "cache": (256 * MIB, 1024 * MIB),
    "temporary files": (64 * MIB, 256 * MIB),
    "engine": (512 * MIB, 4096 * MIB),
}
_INODES = (200, 5000)
#: A stack idles at about 300 MiB; a build takes more.
_MEMORY = (384 * MIB, 1024 * MIB)
#: Certificates are backdated by an hour; logs and health are hard to read before that.
_SKEW_S = (600, 5)


def disk(scene: Scene) -> Outcome:
    """Bytes and inodes where state, workspace, cache, temporary files and the engine's data lie."""
    rooms = list(_rooms(scene))
    worst = [(_lack(what, room), what, room) for what, room in rooms]
    told = tuple(f"{what}: {_described(room)}" for what, room in rooms)
    for judge, severity in ((problem, 0), (warning, 1)):
        short = [f"{what} at {room.place} has {lack[1]}" for lack, what, room in worst if lack[0] == severity]
        if short:
            fix = "make room there; `docker system df` shows what images and volumes take"
            return judge("; ".join(short), *told, fix=fix)
    return ok("enough room everywhere", *told)


def _rooms(scene: Scene) -> Iterator[tuple[str, Room]]:
    places: dict[str, Callable[[], Path]] = {
        "state": scene.state_dir,
        "workspace": scene.workspace,
        "cache": scene.cache_dir,
        "temporary files": lambda: Path(scene.environ.get("TMPDIR") or "/tmp"),  # noqa: S108 - only looked at
        "engine": lambda: Path(scene.report().root_directory),
    }
    for what, find in places.items():
        try:
            place = find()
            # Only the engine's owner may look into its folder; its file system can be asked all the same.
            yield what, room_at(place)
        except (DocgenError, OSError):
            continue


def _lack(what: str, room: Room) -> tuple[int, str]:
    """0 for too little, 1 for little, 2 for enough; and what is lacking."""
    for severity in (0, 1):
        if room.free_bytes < _FLOORS[what][severity]:
            return severity, f"{room.free_bytes // MIB} MiB left"
        if room.inodes is not None and room.inodes < _INODES[severity]:
            return severity, f"{room.inodes} inodes left"
    return 2, ""


def _described(room: Room) -> str:
    inodes = "inodes not counted" if room.inodes is None else f"{room.inodes} inodes"
    return f"{room.free_bytes / 1024**3:.1f} GiB, {inodes} ({room.place})"


def memory(_scene: Scene) -> Outcome:
    """Memory that a stack could still get."""
    available = available_bytes()
    if available is None:
        return unknown("this system does not tell how much memory is available")
    told = f"{available // MIB} MiB are available"
    fix = "stop what is not needed, or give the machine more memory"
    if available < _MEMORY[0]:
        return problem(f"{told}; a stack takes about 300 MiB", fix=fix)
    if available < _MEMORY[1]:
        return warning(f"{told}; building images may fail", fix=fix)
    return ok(told)


def clock(scene: Scene) -> Outcome:
    """The engine's clock and ours agree: certificates are checked by one and made by the other."""
    report = scene.report()
    theirs = seconds(report.time)
    if not theirs:
        return unknown("the engine does not tell its time")
    early, late = theirs - report.answered_at_s, theirs - report.asked_at_s
    skew_s = 0.0 if early <= 0 <= late else min(early, late, key=abs)
    told = f"the engine's clock differs from this machine's by {abs(skew_s):.1f} s"
    fix = "set both clocks by the network: sudo timedatectl set-ntp true (on a virtual machine, restart it)"
    if abs(skew_s) > _SKEW_S[0]:
        return problem(f"{told}; certificates would not be valid there", fix=fix)
    if abs(skew_s) > _SKEW_S[1]:
        return warning(told, fix=fix)
    return ok(told)

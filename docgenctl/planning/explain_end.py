"""Why a container is not well, in words, from what the engine keeps about it; pure."""

from datetime import datetime, timedelta

from docgenctl.model.observed import ObservedContainer

#: A container that was started again this recently is not yet over what ended it: the engine's own pause
#: between two starts grows to a minute.
RECENT = timedelta(seconds=90)

KILLED = 137
"""128 and SIGKILL."""

_HOW = {
    0: "ended by itself (exit code 0)",
    78: "refused its settings (exit code 78)",
    126: "its program could not be run (exit code 126)",
    127: "its program was not found (exit code 127)",
    KILLED: "was killed (exit code 137)",
    139: "crashed (exit code 139, segmentation fault)",
    143: "was told to end (exit code 143)",
}


def explain_end(exit_code: int, *, oom: bool) -> str:
    """How a container ended: `ran out of memory …`, `ended with exit code 3`."""
    if oom:
        return "ran out of memory; give it more under limits in docgen.yaml"
    return _HOW.get(exit_code, f"ended with exit code {exit_code}")


def in_trouble(container: ObservedContainer, now: datetime) -> bool:
    """Whether it is not running, or was started again by the engine a moment ago."""
    if container.state != "running":
        return True
    return container.restarts > 0 and now - _time(container.started_at) < RECENT


def explain_trouble(container: ObservedContainer, now: datetime, last_words: str = "") -> str:
    """One sentence for a container that `in_trouble` names; empty for one that was stopped on purpose.

    `last_words` is the last line of its log; the engine forgets an exit code at the next start.
    """
    if not in_trouble(container, now) or container.state in ("created", "paused"):
        return container.error
    times = f"started again {container.restarts} time{'s' if container.restarts > 1 else ''}"
    how = explain_end(container.exit_code, oom=container.oom_killed)
    if container.state == "running":
        story = f"{times}, last {(now - _time(container.started_at)).total_seconds():.0f} s ago"
    elif container.state == "restarting":
        story = f"{how}; {times}, and will be again"
    elif container.state == "exited" and container.exit_code == KILLED and not container.oom_killed:
        # The engine starts again what dies by itself: what stays down was told to, and cut when its grace
        # was over, or killed by hand. It keeps no more of that.
        story = "was stopped and did not end in time, or was killed (exit code 137)"
    elif container.exit_code in (0, 143) and not container.oom_killed:
        return container.error
    else:
        story = how
    return f"{story}; last words: {last_words}" if last_words else story


def _time(moment: str) -> datetime:
    """RFC 3339, with more digits than Python reads."""
    whole, _, rest = moment.partition(".")
    zone = rest.lstrip("0123456789") if rest else ""
    return datetime.fromisoformat((whole + zone).replace("Z", "+00:00"))

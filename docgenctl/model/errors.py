"""The one family of errors: a message, a hint that names the fix, and an exit code.

They are rendered in one place (`docgenctl.cli.console`). Anything else that escapes is a bug of ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the process ends with; part of the command line's contract (docs/cli.md)."""

    DONE = 0
    BUG = 1
    USAGE = 2
    CONFIGURATION = 3
    ENGINE = 4
    NOT_HEALTHY = 5
    REFUSED = 6
    LOCKED = 7
    CHANGES_PENDING = 8
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


class DocgenError(Exception):
    """Base of every error that a user can act on.

    Args:
        message: what is wrong, naming the thing it is about; one sentence, no trailing advice.
        hint: the fix, as something to type or to change; may be empty.
        code: a stable word for programs (`error.code` in `--json`), unique in the family.
        details: further lines, such as the last log lines of a container.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.BUG
    default_code: ClassVar[str] = "bug"

    def __init__(
        self, message: str, *, hint: str = "", code: str | None = None, details: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.default_code
        self.details = tuple(details)


class UsageError(DocgenError):
    """The command line itself is wrong: an unknown service, flags that exclude each other."""

    exit_code = ExitCode.USAGE
    default_code = "usage"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file that people edit.

    `key_path` is written with slashes (`servers/main/port`); `line` counts from 1, 0 when unknown.
    """

    file: str
    line: int
    key_path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key_path}: {self.message}" if self.key_path else f"{place}: {self.message}"


class ConfigurationError(DocgenError):
    """docgen.yaml, the environment or a flag holds values that cannot be used; all of them at once."""

    exit_code = ExitCode.CONFIGURATION
    default_code = "configuration"

    def __init__(
        self,
        message: str,
        *,
        problems: Sequence[Problem] = (),
        hint: str = "",
        code: str | None = None,
        details: Sequence[str] = (),
    ) -> None:
        super().__init__(message, hint=hint, code=code, details=details)
        self.problems = tuple(problems)


class EngineError(DocgenError):
    """The container engine cannot do it.

    Codes told apart: `absent`, `stopped`, `denied`, `too_old`, `wrong_context`, `unsupported`, and
    `engine` for an answer that fits none of these.
    """

    exit_code = ExitCode.ENGINE
    default_code = "engine"


class PortTakenError(EngineError):
    """A published port is held by another process or container at the moment of binding.

    `tried` maps purposes to the first and last port of a range in which none was free; empty when a single
    port was refused by the engine.
    """

    default_code = "port_taken"

    def __init__(self, message: str, *, host_port: int, hint: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(message, hint=hint, details=details)
        self.host_port = host_port
        self.tried: Mapping[str, tuple[int, int]] = {}


class SubnetTakenError(EngineError):
    """A subnet overlaps another network of the engine or the host."""

    default_code = "subnet_taken"

    def __init__(self, message: str, *, subnet: str, hint: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(message, hint=hint, details=details)
        self.subnet = subnet


class BuildError(EngineError):
    """An image could not be built; `details` holds the end of the build's output."""

    default_code = "build_failed"


class NotHealthyError(DocgenError):
    """The stack, or a part of it, did not become or is not healthy."""

    exit_code = ExitCode.NOT_HEALTHY
    default_code = "not_healthy"


class RefusedError(DocgenError):
    """Refused for safety: doing it could harm something that is not ours or cannot be undone."""

    exit_code = ExitCode.REFUSED
    default_code = "refused"


class LockedError(DocgenError):
    """Another command is changing the same stack; the message says who, since when and with what."""

    exit_code = ExitCode.LOCKED
    default_code = "locked"


class InterruptedCommandError(DocgenError):
    """Ctrl-C (SIGINT) ended the command; the message says what is left, the hint what finishes it."""

    exit_code = ExitCode.INTERRUPTED
    default_code = "interrupted"


class TerminatedError(InterruptedCommandError):
    """The same for SIGTERM."""

    exit_code = ExitCode.TERMINATED
    default_code = "terminated"


class HungUpError(InterruptedCommandError):
    """The same for SIGHUP: the terminal was closed."""

    exit_code = ExitCode.HUNG_UP
    default_code = "hung_up"

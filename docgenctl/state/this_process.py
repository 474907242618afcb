"""Who and what is running: written into the lock and the history, for other people to read."""

import os
import re
import sys
from collections.abc import Mapping, Sequence

_MASK = "***"
_SECRET_WORD = re.compile(r"token|secret|password|passwd|api[-_]?key|credential", re.IGNORECASE)
#: Keys of ours and of GitHub, and what stands between `//` and `@` of an address.
_SECRET_VALUE = re.compile(r"dgk_[\w-]+|gh[opsur]_\w+|github_pat_\w+|(?<=://)[^/@\s]+(?=@)", re.ASCII)
_SHORTEST_SECRET = 8
_LONGEST_ARGUMENT = 200
_MOST_ARGUMENTS = 50


def user_name() -> str:
    """The user's name, or `uid 1234` for a uid without one."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # as in containers
        return f"uid {os.geteuid()}"


def host_name() -> str:
    """The name of this machine."""
    return os.uname().nodename


def command_line() -> tuple[str, ...]:
    """The arguments of this process, without the program and without secrets."""
    return without_secrets(sys.argv[1:], os.environ)


def without_secrets(arguments: Sequence[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """The arguments with `***` for whatever may be secret; bounded in number and length.

    Secret is what follows a word such as `token` (`--token X`, `TOKEN=X`, `set github/token X`), what looks
    like a key, and the value of any variable with such a name.
    """
    known = {
        value
        for name, value in environ.items()
        if _SECRET_WORD.search(name) and len(value) >= _SHORTEST_SECRET
    }
    shown: list[str] = []
    after_word = False
    for argument in arguments[:_MOST_ARGUMENTS]:
        name, equals, _ = argument.partition("=")
        named = _SECRET_WORD.search(name) is not None
        if after_word and not argument.startswith("-"):
            shown.append(_MASK)
        elif equals and named:
            shown.append(f"{name}={_MASK}")
        else:
            for value in known:
                argument = argument.replace(value, _MASK)
            shown.append(_SECRET_VALUE.sub(_MASK, argument)[:_LONGEST_ARGUMENT])
        after_word = named and not equals
    return tuple(shown)

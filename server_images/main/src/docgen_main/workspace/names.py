"""Paths as text: from what a client sent to a tuple of literal names, and from a name to something printable.

Nothing here touches the disk, and nothing is ever decoded: `%2e` is three characters. `..` is refused rather
than resolved, because resolving it by text disagrees with the disk as soon as a link is involved.
"""

import unicodedata

from docgen_main.workspace.errors import DeniedError

#: Names from the root of a tree down; the root itself is the empty tuple.
Path = tuple[str, ...]

NAME_BYTES = 255
PATH_BYTES = 4096
DEPTH = 64


def parse(text: str, roots: tuple[str, ...] = ()) -> Path:
    """Turn `text` into a path below the workspace.

    An absolute path that starts with one of `roots` (compared name by name, so that `/ws-evil` is not inside
    `/ws`) means the same as the relative one. Raises `DeniedError` for everything that cannot name something
    inside.
    """
    if "\0" in text:
        raise DeniedError("a path cannot contain a NUL character", rule="nul")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise DeniedError("a path must be valid Unicode", rule="unicode") from None
    if size > PATH_BYTES:
        raise DeniedError(f"the path is longer than {PATH_BYTES} bytes", rule="length")
    names = tuple(name for name in text.split("/") if name not in ("", "."))
    if text.startswith("/"):
        names = _below(names, roots)
    if ".." in names:
        raise DeniedError("a path cannot contain '..': give it from the top of the workspace", rule="parent")
    if len(names) > DEPTH:
        raise DeniedError(f"the path is deeper than {DEPTH} directories", rule="depth")
    if any(len(name.encode()) > NAME_BYTES for name in names):
        raise DeniedError(f"a part of the path is longer than {NAME_BYTES} bytes", rule="length")
    return names


def _below(names: Path, roots: tuple[str, ...]) -> Path:
    for root in roots:
        above = tuple(name for name in root.split("/") if name)
        if names[: len(above)] == above:
            return names[len(above) :]
    raise DeniedError(
        "the path is outside the workspace: give it from the top of the workspace", rule="outside"
    )


def check_literal(path: Path) -> None:
    """Refuse a path that `parse` did not make: a "name" that leads elsewhere would get around every guard."""
    for name in path:
        if name in ("", ".", "..") or "/" in name or "\0" in name:
            raise DeniedError("the path is not made of plain names", rule="name")


def is_plain(name: str) -> bool:
    """Whether `name` shows as what it is: no control, bidi, zero-width or undecodable character."""
    if name.isascii():
        return name.isprintable()
    return not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for c in name)


def check_new(path: Path) -> None:
    """Refuse names that fool the reader of a listing, or that other systems read as a separator."""
    for name in path:
        if not is_plain(name) or name != name.strip():
            raise DeniedError(
                f"{display((name,))} has invisible characters or blanks around it; use a plain name",
                rule="name",
            )
        if "\\" in name:
            raise DeniedError(
                "a new name cannot contain a backslash; separate directories by '/'", rule="name"
            )


def display(path: Path | str) -> str:
    """`path` for people and logs: invisible and undecodable characters escaped, everything else as it is."""
    text = path if isinstance(path, str) else "/".join(path) or "."
    if is_plain(text):
        return text
    return "".join(_escape(character) for character in text)


def _escape(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if is_plain(character):
        return character
    point = ord(character)
    if 0xDC80 <= point <= 0xDCFF:  # a byte that is no UTF-8, as os.fsdecode carries it
        return f"\\x{point - 0xDC00:02x}"
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"

"""Reading a repository's objects through the workspace guard.

dulwich knows the formats (objects, pack indexes, deltas), but its own repository class opens files by path,
reads the repository's configuration and follows alternates to other directories. Here only descriptors that
the guard opened are read: no configuration, no hooks, no alternates, no links, and the owner of the files
does not matter. Everything inflated is bounded, because a few bytes of a hostile pack can claim to be
gigabytes.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Self

from dulwich.errors import ApplyDeltaError
from dulwich.objects import Commit, ObjectID, ShaFile, Tag
from dulwich.pack import apply_delta

from docgen_main.workspace import Tree, WorkspaceError

OBJECT_BYTES = 1 << 20
_INDEX_BYTES = 512 << 20
_CHAIN = 100
_KINDS = {1: b"commit", 2: b"tree", 3: b"blob", 4: b"tag"}
_OFFSET_DELTA, _REF_DELTA = 6, 7


class DamagedError(Exception):
    """An object is not what its format promises, or bigger than `OBJECT_BYTES`."""


class GitObjects:
    """The objects of the repository whose `.git` is `tree`. A context manager: it holds descriptors."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._packs: list[_Pack] = []
        self._open = ExitStack()

    def __enter__(self) -> Self:
        try:
            entries = self._tree.entries(("objects", "pack"))
        except WorkspaceError:
            return self
        for entry in entries:
            if entry.name.endswith(".idx") and entry.kind == "file":
                self._add_pack(entry.name[: -len(".idx")])
        return self

    def __exit__(self, *exc: object) -> None:
        self._open.close()

    def _add_pack(self, stem: str) -> None:
        directory = ("objects", "pack")
        try:
            index = self._open.enter_context(self._tree.file((*directory, stem + ".idx"), limit=_INDEX_BYTES))
            data = self._open.enter_context(self._tree.file((*directory, stem + ".pack")))
        except WorkspaceError:
            return
        if os.pread(index, 8, 0) == b"\377tOc\0\0\0\2":
            self._packs.append(_Pack(data, index))

    def get(self, name: str) -> ShaFile | None:
        """The commit or tag object called `name` (40 hex digits), or None when it is missing or another kind.

        Raises `DamagedError`.
        """
        raw = self._loose(name) or self._packed(bytes.fromhex(name))
        if raw is None or raw[0] not in (b"commit", b"tag"):
            return None
        kind: type[Commit | Tag] = Commit if raw[0] == b"commit" else Tag
        try:
            return kind.from_string(raw[1])
        except Exception as error:
            raise DamagedError(name) from error

    def _loose(self, name: str) -> tuple[bytes, bytes] | None:
        try:
            packed = self._tree.read(("objects", name[:2], name[2:]), limit=OBJECT_BYTES)
        except WorkspaceError:
            return None
        header, found, body = _inflate(packed, OBJECT_BYTES).partition(b"\0")
        if not found:
            raise DamagedError(name)
        return header.split(b" ")[0], body

    def _packed(self, binary: bytes) -> tuple[bytes, bytes] | None:
        for pack in self._packs:
            offset = pack.find(binary)
            if offset is not None:
                return pack.read(offset)
        return None


class _Pack:
    """One pack and its index, version 2 (gitformat-pack(5)), read where needed from two descriptors."""

    _FAN_OUT = 8
    _NAMES = 8 + 256 * 4

    def __init__(self, data: int, index: int) -> None:
        self._data = data
        self._index = index
        self._count = self._number(self._FAN_OUT + 255 * 4)

    def _number(self, position: int, form: str = ">I") -> int:
        size = struct.calcsize(form)
        piece = os.pread(self._index, size, position)
        if len(piece) != size:
            raise DamagedError("pack index")
        return int(struct.unpack(form, piece)[0])

    def find(self, name: bytes) -> int | None:
        """Where object `name` (20 bytes) starts in the pack, or None."""
        low = self._number(self._FAN_OUT + (name[0] - 1) * 4) if name[0] else 0
        high = self._number(self._FAN_OUT + name[0] * 4)
        while low < high:
            middle = (low + high) // 2
            here = os.pread(self._index, 20, self._NAMES + middle * 20)
            if here == name:
                return self._offset(middle)
            low, high = (middle + 1, high) if here < name else (low, middle)
        return None

    def _offset(self, position: int) -> int:
        small = self._NAMES + self._count * 24  # names of 20 bytes and checksums of 4 come before
        offset = self._number(small + position * 4)
        if offset & 0x80000000:
            offset = self._number(small + self._count * 4 + (offset & 0x7FFFFFFF) * 8, ">Q")
        return offset

    def read(self, offset: int) -> tuple[bytes, bytes]:
        """Kind and content of the object at `offset`, its deltas applied. Raises `DamagedError`."""
        deltas: list[bytes] = []
        for _ in range(_CHAIN):
            kind, size, position = self._header(offset)
            if size > OBJECT_BYTES:
                raise DamagedError("an object is too big")
            if kind == _OFFSET_DELTA:
                back, position = self._back(position)
                base: int | None = offset - back
            elif kind == _REF_DELTA:
                base = self.find(os.pread(self._data, 20, position))
                position += 20
            else:
                return _KINDS.get(kind, b""), _apply(self._content(position, size), deltas)
            deltas.append(self._content(position, size))
            if base is None or (not 0 < base < offset and kind == _OFFSET_DELTA):
                raise DamagedError("a delta without its base")
            offset = base
        raise DamagedError("a chain of deltas is too long")

    def _header(self, offset: int) -> tuple[int, int, int]:
        piece = os.pread(self._data, 16, offset)
        if not piece:
            raise DamagedError("pack is too short")
        kind, size, shift = piece[0] >> 4 & 7, piece[0] & 15, 4
        used = 1
        while piece[used - 1] & 0x80:
            if used >= len(piece):
                raise DamagedError("object header")
            size |= (piece[used] & 0x7F) << shift
            shift += 7
            used += 1
        return kind, size, offset + used

    def _back(self, position: int) -> tuple[int, int]:
        piece = os.pread(self._data, 12, position)
        value = -1
        for used, byte in enumerate(piece, 1):
            value = (value + 1 << 7) | (byte & 0x7F)
            if not byte & 0x80:
                return value, position + used
        raise DamagedError("delta offset")

    def _content(self, position: int, size: int) -> bytes:
        # deflate may grow its input by a few bytes in a thousand, never more
        content = _inflate(os.pread(self._data, size + size // 500 + 256, position), size)
        if len(content) != size:
            raise DamagedError("object size")
        return content


def _inflate(packed: bytes, most: int) -> bytes:
    machine = zlib.decompressobj()
    try:
        content = machine.decompress(packed, most + 1)
    except zlib.error as error:
        raise DamagedError("deflate stream") from error
    if len(content) > most:
        raise DamagedError("an object is bigger than it says")
    return content


def _apply(content: bytes, deltas: list[bytes]) -> bytes:
    for delta in reversed(deltas):
        if next(_sizes(delta, 1), OBJECT_BYTES + 1) > OBJECT_BYTES:
            raise DamagedError("a delta makes an object too big")
        try:
            content = b"".join(apply_delta(content, delta))
        except (ApplyDeltaError, AssertionError, IndexError) as error:
            raise DamagedError("delta") from error
    return content


def _sizes(delta: bytes, skip: int) -> Iterator[int]:
    """The sizes at the head of a delta (source, then target), without the first `skip`."""
    position = 0
    for number in range(2):
        size, shift = 0, 0
        while position < len(delta):
            byte = delta[position]
            position += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        if number >= skip:
            yield size


def object_id(text: bytes) -> str | None:
    """`text` as the name of an object, or None when it is not 40 hex digits (SHA-256 names are not read)."""
    name = text.strip()
    try:
        return name.decode("ascii").lower() if len(bytes.fromhex(name.decode("ascii"))) == 20 else None
    except ValueError:
        return None


__all__ = ["DamagedError", "GitObjects", "ObjectID", "object_id"]

"""Assembles build contexts whose bytes depend only on what is in them.

Names are sorted, times are zero, owners are root, modes are 0644 or 0755. The digest covers names, modes
and bytes; it becomes the image's label and part of its tag, so that equal input means no build. The tar
itself is written only when somebody reads `Context.data`: most commands need nothing but the digest.
"""

import hashlib
import io
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from docgenctl.model.errors import BuildError
from docgenctl.model.locations import server_images_directory

#: Larger contexts go through a temporary file.
_IN_MEMORY = 32 * 1024 * 1024
_SKIPPED_FOLDERS = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})

Source = bytes | Path


@dataclass(frozen=True)
class Context:
    """A build context: its files by name in it, and the hex sha256 of names, modes and bytes."""

    files: Mapping[str, Source]
    digest: str

    @property
    def data(self) -> BinaryIO:
        """A new tar stream of the context, at its beginning; the caller closes it."""
        stream = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for name, source in self.files.items():
                info = tarfile.TarInfo(name)
                info.mode = _mode(source)
                if isinstance(source, bytes):
                    info.size = len(source)
                    archive.addfile(info, io.BytesIO(source))
                else:
                    info.size = source.stat().st_size
                    with source.open("rb") as file:
                        archive.addfile(info, file)
        stream.seek(0)
        return stream

    def reference(self, image: str) -> str:
        """The image's reference for these bytes: `docgenctl/<image>:<first 16 of the digest>`."""
        return f"docgenctl/{image}:{self.digest[:16]}"


def assemble(recipe: str, files: Mapping[str, Source], *, name: str = "Dockerfile") -> Context:
    """A context of a recipe (a Dockerfile, unless `name` says otherwise) and files, by their relative names.

    Raises BuildError for a name that leaves the context, a symbolic link, or anything but a regular file.
    """
    contents: dict[str, Source] = {**files, name: recipe.encode()}
    ordered = {name: contents[name] for name in sorted(contents)}
    digest = hashlib.sha256()
    for name, source in ordered.items():
        _check(name, source)
        digest.update(f"{len(name.encode())}:{name}:{_mode(source):o}:{_digest_of(source)}\n".encode())
    return Context(ordered, digest.hexdigest())


def server_context(
    name: str, dockerfile: str, wheels: Path | None = None, more: Mapping[str, Source] | None = None
) -> Context:
    """The context of one built-in server: its lock, `docgen_common`, its own sources, and its wheels.

    `more` are further files that the image's content depends on.

    The digest is the same without wheels, since the lock names their hashes: whether an image is up to
    date can be told before anything is fetched. Raises BuildError as `assemble` does.
    """
    images = server_images_directory()
    files: dict[str, Source] = {"requirements.txt": images / name / "requirements.txt"}
    files |= tree(images / "common" / "src", "app")
    files |= tree(images / name / "src", "app")
    context = assemble(dockerfile, {**files, **(more or {})})
    return context if wheels is None else with_files(context, tree(wheels, "wheels"))


def with_files(context: Context, files: Mapping[str, Source]) -> Context:
    """The context with files that its digest says nothing of, because a lock in it does."""
    return replace(context, files=dict(sorted({**context.files, **files}.items())))


def process_context(
    names: Sequence[str], recipe: str, file: str, more: Mapping[str, Source] | None = None
) -> Context:
    """The context of several built-in servers that run as processes: their locks, and all their sources.

    `more` are further files that its content depends on.

    Raises BuildError as `assemble` does.
    """
    images = server_images_directory()
    files: dict[str, Source] = tree(images / "common" / "src", "opt/docgen/app")
    for name in names:
        files[f"requirements/{name}.txt"] = images / name / "requirements.txt"
        files |= tree(images / name / "src", "opt/docgen/app")
    return assemble(recipe, {**files, **(more or {})}, name=file)


def proxy_context(dockerfile: str, debs: Path | None = None) -> Context:
    """The context of an image of one program: the Dockerfile, and Debian packages if it has any."""
    return assemble(dockerfile, tree(debs, "debs") if debs else {})


def tree(root: Path, prefix: str) -> dict[str, Source]:
    """Every file below a folder by its name in the context, without caches and byte code."""
    return {f"{prefix}/{path.relative_to(root).as_posix()}": path for path in _walk(root)}


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            if path.name not in _SKIPPED_FOLDERS and not path.name.endswith(".egg-info"):
                yield from _walk(path)
        elif path.suffix != ".pyc":
            yield path


def _mode(source: Source) -> int:
    executable = isinstance(source, Path) and source.stat().st_mode & stat.S_IXUSR
    return 0o755 if executable else 0o644


def _digest_of(source: Source) -> str:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(name: str, source: Source) -> None:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or PurePosixPath(name).as_posix() != name:
        raise BuildError(f"{name!r} is not a name inside a build context")
    if isinstance(source, Path):
        if source.is_symlink():
            raise BuildError(f"{source} is a symbolic link", hint="put the file itself there")
        if not source.is_file():
            raise BuildError(f"{source} is not a regular file", hint="put a regular file there")

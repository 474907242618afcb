"""How Python files are called from inside Python."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PythonNames:
    """The file is module `app.core.io` in package `app.core`; both lie below directory `root`."""

    module: str
    package: str
    root: str
    is_package: bool = False

    @property
    def is_private(self) -> bool:
        """Whether a name on the way says that others should not import it."""
        return any(part.startswith("_") and not part.endswith("__") for part in self.module.split("."))

    def absolute(self, module: str | None, level: int) -> str:
        """The module that `from ..module import` means here; `level` counts the dots."""
        if not level:
            return module or ""
        parts = self.module.split(".")
        above = parts[: len(parts) - level + self.is_package]
        return ".".join([*above, *([module] if module else [])])


def names_of(path: str, packages: frozenset[str]) -> PythonNames:
    """Names of the file at `path`; `packages` are the directories that hold an `__init__.py`."""
    *directories, name = path.split("/")
    start = len(directories)
    while start and "/".join(directories[:start]) in packages:
        start -= 1
    inner = directories[start:]
    stem = name.rsplit(".", 1)[0]
    is_package = stem == "__init__"
    module = ".".join(inner if is_package else [*inner, stem])
    return PythonNames(module or stem, ".".join(inner), "/".join(directories[:start]), is_package)

"""Layers of settings, one over the other, leaf by leaf, with the place each value came from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from docgenctl.configuration.settings_tree import Entries, Node, Section, Setting, settings_tree, suggestion
from docgenctl.configuration.yaml_source import YamlDocument
from docgenctl.model.errors import Problem

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written: `file` is a file's name or the name of a variable or flag."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


DEFAULT = Place("default")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value, as it was written, and its place."""

    value: Any
    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something wrong at a key path, before its place is known."""

    path: Path
    message: str
    hint: str = ""


@dataclass
class Layers:
    """The sum of all layers so far; a later layer wins. `entries` are maps' keys, even empty ones."""

    leaves: dict[Path, Leaf] = field(default_factory=dict)
    entries: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add_value(self, key_path: str, value: Any, place: Place) -> None:
        """Lay one value over what is there."""
        self.leaves[tuple(key_path.split("/"))] = Leaf(value, str(value), place)

    def add_document(self, document: YamlDocument, file: str) -> None:
        """Lay a file over what is there; mistakes of its layout become problems, the rest is taken."""
        _DocumentWalk(self, document, file).walk(settings_tree(), document.values, ())

    def nested(self) -> dict[str, Any]:
        """All values as nested dictionaries, as the model reads them."""
        root: dict[str, Any] = {}
        for path in self.entries:
            _descend(root, path)
        for path, leaf in self.leaves.items():
            _descend(root, path[:-1])[path[-1]] = leaf.value
        return root

    def remove(self, path: Path) -> bool:
        """Forget all at and below a key path, or the nearest value above it; whether there was anything."""
        doomed = [key for key in (*self.leaves, *self.entries) if key[: len(path)] == path]
        doomed = (
            doomed
            or [path[:length] for length in range(len(path), 0, -1) if path[:length] in self.leaves][:1]
        )
        for key in doomed:
            self.leaves.pop(key, None)
            self.entries.pop(key, None)
        return bool(doomed)

    def place(self, path: Path) -> Place:
        """Where the value at a key path, or the nearest thing around it, was written."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.leaves:
                return self.leaves[path[:length]].place
            if path[:length] in self.entries:
                return self.entries[path[:length]]
        below = [leaf.place for key, leaf in self.leaves.items() if key[: len(path)] == path]
        return below[0] if below else DEFAULT

    def place_of_value(self, path: Path) -> Place:
        """Where the value at exactly this key path was written."""
        return self.leaves[path].place if path in self.leaves else DEFAULT

    def problem(self, mistake: Mistake) -> Problem:
        """The mistake with its place."""
        place = self.place(mistake.path)
        if place == DEFAULT:  # a default is wrong only beside something written in the file
            place = Place("docgen.yaml")
        return Problem(place.file, place.line, shown(mistake.path), mistake.message, mistake.hint)


def _descend(root: dict[str, Any], path: Path) -> dict[str, Any]:
    for key in path:
        root = root.setdefault(key, {})
    return root


@dataclass
class _DocumentWalk:
    layers: Layers
    document: YamlDocument
    file: str

    def walk(self, node: Node, value: Any, path: Path) -> None:
        """Take one value of the file; an empty one (`ports:` with nothing below) is not set."""
        if isinstance(node, Setting):
            if value is not None or node.field is None:
                text = self.document.texts.get(path, "")
                self.layers.leaves[path] = Leaf(value, text, self._place(path))
        elif isinstance(value, Mapping):
            for key, below in value.items():
                self._child(node, key, below, (*path, key))
        elif value is not None:
            self._complain(path, "is a section, not a single value", _first_key(node, path))

    def _child(self, node: Section | Entries, key: str, value: Any, path: Path) -> None:
        if isinstance(node, Entries):
            if isinstance(node.each, Section):
                self.layers.entries[path] = self._place(path)
            self.walk(node.each, value, path)
        elif key in node.children:
            self.walk(node.children[key], value, path)
        else:
            self._complain(path, "is not a setting", suggestion(key, node))

    def _complain(self, path: Path, message: str, hint: str) -> None:
        place = self._place(path)
        self.layers.problems.append(Problem(place.file, place.line, shown(path), message, hint))

    def _place(self, path: Path) -> Place:
        return Place(self.file, self.document.line(path))


def _first_key(node: Section | Entries, path: Path) -> str:
    key = "a name" if isinstance(node, Entries) else next(iter(node.children))
    return f"write {key} and its value indented below `{path[-1]}:`"


def shown(path: Path) -> str:
    """A key path for people, cut where somebody wrote a novel into a key."""
    return "/".join(part if len(part) <= 60 else part[:57] + "..." for part in path)


def ordered(problems: Iterator[Problem]) -> tuple[Problem, ...]:
    """Problems by place, each once: file first as people read it from top to bottom."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: (problem.line == 0, problem.line)))

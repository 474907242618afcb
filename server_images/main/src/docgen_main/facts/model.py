"""The nouns of a project: frozen, ordered, and independent of how they were found."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file: path with `/`, bytes, language by name (None: not source), lines and SHA-256 of its content.

    Of what is no source, or too big to be one, the content is not read: no lines, and "" for the hash.
    """

    path: str
    size: int
    language: str | None
    lines: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that is there but not in the facts, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """Every file that counts, and what was left out."""

    files: tuple[SourceFile, ...] = ()
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class Dependency:
    """One declared dependency: `group` is "" for those that running needs."""

    name: str
    constraint: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """Something to type: the line, what it does ("" when nobody says), the file that defines it."""

    line: str
    help: str
    source: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one manifest file declares; `members` are patterns of the packages of its workspace."""

    path: str
    ecosystem: str
    name: str = ""
    version: str = ""
    description: str = ""
    license: str = ""
    runtime: str = ""
    dependencies: tuple[Dependency, ...] = ()
    commands: tuple[Command, ...] = ()
    entries: tuple[Command, ...] = ()
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Symbol:
    """A public name: kind ("class", "function", …), signature, documentation, members.

    The signature is one line, or one for each overload; `decorators` stand above it, without `@`. `origin` is
    set when the name is defined elsewhere and only handed on here: module and name as `module#name`, with `*`
    for all names of that module.
    """

    name: str
    kind: str
    signature: str
    doc: str
    line: int
    members: tuple["Symbol", ...] = ()
    decorators: tuple[str, ...] = ()
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Module:
    """A source file as its users see it: the name they import it by, its public symbols, and what it imports.

    `component` is the package or directory it belongs to; `imports` are modules or components as written,
    resolved later; `runs` says that it can be started as a program; `defined` are all names that it defines,
    public or not, a member as `Box.size`.
    """

    path: str
    name: str
    component: str
    language: str
    doc: str
    symbols: tuple[Symbol, ...] = ()
    imports: tuple[str, ...] = ()
    runs: bool = False
    test: bool = False
    defined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: id, first line and rest of the message, author, seconds since 1970, parents."""

    id: str
    subject: str
    body: str
    author: str
    time: int
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """Commits from HEAD, newest first, and tags by commit id; `complete` when all were read."""

    branch: str = ""
    commits: tuple[Commit, ...] = ()
    tags: dict[str, tuple[str, ...]] = field(default_factory=dict)
    complete: bool = True
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """Component `source` imports component `target`, in `count` modules."""

    source: str
    target: str
    count: int


@dataclass(frozen=True, slots=True)
class VariableRead:
    """A place where a program reads an environment variable; `default` is "" where none is plainly given."""

    name: str
    default: str
    line: int


@dataclass(frozen=True, slots=True)
class EnvironmentVariable:
    """An environment variable: its default, what is said of it, and the files that read or declare it."""

    name: str
    default: str
    help: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """A path that is served over HTTP, as written in `source`: "GET /items/{id}" by function `handler`.

    `method` is "" where any is taken; what a router is mounted under in another file is not part of `path`.
    """

    method: str
    path: str
    handler: str
    source: str
    line: int

"""Everything known about one project, collected when it is first asked for and then kept."""

from collections import Counter
from functools import cached_property

from docgen_main.facts import commands as command_readers
from docgen_main.facts import known_names, prose, usual_commands
from docgen_main.facts.budget import Budget
from docgen_main.facts.components import edges_between
from docgen_main.facts.environment import is_example, variables_of
from docgen_main.facts.history import read_history
from docgen_main.facts.inventory import take_inventory
from docgen_main.facts.known_names import KnownNames
from docgen_main.facts.languages import is_test
from docgen_main.facts.manifests import MANIFEST_BYTES, is_member, read_manifest, reader_for
from docgen_main.facts.model import (
    Command,
    Dependency,
    Edge,
    EnvironmentVariable,
    History,
    Inventory,
    Manifest,
    Module,
    Route,
    Skipped,
    SourceFile,
)
from docgen_main.facts.reading import FileFacts
from docgen_main.facts.sources import facts_of, modules_of
from docgen_main.facts.store import FactsStore
from docgen_main.facts.task_runners import TASK_FILES
from docgen_main.workspace import Workspace, WorkspaceError

_SOURCE_BYTES = 512 << 10
_CONFIGURATION = (".toml", ".yaml", ".yml", ".ini", ".cfg", ".json", ".conf", ".properties")


class Project:
    """The facts of the workspace's project. Not for use by several threads at once; its `store` is.

    Properties are lazy, so that a document's first section need not wait for facts of its last. Each raises
    `StoppedError` when the budget was stopped.
    """

    def __init__(
        self, workspace: Workspace, budget: Budget | None = None, store: FactsStore | None = None
    ) -> None:
        self._workspace = workspace
        self._budget = budget or Budget()
        self._store = store or FactsStore()
        self._problems: list[Skipped] = []

    @cached_property
    def inventory(self) -> Inventory:
        """Files of the project, without those of the output folder."""
        found, seen = take_inventory(
            self._workspace, self._budget, leave_out=self._workspace.output, seen=self._store.seen
        )
        self._store.remember(seen)
        return found

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What could not be taken into account so far, and why."""
        problem = self.history.problem if "history" in self.__dict__ else ""
        return (
            *self.inventory.skipped,
            *self._problems,
            *((Skipped(".git", problem),) if problem else ()),
        )

    @cached_property
    def paths(self) -> frozenset[str]:
        """Paths of all files."""
        return frozenset(file.path for file in self.inventory.files)

    @cached_property
    def _hashes(self) -> dict[str, str]:
        return {file.path: file.sha256 for file in self.inventory.files if file.sha256}

    def sha256(self, path: str) -> str:
        """Hash of the source file at `path` as it was read for facts, or "" when it was not (yet)."""
        return self._hashes.get(path, "") if "inventory" in self.__dict__ else ""

    @cached_property
    def top(self) -> dict[str, SourceFile]:
        """Files of the top directory by name."""
        return {file.path: file for file in self.inventory.files if "/" not in file.path}

    @cached_property
    def languages(self) -> tuple[tuple[str, int, int], ...]:
        """Language, files and lines, most lines first."""
        files: Counter[str] = Counter()
        lines: Counter[str] = Counter()
        for file in self.inventory.files:
            if file.language:
                files[file.language] += 1
                lines[file.language] += file.lines
        return tuple(
            (name, files[name], lines[name]) for name, _ in sorted(lines.items(), key=lambda x: (-x[1], x[0]))
        )

    def text(self, path: str, limit: int = _SOURCE_BYTES) -> str | None:
        """The text of file `path`, or None when it cannot be read or the budget is used up."""
        content = self._bytes(path, limit)
        return (
            None
            if content is None
            else content.decode(errors="replace").replace("\r\n", "\n").removeprefix("\ufeff")
        )

    def _bytes(self, path: str, limit: int = _SOURCE_BYTES) -> bytes | None:
        try:
            names = self._workspace.path(path)
            if not self._budget.spend(read_bytes=min(limit, self._workspace.size(names))):
                self._problems.append(Skipped(path, "beyond the limit of bytes or time"))
                return None
            return self._workspace.read(names, limit=limit)
        except WorkspaceError as error:
            self._problems.append(Skipped(path, "too big" if error.rule == "size" else "could not be read"))
            return None

    @cached_property
    def manifests(self) -> tuple[Manifest, ...]:
        """Manifests that parse, those nearest to the top first."""
        found = []
        names = [file.path for file in self.inventory.files]
        candidates = [
            path for path in names if reader_for(path.rsplit("/", 1)[-1]) and not self._is_derived(path)
        ]
        for path in sorted(candidates, key=lambda path: (path.count("/"), path))[:200]:
            if is_test(path):
                continue
            text = self.text(path, MANIFEST_BYTES)
            manifest = read_manifest(path, text) if text is not None else None
            if manifest is not None:
                found.append(manifest)
            elif text is not None:
                self._problems.append(Skipped(path, "cannot be parsed"))
        return tuple(found)

    def _is_derived(self, path: str) -> bool:
        """Whether `path` is a requirements file compiled from one that lies beside it."""
        return path.endswith(".txt") and path.removesuffix(".txt") + ".in" in self.paths

    @cached_property
    def main(self) -> Manifest | None:
        """The manifest that names the project: the first one in the top directory that has a name."""
        named = [manifest for manifest in self.manifests if manifest.name and "/" not in manifest.path]
        return named[0] if named else None

    @cached_property
    def readme(self) -> str | None:
        """Path of the project's own README, if it has one."""
        for name in sorted(self.top):
            if name.lower() in ("readme.md", "readme.rst", "readme.txt", "readme"):
                return name
        return None

    @cached_property
    def _readme_text(self) -> str:
        return (self.text(self.readme) or "") if self.readme else ""

    @cached_property
    def name(self) -> str:
        """What the project calls itself, else its directory's name, or "" when nobody says."""
        if self.main:
            return self.main.name.rsplit("/", 1)[-1] if self.main.ecosystem == "Go" else self.main.name
        return prose.readme_title(self._readme_text) or self._workspace.name

    @cached_property
    def summary(self) -> str:
        """What the project says it is, or ""."""
        if self.main and self.main.description:
            return self.main.description
        return prose.first_paragraph(self._readme_text)

    @cached_property
    def license(self) -> tuple[str, str]:
        """SPDX name ("" when unknown) and path ("" when there is no such file) of the license."""
        for name in sorted(self.top):
            if name.lower().split(".")[0] in ("license", "licence", "copying", "unlicense"):
                found = prose.license_name(self.text(name) or "")
                return found or (self.main.license if self.main else ""), name
        return (self.main.license if self.main else ""), ""

    @cached_property
    def dependencies(self) -> tuple[tuple[Manifest, tuple[Dependency, ...]], ...]:
        """Declared dependencies by manifest; manifests without any are left out."""
        return tuple(
            (manifest, manifest.dependencies) for manifest in self.manifests if manifest.dependencies
        )

    @cached_property
    def commands(self) -> tuple[Command, ...]:
        """What people type here: Makefile targets, package scripts, tasks, scripts in bin/ and scripts/."""
        found: list[Command] = []
        for name in command_readers.MAKEFILES:
            if name in self.paths:
                found.extend(command_readers.makefile_commands(name, self.text(name) or ""))
                break
        for manifest in self.manifests:
            if "/" not in manifest.path or manifest.path in self._workspace_members:
                found.extend(manifest.commands)
        for name, read in TASK_FILES.items():
            if name in self.paths:
                found.extend(read(name, self.text(name) or ""))
        for path in sorted(self.paths):
            directory, _, name = path.rpartition("/")
            if directory in ("bin", "scripts") and ("." not in name or name.endswith(".sh")):
                text = self.text(path)
                if text and text.startswith("#!"):
                    found.append(Command(path, command_readers.script_help(text), path))
        return tuple(found)

    @cached_property
    def _workspace_members(self) -> frozenset[str]:
        """Manifests of the packages that the manifest above them names as its own."""
        named = [pattern for manifest in self.manifests for pattern in manifest.members]
        return frozenset(m.path for m in self.manifests if is_member(m.path.rpartition("/")[0], named))

    @cached_property
    def entries(self) -> tuple[Command, ...]:
        """Programs the project makes: console scripts, package binaries, modules and packages that run."""
        modules = {module.name: module for module in self.modules}
        found = []
        for manifest in self.manifests:
            for entry in manifest.entries:
                module = modules.get(entry.help.partition(":")[0])
                said = (module.doc if module else "") or (f"`{entry.help}`" if entry.help else "")
                found.append(Command(entry.line, said, entry.source))
        for module in self.modules:
            if not module.runs or module.test:
                continue
            if module.language == "Python" and module.path.endswith("/__main__.py"):
                found.append(Command(f"python -m {module.component}", module.doc, module.path))
            elif module.language == "Go":
                directory = module.path.rpartition("/")[0]
                found.append(
                    Command(f"go run ./{directory}" if directory else "go run .", module.doc, module.path)
                )
            elif module.language == "Rust" and module.path.endswith("src/main.rs"):
                found.append(Command("cargo run", module.doc, module.path))
        seen: dict[str, Command] = {}
        for entry in found:
            seen.setdefault(entry.line, entry)
        return tuple(seen.values())

    @cached_property
    def install_commands(self) -> tuple[str, ...]:
        """The lines that install or build the project."""
        text = (self.text("pyproject.toml") or "") if "pyproject.toml" in self.top else ""
        return usual_commands.install_commands(self.top, text)

    @cached_property
    def test_command(self) -> str:
        """The line that runs the tests, or "" when it would be a guess."""
        tests = [module for module in self.modules if module.test]
        needs = [dependency for _, declared in self.dependencies for dependency in declared]
        return usual_commands.test_command(self.commands, self.top, tests, needs)

    @cached_property
    def known_names(self) -> KnownNames:
        """Every name that a document about this project may mention."""
        lines = {*self.install_commands, self.test_command} - {""}
        return KnownNames(
            paths=known_names.with_directories(self.paths),
            symbols=known_names.symbol_names(self.modules),
            dependencies=known_names.dependency_names(self.manifests),
            commands=known_names.command_lines(self.commands, self.entries) | lines,
            versions=known_names.version_names(self.manifests, self.history),
        )

    @cached_property
    def _facts(self) -> dict[str, FileFacts]:
        found = facts_of(self.inventory.files, self._bytes, self._budget, self._store)
        self._problems.extend(Skipped(path, one.problem) for path, one in found.items() if one.problem)
        return found

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        """Source files in a language whose public names are read, in order of path."""
        return modules_of(self._facts)

    @cached_property
    def environment(self) -> tuple[EnvironmentVariable, ...]:
        """Environment variables that programs read outside tests, or that example files declare, by name."""
        examples = [path for path in sorted(self.paths) if is_example(path.rpartition("/")[2])]
        return variables_of(self._facts, {path: self.text(path) or "" for path in examples[:20]})

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """HTTP routes that are plainly declared, by the file that declares them."""
        return tuple(route for _, one in sorted(self._facts.items()) for route in one.routes)

    @cached_property
    def test_names(self) -> dict[str, tuple[str, ...]]:
        """Names of the tests in each file that has some, by path."""
        return {path: one.tests for path, one in sorted(self._facts.items()) if one.tests}

    @cached_property
    def components(self) -> tuple[tuple[str, tuple[Module, ...]], ...]:
        """Modules that are not tests by the component they belong to, in order of the component's name."""
        grouped: dict[str, list[Module]] = {}
        for module in self.modules:
            if not module.test:
                grouped.setdefault(module.component, []).append(module)
        return tuple((name, tuple(grouped[name])) for name in sorted(grouped))

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Which component imports which."""
        return edges_between(self.modules, [m.name for m in self.manifests if m.ecosystem == "Go" and m.name])

    @cached_property
    def tests(self) -> tuple[tuple[str, int], ...]:
        """Directories with tests and how many test files each has."""
        counted: Counter[str] = Counter()
        for file in self.inventory.files:
            if file.language and is_test(file.path) and file.path.rsplit("/", 1)[-1] != "__init__.py":
                counted[file.path.rpartition("/")[0] or "."] += 1
        return tuple(sorted(counted.items()))

    @cached_property
    def configuration(self) -> tuple[str, ...]:
        """Configuration files of the top directory, and examples of them."""
        examples = (".example", ".sample", ".template", ".dist")
        return tuple(
            name
            for name in sorted(self.top)
            if (name.endswith(_CONFIGURATION) and "lock" not in name)
            or name.endswith(examples)
            or name == "Dockerfile"
        )

    @cached_property
    def history(self) -> History:
        """Recent history of the repository."""
        return read_history(self._workspace, self._budget)

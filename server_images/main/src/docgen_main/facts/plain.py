"""The facts as plain data (texts, numbers, lists, tables by name): for templates, and for JSON.

The keys are a promise to people's templates, listed in docs/facts.md: add, never rename.
"""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from docgen_main.facts.model import Command, Manifest, Module, Symbol
from docgen_main.facts.project import Project

#: bounds on what a template is handed; what is beyond them is left out, and `complete` says so
MODULES_MOST = 2_000
SYMBOLS_MOST = 20_000
COMMITS_MOST = 500

Plain = dict[str, Any]


def plain(project: Project) -> Plain:
    """Everything known about `project` as plain data."""
    shown, complete = _bounded(project.modules)
    license_name, license_path = project.license
    main = project.main
    return {
        "name": project.name,
        "summary": project.summary,
        "version": main.version if main else "",
        "license": {"name": license_name, "path": license_path},
        "readme": project.readme or "",
        "files": [file.path for file in project.inventory.files],
        "languages": [
            {"name": name, "files": files, "lines": lines} for name, files, lines in project.languages
        ],
        "manifests": [_manifest(manifest) for manifest in project.manifests],
        "dependencies": [
            {**asdict(dependency), "manifest": manifest.path, "ecosystem": manifest.ecosystem}
            for manifest, declared in project.dependencies
            for dependency in declared
        ],
        "commands": [_command(command) for command in project.commands],
        "programs": [_command(entry) for entry in project.entries],
        "install": list(project.install_commands),
        "test_command": project.test_command,
        "modules": [_module(module) for module in shown],
        "components": [
            {"name": name, "modules": [module.name for module in modules]}
            for name, modules in project.components
        ],
        "imports": [
            {"source": edge.source, "target": edge.target, "count": edge.count} for edge in project.edges
        ],
        "tests": [{"directory": directory, "files": files} for directory, files in project.tests],
        "test_names": [{"path": path, "names": list(names)} for path, names in project.test_names.items()],
        "configuration": list(project.configuration),
        "environment": [
            {"name": one.name, "default": one.default, "help": one.help, "sources": list(one.sources)}
            for one in project.environment
        ],
        "routes": [asdict(route) for route in project.routes],
        "history": _history(project),
        "skipped": [asdict(skipped) for skipped in project.skipped],
        "complete": complete and project.history.complete,
    }


def _bounded(modules: tuple[Module, ...]) -> tuple[list[Module], bool]:
    shown: list[Module] = []
    symbols = 0
    for module in modules[:MODULES_MOST]:
        symbols += sum(1 + len(symbol.members) for symbol in module.symbols)
        if symbols > SYMBOLS_MOST:
            break
        shown.append(module)
    return shown, len(shown) == len(modules)


def _manifest(manifest: Manifest) -> Plain:
    return {
        key: getattr(manifest, key)
        for key in ("path", "ecosystem", "name", "version", "description", "license", "runtime")
    }


def _command(command: Command) -> Plain:
    return {"line": command.line, "help": command.help, "source": command.source}


def _module(module: Module) -> Plain:
    return {
        "name": module.name,
        "path": module.path,
        "component": module.component,
        "language": module.language,
        "doc": module.doc,
        "runs": module.runs,
        "test": module.test,
        "imports": list(module.imports),
        "symbols": [_symbol(symbol) for symbol in module.symbols],
    }


def _symbol(symbol: Symbol) -> Plain:
    return {
        "name": symbol.name,
        "kind": symbol.kind,
        "signature": symbol.signature,
        "doc": symbol.doc,
        "line": symbol.line,
        "origin": symbol.origin,
        "decorators": list(symbol.decorators),
        "members": [_symbol(member) for member in symbol.members],
    }


def _history(project: Project) -> Plain:
    history = project.history
    commits = history.commits[:COMMITS_MOST]
    return {
        "branch": history.branch,
        "commits": [
            {
                "id": commit.id,
                "subject": commit.subject,
                "body": commit.body,
                "author": commit.author,
                "date": datetime.fromtimestamp(commit.time, UTC).date().isoformat(),
                "tags": list(history.tags.get(commit.id, ())),
            }
            for commit in commits
        ],
        "tags": [name for commit in history.commits for name in history.tags.get(commit.id, ())],
    }

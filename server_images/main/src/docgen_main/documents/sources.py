"""Where the facts of a section come from, as paths in the order in which they count."""

from collections.abc import Iterable

from docgen_main.documents.section import FILES
from docgen_main.facts import Project


def identity(project: Project) -> tuple[str, ...]:
    """Files that say what the project is called and what it is."""
    return tuple(path for path in (project.main.path if project.main else "", project.readme or "") if path)


def manifests(project: Project) -> tuple[str, ...]:
    """All manifests."""
    return tuple(manifest.path for manifest in project.manifests)


def dependencies(project: Project) -> tuple[str, ...]:
    """Manifests that declare dependencies."""
    return tuple(manifest.path for manifest, _ in project.dependencies)


def commands(project: Project) -> tuple[str, ...]:
    """Files that define commands."""
    return _once(command.source for command in project.commands)


def entries(project: Project) -> tuple[str, ...]:
    """Files that define programs."""
    return _once(entry.source for entry in project.entries)


def modules(project: Project) -> tuple[str, ...]:
    """Source files that are no tests."""
    return tuple(module.path for module in project.modules if not module.test)


def public_modules(project: Project) -> tuple[str, ...]:
    """Source files with public names."""
    return tuple(module.path for module in project.modules if module.symbols and not module.test)


def packages(project: Project) -> tuple[str, ...]:
    """Source files that say what their directory is for."""
    return tuple(module.path for module in project.modules if module.path.endswith("/__init__.py"))


def tests(project: Project) -> tuple[str, ...]:
    """The listing of files, and files that define commands."""
    return (FILES, *commands(project))


def license_file(project: Project) -> tuple[str, ...]:
    """The file with the license, and the manifest that names it."""
    paths = (project.license[1], project.main.path if project.main else "")
    return tuple(path for path in paths if path)


def _once(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(paths))

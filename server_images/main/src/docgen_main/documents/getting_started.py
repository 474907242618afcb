"""How to install, run and test a project, as far as its files leave no doubt."""

from docgen_main.facts import Project


def facts(project: Project) -> dict[str, object] | None:
    """Requirements, install commands and programs to start, or None when there are none."""
    needs = [(m.ecosystem, m.runtime, m.path) for m in project.manifests if m.runtime and "/" not in m.path]
    install = list(project.install_commands)
    entries = project.entries[:12]
    return {"needs": needs, "install": install, "entries": entries} if needs or install or entries else None

"""package.json."""

import json

from docgen_main.facts.manifests.values import table, text, texts
from docgen_main.facts.model import Command, Dependency, Manifest

_GROUPS = {
    "": "dependencies",
    "dev": "devDependencies",
    "peer": "peerDependencies",
    "optional": "optionalDependencies",
}
_MANAGERS = ("npm", "pnpm", "yarn", "bun")
_SHORT = ("test", "start")


def package_json(path: str, content: str) -> Manifest:
    """What package.json declares; scripts are run by the package manager that it names, else by npm."""
    data = table(json.loads(content))
    dependencies = [
        Dependency(name, text(wanted), group)
        for group, key in _GROUPS.items()
        for name, wanted in table(data.get(key)).items()
    ]
    name = text(data.get("name"))
    workspaces = data.get("workspaces")
    binaries = data.get("bin")
    entries = {name.rsplit("/", 1)[-1]: binaries} if isinstance(binaries, str) else table(binaries)
    manager = text(data.get("packageManager")).partition("@")[0]
    manager = manager if manager in _MANAGERS else "npm"
    return Manifest(
        path,
        "Node.js",
        name=name,
        version=text(data.get("version")),
        description=text(data.get("description")),
        license=text(data.get("license")) or text(table(data.get("license")).get("type")),
        runtime=text(table(data.get("engines")).get("node")),
        dependencies=tuple(dependencies),
        commands=tuple(
            Command(_line(manager, script, path), text(line), path)
            for script, line in table(data.get("scripts")).items()
        ),
        entries=tuple(Command(entry, text(target), path) for entry, target in entries.items()),
        members=tuple(texts(workspaces) or texts(table(workspaces).get("packages"))),
    )


def _line(manager: str, script: str, path: str) -> str:
    """How to run `script`; in another directory than the top one the manager has to be told so."""
    directory = path.rpartition("/")[0]
    there = ""
    if directory:
        there = {
            "pnpm": f" --dir {directory}",
            "yarn": f" --cwd {directory}",
            "bun": f" --cwd {directory}",
        }.get(manager, f" --prefix {directory}")
    return f"{manager}{there} {script}" if script in _SHORT else f"{manager}{there} run {script}"

"""go.mod."""

from docgen_main.facts.model import Dependency, Manifest


def go_mod(path: str, content: str) -> Manifest:
    """What go.mod declares."""
    name, runtime, dependencies, inside = "", "", [], False
    for raw in content.splitlines():
        line, _, comment = raw.partition("//")
        words = line.split()
        if not words:
            continue
        if words[0] == "module" and len(words) == 2:
            name = words[1].strip('"')
        elif words[0] == "go" and len(words) == 2:
            runtime = words[1]
        elif words[0] == "require" and words[1:] == ["("]:
            inside = True
        elif words[0] == ")":
            inside = False
        elif inside or words[0] == "require":
            pair = words if inside else words[1:]
            if len(pair) == 2:
                dependencies.append(Dependency(pair[0], pair[1], "indirect" if "indirect" in comment else ""))
    return Manifest(path, "Go", name=name, runtime=runtime, dependencies=tuple(dependencies))

"""How to install, run and test a project, as far as its files leave no doubt."""

from docgen_main.facts import Project

_NODE_LOCKS = (
    ("pnpm-lock.yaml", "pnpm install"),
    ("yarn.lock", "yarn install"),
    ("package-lock.json", "npm ci"),
)


def facts(project: Project) -> dict[str, object] | None:
    """Requirements, install commands and programs to start, or None when there are none."""
    needs = [(m.ecosystem, m.runtime, m.path) for m in project.manifests if m.runtime and "/" not in m.path]
    install = install_commands(project)
    entries = project.entries[:12]
    return {"needs": needs, "install": install, "entries": entries} if needs or install or entries else None


def install_commands(project: Project) -> list[str]:
    """The line that installs or builds the project, for each package system found in the top directory."""
    top = project.top
    found = []
    text = (project.text("pyproject.toml") or "") if "pyproject.toml" in top else ""
    if "[build-system]" in text or "setup.py" in top or "setup.cfg" in top:
        found.append("python -m pip install .")
    elif "requirements.txt" in top:
        found.append("python -m pip install -r requirements.txt")
    if "package.json" in top:
        found.append(next((line for lock, line in _NODE_LOCKS if lock in top), "npm install"))
    if "go.mod" in top:
        found.append("go build ./...")
    if "Cargo.toml" in top:
        found.append("cargo build")
    if "pom.xml" in top:
        found.append("mvn package")
    if "gradlew" in top:
        found.append("./gradlew build")
    return found


def test_command(project: Project) -> str:
    """The line that runs the tests, or "" when it would be a guess."""
    lines = {command.line for command in project.commands}
    for line in ("make test", "npm test"):
        if line in lines:
            return line
    languages = {module.language for module in project.modules if module.test}
    top = project.top
    if "Go" in languages and "go.mod" in top:
        return "go test ./..."
    if "Rust" in languages and "Cargo.toml" in top:
        return "cargo test"
    if "Java" in languages and "pom.xml" in top:
        return "mvn test"
    if "Python" in languages and _uses_pytest(project):
        return "python -m pytest"
    return ""


def _uses_pytest(project: Project) -> bool:
    return any(d.name.lower() == "pytest" for _, declared in project.dependencies for d in declared)

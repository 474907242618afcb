"""What people usually type to install and test a project, where its files leave no doubt that it works."""

from collections.abc import Collection, Iterable

from docgen_main.facts.model import Command, Dependency, Module

_NODE_LOCKS = (
    ("pnpm-lock.yaml", "pnpm install"),
    ("yarn.lock", "yarn install"),
    ("package-lock.json", "npm ci"),
)


def install_commands(top: Collection[str], pyproject: str) -> tuple[str, ...]:
    """The line that installs or builds the project, for each package system found in the top directory.

    `top` are the names of its files, `pyproject` is the text of `pyproject.toml`.
    """
    found = []
    if "[build-system]" in pyproject or "setup.py" in top or "setup.cfg" in top:
        found.append("python -m pip install .")
    elif "requirements.txt" in top:
        found.append("python -m pip install -r requirements.txt")
    if "package.json" in top:
        found.append(next((line for lock, line in _NODE_LOCKS if lock in top), "npm install"))
    others = (
        ("go.mod", "go build ./..."),
        ("Cargo.toml", "cargo build"),
        ("pom.xml", "mvn package"),
        ("gradlew", "./gradlew build"),
    )
    return (*found, *(line for name, line in others if name in top))


def test_command(
    commands: Iterable[Command], top: Collection[str], tests: Iterable[Module], needs: Iterable[Dependency]
) -> str:
    """The line that runs the tests, or "" when it would be a guess."""
    lines = {command.line for command in commands}
    for line in ("make test", "npm test"):
        if line in lines:
            return line
    languages = {module.language for module in tests}
    certain = (
        ("Go", "go.mod" in top, "go test ./..."),
        ("Rust", "Cargo.toml" in top, "cargo test"),
        ("Java", "pom.xml" in top, "mvn test"),
        ("Python", any(d.name.lower() == "pytest" for d in needs), "python -m pytest"),
    )
    return next((line for language, there, line in certain if there and language in languages), "")

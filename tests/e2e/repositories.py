"""Repositories that the tests run docgenctl on, with a history made by git itself."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


def write_tree(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def git(root: Path, *argv: str, at: int = 1_760_000_000) -> str:
    """Run git there, untouched by the configuration of whoever runs the tests."""
    who = {"NAME": "Ada Example", "EMAIL": "ada@example.org", "DATE": f"{at} +0000"}
    identity = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    nowhere = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", "-c", "safe.directory=*", "-C", str(root), *argv],
        env={**os.environ, **identity, **nowhere},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def commit(root: Path, message: str, *, tag: str = "", at: int = 1_760_000_000) -> None:
    """Commit everything there, as of second `at`."""
    if not (root / ".git").exists():
        git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", message, at=at)
    if tag:
        git(root, "tag", tag)


def python_repository(root: Path) -> Path:
    """A small Python package as people write them, with tests, a command and four commits."""
    write_tree(
        root,
        {
            "pyproject.toml": '[build-system]\nrequires = ["hatchling"]\n'
            'build-backend = "hatchling.build"\n\n'
            '[project]\nname = "harbour"\nversion = "0.3.0"\n'
            'description = "Berths, ships and who may moor where."\nrequires-python = ">=3.11"\n'
            'dependencies = ["httpx>=0.27", "rich"]\n\n[project.scripts]\nharbour = "harbour.cli:main"\n',
            ".gitignore": ".docgen/\n__pycache__/\n*.log\n",
            "README.md": "# Harbour\n\nBerths, ships and who may moor where.\n",
            "src/harbour/__init__.py": '"""Berths, ships and who may moor where."""\n',
            "src/harbour/berths.py": '"""Berths of the harbour."""\n\n\nclass Berth:\n'
            '    """A place for one ship.\n\n    Args:\n        metres: how long it is.\n    """\n\n'
            "    def __init__(self, metres: int) -> None:\n        self.metres = metres\n\n"
            "    def fits(self, length: int) -> bool:\n"
            '        """Whether a ship of that length fits."""\n        return length <= self.metres\n\n\n'
            'def longest(berths: list[Berth]) -> Berth:\n    """The longest of the berths."""\n'
            "    return max(berths, key=lambda berth: berth.metres)\n",
        },
    )
    commit(root, "feat: berths", tag="v0.1.0", at=1_760_000_000)
    write_tree(
        root,
        {
            "src/harbour/cli.py": '"""The command `harbour`."""\n\nfrom harbour.berths import Berth\n\n\n'
            'def main() -> None:\n    """Say whether a ship of ten metres fits."""\n'
            "    print(Berth(12).fits(10))\n",
        },
    )
    commit(root, "feat: a command", at=1_760_100_000)
    write_tree(root, {"tests/test_berths.py": "from harbour.berths import Berth\n\n\ndef test_fits():\n"
                      "    assert Berth(3).fits(2)\n"})  # fmt: skip
    commit(root, "test: berths", tag="v0.2.0", at=1_760_200_000)
    write_tree(root, {"Makefile": ".PHONY: test\ntest: ## Run the tests\n\tpytest\n"})
    commit(root, "fix: run the tests with make", at=1_760_300_000)
    return root

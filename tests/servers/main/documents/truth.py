"""Checks a generated document against the repository it speaks of: every name in it must exist there.

The document is parsed as Markdown (never by patterns on its source), and each code span, fence line, table
cell and diagram label is looked up: paths on the disk, commands in the file that defines them, commits and
tags in the repository, anything else as text of some file.
"""

import json
import re
import tomllib
from pathlib import Path

from dulwich.errors import NotGitRepository
from dulwich.repo import Repo
from markdown_it import MarkdownIt
from markdown_it.token import Token

_PATH_COLUMNS = {"Defined in", "Directory", "Module", "Declared in"}
_COMMAND_COLUMNS = {"Command", "Program"}
_COMPONENT_COLUMNS = {"Component", "Imports", "Imported by"}


class Truth:
    """What is true of the repository at `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        files = [
            path for path in root.rglob("*") if path.is_file() and ".git" not in path.relative_to(root).parts
        ]
        self.files = {str(path.relative_to(root)): path for path in files}
        self.directories = {"."} | {
            str(parent) for path in self.files for parent in Path(path).parents if str(parent) != "."
        }
        texts = [path.read_text(errors="replace") for path in files]
        self.corpus = "\n".join(" ".join(text.split()) for text in texts)
        self.words = set(re.findall(r"[\w$]+", self.corpus))
        self.refs, self.commits = _history(root)

    def is_path(self, text: str) -> bool:
        return text in self.files or text.rstrip("/") in self.directories

    def is_component(self, text: str) -> bool:
        """A directory, a file, or a dotted Python package that some directory is."""
        dotted = text.replace(".", "/")
        known = self.directories | {path.rsplit(".", 1)[0] for path in self.files}
        return self.is_path(text) or any(name == dotted or name.endswith("/" + dotted) for name in known)

    def is_command(self, line: str) -> bool:
        program, *rest = line.split()
        if not rest and self._is_program(program):
            return True
        known = {
            "make": self._makes,
            "npm": self._npm,
            "python": self._python,
            "go": self._go,
            "nox": self._nox,
        }
        if program in known:
            return known[program](rest)
        return False

    def _is_program(self, program: str) -> bool:
        scripts = tomllib.loads(self.text("pyproject.toml")).get("project", {}).get("scripts", {})
        return program in scripts or program in self.package().get("bin", {}) or program in self.files

    def _makes(self, words: list[str]) -> bool:
        return len(words) == 1 and bool(
            re.search(rf"^{re.escape(words[0])}\s*:", self.text("Makefile"), re.MULTILINE)
        )

    def _npm(self, words: list[str]) -> bool:
        match words:
            case ["run", script] | [("test" | "start") as script]:
                return script in self.package().get("scripts", {})
            case _:
                lock = "package-lock.json" in self.files
                return (words == ["ci"] and lock) or (words == ["install"] and bool(self.package()))

    def _python(self, words: list[str]) -> bool:
        match words:
            case ["-m", "pip", "install", "."]:
                return "[build-system]" in self.text("pyproject.toml")
            case ["-m", "pytest"]:
                return "pytest" in self.corpus
            case ["-m", package]:
                return any(
                    f"/{path}".endswith(f"/{package.replace('.', '/')}/__main__.py") for path in self.files
                )
            case _:
                return False

    def _nox(self, words: list[str]) -> bool:
        return words[:1] == ["-s"] and bool(
            re.search(
                rf"^@nox\.session[^@]*?(?:^def {words[1]}\(|name=\"{words[1]}\")",
                self.text("noxfile.py"),
                re.M | re.S,
            )
        )

    def _go(self, words: list[str]) -> bool:
        match words:
            case ["build" | "test", "./..."]:
                return "go.mod" in self.files
            case ["run", directory]:
                sources = [path for path in self.files if Path(path).parent == Path(directory)]
                return any("package main" in self.text(path) for path in sources)
            case _:
                return False

    def text(self, path: str) -> str:
        return self.files[path].read_text() if path in self.files else ""

    def package(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = json.loads(self.text("package.json") or "{}")
        return found

    def is_said(self, text: str) -> bool:
        """Whether `text` stands in some file, or is a branch, tag, commit or escaped form of such."""
        plain = " ".join(text.split())
        if plain in self.corpus or text in self.refs or self.is_path(text) or self.is_component(text):
            return True
        return bool(re.fullmatch("[0-9a-f]{10}", text)) and any(c.startswith(text) for c in self.commits)

    def is_defined(self, signature: str) -> bool:
        """Whether every identifier of `signature` stands in some file."""
        return all(word in self.words for word in re.findall(r"(?<!\w)[^\W\d][\w$]*", signature))

    def problems(self, document: str) -> list[str]:  # noqa: C901 - one case for each kind of token
        """Everything in `document` that does not exist, in words."""
        found: list[str] = []
        header: list[str] = []
        column, in_head, in_heading = 0, False, False
        for token in MarkdownIt("commonmark").enable("table").parse(document):
            match token.type:
                case "thead_open":
                    header, in_head = [], True
                case "thead_close":
                    in_head = False
                case "tr_open":
                    column = 0
                case "th_close" | "td_close":
                    column += 1
                case "table_close":
                    header = []
                case "fence":
                    found += self._in_fence(token)
                case "heading_open" | "heading_close":
                    in_heading = token.type == "heading_open"
                case "inline" if in_heading:
                    found += [f"heading: {span}" for span in _spans(token) if not self._heads(span)]
                case "inline" if in_head:
                    header.append(token.content)
                case "inline":
                    name = header[column] if header else ""
                    found += [
                        f"{name or 'text'}: {span}" for span in _spans(token) if not self._holds(name, span)
                    ]
        return found

    def _heads(self, span: str) -> bool:
        return self.is_component(span) or self.is_defined(span)

    def _holds(self, column: str, span: str) -> bool:
        if column in _PATH_COLUMNS:
            return self.is_path(span)
        if column in _COMMAND_COLUMNS:
            return self.is_command(span)
        if column in _COMPONENT_COLUMNS:
            return self.is_component(span)
        if column == "Public names":
            return self.is_defined(span)
        return self.is_said(span) or (" " in span and self.is_defined(span))

    def _in_fence(self, token: Token) -> list[str]:
        lines = token.content.splitlines()
        match token.info:
            case "sh":
                return [f"command: {line}" for line in lines if not self.is_command(line)]
            case "text":
                return self._in_tree(lines)
            case "mermaid":
                labels = [match[1] for line in lines if (match := re.search(r'\["(.*)"\]', line))]
                return [f"diagram: {label}" for label in labels if not self.is_component(label)]
            case "":
                return []  # an example quoted from documentation
            case _:
                return [f"signature: {line}" for line in lines if not self.is_defined(line)]

    def _in_tree(self, lines: list[str]) -> list[str]:
        found, above = [], ""
        for line in lines:
            name = line.split()[0]
            path = above + name if line.startswith("  ") else name
            above = name if not line.startswith("  ") and name.endswith("/") else above
            if not self.is_path(path):
                found.append(f"layout: {path}")
        return found


def _spans(token: Token) -> list[str]:
    return [child.content for child in token.children or [] if child.type == "code_inline"]


def _history(root: Path) -> tuple[set[str], set[str]]:
    try:
        repo = Repo(str(root))
    except NotGitRepository:
        return set(), set()
    with repo:
        names = {name.decode().rsplit("/", 1)[-1] for name in repo.refs.allkeys()}
        names |= {name.decode().removeprefix("refs/tags/") for name in repo.refs.allkeys()}
        commits = {entry.commit.id.decode() for entry in repo.get_walker()} if b"HEAD" in repo.refs else set()
        return names, commits

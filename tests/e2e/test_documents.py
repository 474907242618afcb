"""Documents of real repositories, made as users make them; everything named in them must exist."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import MakeStack
from tests.e2e.stack import Stack
from tests.servers.main.documents.repositories import (
    copy_of_this_repository,
    go_repository,
    typescript_repository,
)
from tests.servers.main.documents.truth import Truth

pytestmark = pytest.mark.engine

KINDS = {
    "readme": "README.md",
    "architecture": "ARCHITECTURE.md",
    "api-reference": "API.md",
    "changelog": "CHANGELOG.md",
}


#: what the kernel says of the process that renders templates; it is the one whose arguments name its module
WORKER_STATUS = """
import json, os, pathlib
for entry in pathlib.Path("/proc").iterdir():
    if entry.name.isdigit() and b"template_worker.worker" in (entry / "cmdline").read_bytes():
        if int(entry.name) == os.getpid():
            continue
        lines = dict(line.split(":", 1) for line in (entry / "status").read_text().splitlines())
        told = {key: lines[key].strip() for key in ("Seccomp", "NoNewPrivs", "CapEff")}
        names = [item.split(b"=")[0].decode() for item in (entry / "environ").read_bytes().split(bytes(1))]
        told["environment"] = [name for name in names if name not in ("", "LC_CTYPE")]
        told["descriptors"] = sorted(item.name for item in (entry / "fd").iterdir())
        print(json.dumps(told))
        break
"""


def nothing(root: Path) -> None:
    """An empty directory; docgen.yaml will be the only file."""


#: Each with words that its readme must have, so that a document about nothing does not pass.
REPOSITORIES: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "this": (copy_of_this_repository, ("docgenctl", "Python", "make test", "server_images")),
    "typescript": (typescript_repository, ("TypeScript", "npm run build", "total", "decimal.js")),
    "go": (go_repository, ("Go", "go build ./...", "make test", "store")),
    "empty": (nothing, ()),
}


@pytest.mark.parametrize("which", REPOSITORIES)
def test_everything_named_in_every_document_exists(workspace: MakeStack, which: str) -> None:
    repository, words = REPOSITORIES[which]
    stack = workspace(which, repository=repository, name=f"{which}-repository")
    before = {path.relative_to(stack.directory) for path in stack.directory.rglob("*")}
    stack.up()
    rendered = {path.relative_to(stack.directory) for path in stack.directory.rglob("*")}
    documents = {kind: generated(stack, kind) for kind in KINDS}

    truth = Truth(stack.directory)
    problems = {kind: truth.problems(path.read_text()) for kind, path in documents.items()}
    assert problems == {kind: [] for kind in KINDS}
    readme = documents["readme"].read_text()
    assert [word for word in words if word not in readme] == []
    for path in documents.values():
        assert str(stack.directory) not in path.read_text()
        if which != "this":  # whose own comments tell of /workspace
            assert not re.search(r"(?<![\w/.-])/workspace\b", path.read_text())

    output = stack.directory / "docs/generated"
    made = {path.relative_to(stack.directory) for path in stack.directory.rglob("*")} - rendered
    assert {stack.directory / path for path in made} == set(documents.values())
    assert before <= rendered
    owner = output.stat()
    for path in documents.values():
        assert path.parent == output
        status = path.stat()
        assert (status.st_uid, status.st_gid) == (owner.st_uid, owner.st_gid)
        assert status.st_mode & 0o777 == 0o644


def test_a_document_made_twice_of_the_same_files_is_the_same(running_stack: Stack) -> None:
    first = {kind: generated(running_stack, kind).read_bytes() for kind in KINDS}
    assert {kind: generated(running_stack, kind).read_bytes() for kind in KINDS} == first


def test_a_diagram_is_drawn_in_a_page_made_inside_the_container(running_stack: Stack) -> None:
    markdown = "# Harbour\n\n```mermaid\nflowchart TD\n  ship --> quay\n```\n"
    path = "docs/generated/harbour.md"
    running_stack.ok("tools", "call", "files_write", f"path={path}", f"content={markdown}")
    try:
        running_stack.ok("tools", "call", "docs_export", f"path={path}")
        page = (running_stack.directory / path).with_suffix(".html").read_text()
    finally:
        for made in running_stack.directory.glob("docs/generated/harbour.*"):
            made.unlink()
    drawn = page[page.index("<svg") : page.index("</svg>")]
    assert ">ship<" in drawn
    assert ">quay<" in drawn


def test_templates_are_rendered_apart_inside_the_container(running_stack: Stack) -> None:
    running_stack.ok("tools", "call", "templates_create", "name=hold", "source=# {{ title }}")
    endless = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    stopped = running_stack.run("tools", "call", "templates_preview", f"source={endless}")
    assert stopped.exit_code != 0
    assert "longer than 1.8 seconds" in stopped.stdout + stopped.stderr
    try:
        preview = running_stack.ok("tools", "call", "templates_preview", "name=hold").stdout
        assert "# Hold" in preview
        worker = running_stack.python_inside("main", WORKER_STATUS)
        assert worker["Seccomp"] == "2"
        assert worker["NoNewPrivs"] == "1"
        assert int(worker["CapEff"], 16) == 0
        assert worker["environment"] == []
        assert worker["descriptors"] == ["0", "1", "2"]
    finally:
        running_stack.ok("tools", "call", "templates_delete", "name=hold")


def generated(stack: Stack, kind: str) -> Path:
    ran = stack.ok("generate", kind, "--json")
    path = Path(ran.document["file"])
    assert path == stack.directory / ran.document["path"]
    assert path.is_file(), ran
    plain = stack.ok("generate", kind)
    assert plain.stdout.strip() == str(path)
    sections = [line.removeprefix("✔ ") for line in plain.stderr.splitlines()]
    assert sections == ran.document["sections"]
    return path

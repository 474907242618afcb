import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from docgen_main.facts import Budget, Project, StoppedError
from docgen_main.facts.model import Dependency
from docgen_main.workspace import Workspace

from tests.servers.main.conftest import SECRET, write_files

SOURCES = Path(__file__).parents[4] / "server_images" / "main" / "src"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def project(place: Path) -> Iterator[Project]:
    workspace = Workspace(str(place), "docs/generated")
    yield Project(workspace)
    workspace.close()


def test_rendered_files_are_not_the_projects_and_its_directory_names_it(place: Path) -> None:
    rendered = {".env.mcp": "", ".env.mcp.template": "", "docker-compose.mcp.yml": "services: {}\n"}
    write_files(place, {**rendered, "app.py": "x = 1\n", "deep/docker-compose.mcp.yml": "mine: 1\n"})
    workspace = Workspace(str(place), "docs/generated", name="shop")
    project = Project(workspace)
    assert sorted(project.paths) == ["app.py", "deep/docker-compose.mcp.yml"]
    assert project.name == "shop"
    workspace.close()


def test_ignored_foreign_and_hidden_files_are_not_the_projects(place: Path, project: Project) -> None:
    write_files(
        place,
        {
            ".gitignore": "*.log\n/build2/\n!keep.log\n",
            "a.py": "x = 1\n",
            "b.log": "x",
            "keep.log": "x",
            "build2/x.py": "",
            "sub/.gitignore": "secret.txt\n!b.log\n",
            "sub/secret.txt": "",
            "sub/b.log": "",
            "sub/build2/kept.py": "",
            "node_modules/x/index.js": "",
            ".venv/lib/y.py": "",
            ".env": SECRET,
            "docs/generated/README.md": "",
        },
    )
    assert project.paths == {
        ".gitignore", "a.py", "keep.log", "sub/.gitignore", "sub/b.log", "sub/build2/kept.py",
    }  # fmt: skip


def test_ignore_patterns_that_could_take_forever_do_not(place: Path, project: Project) -> None:
    write_files(place, {".gitignore": "a*a*a*a*a*a*a*a*a*b\n**/a/**/a/**/a/**/a/**/b\n*.tmp\n", "x.tmp": ""})
    (place / ("a" * 250)).touch()
    begun = time.monotonic()
    assert project.paths == {".gitignore", "a" * 250}
    assert time.monotonic() - begun < 1


def test_lines_and_languages_are_counted(place: Path, project: Project) -> None:
    write_files(
        place, {"a.py": "1\n2\n3", "b.py": "1\n", "c.go": "", "d.txt": "1\n2\n", "Makefile": "all:\n"}
    )
    assert project.languages == (("Python", 2, 4), ("Make", 1, 1), ("Go", 1, 0))


def test_a_file_that_cannot_be_read_is_skipped_and_named(
    place: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write_files(place, {"a.py": "def f(): ...\n", "closed.py": "def g(): ...\n", "shut/b.py": ""})
    (place / "closed.py").chmod(0)
    (place / "shut").chmod(0)
    script = (
        "import os, sys\n"
        "from docgen_main.workspace import Workspace\nfrom docgen_main.facts import Project\n"
        # what is imported late, while installed packages may still be read
        "open(sys.argv[2] + '/warm.py', 'w').close(); Project(Workspace(sys.argv[2], 'out')).modules\n"
        "if os.getuid() == 0:\n    os.chown(sys.argv[1], 12345, 12345); os.setgid(12345); os.setuid(12345)\n"
        "project = Project(Workspace(sys.argv[1], 'out'))\n"
        "print([m.path for m in project.modules], sorted((s.path, s.reason) for s in project.skipped))\n"
    )
    if os.geteuid() == 0:
        for folder in (place, *place.parents):  # pytest's folders are for their owner alone
            if str(folder).startswith("/tmp/pytest"):
                folder.chmod(0o755)
    try:
        done = subprocess.run(
            [sys.executable, "-c", script, str(place), str(tmp_path_factory.mktemp("warm"))],
            env={**os.environ, "PYTHONPATH": str(SOURCES)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    finally:
        (place / "shut").chmod(0o755)
    assert done.stdout == (
        "['a.py'] [('closed.py', \"not readable by this server's user\"),"
        " ('shut', \"not readable by this server's user\")]\n"
    )


def test_python_is_read_without_running_it(place: Path, project: Project) -> None:
    write_files(
        place,
        {
            "src/app/__init__.py": '"""The app."""\nfrom app.core import run as run\n'
            '__all__ = ["VERSION", "Late"]\nVERSION: str = "1"\n'
            "class Late(Exception): ...\ndef unlisted(): ...\n",
            "src/app/core.py": f"import os\nopen('{place}/ran', 'w')\n"
            "raise SystemExit(3)\n"
            'async def run(a: int, /, *b: str, c: float = 1.5, **d: object) -> "list[int]":\n    "Runs."\n'
            "def _private(): ...\n"
            "class Box(list[int], metaclass=type):\n    size: int\n    def __len__(self): ...\n"
            "    @property\n    def first(self) -> int:\n        '''The first.'''\n    def _no(self): ...\n",
            "src/app/__main__.py": "from . import core\n",
        },
    )
    modules = {module.name: module for module in project.modules}
    assert not (place / "ran").exists()
    assert [symbol.name for symbol in modules["app"].symbols] == ["VERSION", "Late"]
    run, box = modules["app.core"].symbols
    assert run.signature == "async def run(a: int, /, *b: str, c: float = 1.5, **d: object) -> list[int]"
    assert run.doc == "Runs."
    assert box.signature == "class Box(list[int], metaclass=type)"
    assert [(member.name, member.kind) for member in box.members] == [
        ("size", "attribute"),
        ("first", "property"),
    ]
    assert modules["app.__main__"].imports == ("app", "app.core")
    assert [entry.line for entry in project.entries] == ["python -m app"]


def test_python_that_breaks_parsers_is_skipped(place: Path, project: Project) -> None:
    write_files(
        place,
        {
            "deep.py": "(" * 5_000 + ")" * 5_000,
            "unary.py": "x = " + "-" * 100_000 + "1\n",
            "attribute.py": "x" + ".a" * 50_000 + "\n",
            "syntax.py": "def f(:\n",
            "good.py": "def f(): ...\n",
        },
    )
    (place / "bytes.py").write_bytes(b"\0\xff\xfe")
    assert "good.py" in [module.path for module in project.modules]
    assert {"deep.py", "syntax.py", "bytes.py"} <= {item.path for item in project.skipped}


def test_manifests_of_many_kinds_are_read(place: Path, project: Project) -> None:
    write_files(
        place,
        {
            "pyproject.toml": '[project]\nname="p"\nversion="1"\nrequires-python=">=3.11"\n'
            "dependencies=[\"a[x]>=1; os_name=='nt'\"]\n"
            '[project.optional-dependencies]\ndev=["b"]\n[project.scripts]\np="p.cli:main"\n',
            "Cargo.toml": '[package]\nname="c"\n'
            '[dependencies]\nserde={version="1"}\n[dev-dependencies]\nrand="0.8"\n',
            "pom.xml": "<project><artifactId>m</artifactId><dependencies><dependency><groupId>g</groupId>"
            "<artifactId>a</artifactId><version>2</version></dependency></dependencies></project>",
            "build.gradle": "dependencies {\n  implementation 'org.x:y:3'\n"
            '  testImplementation("junit:junit:4")\n}\n',
            "requirements-dev.txt": "# c\n-r x\nd==1 # why\n\n",
            "requirements.in": "e\n",
            "requirements.txt": "e==1\n",
            "setup.cfg": "[metadata]\nname = s\n[options]\ninstall_requires =\n  f>1\n",
            "package.json": "not json",
        },
    )
    found = {manifest.path: manifest.dependencies for manifest in project.manifests}
    assert found["pyproject.toml"] == (Dependency("a", ">=1"), Dependency("b", "", "dev"))
    assert found["Cargo.toml"] == (Dependency("serde", "1"), Dependency("rand", "0.8", "dev"))
    assert found["pom.xml"] == (Dependency("g:a", "2"),)
    assert found["build.gradle"] == (Dependency("org.x:y", "3"), Dependency("junit:junit", "4", "test"))
    assert found["requirements-dev.txt"] == (Dependency("d", "==1", "dev"),)
    assert found["requirements.in"] == (Dependency("e", ""),)
    assert "requirements.txt" not in found
    assert found["setup.cfg"] == (Dependency("f", ">1"),)
    assert ("package.json", "cannot be parsed") in {(item.path, item.reason) for item in project.skipped}


def test_an_entity_bomb_in_a_pom_is_not_expanded(place: Path, project: Project) -> None:
    bomb = '<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    bomb += "<project><artifactId>&b;</artifactId></project>"
    write_files(place, {"pom.xml": bomb})
    assert project.manifests == ()


def test_rust_and_java_outlines_list_public_items_only(place: Path, project: Project) -> None:
    write_files(
        place,
        {
            "src/lib.rs": "//! A crate.\n\n/// Adds.\npub fn add<'a>(x: &'a str) -> u8 { 1 }\n"
            'pub(crate) fn no() {}\nfn inner() {}\nconst S: &str = "\npub fn text() {}";\n'
            "/* /* pub */\npub fn commented() {}\n*/\nconst Q: char = '\"';\n"
            'const R: &str = r#"\n" \\\npub fn raw() {}\n"#;\npub struct Point { x: u8 }\n',
            "a/Main.java": "package org.x;\n\n/** Starts it. */\npublic final class Main {\n"
            '    String s = """\npublic class InText {}\n""";\n'
            "    public static void main(String[] a) {}\n}\nclass Hidden {}\n",
        },
    )
    modules = {module.path: module for module in project.modules}
    assert [symbol.name for symbol in modules["src/lib.rs"].symbols] == ["add", "Point"]
    assert modules["src/lib.rs"].symbols[0].signature == "pub fn add<'a>(x: &'a str) -> u8"
    assert modules["src/lib.rs"].symbols[0].doc == "Adds."
    assert [(s.name, s.doc) for s in modules["a/Main.java"].symbols] == [("Main", "Starts it.")]


def test_commands_come_from_make_and_scripts(place: Path, project: Project) -> None:
    write_files(
        place,
        {
            "Makefile": ".PHONY: all \\\n  clean\nall: x ## Make it all\nX := 1\n"
            "clean:\n\trm\nfile.o: c\n%.o: %.c\n",
            "bin/tool": "#!/bin/sh\n# Does things.\n",
            "bin/data": "no script",
        },
    )
    assert [(command.line, command.help) for command in project.commands] == [
        ("make all", "Make it all"),
        ("make clean", ""),
        ("bin/tool", "Does things."),
    ]


def test_a_budget_that_is_used_up_leaves_files_out_and_says_so(place: Path) -> None:
    write_files(place, {f"m{n}.py": "x = 1\n" for n in range(20)})
    workspace = Workspace(str(place), "out")
    project = Project(workspace, Budget(files=5))
    assert len(project.inventory.files) == 5
    assert "limit" in project.skipped[0].reason
    assert Project(workspace, Budget(seconds=-1)).inventory.files == ()
    workspace.close()


def test_a_stopped_budget_stops_the_next_unit(place: Path) -> None:
    write_files(place, {"m.py": "x = 1\n"})
    workspace = Workspace(str(place), "out")
    budget = Budget()
    budget.stop()
    with pytest.raises(StoppedError):
        _ = Project(workspace, budget).inventory
    workspace.close()

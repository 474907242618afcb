import os
import threading
import time
from pathlib import Path
from typing import Any

import anyio
import pytest
from docgen_main.search import walk
from docgen_main.tools import file_search
from docgen_main.workspace import Workspace

from tests.servers.main.calling import call, refused
from tests.servers.main.conftest import write_files

pytestmark = pytest.mark.anyio


async def hits(workspace: Workspace, **arguments: Any) -> list[tuple[str, int | None, str | None]]:
    found = await call(workspace, "files_search", **arguments)
    return [(hit["path"], hit["line"], hit["text"]) for hit in found["hits"]]


@pytest.fixture
def sources(root: Path) -> Path:
    files = {
        "a.py": "import os\n\n\ndef run(x):\n    return os.path.join(x)\n",
        "src/b.py": "def run(y): ...\r\n# (a+b)*\n",
        "src/deep/c.ts": "export function run() {}\n",
        "src/deep/d.tsx": "// RUN\n",
        "node_modules/e/e.py": "def run(): ...\n",
        "image.bin": "run\0run",
    }
    write_files(root, files)
    return root


async def test_lines_that_hold_a_text_are_found_in_order(workspace: Workspace, sources: Path) -> None:
    assert await hits(workspace, text="run(") == [
        ("a.py", 4, "def run(x):"),
        ("src/b.py", 1, "def run(y): ..."),
        ("src/deep/c.ts", 1, "export function run() {}"),
    ]
    assert await hits(workspace, text="(a+b)*") == [("src/b.py", 2, "# (a+b)*")]
    assert len(await hits(workspace, text="run", ignore_case=True)) == 4


async def test_lines_that_match_a_regular_expression_are_found(workspace: Workspace, sources: Path) -> None:
    found = await hits(workspace, text=r"^(def|export)\b.*\)", syntax="regex")
    assert [(path, line) for path, line, _ in found] == [("a.py", 4), ("src/b.py", 1), ("src/deep/c.ts", 1)]
    assert await hits(workspace, text=r"os\s*def", syntax="regex") == []


async def test_files_are_found_by_name_alone(workspace: Workspace, sources: Path) -> None:
    async def paths(**arguments: Any) -> list[str]:
        return [path for path, _, _ in await hits(workspace, **arguments)]

    assert await paths(names="*.py") == ["a.py", "src/b.py"]
    assert await paths(names="*.{ts,tsx}") == ["src/deep/c.ts", "src/deep/d.tsx"]
    assert await paths(names="src/**") == ["src/a.txt", "src/b.py", "src/deep/c.ts", "src/deep/d.tsx"]
    assert await paths(names="/*.py") == ["a.py"]
    assert await paths(names="src/*/?.t[a-s]") == ["src/deep/c.ts"]
    assert await paths(names="src/[!a]*.py") == ["src/b.py"]
    assert await paths(names="*.py", path="src") == ["src/b.py"]
    assert await paths(names="b.py", text="run") == ["src/b.py"]


async def test_what_was_left_out_is_told_and_can_be_searched_by_its_path(
    workspace: Workspace, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "FILE_BYTES", 100)
    (sources / "big.txt").write_text("run" * 50)
    os.link(sources / "a.py", sources / "hard.py")
    found = await call(workspace, "files_search", text="run")
    assert {item["path"] for item in found["left_out"]} == {"a.py", "big.txt", "hard.py", "node_modules"}
    assert await hits(workspace, text="run", path="node_modules") == [
        ("node_modules/e/e.py", 1, "def run(): ...")
    ]


async def test_the_output_folder_is_searched_whatever_it_is_called(root: Path) -> None:
    write_files(
        root, {"build/out/a.md": "needle\n", "build/other/b.md": "haystack\n", "out/c.md": "needle\n"}
    )
    workspace = Workspace(str(root), "build/out")
    assert await hits(workspace, text="needle") == [("build/out/a.md", 1, "needle")]
    workspace.close()


async def test_pages_join_to_the_whole(workspace: Workspace, root: Path) -> None:
    write_files(root, {f"p/{n}.txt": "hit\nmiss\nhit hit\n" * (n % 4) for n in range(30)})
    whole = await hits(workspace, text="hit", limit=500)
    joined: list[tuple[str, int | None, str | None]] = []
    cursor = None
    for _ in range(100):
        page = await call(workspace, "files_search", text="hit", limit=7, cursor=cursor)
        assert len(page["hits"]) <= 7
        joined += [(hit["path"], hit["line"], hit["text"]) for hit in page["hits"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert joined == whole
    assert len(whole) == sum(2 * (n % 4) for n in range(30))


async def test_a_search_that_time_ends_can_go_on(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(root, {f"p/{n:03}.txt": "hit\n" for n in range(100)})
    whole = await hits(workspace, text="hit", limit=500)
    clock = iter(range(1_000_000))
    monkeypatch.setattr(walk.time, "monotonic", lambda: next(clock) * 0.3)
    joined, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = await call(workspace, "files_search", text="hit", cursor=cursor)
        joined += [(hit["path"], hit["line"], hit["text"]) for hit in page["hits"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert joined == whole
    assert pages > 5


async def test_a_long_line_is_shown_around_the_match(workspace: Workspace, root: Path) -> None:
    (root / "min.js").write_text("x" * 50_000 + "needle" + "y" * 50_000)
    [(path, line, text)] = await hits(workspace, text="needle")
    assert (path, line) == ("min.js", 1)
    assert text is not None
    assert "needle" in text
    assert len(text) <= walk.LINE_CHARACTERS


async def test_control_characters_in_a_line_are_escaped(workspace: Workspace, root: Path) -> None:
    (root / "odd.txt").write_bytes(b"needle \x1b[31m \xff\xe2\x80\xae\n")
    assert await hits(workspace, text="needle") == [("odd.txt", 1, "needle \\x1b[31m \ufffd\\u202e")]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "missing"),
        ("(?=a)", "look-around"),
        (r"(a)\1", "references back"),
        ("a\nb", "one line"),
        (r"\pL{1000}", "too large"),
        ("x" * 1001, "1000"),
    ],
)
async def test_a_pattern_that_cannot_be_used_is_explained(
    workspace: Workspace, pattern: str, said: str
) -> None:
    assert said in await refused(workspace, "files_search", text=pattern, syntax="regex")


@pytest.mark.parametrize("names", ["{a,b", "x" * 1001, "[z-a]"])
async def test_a_glob_that_cannot_be_used_is_explained(workspace: Workspace, names: str) -> None:
    assert "names:" in await refused(workspace, "files_search", names=names)


@pytest.mark.parametrize(
    "pattern",
    [r"(a+)+$", r"(a|a)*b", r"(.*)*x", r"(x+x+)+y", r"(?:a?){900}a{900}c", r"(.*a){400}c", r"(a|aa)+\z"],
)
async def test_no_pattern_takes_long_on_a_hostile_text(
    workspace: Workspace, root: Path, pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_search, "_SECONDS", 1)
    (root / "hostile.txt").write_text("a" * 3_000_000 + "!\n")
    begun = time.monotonic()
    await call(workspace, "files_search", text=pattern, syntax="regex")
    assert time.monotonic() - begun < 1 + 5


async def test_no_glob_takes_long_on_hostile_names(workspace: Workspace, root: Path) -> None:
    for number in range(50):
        (root / "src" / ("a" * 200 + str(number))).touch()
    begun = time.monotonic()
    assert await hits(workspace, names="**/" + "*a" * 100 + "b") == []
    assert await hits(workspace, names="**/" * 100 + "zz") == []
    assert time.monotonic() - begun < 5


async def test_when_the_caller_has_gone_the_work_ends(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread waits in its first file; it must not look into a second one after the cancellation."""
    write_files(root, {f"p/{n}.txt": "hit\n" for n in range(20)})
    begun, go_on, looked = threading.Event(), threading.Event(), []
    real = Workspace.read

    def read(self: Workspace, path: tuple[str, ...], *, limit: int) -> bytes:
        looked.append(path)
        begun.set()
        go_on.wait(10)
        return real(self, path, limit=limit)

    ended = threading.Event()
    monkeypatch.setattr(Workspace, "read", read)
    monkeypatch.setattr(walk, "forget_compiled", ended.set)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: call(workspace, "files_search", text="hit"))
        await anyio.to_thread.run_sync(begun.wait, 10)
        tasks.cancel_scope.cancel()
    ended.clear()
    go_on.set()
    assert await anyio.to_thread.run_sync(ended.wait, 10)
    assert len(looked) == 1

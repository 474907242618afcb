import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docgen_main.facts import Project
from docgen_main.facts.model import Module, Symbol
from docgen_main.workspace import Workspace

from tests.servers.main.conftest import write_files

SOURCES = Path(__file__).parents[4] / "server_images" / "main" / "src"

Modules = Callable[[dict[str, str]], dict[str, Module]]


@pytest.fixture
def modules(tmp_path: Path) -> Iterator[Modules]:
    opened: list[Workspace] = []

    def read(files: dict[str, str]) -> dict[str, Module]:
        write_files(tmp_path, files)
        opened.append(Workspace(str(tmp_path), "docs/generated"))
        return {module.name: module for module in Project(opened[-1]).modules}

    yield read
    for workspace in opened:
        workspace.close()


def names(module: Module) -> list[str]:
    return [symbol.name for symbol in module.symbols]


def one(module: Module, name: str) -> Symbol:
    return next(symbol for symbol in module.symbols if symbol.name == name)


def test_names_passed_on_by_a_package_are_followed_to_their_origin(modules: Modules) -> None:
    found = modules(
        {
            "src/box/__init__.py": "from os import sep\nfrom ._core import Lid as Cover\n"
            "from .deep import *\nfrom box._core import open_box\nimport json\n",
            "src/box/_core.py": 'class Lid:\n    "Closes."\n    def shut(self): ...\ndef open_box(): ...\n',
            "src/box/deep/__init__.py": "from .inner import Deep, _hidden\n",
            "src/box/deep/inner.py": "class Deep: ...\ndef _hidden(): ...\n",
        }
    )
    assert names(found["box"]) == ["Cover", "Deep", "open_box"]
    cover = one(found["box"], "Cover")
    assert (cover.kind, cover.doc, cover.origin) == ("class", "Closes.", "box._core#Lid")
    assert [member.signature for member in cover.members] == ["def shut(self)"]
    deep = one(found["box"], "Deep")
    assert (deep.kind, deep.origin, deep.members) == ("re-export", "box.deep.inner#Deep", ())
    assert found["box._core"].symbols == ()
    assert found["box._core"].defined == ("Lid", "Lid.shut", "open_box")


def test_exports_that_are_put_together_are_followed(modules: Modules) -> None:
    found = modules(
        {
            "p/__init__.py": "from . import a, b\nfrom .a import *\nfrom .b import *\n"
            "from .c import __all__ as _c_all\nfrom .c import *\nfrom requests import get\n"
            "_more = ['get']\n__all__ = a.__all__ + b.__all__ + _more\n__all__ += _c_all\n"
            "__all__.append('own')\n__all__.extend(('sub', 'gone'))\ndef own(): ...\n",
            "p/a.py": "__all__ = ['x', '_y']\ndef x(): ...\ndef _y(): ...\ndef z(): ...\n",
            "p/b.py": "__all__: list[str] = ['v']\nv = 1\n",
            "p/c.py": "__all__ = ('K', *('L',))\nK = 1\nL = 2\n",
            "p/sub.py": '"A part."\n',
        }
    )
    assert names(found["p"]) == ["x", "_y", "v", "get", "K", "L", "own", "sub"]
    assert one(found["p"], "get") == Symbol("get", "re-export", "get", "", 0, origin="requests#get")
    assert one(found["p"], "sub") == Symbol("sub", "re-export", "sub", "", 1, origin="p#sub")


def test_exports_that_only_running_would_tell_leave_the_convention(modules: Modules) -> None:
    found = modules({"m.py": "__all__ = [n for n in dir() if n[0] != '_']\ndef f(): ...\ndef _g(): ...\n"})
    assert names(found["m"]) == ["f"]


def test_names_that_are_loaded_late_are_found_where_type_checkers_find_them(modules: Modules) -> None:
    found = modules(
        {
            "late/__init__.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .a import *\n"
            "    from .b import g, h\n__all__ = ('f', 'g')\ndef __getattr__(name): ...\n",
            "late/a.py": "def f(): ...\n",
            "late/b.py": "def g(): ...\ndef h(): ...\n",
        }
    )
    assert names(found["late"]) == ["f", "g"]


def test_modules_that_pass_each_other_on_come_to_an_end(modules: Modules) -> None:
    found = modules(
        {
            "r/__init__.py": "from .a import *\n__all__ = a.__all__ + ['lost']\n",
            "r/a.py": "from r import *\nfrom r import lost\nfrom r.a import me as me\n"
            "import r\n__all__ = r.__all__ + ['f']\ndef f(): ...\n",
        }
    )
    assert names(found["r"]) == ["f"]
    assert names(found["r.a"]) == ["f"]


def test_overloads_properties_fields_and_decorators_are_told_apart(modules: Modules) -> None:
    text = """
import abc, dataclasses, functools, typing
from dataclasses import dataclass, field
from typing import overload

@overload
def load(x: int) -> int: ...
@overload
def load(x: str) -> str: ...
def load(x: int | str) -> int | str:
    "Loads."

@dataclass(frozen=True, slots=True)
class Point:
    "A place."
    x: int
    y: int = 0
    tags: list[str] = field(default_factory=list)
    kind: typing.ClassVar[str] = "p"
    _secret: int = 1

class Base(abc.ABC):
    RED = 1
    def __init__(self, name: str, *, deep: bool = False) -> None:
        self.name: str = name
        self.other = deep
    @property
    @abc.abstractmethod
    def size(self) -> int:
        "How big."
    @size.setter
    def size(self, value: int) -> None: ...
    @functools.cached_property
    def late(self) -> str: ...
    @classmethod
    def make(cls, text: str) -> "Base": ...
    @staticmethod
    async def wait(seconds: float) -> None: ...
    class Inner:
        def deep(self): ...
"""
    module = modules({"m.py": text})["m"]
    load = one(module, "load")
    assert load.signature == "def load(x: int) -> int\ndef load(x: str) -> str"
    assert load.doc == "Loads."
    point = one(module, "Point")
    assert point.decorators == ("dataclass(frozen=True, slots=True)",)
    assert [member.signature for member in point.members] == [
        "x: int", "y: int = 0", "tags: list[str] = field(default_factory=list)", "kind: str = 'p'",
    ]  # fmt: skip
    assert [(member.kind, member.signature) for member in one(module, "Base").members] == [
        ("attribute", "RED = 1"),
        ("method", "def __init__(self, name: str, *, deep: bool = False) -> None"),
        ("attribute", "name: str"),
        ("attribute", "other: bool"),
        ("property", "def size(self) -> int"),
        ("property", "def late(self) -> str"),
        ("class method", "def make(cls, text: str) -> Base"),
        ("static method", "async def wait(seconds: float) -> None"),
        ("class", "class Inner"),
    ]


def test_definitions_under_conditions_are_found_and_those_for_type_checkers_are_not(modules: Modules) -> None:
    text = """
import sys
from typing import TYPE_CHECKING, NewType, TypeAlias, Union
if TYPE_CHECKING:
    from os import PathLike as PathLike
    OnlyTyped = int
    Both = int
else:
    Both = object
if sys.version_info >= (3, 12):
    def pick(): "New."
else:
    def pick(): "Old."
try:
    import tomllib
    def parse(): ...
except ImportError:
    parse = None
with open("x"):
    INSIDE = 1
Json: TypeAlias = "dict[str, object]"
Text = Union[str, bytes]
UserId = NewType("UserId", int)
LIMIT: int = 3
logger = sys.stderr
level: int = 1
helper = 1
"""
    text += "del helper\ndef gone(): ...\ndel gone\n"
    module = modules({"m.py": text})["m"]
    assert [(symbol.name, symbol.kind) for symbol in module.symbols] == [
        ("Both", "variable"), ("pick", "function"), ("parse", "function"), ("INSIDE", "constant"),
        ("Json", "type alias"), ("Text", "variable"), ("UserId", "variable"), ("LIMIT", "constant"),
        ("level", "variable"),
    ]  # fmt: skip
    assert one(module, "LIMIT").signature == "LIMIT: int = 3"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="this Python cannot parse type parameters")
def test_type_parameters_are_part_of_the_signature(modules: Modules) -> None:
    module = modules({"m.py": "type Pair[T] = tuple[T, T]\nclass Box[T]: ...\ndef f[**P](x: P) -> P: ...\n"})[
        "m"
    ]
    assert [symbol.signature for symbol in module.symbols] == [
        "type Pair[T] = tuple[T, T]", "class Box[T]", "def f[**P](x: P) -> P",
    ]  # fmt: skip


def test_two_packages_of_one_name_do_not_mix(modules: Modules, tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "one/app/__init__.py": "from .core import *\n",
            "one/app/core.py": "def first(): ...\n",
            "two/app/__init__.py": "from .core import *\n",
            "two/app/core.py": "def second(): ...\n",
        },
    )
    workspace = Workspace(str(tmp_path), "docs/generated")
    by_path = {module.path: names(module) for module in Project(workspace).modules}
    workspace.close()
    assert by_path["one/app/__init__.py"] == ["first"]
    assert by_path["two/app/__init__.py"] == ["second"]


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 5_000 + ")" * 5_000,
        "x = " + "-" * 100_000 + "1",
        "x = 1" + " + 1" * 50_000,
        "__all__ = ['a']" + " + ['a']" * 50_000,
        "def f(a=" + "[" * 150 + "]" * 150 + "): ...",
        "x" + ".y" * 20_000,
        "# coding: nonsense\nx = 1",
        "# coding: rot13\nk = 1",
        "x = '\\0'\0",
        "if x:\n" + "".join(" " * n + "if x:\n" for n in range(1, 99)) + " " * 99 + "pass",
        "class A(A): ...\nclass B(C): ...\nclass C(B): ...\n__all__ = [__all__, *__all__]\n",
        "import a as a\nfrom . import *\nfrom ..... import x\nfrom .m import m\n",
    ],
    ids=range(12),
)
def test_hostile_source_neither_raises_nor_takes_long(modules: Modules, text: str) -> None:
    found = modules({"good.py": "def f(): ...\n", "m.py": text})
    assert names(found["good"]) == ["f"]


@pytest.mark.parametrize("indent", ["", "    "], ids=["module", "class"])
def test_many_names_take_time_in_proportion(modules: Modules, indent: str) -> None:
    lines = "".join(f"{indent}A{n} = {n}\n" for n in range(20_000))
    begun = time.monotonic()
    module = modules({"m.py": f"class Box:\n{lines}" if indent else lines})["m"]
    assert time.monotonic() - begun < 20  # it took minutes
    assert len(module.symbols[0].members if indent else module.symbols) == 20_000


def test_griffe_is_imported_only_for_python_files() -> None:
    script = (
        "import sys\nimport docgen_main.facts, docgen_main.server\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('griffe', 'sqlite3')])\n"
    )
    common = SOURCES.parents[1] / "common" / "src"
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": f"{SOURCES}:{common}"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"

from pathlib import Path

import pytest
from docgen_main.facts import Project
from docgen_main.workspace import Workspace

from tests.servers.main.conftest import write_files

PYTHON = """
import os, click
from os import environ, getenv
from fastapi import APIRouter
from starlette.routing import Mount, Route, WebSocketRoute

router = APIRouter(prefix="/v1")
app = make()
LEVEL = os.environ.get("APP_LEVEL", "info")
HOME, PORT = environ["APP_HOME"], getenv("APP_PORT", default=8080)
KEY = os.getenv("APP_API_KEY", "hunter2")
no = {"get": 1}.get("NOT_READ"), os.environ.get(computed), os.environ.get("not_upper")

@click.option("--x", envvar=["APP_X", "APP_Y"])
def command(x): ...

@router.get("/items/{id}")
@app.route("/both", methods=["GET", "POST"])
async def item(id: int): ...

@app.websocket("/live")
def live(): ...

@cache.get("not a path")
def other(): ...

routes = [Route("/health", endpoint, methods=["GET"]), WebSocketRoute("/ws", live), Mount("/static", x)]
app.add_api_route("/added", item, methods=["PUT"])
requests.get("/remote", timeout)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(Workspace(str(tmp_path), "docs/generated"))


def routes(project: Project) -> list[tuple[str, str, str]]:
    return [(route.method, route.path, route.handler) for route in project.routes]


def test_what_a_python_program_reads_and_serves_is_found(tmp_path: Path, project: Project) -> None:
    write_files(tmp_path, {"app.py": PYTHON, "tests/test_app.py": "import os\nos.getenv('ONLY_TESTS')\n"})
    assert [(one.name, one.default) for one in project.environment] == [
        ("APP_API_KEY", ""), ("APP_HOME", ""), ("APP_LEVEL", "info"), ("APP_PORT", "8080"), ("APP_X", ""),
        ("APP_Y", ""),
    ]  # fmt: skip
    assert routes(project) == [
        ("GET", "/v1/items/{id}", "item"),
        ("GET", "/both", "item"),
        ("POST", "/both", "item"),
        ("WEBSOCKET", "/live", "live"),
        ("GET", "/health", "endpoint"),
        ("WEBSOCKET", "/ws", "live"),
        ("PUT", "/added", "item"),
    ]


def test_django_urls_are_routes(tmp_path: Path, project: Project) -> None:
    text = 'urlpatterns = [path("items/<int:pk>/", views.item), path("api/", include("api.urls")),\n'
    write_files(
        tmp_path, {"shop/urls.py": text + 'path("", Home.as_view())]\n', "shop/x.py": 'path("a", b)\n'}
    )
    assert routes(project) == [("", "/items/<int:pk>/", "views.item"), ("", "/", "Home.as_view")]


@pytest.mark.parametrize(
    ("path", "text", "variables", "served"),
    [
        (
            "a.ts",
            "const a = process.env.API_URL ?? 'x';\n// process.env.COMMENTED\nconst b = process.env['B_C'];\n"
            "app.get('/users/:id', auth, show);\nrouter.post(\"/users\", (r) => r);\ncache.get('/no');\n",
            ["API_URL", "B_C"],
            [("GET", "/users/:id", "show"), ("POST", "/users", "")],
        ),
        (
            "a.go",
            'package x\n\nvar a = os.Getenv("GO_HOME")\n\nfunc f() {\n\tmux.HandleFunc("GET /a/{id}", show)\n'
            '\tr.POST("/b", s.create)\n\t// r.GET("/no", x)\n}\n',
            ["GO_HOME"],
            [("GET", "/a/{id}", "show"), ("POST", "/b", "s.create")],
        ),
        (
            "src/a.rs",
            'fn f() { let x = env::var("RUST_HOME"); let y = env!("BUILT"); }\n'
            'fn g() { Router::new()\n    .route("/a", get(show)) }\n#[post("/b")]\nfn b() {}\n',
            ["BUILT", "RUST_HOME"],
            [("GET", "/a", "show"), ("POST", "/b", "")],
        ),
        (
            "A.java",
            'class A {\n  String h = System.getenv("JAVA_THING");\n  @GetMapping("/a")\n  void a() {}\n}\n',
            ["JAVA_THING"],
            [("GET", "/a", "")],
        ),
    ],
    ids=["typescript", "go", "rust", "java"],
)
def test_other_languages_are_searched_line_by_line(
    tmp_path: Path,
    project: Project,
    path: str,
    text: str,
    variables: list[str],
    served: list[tuple[str, str, str]],
) -> None:
    write_files(tmp_path, {path: text})
    assert [one.name for one in project.environment] == variables
    assert routes(project) == served


def test_example_files_say_what_variables_mean(tmp_path: Path, project: Project) -> None:
    write_files(
        tmp_path,
        {
            ".env.example": "# Where it listens\nPORT=8080 # default\n\n"
            "# A key\nAPI_TOKEN=abc\n#OPTIONAL=\"x y\"\n",
            ".env": "SECRET_CANARY=1\n",
            "a.py": "import os\nos.environ['PORT']\n",
        },
    )  # fmt: skip
    assert [(one.name, one.default, one.help, one.sources) for one in project.environment] == [
        ("API_TOKEN", "", "A key", (".env.example",)),
        ("OPTIONAL", "x y", "", (".env.example",)),
        ("PORT", "8080", "Where it listens", (".env.example", "a.py")),
    ]


def test_tests_are_named(tmp_path: Path, project: Project) -> None:
    write_files(
        tmp_path,
        {
            "tests/test_a.py": "def test_one(): ...\ndef helper(): ...\n"
            "class TestB:\n    def test_two(self): ...\n",
            "a_test.go": "package a\n\nfunc TestThree(t *testing.T) {}\n",
            "a.test.ts": "it('counts to four', () => {});\n",
            "a.py": "def test_connection(): ...\n",
        },
    )
    assert project.test_names == {
        "a.test.ts": ("counts to four",),
        "a_test.go": ("TestThree",),
        "tests/test_a.py": ("test_one", "TestB.test_two"),
    }

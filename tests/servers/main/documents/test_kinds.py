"""Kinds that say how a project is run, released and tested, and kinds that people answer for."""

import re
from pathlib import Path

import pytest
from docgen_main.documents import KINDS, Brief
from docgen_main.documents.variables import Value, missing, settle
from docgen_main.facts import Project
from docgen_main.workspace import Workspace

from tests.servers.main.conftest import write_files
from tests.servers.main.documents.composed import Composed, compose
from tests.servers.main.documents.repositories import typescript_repository
from tests.servers.main.documents.truth import Truth

ANSWERS: dict[str, dict[str, object]] = {
    "adr": {
        "decision": "Keep money as decimals",
        "context": "Floats lose cents, as `src/money` showed.",
        "consequences": ["Sums are exact", "Parsing is slower"],
        "options": "Floats\nDecimals",
    },
    "requirements": {
        "purpose": "Shops keep their books.",
        "users": ["Shopkeepers"],
        "must": ["Add up accounts", "Export a year"],
        "qualities": "A year of 10,000 entries adds up in 1 s",
    },
    "test-plan": {
        "goals": ["Totals are right"],
        "risks": ["A wrong total is filed"],
        "done_when": "Every public function of money has a test",
    },
}
PHRASES = re.compile(
    r"\b(TBD|TODO|lorem|to be (?:defined|determined)|n/a|robust|seamless|comprehensive|various)\b",
    re.IGNORECASE,
)


def answers(kind: str) -> dict[str, Value]:
    values = settle(KINDS[kind].questions, ANSWERS.get(kind, {}))
    assert missing(KINDS[kind].questions, values) == ()
    return values


def make(root: Path, kind: str, **more: Value) -> str:
    workspace = Workspace(str(root), "docs/generated")
    try:
        *_, done = compose(KINDS[kind], Project(workspace), brief=Brief("", {**answers(kind), **more}))
    finally:
        workspace.close()
    assert isinstance(done, Composed)
    return done.content.decode()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return typescript_repository(tmp_path_factory.mktemp("ledger"))


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_document_of_any_kind_is_true_has_one_title_and_no_phrases(ledger: Path, kind: str) -> None:
    document = make(ledger, kind)
    if kind not in ANSWERS:  # the others say what people answered
        assert Truth(ledger).problems(document) == []
    assert len(re.findall(r"^# ", document, re.MULTILINE)) == 1
    assert document.startswith("# ")
    assert not PHRASES.search(document)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ANSWERS])
def test_of_nothing_a_kind_makes_one_honest_sentence(tmp_path: Path, kind: str) -> None:
    assert re.fullmatch(r"# [^\n]+\n\n[^\n]+\n", make(tmp_path, kind))


def test_a_runbook_says_how_it_is_started_watched_and_configured(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "compose.yaml": "services:\n  web:\n    image: x\n  db:\n    image: y\nvolumes:\n  d:\n",
            "Dockerfile": 'FROM a\nEXPOSE 8080\nHEALTHCHECK --interval=5s \\\n  CMD /probe\nCMD ["/a"]\n',
            "Procfile": "worker: python -m app.worker\n",
            "Makefile": "run: ## Start it here\nstop: ## Stop it\nlogs: ## Follow\ntest: ## Test\n",
            ".env.example": "APP_PORT=8080\n# comment\nAPP_SECRET=\n",
            "app/main.py": 'import os\n\nP = os.environ["APP_PORT"]\nQ = os.getenv("APP_MODE", "dev")\n',
            "app/web.py": 'from flask import Flask\n\na = Flask("a")\n\n@a.get("/healthz")\ndef ok(): ...\n',
            "tests/test_main.py": 'import os\nos.environ["ONLY_IN_TESTS"]\n',
        },
    )
    document = make(tmp_path, "runbook", contact="Ada, +49 30 1", known_failures=["Disk full: empty /tmp"])
    assert "Services of `compose.yaml`: `web`, `db`." in document
    assert "Ports: `8080` (`Dockerfile`)" in document
    assert "Whom to call: Ada, +49 30 1" in document
    start, stop = section(document, "Start"), section(document, "Stop")
    assert "`docker compose up --detach`" in start
    assert "`make run`" in start
    assert "`docker compose down`" in stop
    assert "`make stop`" in stop
    assert "`GET /healthz` (`app/web.py`)" in section(document, "Health")
    assert "`make logs`" in section(document, "Logs")
    assert "| `HEALTHCHECK` | `--interval=5s CMD /probe` | `Dockerfile` |" in document
    assert "| `worker` | `python -m app.worker` | `Procfile` |" in document
    variables = section(document, "Environment variables")
    assert "| `APP_PORT` | `8080` |  | `.env.example`, `app/main.py` |" in variables
    assert "| `APP_MODE` | `dev` |  | `app/main.py` |" in variables
    assert "| `APP_SECRET` |  | comment | `.env.example` |" in variables
    assert "ONLY_IN_TESTS" not in document
    assert "- Disk full: empty /tmp" in document


def test_release_notes_tell_of_what_is_not_released_or_of_the_version_asked_for(ledger: Path) -> None:
    assert make(ledger, "release-notes").splitlines()[2].endswith("since `v1.1.0`, not released yet.")
    released = make(ledger, "release-notes", version="v1.1.0")
    assert "released as `v1.1.0` on 2023-11-17" in released
    assert "- print totals on the command line" in section(released, "Breaking changes")
    assert "- round half even" in section(released, "Fixed")
    assert "There is no tag `v9`" in make(ledger, "release-notes", version="v9")


def test_a_tutorial_goes_from_installing_to_the_tests(ledger: Path) -> None:
    document = make(ledger, "getting-started")
    assert document.index("npm ci") < document.index("## Run it") < document.index("## Change it")
    assert "README.md" in section(document, "Read on")


def test_a_tutorial_shows_the_names_of_the_package_that_is_called_like_the_project(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "pyproject.toml": '[project]\nname = "two-boats"\n[project.scripts]\nb = "two_boats.cli:main"\n',
            "two_boats/__init__.py": 'def moor():\n    """Tie up. Then more."""\n',
            "two_boats/inner/__init__.py": "".join(f'def f{n}():\n    """Does {n}."""\n' for n in range(9)),
        },
    )
    assert "`def moor()`: Tie up. Then more." in section(
        make(tmp_path, "getting-started"), "Use it from code"
    )


def test_a_decision_record_has_what_people_said_and_the_parts_it_names(ledger: Path, tmp_path: Path) -> None:
    document = make(ledger, "adr")
    assert document.startswith("# Keep money as decimals\n\nStatus: proposed\n")
    assert "- Decimals" in section(document, "Options")
    assert "`src/money`" in section(document, "Parts that are named")
    assert "## Reason" not in document
    write_files(tmp_path, {"docs/adr/0007-use-go.md": "# Use Go", "docs/adr/0012-no.md": "# No"})
    numbered = make(tmp_path, "adr")
    assert numbered.startswith("# 0013. Keep money as decimals\n")
    assert section(numbered, "Earlier decisions").index("0007") < numbered.index("0012")


def test_requirements_are_numbered_and_stand_beside_what_there_is(ledger: Path) -> None:
    document = make(ledger, "requirements")
    assert "- **F1** Add up accounts\n- **F2** Export a year" in document
    assert "- **Q1** A year of 10,000 entries" in document
    assert "`src/money`" in section(document, "What it offers today")


def test_a_test_plan_lists_modules_that_no_test_imports_or_is_named_after(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "app/__init__.py": "",
            "app/billing.py": "def bill(): ...\n",
            "app/store.py": "def put(): ...\n",
            "app/mail.py": "def send(): ...\n",
            "tests/test_store.py": "def test_put(): ...\n",
            "tests/test_other.py": "from app.mail import send\n",
        },
    )
    document = make(tmp_path, "test-plan")
    assert re.findall(r"^\| `(app/\w+\.py)`", document, re.MULTILINE) == ["app/billing.py"]
    assert "- A wrong total is filed" in section(document, "Risks")


def test_answers_are_data_and_never_markup(ledger: Path) -> None:
    evil = "<script>x</script> {{ 7*7 }} [a](javascript:x)\n\n# Heading"
    document = make(ledger, "adr", context=evil, decision="Stop | now")
    assert "49" not in section(document, "Context")
    assert "<script>" not in document.replace("\\<script\\>", "")
    assert document.count("\n# ") == 0


def section(document: str, title: str) -> str:
    _, _, rest = document.partition(f"## {title}\n")
    assert rest, f"no section {title!r} in {document}"
    return rest.split("\n## ")[0]

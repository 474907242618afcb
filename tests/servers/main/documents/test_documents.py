import re
from pathlib import Path

import pytest
from docgen_main.documents import KINDS
from docgen_main.facts import Project
from docgen_main.workspace import Workspace

from tests.servers.main.conftest import write_files
from tests.servers.main.documents.composed import Composed, Rendered, compose
from tests.servers.main.documents.repositories import (
    commit,
    copy_of_this_repository,
    go_repository,
    typescript_repository,
)
from tests.servers.main.documents.truth import Truth

KIND_NAMES = ["readme", "architecture", "api-reference", "changelog"]


def make(root: Path, kind: str, title: str = "") -> tuple[str, list[Rendered]]:
    workspace = Workspace(str(root), "docs/generated")
    try:
        *sections, done = compose(KINDS[kind], Project(workspace), title)
    finally:
        workspace.close()
    assert isinstance(done, Composed)
    rendered = [section for section in sections if isinstance(section, Rendered)]
    assert [section.title for section in rendered] == list(done.titles)
    return done.content.decode(), rendered


@pytest.fixture(scope="module")
def this_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_this_repository(tmp_path_factory.mktemp("this"))


@pytest.fixture(scope="module")
def typescript(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return typescript_repository(tmp_path_factory.mktemp("ledger"))


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return go_repository(tmp_path_factory.mktemp("parcel"))


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_everything_named_in_a_document_of_this_repository_exists(this_repository: Path, kind: str) -> None:
    document, _ = make(this_repository, kind)
    assert Truth(this_repository).problems(document) == []


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_everything_named_in_a_document_of_a_typescript_package_exists(typescript: Path, kind: str) -> None:
    document, _ = make(typescript, kind)
    assert Truth(typescript).problems(document) == []


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_everything_named_in_a_document_of_a_go_module_exists(go: Path, kind: str) -> None:
    document, _ = make(go, kind)
    assert Truth(go).problems(document) == []


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("`package.json`", "`package.yaml`"),
        ("`npm run build`", "`npm run deploy`"),
        ("npm ci", "npm start"),
        ("`total`", "`totalize`"),
        ("src/", "source/"),
    ],
)
def test_the_check_notices_what_does_not_exist(typescript: Path, true: str, false: str) -> None:
    document, _ = make(typescript, "readme")
    assert true in document
    assert Truth(typescript).problems(document.replace(true, false)) != []


def test_a_readme_of_this_repository_says_what_a_newcomer_needs(this_repository: Path) -> None:
    document, sections = make(this_repository, "readme")
    assert document.startswith("# docgenctl\n\nRun a stack of MCP servers well")
    assert "python -m pip install ." in document
    assert "| `docgenctl` |" in document
    assert "Apache-2.0; see `LICENSE`." in document
    assert {"Overview", "Getting started", "Layout", "Public API", "Dependencies", "Recent changes"} <= {
        section.title for section in sections
    }


def test_a_readme_of_a_typescript_package_lists_its_scripts_and_exports(typescript: Path) -> None:
    document, _ = make(typescript, "readme")
    assert document.startswith("# @acme/ledger\n\nDouble-entry bookkeeping for small shops.")
    assert "| `npm run build` | `tsc -p .` | `package.json` |" in document
    assert "| `npm run lint` | `eslint src \\| tee lint.log` | `package.json` |" in document
    assert "MIT; see `LICENSE`." in document
    assert "latest tag `v1.1.0`" in document


def test_only_real_exports_are_in_the_api_reference(typescript: Path) -> None:
    document, _ = make(typescript, "api-reference")
    named = re.findall(r"^#### `(.*)`$", document, re.MULTILINE)
    assert named == ["Account", "total", "Side", "parseAmount", "ZERO", "startingValue"]
    assert 'function total(accounts: Account[], currency: string = "EUR"): Decimal' in document
    assert "Adds up what `accounts` hold." in document


def test_only_exported_go_names_are_in_the_api_reference(go: Path) -> None:
    document, _ = make(go, "api-reference")
    named = re.findall(r"^#### `(.*)`$", document, re.MULTILINE)
    assert named == ["Check", "ErrFull", "Limits", "Open", "Store", "Store.Put", "Version"]
    assert "func Open(dir string, limits Limits) (*Store, error)" in document
    assert "Put keeps one parcel." in document


def test_the_diagram_has_the_imports_that_are_there(go: Path, typescript: Path) -> None:
    assert edges(make(go, "architecture")[0]) == {("cmd/parcel", "store"), ("store", "internal/codec")}
    assert edges(make(typescript, "architecture")[0]) == {
        ("src", "src/accounts"),
        ("src/accounts", "src/money"),
    }


def test_the_diagram_of_this_repository_shows_that_rooms_stand_on_the_model(this_repository: Path) -> None:
    found = edges(make(this_repository, "architecture")[0])
    assert ("docgenctl.planning", "docgenctl.model") in found
    assert ("docgenctl.model", "docgenctl.planning") not in found


def edges(document: str) -> set[tuple[str, str]]:
    names = dict(re.findall(r'^    (n\d+)\["(.*)"\]$', document, re.MULTILINE))
    return {(names[a], names[b]) for a, b in re.findall(r"^    (n\d+) --> (n\d+)$", document, re.MULTILINE)}


def test_a_changelog_is_grouped_by_tag_and_by_kind_of_change(typescript: Path) -> None:
    document, sections = make(typescript, "changelog")
    assert [section.title for section in sections] == ["Overview", "Unreleased", "v1.1.0", "v1.0.0"]
    released = document[document.index("## v1.1.0 (2023-11-17)") : document.index("## v1.0.0 (2023-11-14)")]
    assert "### Added\n\n- **Breaking:** print totals on the command line" in released
    assert "### Fixed\n\n- round half even \\| not `up`" in released
    assert "- `accounts`: add accounts" in document


def test_a_changelog_without_conventional_commits_is_a_plain_list(go: Path) -> None:
    document, _ = make(go, "changelog")
    assert "###" not in document
    assert "## Unreleased\n\n- Pack them" in document
    assert "## release-1 (2023-11-14)\n\n- Keep parcels" in document


def test_a_commit_on_a_side_branch_belongs_to_the_tag_that_merged_it(tmp_path: Path) -> None:
    from dulwich.repo import Repo

    write_files(tmp_path, {"a": "1"})
    base = commit(tmp_path, "Base", at=1_700_000_000)
    side = commit(tmp_path, "Side work", at=1_700_000_500)
    with Repo(str(tmp_path)) as repo:
        repo.refs[b"refs/heads/main"] = base
    commit(tmp_path, "On main", tag="v1", at=1_700_001_000)
    with Repo(str(tmp_path)) as repo:
        who = b"Ada <a@example.org>"
        merge = repo.get_worktree().commit(
            b"Merge side", committer=who, author=who, merge_heads=[side], commit_timestamp=1_700_002_000,
            author_timestamp=1_700_002_000, commit_timezone=0, author_timezone=0,
        )  # fmt: skip
        repo.refs[b"refs/tags/v2"] = merge
    document, _ = make(tmp_path, "changelog")
    assert document.index("## v2") < document.index("Side work") < document.index("## v1")
    assert "Merge side" not in document


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_an_empty_directory_gets_a_short_honest_document(tmp_path: Path, kind: str) -> None:
    document, sections = make(tmp_path, kind)
    assert len(sections) == 1
    assert re.fullmatch(r"# [\w ]+\n\n[^\n]+\n", document)
    assert re.search(r"no files yet|no history yet", document)


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_a_document_is_the_same_when_made_again(typescript: Path, kind: str) -> None:
    assert make(typescript, kind)[0] == make(typescript, kind)[0]


def test_sections_are_counted_in_order_and_the_total_never_grows(typescript: Path) -> None:
    _, sections = make(typescript, "readme")
    assert [section.index for section in sections] == list(range(len(sections)))
    totals = [section.total for section in sections]
    assert totals == sorted(totals, reverse=True)
    assert totals[-1] >= len(sections)


def test_data_is_printed_literally_and_never_as_markup_or_template(tmp_path: Path) -> None:
    described = "{{7*7}} <script> | [x](y) `code` _a_"
    write_files(
        tmp_path,
        {
            "pyproject.toml": f'[project]\nname = "evil"\ndescription = "{described}"\n',
            "evil/__init__.py": '"""# Not a heading {{ self }}\n\n| a | b |\n| - | - |\n\n<img src=x>\n"""\n',
            "evil/mod.py": 'def f():\n    """```\n    # broken fence `` ` ``\n    ```\n    ## heading"""\n',
            "Makefile": "a: ## does `this` | {{7*7}} **bold**\n",
        },
    )
    from markdown_it import MarkdownIt

    for kind in ("readme", "architecture", "api-reference"):
        document, _ = make(tmp_path, kind)
        assert "49" not in document
        html = MarkdownIt("commonmark").enable("table").render(document)
        assert not re.search(r"<script|<img|<a |<strong>|<em>", html)
        headings = re.findall(r"<h1>(.*?)</h1>", html)
        assert len(headings) == 1
    assert "{{7*7}} &lt;script&gt; | [x](y) <code>code</code> _a_" in MarkdownIt("commonmark").render(
        make(tmp_path, "readme")[0]
    )


def test_a_title_that_is_given_heads_the_document(go: Path) -> None:
    assert make(go, "readme", "Parcels & more")[0].startswith("# Parcels & more\n")


def test_output_of_earlier_runs_is_no_fact(typescript: Path) -> None:
    before = make(typescript, "readme")[0]
    write_files(
        typescript, {"docs/generated/README.md": before, "docs/generated/x.ts": "export class Generated {}\n"}
    )
    assert make(typescript, "readme")[0] == before

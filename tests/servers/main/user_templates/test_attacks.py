"""Every case of hostile templates, driven through the MCP tools; canaries stand where secrets would."""

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog.testing
from docgen_main.server import build_server
from docgen_main.user_templates import UserTemplates
from docgen_main.workspace import Workspace
from markdown_it import MarkdownIt
from mcp import Client

pytestmark = pytest.mark.anyio

CANARY = "template-canary-77c1"
#: a template is stopped by 1.8 s; the rest is what a loaded machine may add
STOPPED_S = 4.0

ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ title.__class__ }}",
    "{{ title['__class__'] }}",
    "{{ title['__cla' ~ 'ss__'] }}",
    "{{ title | attr('__class__') }}",
    "{{ [title] | map(attribute='__class__') | list }}",
    "{{ [title] | sort(attribute='__class__') }}",
    "{{ [title] | groupby('__class__') }}",
    "{{ '{0.__class__}'.format(title) }}",
    "{{ '{0[__class__]}'.format(title) }}",
    "{{ ('{0.__class__}' | code).format(title) }}",
    "{{ '{x.__class__}'.format_map({'x': title}) }}",
    "{{ title.format.__globals__ }}",
    "{{ title.upper.__self__ }}",
    "{{ range.__class__ }}",
    "{{ namespace.__init__ }}",
    "{{ namespace.__mro__ }}",
    "{{ lipsum.__globals__ }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ joiner.__init__ }}",
    "{{ dict.__base__ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{% macro m() %}{% endmacro %}{{ m.__init__ }}",
    "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "{% macro m() %}{% endmacro %}{{ m._func }}",
    "{% block b %}{{ super.__init__ }}{% endblock %}",
    "{% for x in [1] %}{{ loop.__init__ }}{{ loop._iterator }}{% endfor %}",
    "{% set ns = namespace() %}{{ ns.__class__ }}",
    "{% set ns = namespace() %}{% set ns.__class__ = 1 %}{{ ns._Namespace__attrs }}",
    "{{ ({}).__class__ }}{{ (1).__class__ }}{{ (1.0).real.__class__ }}",
    "{{ ().__class__.__base__ }}",
    "{{ none.__class__ }}",
    "{{ title.encode }}",
    "{{ title.encode() }}",
    "{{ project.clear() }}",
    "{{ title | safe }}{{ title | pprint }}",
    "{{ title | tojson | xmlattr }}",
    "{{ [''] | map('attr', '__class__') | list }}",
    "{% import 'os' as os %}{{ os.environ }}",
    "{% from 'os' import environ %}{{ environ }}",
    "{{ undeclared.__class__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ url_for.__globals__ }}",
    "{{ request }}",
    "{{ env }}",
    "{{ environment }}",
    "{{ config }}",
    "{{ self }}",
    "{{ context }}",
    "{{ caller }}",
    "{{ range }}",
    "{{ namespace }}",
    "{{ title.upper }}",
    "{% debug %}",
    "{% do 1 %}",
    "{{ _('x') }}",
]
PATHS = [
    "../secret",
    "../../secret",
    "/etc/passwd",
    "{folder}/secret",
    "link",
    "linkdir",
    "t/000001.json",
    "./t",
    "t\\0",
    "file:///etc/passwd",
    "%2e%2e/secret",
    ".docgen-part-0",
    "",
]
SLOW_BOMBS = ["{{ (10 ** 9999) ** 9999 }}", "{{ ([[1] * 99999] * 99999) | sum(start=[]) }}"]
BOMBS = [
    "{% for i in range(10**9) %}{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99999) %}xxxxxxxxxxxxxxxxxxxx{% endfor %}{% endfor %}",
    "{% set ns = namespace(x='xxxxx') %}{% for i in range(99) %}{% set ns.x = ns.x * 2 %}{% endfor %}",
    "{{ 'x' * 10**10 }}",
    "{{ 10 ** (10 ** 9) }}",
    "{{ 'x'.center(10 ** 10) }}{{ '%0999999999d' % 3 }}",
    "{{ '{:>9999999999}'.format('x') }}",
    "{{ range(99999) | list | map('string') | join('x' * 99999) }}",
    "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
    "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{% if 1 %}" * 400 + "{% endif %}" * 400,
    "{{ " + "not " * 20000 + "1 }}",
    "{{ " + "1 + " * 20000 + "1 }}",
    "{{ ('a' * 60000 ~ '!') | inline }}{{ ('`' * 60000) | prose }}{{ ('- ' * 60000) | prose }}",
]


@pytest.fixture(autouse=True)
def canaries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: Path) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    monkeypatch.setenv("DOCGEN_SECRETS_DIR", str(tmp_path / CANARY))
    (tmp_path / "secret").write_text(CANARY)
    (root / ".env").write_text(CANARY)


@pytest.fixture
async def client(workspace: Workspace, templates: UserTemplates) -> AsyncIterator[Client]:
    async with Client(build_server(workspace, templates=templates)) as made:
        yield made


async def tried(client: Client, tool: str, **arguments: Any) -> tuple[bool, str, dict[str, Any]]:
    """Whether the call was refused, all that was said, and the structured answer."""
    result = await client.call_tool(tool, arguments)
    said = str(result.content) + str(result.structured_content)
    assert CANARY not in said
    assert "Traceback" not in said
    assert "/server_images/" not in said
    assert "site-packages" not in said
    assert "/lib/python" not in said
    return bool(result.is_error), said, dict(result.structured_content or {})


async def test_what_looks_like_a_template_in_data_is_printed_as_it_is(client: Client) -> None:
    source = "+++\n[variables.a]\n+++\n{{ a }}|{{ a | code }}|{% set b %}{{ a }}{% endset %}{{ b }}"
    await tried(client, "templates_create", name="t", source=source)
    _, _, got = await tried(client, "templates_render", name="t", variables={"a": "{{7*7}}{% x %}{# y #}"})
    assert got["markdown"] == "{{7\\*7}}{% x %}{# y #}|`{{7*7}}{% x %}{# y #}`|{{7\\*7}}{% x %}{# y #}\n"


async def test_data_cannot_break_out_of_its_place_in_the_markdown(client: Client) -> None:
    source = (
        "+++\n[variables.a]\n[variables.b]\ntype = 'list'\n+++\n"
        "{% macro row(x) %}| {{ x }} | {{ x | cell }} |\n{% endmacro %}\n"
        "{{ a }}\n{{ row(a) }}{% for x in b %}{{ row(x) }}{% endfor %}"
        "{{ (a | text) ~ a }}{{ ('{}' | code).format(a) }}{{ a | trim }}{{ a | default('x') }}{{ [a] }}"
    )
    hostile = "# x\n\n## Injected\n<script>x</script> [a](javascript:1) | `b` ![c](//d) **bold**"
    await tried(client, "templates_create", name="t", source=source)
    _, _, got = await tried(client, "templates_render", name="t", variables={"a": hostile, "b": [hostile]})
    parsed = MarkdownIt("commonmark", {"html": True}).enable("table").parse(got["markdown"])
    kinds = {
        token.type for token in [*parsed, *(inner for token in parsed for inner in token.children or [])]
    }
    assert "code_inline" in kinds
    assert not {kind for kind in kinds if kind.startswith(("html", "heading", "link", "image", "strong"))}
    assert got["sections"] == ["T"]


async def test_no_template_reaches_beyond_its_values(client: Client) -> None:
    for escape in ESCAPES:
        refused, said, _ = await tried(client, "templates_preview", source=escape)
        assert refused, (escape, said)
        assert "line 1" in said, (escape, said)


@pytest.mark.parametrize(
    "bomb",
    [
        *(pytest.param(bomb, id=bomb[:40]) for bomb in BOMBS),
        *(pytest.param(bomb, id=bomb[:40], marks=pytest.mark.soak) for bomb in SLOW_BOMBS),
    ],
)
async def test_a_bomb_is_stopped_in_two_seconds_and_the_server_lives(client: Client, bomb: str) -> None:
    begun = time.monotonic()
    refused, said, got = await tried(client, "templates_preview", source=bomb)
    took = time.monotonic() - begun
    assert took < STOPPED_S
    assert refused or got["bytes"] < 1 << 20, said
    refused, _, got = await tried(client, "templates_preview", source="alive")
    assert not refused
    assert got["markdown"] == "alive\n"


async def test_templates_that_include_each_other_for_ever_are_an_error(client: Client) -> None:
    await tried(client, "templates_create", name="a", source="a")
    await tried(client, "templates_create", name="b", source="{% include 'a' %}")
    refused, said, _ = await tried(
        client, "templates_update", name="a", source="{% include 'b' %}", expected_version=1
    )
    assert not refused, said
    refused, said, _ = await tried(client, "templates_render", name="a")
    assert refused
    assert "too deeply" in said
    await tried(client, "templates_create", name="self", source="{% extends 'self' %}")
    refused, said, _ = await tried(client, "templates_render", name="self")
    assert refused


@pytest.mark.parametrize("tag", ["include", "extends", "import"])
async def test_only_stored_templates_can_be_taken_in(client: Client, tmp_path: Path, tag: str) -> None:
    (tmp_path / "templates" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "templates" / "linkdir").symlink_to(tmp_path)
    (tmp_path / "000001.json").write_text('{"format": 1, "created": "", "by": "", "note": "", "source": "x"}')
    ending = " as m" if tag == "import" else ""
    for path in PATHS:
        wanted = path.replace("{folder}", str(tmp_path))
        for how in (f"'{wanted}'", f"'' ~ '{wanted}'"):
            refused, said, _ = await tried(client, "templates_preview", source=f"{{% {tag} {how}{ending} %}}")
            assert refused, (path, said)
            assert "there is no template" in said, path


NO_NAMES = ["T", "a b", "a--b", "-a", "a\nb", "é", "a.b", "nul\0", "x" * 65]


async def test_a_name_that_is_no_name_reaches_no_file(client: Client, tmp_path: Path) -> None:
    for name in (*(path for path in PATHS if "link" not in path), *NO_NAMES):
        await check_name_refused(client, tmp_path, name)


async def check_name_refused(client: Client, tmp_path: Path, name: str) -> None:
    before = sorted(os.walk(tmp_path / "templates"))
    for tool, more in (
        ("templates_create", {"source": "x"}),
        ("templates_update", {"source": "x", "expected_version": 1}),
        ("templates_show", {}),
        ("templates_history", {}),
        ("templates_diff", {}),
        ("templates_rollback", {"version": 1}),
        ("templates_delete", {}),
        ("templates_export", {}),
        ("templates_render", {}),
    ):
        refused, _, _ = await tried(client, tool, name=name, **more)
        assert refused, tool
    assert sorted(os.walk(tmp_path / "templates")) == before


async def test_a_link_in_the_place_of_a_template_is_never_followed(client: Client, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "templates" / "t").symlink_to(elsewhere)
    refused, _, _ = await tried(client, "templates_create", name="t", source="x")
    assert refused
    assert list(elsewhere.iterdir()) == []


async def test_a_missing_variable_is_an_error_with_name_and_line_and_writes_nothing(
    client: Client, root: Path
) -> None:
    refused, said, _ = await tried(client, "templates_create", name="t", source="one\n\n{{ ownr }}")
    assert refused
    assert "line 3: 'ownr'" in said
    source = "one\n{% if project.name is defined %}\n{{ project.nam }}\n{% endif %}"
    await tried(client, "templates_create", name="t", source=source)
    refused, said, _ = await tried(client, "templates_render", name="t", path="t.md")
    assert refused
    assert "template 't', line 3: there is no 'nam' here" in said.replace("\\", "")
    assert not (root / "docs" / "generated" / "t.md").exists()


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("a\n{{ b", 2),
        ("a\n{% if %}", 2),
        ("a\n\n{{ 'x' | nofilter }}", 3),
        ("a\n{% endfor %}", 2),
        ("+++\ntitle = 'x'\n+++\n{% for %}", 4),
        ("+++\ntitle = \nkind = 'x'\n+++\n", 2),
        ("+++\ntitle = 'x'\n", 0),
        ("{{ 1 is notest }}", 1),
        ("{% unknown %}", 1),
    ],
)
async def test_a_syntax_error_is_told_with_its_line(client: Client, source: str, line: int) -> None:
    refused, said, _ = await tried(client, "templates_create", name="t", source=source)
    assert refused
    assert f"line {line}" in said or line == 0


async def test_no_secret_is_reachable_by_any_name(client: Client) -> None:
    names = ["env", "config", "self", "environ", "os", "sys", "settings", "request", "app", "secrets"]
    for name in names:
        for expression in (name, f"{name}.items()", f"{name}['x']", f"{name}()"):
            await tried(client, "templates_preview", source=f"{{{{ {expression} }}}}")
    _, said, _ = await tried(client, "templates_preview", source="{{ project }}")
    assert ".env" not in said


@pytest.mark.parametrize(
    "text",
    ["x" * (10 << 20), "\ud800", "a\0b", "\x1b[31m", "a\u202eb", "PK\x03\x04\x00", "{{ 'x' }}" * 20_000],
    ids=["10 MB", "surrogate", "nul", "escape", "bidi", "binary", "180 kB"],
)
async def test_what_is_no_plain_text_of_bounded_size_is_refused(
    client: Client, templates: UserTemplates, text: str
) -> None:
    try:
        refused, _, _ = await tried(client, "templates_create", name="t", source=text)
        assert refused
    except UnicodeEncodeError:  # the client itself cannot send it
        assert text == "\ud800"
    assert templates.names() == []


async def test_line_ends_and_byte_order_marks_make_no_difference(client: Client) -> None:
    source = "+++\ntitle = 'x'\n+++\na\n{% if 1 %}\nb\n{% endif %}\nc"
    answers = []
    for number, text in enumerate(
        (source, source.replace("\n", "\r\n"), "\ufeff" + source, source.replace("\n", "\r"))
    ):
        _, _, stored = await tried(client, "templates_create", name=f"t{number}", source=text)
        _, _, got = await tried(client, "templates_render", name=f"t{number}")
        answers.append((stored["sha256"], got["sha256"]))
    assert len(set(answers)) == 1


async def test_each_denial_leaves_one_audit_line_and_a_mistake_none(client: Client) -> None:
    with structlog.testing.capture_logs() as lines:
        await tried(client, "templates_preview", source="{{ title.__class__ }}")
        await tried(client, "templates_show", name="../secret")
        await tried(client, "templates_preview", source="{{ 'x' * 10**10 }}")
        await tried(client, "templates_preview", source="{{ oops }}")
    denied = [(line["tool"], line["rule"]) for line in lines if line["event"] == "denied"]
    assert denied == [
        ("templates_preview", "sandbox"),
        ("templates_show", "name"),
        ("templates_preview", "memory"),
    ]


async def test_a_kind_whose_template_fails_says_where_and_leaves_no_document(
    client: Client, root: Path
) -> None:
    source = "+++\nkind = 'bad'\n+++\n# {{ title }}\n\n{{ project.nothing }}"
    await tried(client, "templates_create", name="bad", source=source)
    refused, said, _ = await tried(client, "docs_generate", kind="bad")
    assert refused
    assert "line 6" in said
    assert "there is no 'nothing' here" in said.replace("\\", "")
    assert not list((root / "docs" / "generated").glob("*.md"))

"""Carrying a template elsewhere: what comes back is what went, and hostile bundles are refused."""

import pytest
from docgen_main.user_templates import RefusedTemplateError, TemplateError, Version
from docgen_main.user_templates.bundle import pack, unpack
from hypothesis import given
from hypothesis import strategies as st

SOURCES = [
    "",
    "plain body",
    "+++\n+++\n",
    "+++\n\n+++\nbody\n",
    "+++\n# a comment\ntitle = 'T'   # kept\n\n[variables.a]\n+++\n# {{ title }}\n\n+++\nnot front matter\n",
    "+++\ntitle = 'no end of line'\n+++",
    "[export]\nbody that looks like a table",
]


def stored(source: str) -> Version:
    return Version("slo", 7, "2026-11-22T00:00:00Z", "", "", source)


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_comes_back_byte_for_byte(source: str) -> None:
    bundle = unpack(pack(stored(source)))
    assert (bundle.source, bundle.changed) == (source, False)
    assert (bundle.name, bundle.version) == ("slo", 7)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs"]), max_size=200))
def test_any_body_comes_back_byte_for_byte(body: str) -> None:
    for source in (body, f"+++\ntitle = 'x'\n+++\n{body}"):
        try:
            packed = pack(stored(source))
        except TemplateError:  # front matter without an end is never stored
            continue
        assert unpack(packed).source == source


def test_what_was_changed_on_the_way_is_said() -> None:
    assert unpack(pack(stored("one")).replace("one", "two")).changed


GOOD = pack(stored("+++\ntitle = 'T'\n+++\nbody"))


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "body only",
        "+++\ntitle = 'T'\n+++\nbody",
        GOOD.replace('name = "slo"', 'name = "../../etc"'),
        GOOD.replace('name = "slo"', "name = 7"),
        GOOD.replace('name = "slo"', 'name = """slo\n[export]\n"""'),
        GOOD.replace("version = 7", 'version = "7"'),
        GOOD.replace("version = 7", "version = true"),
        GOOD.replace("docgenctl-template/1", "docgenctl-template/2"),
        GOOD.replace("front = true", "front = true\nrun = 'x'"),
        GOOD.replace("[export]", "[[export]]"),
        GOOD.replace("[export]", "[export.more]"),
        GOOD.replace("[export]\n", "[export] # x\n"),
        GOOD.replace("front = true\n", ""),
        GOOD + "\0",
        GOOD.replace("body", "x" * 140_000),
        "+++\n" + "[" * 5_000 + "\n+++\n",
        "+++\n" + "a." * 5_000 + "b = 1\n+++\n",
        "PK\x03\x04",
    ],
    ids=range(19),
)
def test_what_is_no_exported_template_is_refused(hostile: str) -> None:
    with pytest.raises(RefusedTemplateError):
        unpack(hostile)

"""Files with comments are changed in one place, and every other byte stays."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docgenctl.clients.jsonc import Document, JsoncError, remove_member, set_member

ENTRY = {"command": "/x/docgenctl", "args": ["mcp"]}
PATH = ("servers", "docgenctl")

COMMENTED = """\
// servers of this workspace
{
    "inputs": [], // none
    /* all of them */
    "servers": {
        "first": { "command": "a" }, // keep me
        // and me
    },
}
"""


def test_an_entry_is_added_behind_comments_and_trailing_commas() -> None:
    changed = set_member(COMMENTED, PATH, ENTRY)
    assert changed == COMMENTED.replace(
        "        // and me\n",
        """\
        // and me
        "docgenctl": {
            "command": "/x/docgenctl",
            "args": [
                "mcp"
            ]
        },
""",
    )
    assert remove_member(changed, PATH) == COMMENTED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "// only a comment\n",
        "{}",
        "{ }\n",
        '{"servers": {}}',
        '{"servers":{"a":{}}}',
        '{\n\t"servers": {\n\t\t"a": 1\n\t}\n}\n',
        '{\r\n  "servers": {\r\n    "a": 1 // x\r\n  }\r\n}\r\n',
        '{"other": [1, 2, {"servers": 3}], "x": null}',
        '{"servers": {"docgenctl": {"old": true}, "z": 1}}',
        '{"servers": {"a": "\\u20ac \\" // no comment /* */"} /* end */ }',
    ],
)
def test_any_layout_takes_an_entry_and_gives_it_back(text: str) -> None:
    changed = set_member(text, PATH, ENTRY)
    value = Document(changed).value
    assert value["servers"]["docgenctl"] == ENTRY
    assert set_member(changed, PATH, ENTRY) == changed
    before = Document(text).value or {}
    before.setdefault("servers", {}).pop("docgenctl", None)
    assert Document(remove_member(changed, PATH)).value == before
    for comment in re.findall(r"// only a comment|// x|/\* end \*/", text):
        assert comment in changed


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", 1),
        ('{\n"a" 1}', 2),
        ('{"a": 1,\n\n"a": 2}', 3),
        ('{"a": tru}', 1),
        ('{"a": NaN}', 1),
        ('{"a": "x\n"}', 1),
        ("{} {}", 1),
        ('{"a": 1 "b": 2}', 1),
        ("[]", 1),
        ('{"servers": []}', 1),
        ('{"servers": "x"}', 1),
        ("/* never ends {}", 1),
        ("[" * 10_000, 1),
        ('{"a":' * 10_000, 1),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(JsoncError) as error:
        set_member(text, PATH, ENTRY)
    assert error.value.line == line


def test_removing_what_is_not_there_changes_nothing() -> None:
    assert remove_member(COMMENTED, PATH) == COMMENTED
    assert remove_member("", PATH) == ""


# -- any document ------------------------------------------------------------------------------------
KEYS = st.text(st.characters(codec="utf-8"), max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
BLANKS = st.sampled_from(["", " ", "\n", "  \n\t", "/* c */", "// c\n", '/**/ // "{[,\n', "\r\n"])


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A text with comments and commas wherever they may stand, and what it means."""
    value = draw(st.dictionaries(KEYS | st.just("servers"), VALUES, max_size=4))
    if draw(st.booleans()):
        value["servers"] = draw(st.dictionaries(KEYS | st.just("docgenctl"), VALUES, max_size=3))

    def blank() -> str:
        return draw(BLANKS)

    def written(item: Any) -> str:
        if isinstance(item, dict):
            members = [
                f"{blank()}{json.dumps(key)}{blank()}:{blank()}{written(below)}{blank()}"
                for key, below in item.items()
            ]
        elif isinstance(item, list):
            members = [f"{blank()}{written(below)}{blank()}" for below in item]
        else:
            return json.dumps(item, ensure_ascii=draw(st.booleans()))
        trailing = "," if members and draw(st.booleans()) else ""
        opening, closing = "{}" if isinstance(item, dict) else "[]"
        return f"{opening}{','.join(members)}{trailing}{blank()}{closing}"

    return f"{blank()}{written(value)}{blank()}", value


def without_blanks(text: str) -> str:
    """Text without white space and commas: what an edit elsewhere may touch at most."""
    return re.sub(r"[\s,]", "", text)


@settings(max_examples=400, deadline=None)
@given(documents(), VALUES.filter(lambda value: isinstance(value, dict)))
def test_one_member_changes_and_all_else_stays(document: tuple[str, dict[str, Any]], entry: Any) -> None:
    text, value = document
    assert Document(text).value == value
    if not isinstance(value.get("servers", {}), dict):
        with pytest.raises(JsoncError):
            set_member(text, PATH, entry)
        return
    changed = set_member(text, PATH, entry)
    wanted = {**value, "servers": {**value.get("servers", {}), "docgenctl": entry}}
    assert Document(changed).value == wanted
    if "docgenctl" in value.get("servers", {}):
        removed = remove_member(changed, PATH)
        del wanted["servers"]["docgenctl"]
        assert Document(removed).value == wanted
    else:
        removed = remove_member(changed, PATH)
        expected = text if "servers" in value else set_member(text, ("servers",), {})
        assert without_blanks(removed) == without_blanks(expected)

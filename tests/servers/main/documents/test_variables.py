"""What counts as an answer, and what is still to be asked."""

import pytest
from docgen_main.documents.variables import AnswersError, Variable, VariableType, missing, settle
from hypothesis import given
from hypothesis import strategies as st

OWNER = Variable("owner", "Who?")
TIER = Variable("tier", "Which?", "choice", required=False, default="silver", choices=("gold", "silver"))


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("text", "x", "x"),
        ("text", 3, "3"),
        ("integer", "42", 42),
        ("integer", 3.0, 3),
        ("integer", "9007199254740993", 9007199254740993),
        ("number", "1.5", 1.5),
        ("number", 2, 2.0),
        ("boolean", "Yes", True),
        ("boolean", False, False),
        ("list", "a\n\n b \n", ["a", "b"]),
        ("list", ["a", " "], ["a"]),
        ("choice", "gold", "gold"),
    ],
)
def test_an_answer_is_converted_to_the_type_that_is_declared(
    kind: VariableType, raw: object, value: object
) -> None:
    variable = Variable("v", "?", kind, choices=("gold",) if kind == "choice" else ())
    settled = settle((variable,), {"v": raw})
    assert settled == {"v": value}
    assert type(settled["v"]) is type(value)


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("text", True),
        ("text", ["x"]),
        ("integer", "1.5"),
        ("integer", True),
        ("integer", "9" * 5_000),
        ("integer", "inf"),
        ("number", "nan"),
        ("number", "1e999"),
        ("number", float("inf")),
        ("number", "x"),
        ("boolean", "maybe"),
        ("boolean", 1),
        ("list", [1]),
        ("list", {"a": "b"}),
        ("choice", "tin"),
        ("choice", "Gold"),
    ],
)
def test_a_wrong_answer_is_refused_by_name(kind: VariableType, raw: object) -> None:
    variable = Variable("v", "?", kind, choices=("gold",) if kind == "choice" else ())
    with pytest.raises(AnswersError, match=r"^v: must be "):
        settle((variable,), {"v": raw})


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(
        AnswersError,
        match=r"other: there is no such variable; there are owner, tier; tier: must be one of gold, silver",
    ):
        settle((OWNER, TIER), {"other": 1, "tier": "tin"})


@pytest.mark.parametrize("blank", [{}, {"owner": None, "tier": None}, {"owner": ""}])
def test_what_is_required_and_blank_is_missing(blank: dict[str, object]) -> None:
    values = settle((OWNER, TIER), blank)
    assert missing((OWNER, TIER), values) == (OWNER,)
    assert values["tier"] == "silver"


@given(
    st.sampled_from(["text", "integer", "number", "boolean", "list"]), st.text() | st.floats() | st.integers()
)
def test_any_answer_is_taken_or_refused_and_stays_what_it_became(kind: VariableType, raw: object) -> None:
    variable = Variable("v", "?", kind)
    try:
        values = settle((variable,), {"v": raw})
    except AnswersError:
        return
    assert settle((variable,), values) == values

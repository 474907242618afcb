"""``_meta`` as a server gets it: another token, a correlation id, and all else as the caller wrote it."""

import json
from typing import Any

import msgspec
import pytest
from docgen_orchestrator.fast.meta import read_meta
from hypothesis import example, given, settings
from hypothesis import strategies as st

MUST = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER_TRACE = b"00-11111111111111111111111111111111-2222222222222222-01"
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
plain = st.none() | st.integers() | texts
tokens = st.integers(-(10**20), 10**20) | texts
nested = st.fixed_dictionaries({}, optional={"progressToken": tokens, "traceparent": texts, "x": plain})
metas = st.dictionaries(texts, plain | nested, max_size=4)


@settings(deadline=None, max_examples=300)
@given(
    meta=metas,
    token=st.none() | tokens,
    trace=st.none() | st.just(TRACE) | texts,
    last=st.booleans(),
    blanks=st.booleans(),
)
@example(meta={}, token="1,2", trace=None, last=True, blanks=False)
@example(meta={}, token='a"b', trace=None, last=False, blanks=False)
@example(meta={}, token=-0, trace=TRACE, last=True, blanks=True)
@example(meta={"x": {"progressToken": 1}}, token=2, trace=None, last=True, blanks=True)
@example(meta={"x": {"progressToken": 1}}, token=None, trace=None, last=True, blanks=True)
@example(meta={"x": '"progressToken":1'}, token=None, trace=None, last=True, blanks=True)
def test_the_rest_is_as_the_caller_wrote_it(
    meta: dict[str, Any], token: int | str | None, trace: str | None, last: bool, blanks: bool
) -> None:
    own: dict[str, Any] = {} if token is None else {"progressToken": token}
    own |= {} if trace is None else {"traceparent": trace}
    said = {**MUST, **meta, **own, **({"z": 1} if last else {})}
    raw = json.dumps(said, indent=1 if blanks else None, ensure_ascii=False).encode()
    for _ in range(2):  # seen for the first time, and known
        found = read_meta(raw)
        assert found is not None
        assert (json.loads(found.token) if found.token else None) == token
        told = json.loads(found.told(b'"ours"' if found.token else b"", b"c-1", OTHER_TRACE))
        expected = {**said, "docgenctl/correlationId": "c-1"}
        if token is not None:
            expected["progressToken"] = "ours"
        if trace is None:
            expected["traceparent"] = OTHER_TRACE.decode()
        assert told == expected
        assert found.trace == (None if trace is None else TRACE.encode() if trace == TRACE else b"")


@pytest.mark.parametrize(
    "wrong",
    [
        {**MUST, "io.modelcontextprotocol/logLevel": "info"},
        {**MUST, "io.modelcontextprotocol/clientCapabilities": []},
        {**MUST, "io.modelcontextprotocol/clientInfo": "x"},
    ],
)
def test_what_the_raw_path_does_not_know_is_left_to_others(wrong: dict[str, Any]) -> None:
    assert read_meta(json.dumps(wrong).encode()) is None


@pytest.mark.parametrize("token", ["1.5", "true", "null", "{}", "[1]"])
def test_a_token_that_is_no_token_is_refused(token: str) -> None:
    known, raw = (json.dumps({**MUST, "progressToken": 0})[:-2] + text + "}" for text in ("1", token))
    assert read_meta(known.encode()) is not None
    with pytest.raises(msgspec.ValidationError):
        read_meta(raw.encode())


def test_a_name_that_stands_twice_is_refused() -> None:
    text = json.dumps({**MUST, "x": 1})[:-1]
    assert read_meta(f'{text},"x":2}}'.encode()) is None
    assert read_meta(f'{text},"progressToken":1,"progressToken":2}}'.encode()) is None

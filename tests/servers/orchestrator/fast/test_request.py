"""What the raw path takes, the SDK's own checks would have taken, and with the same meaning."""

import base64
import json
from typing import Any

from docgen_orchestrator.fast.request import read_head, read_request
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mcp.shared.inbound import (
    InboundModernRoute,
    classify_inbound_request,
    decode_header_value,
    find_duplicated_routing_header,
)
from mcp_types import JSONRPCRequest

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
HEADERS = (
    (b"host", b"localhost"),
    (b"authorization", b"Bearer dgk_x"),
    (b"content-type", b"application/json"),
    (b"accept", b"application/json, text/event-stream"),
    (b"mcp-protocol-version", b"2026-07-28"),
)
plain = st.none() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
names = st.sampled_from(["red_echo", "blue_echo", "", "ü", "a b", "=?base64?eA==?="])
methods = st.sampled_from(["tools/call", "tools/list", "resources/read", ""])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
metas = st.one_of(
    st.just(META),
    st.fixed_dictionaries(
        {"io.modelcontextprotocol/protocolVersion": st.sampled_from(["2026-07-28", "2025-11-25", 1, None])},
        optional={
            "io.modelcontextprotocol/clientCapabilities": anything,
            "io.modelcontextprotocol/clientInfo": anything,
            "io.modelcontextprotocol/logLevel": anything,
            "progressToken": anything,
            "traceparent": anything,
        },
    ),
    anything,
)
messages = st.fixed_dictionaries(
    {
        "jsonrpc": st.sampled_from(["2.0", "2.0", "2.0", "1.0", 2]),
        "id": st.one_of(st.integers(), st.text(max_size=5), anything),
        "method": methods,
        "params": st.one_of(
            anything,
            st.fixed_dictionaries(
                {"_meta": metas},
                optional={"name": names | anything, "arguments": anything, "requestState": anything},
            ),
        ),
    },
    optional={"result": anything},
)
lines = st.lists(
    st.sampled_from(
        [
            (b"mcp-method", b"tools/call"),
            (b"mcp-method", b"tools/list"),
            (b"mcp-name", b"red_echo"),
            (b"mcp-name", b"blue_echo"),
            (b"mcp-name", b"=?base64?" + base64.b64encode("ü".encode()) + b"?="),
            (b"mcp-param-text", b"x"),
            (b"x-correlation-id", b"c"),
        ]
    ),
    max_size=4,
)
PLAIN = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "red_echo", "_meta": META}}


@settings(max_examples=400, deadline=None)
@given(message=messages, more=lines)
@example(message=PLAIN, more=[(b"mcp-method", b"tools/call"), (b"mcp-name", b"red_echo")])
def test_whatever_it_takes_passes_the_sdks_ladder(
    message: dict[str, Any], more: list[tuple[bytes, bytes]]
) -> None:
    headers = [*HEADERS, *more]
    head = read_head(headers)
    if head is None:
        return
    body = json.dumps(message).encode()
    taken = read_request(body, head)
    if taken is None:
        return
    texts = [(name.decode(), value.decode()) for name, value in headers]
    request = JSONRPCRequest.model_validate(message)
    assert find_duplicated_routing_header(texts) is None
    assert isinstance(classify_inbound_request(message, headers=dict(texts)), InboundModernRoute)
    assert json.loads(taken.id) == request.id
    assert type(json.loads(taken.id)) is type(request.id)
    assert request.method == head.method.decode()
    if request.method == "tools/call":
        assert decode_header_value(head.name.decode()) == message["params"]["name"]


def test_the_plain_form_is_taken() -> None:
    head = read_head([*HEADERS, (b"mcp-method", b"tools/call"), (b"mcp-name", b"red_echo")])
    assert head is not None
    assert read_request(json.dumps(PLAIN).encode(), head) is not None


def test_a_key_anywhere_but_in_the_usual_line_is_not_looked_for() -> None:
    others = [line for line in HEADERS if line[0] != b"authorization"]
    for name, value in (
        ("authorization", "bearer dgk_x"),
        ("authorization", "Basic eDp5"),
        ("x-api-key", "x"),
    ):
        head = read_head([*others, (name.encode(), value.encode()), (b"mcp-method", b"tools/list")])
        assert head is not None
        assert head.key is None


def _body(params: str) -> bytes:
    meta = json.dumps(META)
    return f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"_meta":{meta},{params}}}}}'.encode()


def test_what_stands_twice_anywhere_is_not_taken() -> None:
    head = read_head([*HEADERS, (b"mcp-method", b"tools/call"), (b"mcp-name", b"red_echo")])
    assert head is not None
    good = _body('"name":"red_echo","arguments":{"a":{"b":1,"c":"x:y"}},"requestState":"a:b"')
    assert read_request(good, head) is not None
    for twice in (
        _body('"name":"red_echo","arguments":{"a":{"b":1,"b":2}}'),
        _body('"name":"red_echo","arguments":{"a":1,"\\u0061":2}'),
        _body('"name":"red_echo","name":"red_echo"'),
        _body('"name":"blue_echo","name":"red_echo"'),
        _body('"name":"red_echo","arguments":{},"arguments":{"a":1}'),
        _body(f'"name":"red_echo","_meta":{json.dumps(META)}'),
        _body('"name":"red_echo","inputResponses":{"x":1,"x":1}'),
        good.replace(b'"id":1', b'"id":1,"id":1'),
        good.replace(b'"jsonrpc":"2.0"', b'"jsonrpc":"2.0","method":"tools/call"'),
    ):
        assert read_request(twice, head) is None, twice
    # Written as an escape, a colon in a text would make up for the one that is missing.
    assert read_request(_body('"name":"red_echo","arguments":{"a":"\\u003a","a":1}'), head) is None

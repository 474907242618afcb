"""Requests on the wire, compared with what the official SDK makes of them."""

import json

import mcp_types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.shared import inbound
from mcp_types.version import LATEST_PROTOCOL_VERSION

from docgenctl.endpoint import wire


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("server/discover", {}),
        ("tools/list", {"cursor": "x"}),
        ("tools/call", {"name": "grüße an =?base64?x?=", "arguments": {"ä": 1}}),
        ("resources/read", {"uri": "docs://ein name"}),
    ],
)
def test_the_sdk_accepts_headers_and_body_of_each_method(method: str, params: dict[str, object]) -> None:
    body, headers = wire.encode(method, params, 3, progress=True)
    verdict = inbound.classify_inbound_request(
        json.loads(body), headers={name.lower(): value for name, value in headers.items()}
    )
    assert isinstance(verdict, inbound.InboundModernRoute)
    assert verdict.protocol_version == LATEST_PROTOCOL_VERSION == wire.PROTOCOL_VERSION
    assert verdict.client_info["name"] == "docgenctl"


def test_a_progress_token_is_sent_only_to_be_used() -> None:
    with_token, _ = wire.encode("tools/call", {"name": "a"}, 7, progress=True)
    without, _ = wire.encode("tools/call", {"name": "a"}, 7, progress=False)
    assert json.loads(with_token)["params"]["_meta"]["progressToken"] == 7
    assert "progressToken" not in json.loads(without)["params"]["_meta"]
    assert mcp_types.PROTOCOL_VERSION_META_KEY in json.loads(without)["params"]["_meta"]


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8")))
def test_the_sdk_reads_back_any_name_from_its_header(text: str) -> None:
    value = wire.header_value(text)
    assert value == inbound.encode_header_value(text)
    assert inbound.decode_header_value(value) == text

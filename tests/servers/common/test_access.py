"""What a log line says of a request."""

from docgen_common.access import _mcp_fields


def test_tools_are_named_but_never_the_id_of_a_task() -> None:
    headers = {b"mcp-method": b"tools/call", b"mcp-name": b"docs_generate"}
    assert _mcp_fields({"headers": headers.items()}) == {
        "mcp_method": "tools/call",
        "mcp_name": "docs_generate",
    }
    headers = {b"mcp-method": b"tasks/get", b"mcp-name": b"a-secret-of-its-owner"}
    assert _mcp_fields({"headers": headers.items()}) == {"mcp_method": "tasks/get"}

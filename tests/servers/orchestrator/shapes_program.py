"""A server whose answers are written by hand, byte by byte: ``python shapes_program.py PREFIX``.

The tool ``PREFIX_NAME`` gives ``RESULTS[NAME]``; with a progress token as a stream, after some progress. What
came is in the answer's ``_meta`` under ``test/came``.
"""

import json
import os
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PREFIX = sys.argv[1] if __name__ == "__main__" else "shape"
TEXT = '"content":[{"type":"text","text":"t"}]'
NUMBERS = (
    '{"big":123456789012345678901234567890,"safe":9007199254740993,"negative":-18446744073709551616,'
    '"one":1.0,"tenth":0.1,"tiny":5e-324,"huge":1.7976931348623157e308,"zero":-0.0,"exponent":1e2}'
)
STRINGS = (
    '{"control":"\\u0000\\u001f\\u007f","line":"\\u2028\\u2029","pair":"\\ud83d\\ude00","plain":"äß漢",'
    '"slash":"\\/","quote":"\\"\\\\","empty":"","":"no name"}'
)
LINK = (
    '{"type":"resource_link","uri":"shape://report","name":"report","title":"Report","mimeType":"text/plain",'
    '"size":5,"description":"A report.","annotations":{"audience":["user"],"priority":0.5}}'
)
RESULTS = {
    "numbers": f'{{"resultType":"complete",{TEXT},"structuredContent":{NUMBERS}}}',
    "strings": f'{{"resultType":"complete",{TEXT},"structuredContent":{STRINGS}}}',
    "nested": f'{{"resultType":"complete",{TEXT},"structuredContent":{{"a":{"[" * 60}{"]" * 60},"n":null}}}}',
    "list": f'{{"resultType":"complete",{TEXT},"structuredContent":[1,"two",null]}}',
    "scalar": f'{{"resultType":"complete",{TEXT},"structuredContent":3}}',
    "link": f'{{"resultType":"complete","content":[{LINK},{{"type":"text","text":"see above"}}]}}',
    "half": f'{{"resultType":"complete",{TEXT},"structuredContent":{{"half":"\\ud83d","low":"\\ude00"}}}}',
    "nan": f'{{"resultType":"complete",{TEXT},"structuredContent":{{"x":NaN}}}}',
    "infinity": f'{{"resultType":"complete",{TEXT},"structuredContent":{{"x":-Infinity}}}}',
    "list_only": '{"resultType":"complete","content":[],"structuredContent":[1,"two",null]}',
    "scalar_only": '{"resultType":"complete","content":[],"structuredContent":3}',
    "error": f'{{"resultType":"complete",{TEXT},"isError":true}}',
    "more": f'{{"resultType":"complete",{TEXT},"_meta":{{"vendor/x":{{"deep":[1]}}}},"extra":"kept"}}',
}
SCHEMAS = {
    "numbers": {"type": "object"},
    "strings": {"type": "object", "properties": {"plain": {"type": "string"}}},
    "list": {"type": "array"},
    "scalar": {"type": "integer"},
}


def result(name: str, size: int) -> str:
    if name == "text":
        return f'{{"resultType":"complete","content":[{{"type":"text","text":"{"x" * size}"}}]}}'
    return RESULTS[name]


def tools() -> list[dict[str, object]]:
    return [
        {
            "name": f"{PREFIX}_{name}",
            "title": name.title(),
            "description": "Has a shape.",
            "inputSchema": {"type": "object", "properties": {"size": {"type": "integer"}}},
            **({"outputSchema": SCHEMAS[name]} if name in SCHEMAS else {}),
        }
        for name in (*RESULTS, "text")
    ]


def answer(message: dict[str, object], headers: dict[str, str]) -> str:
    params = message["params"]
    if message["method"] == "tools/list":
        return json.dumps({"resultType": "complete", "ttlMs": 0, "cacheScope": "private", "tools": tools()})
    told = result(params["name"].removeprefix(f"{PREFIX}_"), params.get("arguments", {}).get("size", 0))
    came = {"_meta": params["_meta"], "headers": headers, "arguments": params.get("arguments")}
    if '"_meta"' in told:
        return told
    return f'{told[:-1]},"_meta":{{"test/came":{json.dumps(came)}}}}}'


async def mcp(request: Request) -> Response:
    message = json.loads(await request.body())
    number = message["id"]
    if message["method"] not in ("tools/list", "tools/call"):
        error = {"jsonrpc": "2.0", "id": number, "error": {"code": -32601, "message": "Method not found"}}
        return Response(json.dumps(error), 404, media_type="application/json")
    told = f'{{"jsonrpc":"2.0","id":{number},"result":{answer(message, dict(request.headers))}}}'
    token = message["params"]["_meta"].get("progressToken")
    if token is None:
        return Response(told, media_type="application/json")
    progress = {"progressToken": token, "progress": 1, "total": 2, "message": "half"}
    note = json.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress})
    events = f"event: message\ndata: {note}\n\nevent: message\ndata: {told}\n\n"
    return Response(events, media_type="text/event-stream")


if __name__ == "__main__":
    app = Starlette(routes=[Route("/mcp", mcp, methods=["POST"])])
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["DOCGEN_PORT"]), log_level="warning")

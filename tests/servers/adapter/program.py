"""A server over stdin and stdout, written by hand, that does what it is told to: well, badly, or not at all.

`program.py REVISION` speaks 2025-11-25 or 2024-11-05 (by `initialize`) and nothing newer. What a tool does is
in its name. Every message that arrives is noted in the file `heard` in the working directory.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

REVISION = sys.argv[1] if len(sys.argv) > 1 else "2025-11-25"
TOOLS = [
    "echo",
    "progress",
    "slow",
    "crash",
    "garbage",
    "huge",
    "huge_unnamed",
    "environment",
    "ask",
    "flood",
]
_write = threading.Lock()
_cancelled: dict[Any, threading.Event] = {}
_more: list[str] = []
_subscribed: set[str] = set()


def say(message: dict[str, Any]) -> None:
    """Write one message."""
    raw(json.dumps({"jsonrpc": "2.0", **message}))


def raw(line: str) -> None:
    """Write a line, whatever it is."""
    with _write:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def text(value: str) -> dict[str, Any]:
    """The result of a tool."""
    return {"content": [{"type": "text", "text": value, "x-unknown": {"kept": [1, None]}}]}


def progress(request_id: Any, arguments: dict[str, Any], token: Any) -> None:
    """Tell five steps."""
    for step in range(1, 6):
        time.sleep(0.02)
        note = {"progressToken": token, "progress": step, "total": 5, "message": arguments["say"]}
        say({"method": "notifications/progress", "params": note})
    echo(request_id, arguments, token)


def echo(request_id: Any, arguments: dict[str, Any], _: Any) -> None:
    """Answer with what was said."""
    say({"id": request_id, "result": text(arguments.get("say", "nothing"))})


def slow(request_id: Any, arguments: dict[str, Any], token: Any) -> None:
    """Answer late, or never when it is cancelled."""
    gone = _cancelled.setdefault(request_id, threading.Event())
    if not gone.wait(arguments.get("seconds", 60)):
        echo(request_id, arguments, token)


def crash(*_: Any) -> None:
    """End without a word."""
    os._exit(7)


def garbage(request_id: Any, arguments: dict[str, Any], token: Any) -> None:
    """Write what is no message, then answer."""
    raw("Listening on stdio…")
    raw('{"jsonrpc": "2.0", "id": ')
    raw("[" * 5000)
    echo(request_id, arguments, token)


def flood(request_id: Any, arguments: dict[str, Any], token: Any) -> None:
    """Write thousands of lines to stderr, then answer."""
    for number in range(5000):
        sys.stderr.write(f"noise {number}\n")
    echo(request_id, arguments, token)


def huge(request_id: Any, _: dict[str, Any], __: Any) -> None:
    """Answer with 100 MiB."""
    with _write:
        sys.stdout.write(f'{{"jsonrpc": "2.0", "id": {json.dumps(request_id)}, "result": {{"content": "')
        for _number in range(1600):
            sys.stdout.write("x" * 65536)
        sys.stdout.write('"}}\n')
        sys.stdout.flush()


def huge_unnamed(request_id: Any, _: dict[str, Any], __: Any) -> None:
    """Answer with 20 MB, and the id hidden in the middle."""
    padding = "y" * 2000
    raw(json.dumps({"x": padding, "id": request_id, "result": {"y": "y" * 20_000_000}}))


def environment(request_id: Any, _: dict[str, Any], __: Any) -> None:
    """Tell what it was started with."""
    found = {"environment": dict(os.environ), "argv": sys.argv[1:]}
    say({"id": request_id, "result": text(json.dumps(found))})


def ask(request_id: Any, arguments: dict[str, Any], token: Any) -> None:
    """Ask the client something in the middle of it."""
    params = {"message": "?", "requestedSchema": {"type": "object", "properties": {}}}
    say({"id": "mine-1", "method": "elicitation/create", "params": params})
    echo(request_id, arguments, token)


def grow(request_id: Any, arguments: dict[str, Any], token: Any) -> None:
    """Have one tool more."""
    _more.append("grown")
    say({"method": "notifications/tools/list_changed"})
    echo(request_id, arguments, token)


DOES = {
    made.__name__: made
    for made in (echo, progress, slow, crash, garbage, flood, huge, huge_unnamed, environment, ask, grow)
}


def initialize(_: dict[str, Any]) -> dict[str, Any]:
    """Say what it is."""
    return {
        "protocolVersion": REVISION,
        "capabilities": {"tools": {"listChanged": True}, "resources": {"subscribe": True}},
        "serverInfo": {"name": "program", "version": "1"},
    }


def tools(_: dict[str, Any]) -> dict[str, Any]:
    """All tools, with something that no revision knows."""
    more = {"inputSchema": {"type": "object"}, "x-vendor": {"a": 1}}
    return {"tools": [{"name": name, "description": name, **more} for name in (*DOES, *_more)]}


ANSWERS = {
    "initialize": initialize,
    "ping": lambda _: {},
    "tools/list": tools,
    "resources/list": lambda _: {"resources": [{"uri": "note://one", "name": "one"}]},
    "resources/subscribe": lambda _: {},
}


def answer(message: dict[str, Any]) -> None:
    """Answer one message."""
    method, request_id, params = message.get("method"), message.get("id"), message.get("params") or {}
    if method in ANSWERS:
        say({"id": request_id, "result": ANSWERS[method](params)})
        if method == "resources/subscribe":
            say({"method": "notifications/resources/updated", "params": {"uri": params["uri"]}})
    elif method == "notifications/cancelled":
        _cancelled.setdefault(params["requestId"], threading.Event()).set()
    elif method == "resources/read" and params["uri"] == "note://one":
        say({"id": request_id, "result": {"contents": [{"uri": "note://one", "text": "hello"}]}})
    elif method == "resources/read":
        say({"id": request_id, "error": {"code": -32002, "message": "no such note"}})
    elif method == "tools/call":
        token = params.get("_meta", {}).get("progressToken")
        work = (request_id, params.get("arguments") or {}, token)
        threading.Thread(target=DOES[params["name"]], args=work, daemon=True).start()
    elif request_id is not None and method is not None:
        say({"id": request_id, "error": {"code": -32601, "message": f"Method not found: {method}"}})


def main() -> None:
    """Read until stdin ends."""
    with Path("heard").open("a", encoding="utf-8") as heard:
        for line in sys.stdin:
            heard.write(line)
            heard.flush()
            answer(json.loads(line))


if __name__ == "__main__":
    main()

"""What a client is told of the stack before anything else; also while the stack is not there.

A client that gets an error for its first question gives up for good, and one that gets an answer comes back
when it is told that the lists have changed. So while nobody answers, the answer is what stacks offer.
"""

from collections.abc import Callable, Mapping
from typing import Any

from docgenctl import __version__
from docgenctl.endpoint.bridge.jobs import Job
from docgenctl.endpoint.bridge.messages import encoded, received
from docgenctl.endpoint.bridge.upstream import Upstream
from docgenctl.endpoint.wire import META, PROTOCOL_VERSION, headers
from docgenctl.model.errors import DocgenError

_TASKS = "io.modelcontextprotocol/tasks"
_SILENCE_S = 5.0


def discover(
    upstream: Upstream, job: Job, meta: Mapping[str, Any], log: Callable[[str], None]
) -> tuple[Mapping[str, Any], bool]:
    """The result of `server/discover`, and whether it was guessed because the stack did not answer.

    Raises CancelledError.
    """
    params = {"_meta": dict(meta)}
    body = encoded({"jsonrpc": "2.0", "id": "discover", "method": "server/discover", "params": params})
    sent = headers("server/discover", params, PROTOCOL_VERSION)
    try:
        *_, line = upstream.exchange(job, body, sent, "discover", silence_s=_SILENCE_S)
        found = received(line).body.get("result")
    except DocgenError as error:
        log(f"{error.message}; {error.hint}")
        return absent(error), True
    return (found, False) if isinstance(found, dict) else (absent(None), True)


def absent(error: DocgenError | None) -> dict[str, Any]:
    """What to offer while the stack is not there; the instructions say so to models and people."""
    why = f" Just now it does not answer: {error.message}; {error.hint}" if error is not None else ""
    return {
        "resultType": "complete",
        "supportedVersions": [PROTOCOL_VERSION],
        "capabilities": {
            "tools": {"listChanged": True},
            "prompts": {"listChanged": True},
            "resources": {"listChanged": True, "subscribe": True},
            "completions": {},
            "extensions": {_TASKS: {}},
        },
        "instructions": f"Tools, resources and prompts of a docgenctl stack.{why}",
        "ttlMs": 0,
        "cacheScope": "private",
        "_meta": {META + "serverInfo": {"name": "docgenctl", "title": "docgen", "version": __version__}},
    }

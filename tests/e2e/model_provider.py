"""A provider of language models outside the stack: a process of the host that speaks OpenAI's API.

It gives back the section that it was given with one sentence more, and keeps what it was asked.
"""

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

SENTENCE = "All of this was read in the files."


@dataclass
class ModelProvider:
    """Where it listens, and every request: headers and body."""

    port: int = 0
    requests: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)


@contextlib.contextmanager
def model_provider() -> Iterator[ModelProvider]:
    """The provider, on every address of this machine."""
    provider = ModelProvider()

    class Chat(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            provider.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            for chunk in _chunks(_worded(body["messages"][-1]["content"])):
                self.wfile.write(f"data: {chunk}\n\n".encode())

        def log_message(self, *arguments: object) -> None:
            return None

    with http.server.ThreadingHTTPServer(("0.0.0.0", 0), Chat) as server:
        provider.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield provider
        server.shutdown()
        thread.join()


def _worded(prompt: str) -> str:
    """The draft between its marks, with a sentence in front."""
    lines = prompt.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("Heading of the section: "))
    end = max(number for number, line in enumerate(lines) if line.startswith("END "))
    return "\n".join([SENTENCE, *lines[begin + 1 : end]])


def _chunks(text: str) -> Iterator[str]:
    def chunk(delta: dict[str, str], finish: str | None, **more: Any) -> str:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
        return json.dumps(head | more)

    middle = len(text) // 2
    yield chunk({"role": "assistant", "content": text[:middle]}, None)
    yield chunk({"content": text[middle:]}, None)
    yield chunk({}, "stop")
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    yield chunk({}, None, choices=[], usage=usage)
    yield "[DONE]"

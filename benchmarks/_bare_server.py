"""The floor of `tool_call.py`: the official SDK and nothing else, reading a file of a folder."""

import hashlib
import os
from pathlib import Path

import uvicorn
from mcp.server import MCPServer
from pydantic import BaseModel

WORKSPACE = Path(os.environ["BARE_WORKSPACE"])

server = MCPServer("bare")


class Text(BaseModel):
    """What `files_read` of `main` tells of a file, too."""

    path: str
    encoding: str
    content: str
    size: int
    sha256: str


@server.tool(description="Reads a file.")
def read(path: str) -> Text:
    """The text of a file; the SDK runs what is not async in a thread, as `main` does with what may block."""
    raw = (WORKSPACE / path).read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    return Text(path=path, encoding="utf-8", content=raw.decode(), size=len(raw), sha256=digest)


if __name__ == "__main__":
    uvicorn.run(
        server.streamable_http_app(stateless_http=True),
        host="127.0.0.1",
        port=int(os.environ["DOCGEN_PORT"]),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
    )

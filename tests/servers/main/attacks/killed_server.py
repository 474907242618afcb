"""A program that changes one file through the tools for ever, forked anew for each line it is told.

`python killed_server.py ROOT` answers each line on stdin with the process id of a new worker, as soon as that
has made its first changes. Forking from a process that has everything ready costs milliseconds, so that a
thousand kills are affordable.
"""

import asyncio
import logging
import os
import signal
import sys
from itertools import count

import structlog
from docgen_main.resources import DocumentServer
from docgen_main.server import build_server
from docgen_main.workspace import Workspace

SIZE = 200_000
HERE = "docs/generated/x"
THERE = "docs/generated/d/y"


async def change_for_ever(mcp: DocumentServer) -> None:
    """Write, edit and move the file, each time to a content of one letter alone."""
    for number in count():
        await mcp.call_tool("files_write", {"path": HERE, "content": "ab"[number % 2] * SIZE})
        edit = {"old": "ab"[number % 2] * SIZE, "new": "ba"[number % 2] * SIZE}
        await mcp.call_tool("files_edit", {"path": HERE, "edits": [edit]})
        await mcp.call_tool("files_move", {"path": HERE, "new_path": THERE, "overwrite": True})
        await mcp.call_tool("files_move", {"path": THERE, "new_path": HERE, "overwrite": True})
        if number == 0:
            print(os.getpid(), flush=True)  # noqa: T201


def main(root: str) -> None:
    """Fork a worker for each line of stdin."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    mcp = build_server(Workspace(root, "docs/generated"))
    for _ in sys.stdin:
        if os.fork() == 0:
            asyncio.run(change_for_ever(mcp))


if __name__ == "__main__":
    main(sys.argv[1])

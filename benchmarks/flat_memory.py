"""Whether `main` keeps its memory: resident memory after every thousand of 10,000 calls.

    make bench, or PYTHONPATH=<every server_images/*/src> python benchmarks/flat_memory.py

Calls are of every kind that is cheap: reading, listing, writing, a call that is refused, an unknown tool.
"""

import asyncio
import tempfile
from pathlib import Path

from _servers import Process, main_server, message_of
from tool_call import connect

CALLS, EACH = 10_000, 1_000
WARM = 2_000
KIB_A_CALL = 0.5


async def calls(process: Process) -> list[int]:
    """Resident memory in KiB after each `EACH` calls."""
    kinds = [
        message_of("files_read", {"path": "README.md"}, process.port),
        message_of("files_list", {"path": "."}, process.port),
        message_of("files_write", {"path": "docs/generated/again.txt", "content": "x" * 2000}, process.port),
        message_of("files_read", {"path": "../outside"}, process.port),
        message_of("no_such_tool", {}, process.port),
        message_of("docs_kinds", {}, process.port),
    ]
    connection = await connect(process.port)
    seen = []
    for number in range(1, WARM + CALLS + 1):
        reply = connection.send(kinds[number % len(kinds)])
        await reply.head()
        await reply.read()
        if number >= WARM and number % EACH == 0:
            seen.append(process.rss_kib())
    connection.abort()
    return seen


def main() -> None:
    """Start, call, print."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder, "workspace")
        workspace.mkdir()
        (workspace / "README.md").write_text("# A project\n\nWith a few words.\n" * 20)
        with main_server(Path(folder), workspace) as process:
            seen = asyncio.run(calls(process))
    print(" ".join(f"{kib / 1024:.1f}" for kib in seen), "MiB")
    grown = (seen[-1] - seen[0]) / CALLS
    print(f"grown by {grown:.3f} KiB a call over {CALLS} calls   (claim: below {KIB_A_CALL})")


if __name__ == "__main__":
    main()

"""Comments and reviews of ours that are found again: each carries a mark that only the token's holder makes.

The mark is a comment in the Markdown, which GitHub does not show. With a key of the caller's choice it is the
same in every call, so calling again finds what the first call wrote; without one it is random, and serves to
find out what became of a request whose answer was lost.
"""

import secrets
from collections.abc import Callable
from typing import Any

from docgen_common.auth import current_caller

from docgen_github.client import GitHubClient
from docgen_github.policy import RepositoryName
from docgen_github.reader import GitHubReader
from docgen_github.request import Look, Marked, comment

#: Pages of 100 that are searched for a mark.
LOOK_PAGES = 30


def marked_text(
    client: GitHubClient, tool: str, repository: RepositoryName, text: str, key: str | None
) -> Marked:
    """The text with its mark."""
    if key is None:
        return Marked(text, secrets.token_hex(12), random=True)
    mark = client.mark(current_caller() or "", tool, str(repository).lower(), key)
    return Marked(text, mark)


def look_for(
    reader: GitHubReader,
    repository: RepositoryName,
    *path: str | int,
    mark: str,
    fits: Callable[[Any], bool] = lambda _: True,
    **query: str,
) -> Look:
    """Finds an entry of a list by the mark in its body; it has to be the token's own."""

    async def look() -> dict[str, Any] | None:
        entries, _ = await reader.every(
            repository, *path, what=f"what was written in {repository}", pages=LOOK_PAGES, **query
        )
        own = await reader.own_login()
        for entry in entries:
            if not isinstance(entry, dict) or comment(mark) not in (entry.get("body") or ""):
                continue
            if own in (None, (entry.get("user") or {}).get("login")) and fits(entry):
                return entry
        return None

    return look

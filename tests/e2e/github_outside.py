"""A GitHub outside the stack: the emulator that others wrote, behind our front at an address of this machine.

The front is what the egress proxy reaches. It answers below `/api/v3`, as GitHub Enterprise does.
"""

import contextlib
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from docker import APIClient

from tests.e2e.outside import host_addresses
from tests.servers.github.emulated import Repository, fresh_repository
from tests.servers.github.emulator_process import InstallError, emulating, installed_emulator
from tests.servers.github.front import Front, fronting

#: Distinctive on purpose: it may be found in requests to the front, and nowhere else.
TOKEN = "ghp_CANARYa1c9e5f37b2d4860c1e3a5f7092b4d6e8f0"
BASE = "/api/v3"


@dataclass
class GitHubOutside:
    """The front and the emulator, and repositories in it; `address` and `port` are the front's.

    `work` and `documents` are private and may be changed, `secret` may only be read, `site` is public and may
    be changed, `foreign` is public and on no list.
    """

    front: Front
    emulator: str
    address: str
    port: int
    work: Repository
    documents: Repository
    secret: Repository
    site: Repository
    foreign: Repository

    def options(self, **more: Any) -> dict[str, Any]:
        """Options of a github server for this world."""
        changed = (self.work, self.documents, self.site)
        return {
            "api_url": self.front.url,
            "repositories": [one.full_name for one in (*changed, self.secret)],
            "write_repositories": [one.full_name for one in changed],
            "read_only": False,
            "toolsets": ["repos", "contents", "pulls", "issues", "checks", "releases", "publish"],
            **more,
        }


@contextlib.contextmanager
def github_outside(api: APIClient) -> Iterator[GitHubOutside]:
    """The emulator and its front, running."""
    try:
        place = installed_emulator()
    except InstallError as error:
        if os.environ.get("CI"):
            pytest.fail(f"the GitHub emulator could not be installed: {error}")
        pytest.skip("the GitHub emulator could not be installed; is there a network?")
    address = host_addresses(api)[0]
    with (
        emulating(place, _free_port()) as emulator,
        fronting(emulator, address=address, base=BASE) as front,
    ):
        front.tokens = {TOKEN: "bot"}
        privacy = (True, True, True, False, False)
        repositories = [fresh_repository(emulator, private=private) for private in privacy]
        yield GitHubOutside(front, emulator, address, urlsplit(front.url).port or 0, *repositories)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])

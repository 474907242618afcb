"""A repository in the emulator, as its owner and others see and change it beside the server."""

import json
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx2

_numbers = count(1)


@dataclass
class Repository:
    """A repository of the user bot; `emulator` is the emulator's URL."""

    emulator: str
    name: str

    @property
    def full_name(self) -> str:
        """As GitHub writes it."""
        return f"bot/{self.name}"

    @property
    def place(self) -> dict[str, str]:
        """The arguments that name the repository."""
        return {"owner": "bot", "repo": self.name}

    def direct(self, method: str, path: str, token: str = "tok_rev", **body: Any) -> Any:
        """What somebody else does at the emulator; not seen by the front."""
        with httpx2.Client(base_url=self.emulator, trust_env=False) as http:
            answer = http.request(
                method,
                f"/repos/bot/{self.name}{path}",
                headers={"authorization": f"Bearer {token}"},
                content=json.dumps(body) if body else None,
            )
            answer.raise_for_status()
            return answer.json() if answer.content else None

    def head(self, branch: str = "main") -> str:
        """The head commit of a branch."""
        return str(self.direct("GET", f"/branches/{branch}", "tok_bot")["commit"]["sha"])

    def open_pull(self, branch: str = "feature") -> dict[str, Any]:
        """A pull request with one file, by the user bot."""
        sha = self.head()
        self.direct("POST", "/git/refs", "tok_bot", ref=f"refs/heads/{branch}", sha=sha)
        change = {"message": "Add", "content": "aGVsbG8K", "branch": branch}
        self.direct("PUT", f"/contents/{branch}.txt", "tok_bot", **change)
        return dict(self.direct("POST", "/pulls", "tok_bot", title="Change", head=branch, base="main"))


def fresh_repository(emulator: str, *, private: bool = True) -> Repository:
    """A new repository with one commit, on which the user rev may write."""
    made = Repository(emulator, f"w{next(_numbers)}")
    with httpx2.Client(base_url=emulator, trust_env=False) as http:
        http.post(
            "/user/repos",
            headers={"authorization": "Bearer tok_bot"},
            content=json.dumps({"name": made.name, "private": private, "auto_init": True}),
        ).raise_for_status()
    made.direct("PUT", "/collaborators/rev", "tok_bot", permission="push")
    return made

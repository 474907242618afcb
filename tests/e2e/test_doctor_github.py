"""`docgenctl doctor github` by a real stack: gateway, orchestrator, server, egress proxy, and a GitHub."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from tests.docs.documents import blocks
from tests.e2e.conftest import MakeStack
from tests.e2e.outside import host_addresses
from tests.e2e.stack import Ran, Stack
from tests.servers.github.serving import served
from tests.servers.github.stand_in import Reply, StandIn, repository

TOKEN = "ghp_CANARYdoctor9a8b7c6d5e4f3a2b1c0d9e8f7a6b"


@pytest.fixture
def github(api: APIClient) -> Iterator[StandIn]:
    """A GitHub Enterprise of ours at an address of this machine, with a token that ends in a few days."""
    stand_in = StandIn()
    address = host_addresses(api)[0]
    ends = datetime.now(UTC) + timedelta(days=5, hours=1)
    headers = {
        "x-oauth-scopes": "gist",
        "github-authentication-token-expiration": f"{ends:%Y-%m-%d %H:%M:%S} UTC",
    }
    core = {"limit": 5000, "remaining": 4000, "reset": int(time.time()) + 1800}
    with served(stand_in.app, address=address) as port:
        stand_in.url = f"http://{address}:{port}/api/v3"
        stand_in.on("/api/v3/rate_limit", Reply({"resources": {"core": core}}, headers=headers))
        stand_in.on("/api/v3/user", Reply({"login": "octo"}, headers=headers))
        stand_in.on("/api/v3/repos/octo/demo", Reply(repository(), headers=headers))
        yield stand_in


def test_the_doctor_knows_of_github_what_the_server_sees_of_it(workspace: MakeStack, github: StandIn) -> None:
    options = {"api_url": github.url, "repositories": ["octo/demo"]}
    stack = workspace("ghdoctor", settings={"servers": {"github": {"options": options}}})
    (stack.directory / ".env").write_text(f"GITHUB_TOKEN={TOKEN}\n")

    before = doctored(stack)
    assert verdicts(before) == {
        "settings": "warning",
        "token": "unknown",
        "reach": "unknown",
        "rate": "unknown",
        "rights": "unknown",
        "repositories": "unknown",
    }
    assert "a classic token; whether GitHub takes it was not asked" in said(before, "token")
    assert found(before, "reach")["fix"] == "start it with: docgenctl up"
    assert (before.exit_code, github.seen) == (0, [])

    stack.up()
    well = doctored(stack)
    assert well.exit_code == 0, well
    assert verdicts(well) == {
        "settings": "warning",  # the token would travel unencrypted
        "token": "warning",
        "reach": "ok",
        "rate": "ok",
        "rights": "ok",
        "repositories": "ok",
    }
    assert "a classic token of octo, scopes gist; it ends on" in said(well, "token")
    assert said(well, "token").endswith("in 5 days")
    assert said(well, "reach").endswith("answers, through the egress proxy")
    assert said(well, "repositories") == "1 reached, 0 of them private"
    assert github.seen[-1].headers["authorization"] == f"Bearer {TOKEN}"

    stack.configure(
        {"servers": {"github": {"options": {"read_only": False, "write_repositories": ["octo/demo"]}}}}
    )
    changed = doctored(stack)
    assert said(changed, "settings").startswith("the running server still has other write_repositories")
    stack.up()
    writing = doctored(stack)
    assert writing.exit_code == 5
    assert said(writing, "rights") == "scope repo is missing: nothing can be changed"
    assert "github_merge_pull" in found(writing, "rights")["details"][1]

    github.on("/api/v3/rate_limit", Reply({}, 401))
    refused = doctored(stack)
    assert refused.exit_code == 5
    assert "(401)" in said(refused, "token")
    assert verdicts(refused)["reach"] == "ok"

    stack.configure({"servers": {"github": {"tools": {"deny": ["github_diagnose"]}}}})
    stack.up()
    denied = doctored(stack)
    assert denied.exit_code == 0
    assert "does not offer github_diagnose" in said(denied, "reach")
    assert "servers/github/tools" in found(denied, "reach")["fix"]

    stack.ok("stop")
    stopped = doctored(stack)
    assert stopped.exit_code == 0
    assert "nothing answers at" in said(stopped, "reach")
    assert "docgenctl up" in found(stopped, "reach")["fix"]


def test_every_command_of_the_page_runs_in_its_order(
    workspace: MakeStack, github: StandIn, tmp_path: Path
) -> None:
    stack = workspace("ghpage", settings={"servers": {"github": {"options": {"api_url": github.url}}}})
    good = {"x-oauth-scopes": "repo"}
    core = {"limit": 5000, "remaining": 4000, "reset": int(time.time()) + 1800}
    github.on("/api/v3/rate_limit", Reply({"resources": {"core": core}}, headers=good))
    github.on("/api/v3/user", Reply({"login": "octo"}, headers=good))
    github.on("/api/v3/repos/octo/demo", Reply(repository(permissions={"push": True}), headers=good))
    program = tmp_path / "bin" / "docgenctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m docgenctl "$@"\n')
    program.chmod(0o755)
    environ = {"GITHUB_TOKEN": TOKEN, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    examples = [one for one in blocks(language="sh") if one.document.name == "github.md"]
    assert [one.note for one in examples] == ["run by tests/e2e/test_doctor_github.py"] * 3
    printed = ""
    for example in examples:
        ran = subprocess.run(
            ["sh", "-e"],
            input=example.text,
            cwd=stack.directory,
            env=stack.environ | environ,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        printed += ran.stdout + ran.stderr
    assert '"full_name": "octo/demo"' in printed
    assert '"status": "dry_run"' in printed
    assert "reads octo/demo of " in printed
    assert TOKEN not in printed


def doctored(stack: Stack) -> Ran:
    """`doctor github`, as JSON and as text, which agree and never show the token."""
    told = stack.run("doctor", "github", "--json")
    text = stack.run("doctor", "github")
    assert text.exit_code == told.exit_code
    for check in told.document["checks"]:
        assert check["evidence"] in text.stdout
    for ran in (told, text):
        assert TOKEN not in ran.stdout + ran.stderr
        assert "Traceback" not in ran.stderr
    return told


def found(ran: Ran, name: str) -> dict[str, Any]:
    """One check."""
    (check,) = [one for one in ran.document["checks"] if one["name"] == name]
    return dict(check)


def said(ran: Ran, name: str) -> str:
    """Its evidence."""
    return str(found(ran, name)["evidence"])


def verdicts(ran: Ran) -> dict[str, str]:
    """Name → verdict."""
    return {one["name"]: one["verdict"] for one in ran.document["checks"]}

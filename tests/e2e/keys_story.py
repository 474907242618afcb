"""What holds for clients' keys on every engine: tests of containers and of processes run these same ones."""

import concurrent.futures
import signal
import time
from collections import Counter
from dataclasses import replace

import httpx2

from tests.e2e.stack import Door, Stack, wait_until
from tests.servers.wire import headers, message

WITHIN_S = 1.0


def make(stack: Stack, name: str, *argv: str) -> str:
    """A new key's value."""
    value: str = stack.ok("keys", "create", name, *argv, "--json").document["key"]
    return value


def status(http: httpx2.Client, key: str, tool: str = "docs_list", **more: str) -> httpx2.Response:
    """The answer to one tool call, which needs no arguments."""
    request = message("tools/call", {"name": tool, "arguments": {}})
    return http.post("/mcp", json=request, headers=headers(request, Authorization=f"Bearer {key}", **more))


def until(http: httpx2.Client, key: str, wanted: int) -> float:
    """Seconds until a call with the key is answered so."""
    begun = time.monotonic()
    while status(http, key).status_code != wanted:
        assert time.monotonic() - begun < 10
    return time.monotonic() - begun


class KeysStory:
    """Inherited by what has a `running_stack` and a `door`."""

    def test_a_new_key_works_within_a_second_and_a_revoked_one_is_refused_within_one(
        self, running_stack: Stack, door: Door
    ) -> None:
        before = running_stack.containers()
        with door.http() as http:
            key = make(running_stack, "timely", "--expires", "30d")
            assert until(http, key, 200) < WITHIN_S
            running_stack.ok("keys", "revoke", "timely")
            assert until(http, key, 401) < WITHIN_S
            refused = status(http, key)
            unknown = status(http, "dgk_nobody")
            assert refused.json() == unknown.json()
            assert http.post("/mcp/main", headers={"Authorization": f"Bearer {key}"}).status_code == 401
            assert http.get("/events", headers={"Authorization": f"Bearer {key}"}).status_code == 401
        assert running_stack.containers() == before

    def test_no_plan_sees_a_change_of_keys(self, running_stack: Stack) -> None:
        make(running_stack, "unplanned")
        assert running_stack.run("plan", "--detailed-exitcode").exit_code == 0
        before = running_stack.containers()
        running_stack.ok("keys", "revoke", "unplanned")
        assert running_stack.up()["steps"] == []
        assert running_stack.containers() == before

    def test_a_read_only_key_does_not_see_what_writes_and_gets_403_for_calling_it(
        self, running_stack: Stack, door: Door
    ) -> None:
        key = make(running_stack, "reader", "--scope", "*:read")
        with door.http() as http:
            until(http, key, 200)
            request = message("tools/list")
            told = http.post("/mcp", json=request, headers=headers(request, Authorization=f"Bearer {key}"))
            tools = {tool["name"]: tool for tool in told.json()["result"]["tools"]}
            everything = http.post("/mcp", json=request, headers=headers(request)).json()["result"]["tools"]
            writing = {t["name"] for t in everything if not t.get("annotations", {}).get("readOnlyHint")}
            assert writing
            assert tools.keys() == {tool["name"] for tool in everything} - writing
            for name in sorted(writing):
                answer = status(http, key, name)
                assert (answer.status_code, answer.json()["error"]["code"]) == (403, -32014), name
                for path in ("/mcp/main", "/mcp/github"):
                    request = message("tools/call", {"name": name, "arguments": {}})
                    sent = headers(request, Authorization=f"Bearer {key}")
                    assert "result" not in http.post(path, json=request, headers=sent).json(), (path, name)
        running_stack.ok("keys", "revoke", "reader")

    def test_what_is_done_with_a_key_is_done_in_its_name_whatever_it_claims(
        self, running_stack: Stack, door: Door
    ) -> None:
        key = make(running_stack, "alice")
        with door.http() as http:
            until(http, key, 200)
            arguments = {"name": "of-alice", "source": "hers"}
            request = message("tools/call", {"name": "templates_create", "arguments": arguments})
            claimed = {"X-Docgen-Caller": "upstream-main", "X-Upstream-Authorization": "Bearer x"}
            sent = headers(request, Authorization=f"Bearer {key}", **claimed)
            assert http.post("/mcp", json=request, headers=sent).status_code == 200
        told = running_stack.ok("templates", "history", "of-alice", "--json").document
        assert [version["by"] for version in told["versions"]] == ["alice"]
        running_stack.ok("templates", "delete", "of-alice", "--yes")
        running_stack.ok("keys", "revoke", "alice")

    def test_a_noisy_key_gets_its_rate_whatever_it_claims_and_hurts_no_other(
        self, running_stack: Stack, door: Door
    ) -> None:
        noisy = make(running_stack, "noisy", "--rate", "30/m")
        quiet = make(running_stack, "quiet", "--rate", "600/m")
        with door.http() as http:
            until(http, quiet, 200)
            wait_until(lambda: status(http, noisy).status_code == 200)
            time.sleep(4.1)  # what it took to see that the key is known has come back
            begun = time.monotonic()

            def call(number: int) -> httpx2.Response:
                claimed = {"X-Forwarded-For": f"10.1.2.{number % 250}", "X-Real-IP": f"10.3.2.{number % 250}"}
                return status(http, noisy, **claimed)

            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                noise = pool.map(call, range(300))
                calm = [status(http, quiet).status_code for _ in range(20)]
                answers = list(noise)
            counted = Counter(answer.status_code for answer in answers)
            earned = (time.monotonic() - begun) * 0.5 + 1
            assert set(counted) == {200, 429}
            assert 29 <= counted[200] <= 30 + earned, counted
            assert calm == [200] * 20
            refused = next(answer for answer in answers if answer.status_code == 429)
            assert int(refused.headers["retry-after"]) in (1, 2)
            assert refused.headers["ratelimit"].startswith('"key";r=0;t=')
        for name in ("noisy", "quiet"):
            running_stack.ok("keys", "revoke", name)

    def test_what_a_command_killed_on_the_way_left_is_finished_by_the_next(
        self, running_stack: Stack, door: Door
    ) -> None:
        """kill -9 at any moment of a revocation: repeated, it holds; `up` makes it hold too."""
        before = running_stack.containers()
        with door.http() as http:
            for number, delay in enumerate((0.15, 0.3, 0.45, 0.6)):
                key = make(running_stack, f"killed-{number}")
                until(http, key, 200)
                running = running_stack.start("keys", "revoke", f"killed-{number}")
                time.sleep(delay)
                running.send_signal(signal.SIGKILL)
                running.communicate()
                if number % 2:
                    running_stack.ok("keys", "revoke", f"killed-{number}")
                    assert until(http, key, 401) < WITHIN_S
                elif _is_revoked(running_stack, f"killed-{number}"):
                    running_stack.up()
                    assert until(http, key, 401) < WITHIN_S
                else:
                    running_stack.up()
                    assert status(http, key).status_code == 200
                    running_stack.ok("keys", "revoke", f"killed-{number}")
        assert running_stack.containers() == before

    def test_an_expired_key_is_refused_and_listed_as_such(self, running_stack: Stack, door: Door) -> None:
        ends = time.time() + 4
        told = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends))
        key = make(running_stack, "short", "--expires", told)
        ends = float(int(ends))
        with door.http() as http:
            until(http, key, 200)
            while time.time() < ends - 0.3:
                assert status(http, key).status_code == 200
            time.sleep(max(0.0, ends + 0.1 - time.time()))
            assert status(http, key).status_code == 401
        listed = {k["name"]: k["state"] for k in running_stack.ok("keys", "list", "--json").document}
        assert listed["short"] == "expired"
        assert any("expired key refused" in line["text"] for line in running_stack.logs("orchestrator"))
        running_stack.ok("keys", "revoke", "short")

    def test_the_default_key_can_be_replaced_while_the_stack_runs(
        self, running_stack: Stack, door: Door
    ) -> None:
        assert running_stack.run("keys", "revoke", "default").exit_code == 6
        running_stack.ok("keys", "revoke", "default", "--yes")
        with door.http() as http:
            assert until(http, door.key, 401) < WITHIN_S
            fresh = Door.of(running_stack.endpoint()).key
            assert fresh != door.key
            assert until(http, fresh, 200) < WITHIN_S
        running_stack.ok("health")

    def test_a_key_made_while_the_stack_is_stopped_works_when_it_is_back(
        self, running_stack: Stack, door: Door
    ) -> None:
        running_stack.ok("stop")
        key = make(running_stack, "patient")
        running_stack.ok("start")
        with replace(door, key=key).http() as http:
            assert until(http, key, 200) < WITHIN_S
        running_stack.ok("keys", "revoke", "patient")


def _is_revoked(stack: Stack, name: str) -> bool:
    listed = stack.ok("keys", "list", "--all", "--json").document
    return any(key["name"] == name and key["revoked"] for key in listed)

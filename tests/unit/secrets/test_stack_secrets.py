"""Every secret a stack needs: made once, reused, and given only to who may read it."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from docgenctl.model.blueprint import Server
from docgenctl.model.errors import ConfigurationError, RefusedError
from docgenctl.model.image_facts import ImageFacts, SecretFacts
from docgenctl.model.secret import Secret
from docgenctl.model.stack import Limits
from docgenctl.secrets.keys import hash_key
from docgenctl.secrets.stack_secrets import StackSecrets, content_version, ensure_stack_secrets, secret_facts
from docgenctl.secrets.store import FileStore

NOW = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)
SALT = "00" * 31 + "01"
TOKEN = SecretFacts(name="github-token", environment="GITHUB_TOKEN", description="Token for the GitHub API.")


def server(name: str, *secrets: SecretFacts) -> Server:
    facts = ImageFacts(name=name, title=name, description=name, module=f"docgen_{name}", secrets=secrets)
    return Server(
        name=name,
        facts=facts,
        limits=Limits(cpus=1.0, memory_bytes=2**28, pids=128),
        options={},
        egress_hosts=(),
        secrets=secrets,
        gateway_port=None,
        gateway_health_port=None,
    )


SERVERS = [server("main"), server("github", TOKEN)]


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "state"
    directory.mkdir(mode=0o700)
    return directory


def ensure(state_dir: Path, servers: list[Server] = SERVERS, **more: Any) -> StackSecrets:
    return ensure_stack_secrets(FileStore(state_dir), state_dir, servers, **{"now": NOW} | more)


def revealed(secrets: StackSecrets, service: str) -> dict[str, bytes]:
    return {
        name: value.reveal_bytes() if isinstance(value, Secret) else value
        for name, value in secrets.files_for(service).items()
    }


def test_each_service_is_given_what_it_needs_and_nothing_else(state_dir: Path) -> None:
    secrets = ensure(state_dir, environ={"GITHUB_TOKEN": "ghp_x"})
    assert set(secrets.files_for("orchestrator")) == {"api-keys.json", "upstream-main", "upstream-github"}
    assert set(secrets.files_for("main")) == {"api-keys.json"}
    assert set(secrets.files_for("github")) == {"api-keys.json", "github-token"}
    assert revealed(secrets, "github")["github-token"] == b"ghp_x"
    assert secrets.files_for("gateway") == secrets.files_for("egress") == {}


def test_servers_know_only_the_hash_of_the_key_that_the_orchestrator_holds(state_dir: Path) -> None:
    secrets = ensure(state_dir)
    for name in ("main", "github"):
        document = json.loads(revealed(secrets, name)["api-keys.json"])
        raw = Secret(revealed(secrets, "orchestrator")[f"upstream-{name}"])
        assert [key["sha256"] for key in document["keys"]] == [hash_key(raw)]
        assert [key["id"] for key in document["keys"]] == [f"upstream-{name}"], "whose word it is"
        assert raw.reveal_bytes() not in revealed(secrets, name)["api-keys.json"]


def test_the_orchestrator_accepts_the_clients_key_and_the_servers_do_not(state_dir: Path) -> None:
    secrets = ensure(state_dir)
    digest = hash_key(secrets.key).encode()
    assert digest in revealed(secrets, "orchestrator")["api-keys.json"]
    assert digest not in revealed(secrets, "main")["api-keys.json"]


def test_the_clients_key_is_in_exactly_one_file(state_dir: Path) -> None:
    secrets = ensure(state_dir)
    raw = secrets.key.reveal_bytes()
    holders = [path for path in state_dir.rglob("*") if path.is_file() and raw in path.read_bytes()]
    assert holders == [secrets.api_key_file] == [state_dir / "api-key"]
    assert secrets.api_key_file.read_bytes() == raw + b"\n"
    assert secrets.api_key_file.lstat().st_mode & 0o7777 == 0o600


def test_a_second_start_on_another_day_changes_nothing(state_dir: Path) -> None:
    first = ensure(state_dir)
    before = {path: path.read_bytes() for path in state_dir.rglob("*") if path.is_file()}
    again = ensure(state_dir, now=NOW + timedelta(days=40))
    assert {path: path.read_bytes() for path in state_dir.rglob("*") if path.is_file()} == before
    for service in ("orchestrator", "main", "github"):
        assert revealed(again, service) == revealed(first, service)


def test_a_server_that_is_switched_off_and_on_again_keeps_its_key_and_date(state_dir: Path) -> None:
    first = ensure(state_dir)
    ensure(state_dir, SERVERS[:1], now=NOW + timedelta(days=1))
    again = ensure(state_dir, now=NOW + timedelta(days=2))
    assert revealed(again, "github") == revealed(first, "github")


def test_a_replaced_key_has_a_creation_date_of_its_own(state_dir: Path) -> None:
    ensure(state_dir)
    (state_dir / "api-key").unlink()
    again = ensure(state_dir, now=NOW + timedelta(days=1))
    document = json.loads(revealed(again, "orchestrator")["api-keys.json"])
    assert document["keys"][0]["created"] == "2026-11-23T10:00:00Z"
    assert (
        json.loads(revealed(again, "main")["api-keys.json"])["keys"][0]["created"] == "2026-11-22T10:00:00Z"
    )


@pytest.mark.parametrize("damage", [b"", b"[]", b"{", b'{"default": 3}', b"\xff"])
def test_damaged_dates_cost_dates_and_no_key(state_dir: Path, damage: bytes) -> None:
    first = ensure(state_dir)
    (state_dir / "api-key-dates.json").write_bytes(damage)
    again = ensure(state_dir, now=NOW + timedelta(days=1))
    assert again.key == first.key
    assert again.files["orchestrator"]["upstream-main"] == first.files["orchestrator"]["upstream-main"]


@pytest.mark.parametrize("content", [b"", b"\n", b"changeme\n", b"dgk_" + b"A" * 43 + b"\n"])
def test_a_blank_or_example_key_is_refused(state_dir: Path, content: bytes) -> None:
    ensure(state_dir)
    (state_dir / "api-key").write_bytes(content)
    with pytest.raises(RefusedError) as error:
        ensure(state_dir)
    assert error.value.code == "weak_key"
    assert "changeme" not in error.value.message + error.value.hint


def test_an_example_key_of_a_server_is_refused(state_dir: Path) -> None:
    FileStore(state_dir).put("upstream-main", Secret("changeme"))
    with pytest.raises(RefusedError, match="upstream-main"):
        ensure(state_dir)


def test_a_key_file_that_is_a_link_is_refused(state_dir: Path) -> None:
    (state_dir / "api-key").symlink_to(state_dir / "elsewhere")
    with pytest.raises(RefusedError, match="symbolic link"):
        ensure(state_dir)
    assert not (state_dir / "elsewhere").exists()


def test_a_state_directory_open_to_others_is_refused(state_dir: Path) -> None:
    state_dir.chmod(0o755)
    with pytest.raises(RefusedError, match="0755"):
        ensure(state_dir)


def test_a_required_secret_that_is_not_set_names_its_variable(state_dir: Path) -> None:
    required = TOKEN.model_copy(update={"required": True})
    with pytest.raises(ConfigurationError, match="github-token") as error:
        ensure(state_dir, [server("github", required)], environ={"GITHUB_TOKEN": " "})
    assert "GITHUB_TOKEN" in error.value.hint


def test_nothing_secret_shows_in_a_repr(state_dir: Path) -> None:
    secrets = ensure(state_dir, environ={"GITHUB_TOKEN": "ghp_very_secret"})
    shown = repr(secrets) + str(secrets) + f"{secrets.files}"
    assert "dgk_" not in shown
    assert "ghp_very_secret" not in shown


def test_files_are_private_under_an_open_umask(state_dir: Path) -> None:
    before = os.umask(0)
    try:
        ensure(state_dir)
    finally:
        os.umask(before)
    for path in state_dir.rglob("*"):
        assert path.lstat().st_mode & 0o077 == 0, path


def test_the_version_does_not_depend_on_order_or_on_how_bytes_are_wrapped() -> None:
    files: dict[str, bytes | Secret] = {"a": b"1", "b": Secret("2")}
    assert content_version(files, SALT) == content_version({"b": b"2", "a": Secret("1")}, SALT)


def test_the_version_changes_with_any_name_byte_or_salt() -> None:
    versions = [
        content_version({"a": b"1", "b": b"2"}, SALT),
        content_version({"a": b"1", "b": b"3"}, SALT),
        content_version({"a": b"1", "c": b"2"}, SALT),
        content_version({"a": b"1"}, SALT),
        content_version({}, SALT),
        content_version({"a": b"", "b": b"12"}, SALT),
        content_version({"a": b"1", "b": b"2"}, SALT[::-1]),
        content_version({"ab": b"c"}, SALT),
        content_version({"a": b"bc"}, SALT),
    ]
    assert len(set(versions)) == len(versions)
    assert all(len(version) == 40 for version in versions)


@pytest.mark.parametrize("salt", ["", "00" * 15, "00" * 65])
def test_a_salt_of_another_length_is_our_mistake(salt: str) -> None:
    with pytest.raises(ValueError, match="salt"):
        content_version({}, salt)


def test_the_store_of_rates_knows_the_hash_of_its_one_password(state_dir: Path) -> None:
    secrets = ensure(state_dir, shared_limits=True)
    password = revealed(secrets, "orchestrator")["limits-store"]
    users = revealed(secrets, "valkey")["users.acl"].decode()
    assert password.decode() not in users
    default, orchestrator = users.splitlines()
    assert default.startswith("user default off resetpass ")
    assert f"user orchestrator on #{hash_key(Secret(password))} ~rate:* resetchannels -@all " in orchestrator
    assert ensure(state_dir, shared_limits=True).files_for("valkey") == secrets.files_for("valkey")
    assert "limits-store" not in ensure(state_dir).files_for("orchestrator")
    (fact,) = [f for f in secret_facts(state_dir, (), {}) if f.name == "limits-store"]
    assert (fact.held_by, fact.checked_by) == (("orchestrator",), ("valkey",))
    assert fact.created == "2026-11-22T10:00:00Z"

"""Keys and a running stack: what is touched, what plans see of it, and what a killed command leaves."""

import json
from typing import Any

import pytest

from docgenctl.actions.client_keys import create_key, list_keys, revoke_key
from docgenctl.model.client_key import ClientKey
from docgenctl.model.errors import EngineError, RefusedError, UsageError
from docgenctl.model.history import Result
from docgenctl.model.secret import Secret
from docgenctl.secrets.client_keys import ClientKeyFile
from docgenctl.secrets.keys import hash_key
from docgenctl.secrets.stack_secrets import API_KEY_FILE
from docgenctl.state.history import History
from tests.unit.actions.conftest import OpenWith
from tests.unit.actions.stage import Stage

LATER = "2030-01-01T00:00:00Z"
VOLUME = "orchestrator-secrets"


def wanted(name: str = "ci", **more: Any) -> ClientKey:
    return ClientKey(name=name, sha256="", created="", **more)


def accepted(stage: Stage) -> dict[str, dict[str, Any]]:
    """Id → entry of the keys that the orchestrator finds in its volume."""
    content = stage.engine.volume(f"demo_{VOLUME}").files["api-keys.json"]
    raw = content.reveal_bytes() if isinstance(content, Secret) else content
    return {entry["id"]: entry for entry in json.loads(raw)["keys"]}


@pytest.fixture
def running(stage: Stage) -> Stage:
    stage.decide_and_do()
    stage.engine.calls.clear()
    return stage


def test_a_running_stack_gets_a_new_key_by_one_filling_and_no_container_is_touched(running: Stage) -> None:
    change = create_key(
        running.opened,
        running.engine,
        wanted(scopes=("main:read",), rate="10/s", tool_rates=(("docs_*", "1/m"),), expires=LATER),
    )
    assert running.engine.calls == [("fill_volume", VOLUME)]
    assert change.delivered
    assert change.value is not None
    entry = accepted(running)["ci"]
    assert entry["sha256"] == hash_key(change.value)
    assert (entry["scopes"], entry["rate"]) == (["main:read"], "10/s")
    assert (entry["tool_rates"], entry["expires"]) == ({"docs_*": "1/m"}, LATER)
    assert set(accepted(running)) == {"default", "ci"}


def test_the_value_is_in_no_file_of_the_state_and_in_no_volume(running: Stage) -> None:
    change = create_key(running.opened, running.engine, wanted())
    assert change.value is not None
    raw = change.value.reveal_bytes()
    assert not [p for p in running.opened.state_dir.rglob("*") if p.is_file() and raw in p.read_bytes()]
    for volume in running.engine.volumes.values():
        for value in volume.files.values():
            assert raw not in (value.reveal_bytes() if isinstance(value, Secret) else value)
    assert "dgk_" not in repr(change)


def test_a_plan_after_it_is_empty_and_the_next_up_does_nothing(running: Stage) -> None:
    create_key(running.opened, running.engine, wanted())
    running.engine.calls.clear()
    assert running.decide_and_do().empty
    assert running.engine.calls == []
    revoke_key(running.opened, running.engine, "ci")
    running.engine.calls.clear()
    assert running.decide_and_do().empty
    assert running.engine.calls == []


def test_a_revoked_key_is_out_of_the_volume_and_stays_in_the_list(running: Stage) -> None:
    create_key(running.opened, running.engine, wanted())
    change = revoke_key(running.opened, running.engine, "ci")
    assert (change.delivered, change.changed) == (True, True)
    assert set(accepted(running)) == {"default"}
    assert [key.name for key in list_keys(running.opened)] == ["default", "ci"]
    with pytest.raises(UsageError) as error:
        revoke_key(running.opened, running.engine, "nobody")
    assert (error.value.code, error.value.hint) == ("unknown_key", "there are: default")


def test_revoking_again_tells_the_stack_again(running: Stage) -> None:
    create_key(running.opened, running.engine, wanted())
    first = revoke_key(running.opened, running.engine, "ci")
    running.engine.calls.clear()
    again = revoke_key(running.opened, running.engine, "ci")
    assert (again.changed, again.delivered, again.key.revoked) == (False, True, first.key.revoked)
    assert running.engine.calls == [("fill_volume", VOLUME)]
    told = History(running.opened.state_dir).entries()[-1]
    assert told.result is Result.UNCHANGED


def test_the_default_key_is_replaced_by_another_and_the_old_one_opens_nothing(running: Stage) -> None:
    file = running.opened.state_dir / API_KEY_FILE
    before = file.read_bytes()
    revoke_key(running.opened, running.engine, "default")
    after = file.read_bytes()
    assert after != before
    assert file.stat().st_mode & 0o777 == 0o600
    assert accepted(running)["default"]["sha256"] == hash_key(Secret(after.strip()))
    running.engine.calls.clear()
    assert running.decide_and_do().empty
    assert running.engine.calls == []


def test_what_a_command_killed_before_the_filling_left_is_delivered_by_the_next_up(running: Stage) -> None:
    ClientKeyFile(running.opened.state_dir).add(
        ClientKey(name="ci", sha256="a" * 64, created="2026-11-30T12:00:00Z")
    )
    assert set(accepted(running)) == {"default"}
    assert running.decide_and_do().empty
    assert running.engine.calls == [("fill_volume", VOLUME)]
    assert set(accepted(running)) == {"default", "ci"}
    running.engine.calls.clear()
    running.decide_and_do()
    assert running.engine.calls == []


def test_it_is_delivered_by_the_next_change_of_keys_too(running: Stage) -> None:
    ClientKeyFile(running.opened.state_dir).add(
        ClientKey(name="ci", sha256="a" * 64, created="2026-11-30T12:00:00Z")
    )
    create_key(running.opened, running.engine, wanted("another"))
    assert set(accepted(running)) == {"default", "ci", "another"}


def test_a_key_that_the_stack_cannot_be_told_of_is_not_made(running: Stage) -> None:
    running.engine.fail_next("fill_volume", EngineError("no space"))
    with pytest.raises(EngineError, match="no space"):
        create_key(running.opened, running.engine, wanted())
    assert [key.name for key in list_keys(running.opened)] == ["default"]
    assert running.decide_and_do().empty
    assert set(accepted(running)) == {"default"}


def test_a_revocation_that_the_stack_was_not_told_of_holds_at_the_next_try(running: Stage) -> None:
    create_key(running.opened, running.engine, wanted())
    running.engine.fail_next("fill_volume", EngineError("no space"))
    with pytest.raises(EngineError):
        revoke_key(running.opened, running.engine, "ci")
    assert "ci" in accepted(running)
    revoke_key(running.opened, running.engine, "ci")
    assert "ci" not in accepted(running)


def test_without_a_stack_keys_are_kept_for_the_next_up(stage: Stage) -> None:
    change = create_key(stage.opened, None, wanted())
    assert not change.delivered
    assert not create_key(stage.opened, stage.engine, wanted("other")).delivered
    stage.decide_and_do()
    assert set(accepted(stage)) == {"default", "ci", "other"}


def test_the_stack_of_another_directory_gets_no_keys(running: Stage, open_with: OpenWith) -> None:
    with running.engine._changed:
        for container in running.engine.containers.values():
            container.seen.labels["com.docker.compose.project.working_dir"] = "/elsewhere"  # type: ignore[index]
            container.seen.labels["dev.docgenctl.project-id"] = "another"  # type: ignore[index]
    with pytest.raises(RefusedError):
        create_key(open_with(), running.engine, wanted())
    assert [key.name for key in list_keys(running.opened)] == ["default"]

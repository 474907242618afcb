"""What `models:` opens, asks for and tells, and that it does nothing of it unless it is there."""

from docgenctl.model.settings import Settings
from docgenctl.planning.resolve_servers import resolve_servers
from tests.unit.rendering.blueprints import FACTS

MODELS = {
    "providers": {
        "anthropic": {},
        "google": {"key_secret": "team-api-key"},
        "local": {"type": "openai-compatible", "base_url": "http://10.0.0.7:11434/v1/"},
        "openai": {"key_secret": "team-api-key", "base_url": "https://llm.corp.example:8443/v1"},
    },
    "chains": {"default": ["anthropic/claude-model"]},
}


def servers(settings: dict) -> dict:
    return {server.name: server for server in resolve_servers(Settings.model_validate(settings), FACTS)}


def test_without_models_a_server_is_told_nothing_and_reaches_nobody() -> None:
    main = servers({})["main"]
    assert (main.options, main.egress_hosts, main.secrets) == ({}, (), ())


def test_the_hosts_of_the_configured_providers_are_opened_for_main_alone() -> None:
    found = servers({"models": MODELS})
    assert found["main"].egress_hosts == (
        "10.0.0.7:11434",
        "api.anthropic.com",
        "generativelanguage.googleapis.com",
        "llm.corp.example:8443",
    )
    assert found["github"].egress_hosts == ()
    assert "models" not in found["github"].options


def test_each_key_is_asked_for_once_under_its_variable() -> None:
    found = servers({"models": MODELS})["main"].secrets
    assert {secret.name: secret.environment for secret in found} == {
        "anthropic-api-key": "ANTHROPIC_API_KEY",
        "team-api-key": "TEAM_API_KEY",
        "local-api-key": "LOCAL_API_KEY",
    }
    assert not any(secret.required for secret in found)


def test_main_is_told_where_and_how_but_no_key() -> None:
    told = servers({"models": MODELS})["main"].options["models"]
    assert told["chains"] == {"default": ["anthropic/claude-model"]}
    local = told["providers"]["local"]
    assert (local["base_url"], local["key_secret"]) == ("http://10.0.0.7:11434/v1", "local-api-key")
    assert [name for name, entry in told["providers"].items() if not entry["key_required"]] == ["local"]

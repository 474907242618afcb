"""`models:` in docgen.yaml: what can be written, and what is said of mistakes."""

import pytest

from docgenctl.model.settings import Settings

from .conftest import Load, Mistakes

GOOD = """
models:
  providers:
    anthropic:
    local: {type: openai-compatible, base_url: "http://ollama.example:11434/v1"}
  chains:
    default: [anthropic/claude-model, local/qwen3:8b]
    changelog: [local/meta/llama]
"""


def test_nothing_is_configured_by_default(load: Load) -> None:
    models = load("").settings.models
    assert (models.providers, models.chains) == ({}, {})


def test_a_vendor_needs_nothing_but_its_name(load: Load) -> None:
    models = load(GOOD).settings.models
    assert models.providers["anthropic"].timeout == 180
    assert models.chains["default"] == ("anthropic/claude-model", "local/qwen3:8b")


def test_a_key_that_is_not_set_is_told(load: Load) -> None:
    assert load(GOOD).notes == (
        "models/providers/anthropic has no key and is passed over: set ANTHROPIC_API_KEY",
    )
    assert load(GOOD, environ={"ANTHROPIC_API_KEY": "sk-x"}).notes == ()
    assert load(GOOD, dotenv="ANTHROPIC_API_KEY=sk-x\n").notes == ()


def test_settings_survive_being_written_down(load: Load) -> None:
    settings = load(GOOD + "  budget: {per_document_tokens: 1000}\n").settings
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("providers: {mine: {}}", "models/providers/mine/type", "is needed for 'mine'"),
        (
            "providers: {mine: {type: openai-compatible}}",
            "models/providers/mine/base_url",
            "is needed",
        ),
        ("providers: {mine: {type: openapi}}", "models/providers/mine/type", "'openapi' is not one of"),
        (
            "providers: {openai: {base_url: 'ftp://x'}}",
            "models/providers/openai/base_url",
            "'ftp://x' is not the address of an API",
        ),
        (
            "providers: {openai: {base_url: 'https://user:word@x.example'}}",
            "models/providers/openai/base_url",
            "'https://user:word@x.example' is not the address of an API",
        ),
        (
            "providers: {openai: {key_secret: aws-secret}}",
            "models/providers/openai/key_secret",
            "'aws-secret' is not the name of a provider's key",
        ),
        ("providers: {openai: {timeout: 0s}}", "models/providers/openai/timeout", "0s is too small"),
        ("chains: {default: [openai/gpt]}", "models/chains/default", "'openai' is not a provider"),
        (
            "{providers: {openai: }, chains: {default: [opnai/gpt]}}",
            "models/chains/default",
            "'opnai' is not a provider",
        ),
        (
            "{providers: {openai: }, chains: {default: [openai]}}",
            "models/chains/default",
            "'openai' is not a model",
        ),
        (
            "chains: {default: [embedded]}",
            "models/chains/default",
            "the embedded writer ends every chain by itself",
        ),
        ("chains: {embedded: []}", "models/chains/embedded", "is the writer that ends every chain"),
        ("chains: {default: openai/gpt}", "models/chains/default", "'openai/gpt' is not a list"),
        ("budget: {per_day_usd: 0}", "models/budget/per_day_usd", "0 is too small"),
        ("budget: {per_day_usd: .inf}", "models/budget/per_day_usd", "'.inf' is not a number"),
        (
            "{providers: {openai: }, chains: {default: [openai/gpt]}, budget: {per_day_usd: 1}}",
            "models/chains/default",
            "'openai/gpt' has no price, which a budget in US dollars needs",
        ),
        (
            "providers: {openai: {prices: {gpt: {input_usd: 1}}}}",
            "models/providers/openai/prices/gpt/output_usd",
            "is needed",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, path: str, message: str, mistakes: Mistakes) -> None:
    written = f"models:\n  {text}\n" if not text.startswith("{") else f"models: {text}\n"
    (problem,) = mistakes(written)
    assert problem.key_path == path
    assert problem.message.startswith(message)
    assert problem.hint


def test_a_near_miss_is_suggested(mistakes: Mistakes) -> None:
    (problem,) = mistakes("models: {providers: {openai: }, chains: {default: [opnai/gpt]}}")
    assert problem.hint == "did you mean `openai/gpt`?"

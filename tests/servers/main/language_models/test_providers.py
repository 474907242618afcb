"""Each vendor's SDK against its wire: what arrives, what goes out, and every way of not answering."""

import pytest
from docgen_main.documents.writer import EMBEDDED

from tests.servers.main.language_models.conftest import DRAFT, KEY, MakeModels, request_for
from tests.servers.main.language_models.vendors import KINDS, Reply, Vendors

pytestmark = pytest.mark.anyio
EVERYBODY = (*KINDS, "compatible")
GOOD = "The package `shop` has 42 files. Begin with `src/shop/cart.py`; `make test` tests it."


@pytest.mark.parametrize("name", EVERYBODY)
async def test_the_words_come_with_their_tokens_and_cost(
    name: str, make_models: MakeModels, vendors: Vendors
) -> None:
    vendors.otherwise = Reply(GOOD)
    text = await make_models(name).writer_for("readme").write(request_for())
    assert text.model == f"{name}/model-1"
    assert text.markdown.startswith("## Overview\n\nThe package `shop` has 42 files.")
    assert "| `src/shop/cart.py` | 120 |" in text.markdown
    assert (text.usage.input_tokens, text.usage.output_tokens) == (100, 40)
    assert text.usage.cost_usd == pytest.approx((100 * 1.0 + 40 * 5.0) / 1_000_000)
    assert text.passed_over == text.removed == ()


@pytest.mark.parametrize("name", EVERYBODY)
async def test_a_request_carries_the_key_in_one_header_and_neither_tools_nor_blocks(
    name: str, make_models: MakeModels, vendors: Vendors
) -> None:
    await make_models(name).writer_for("readme").write(request_for())
    ((headers, body),) = vendors.requests
    carrying = [header for header, value in headers.items() if KEY in value]
    assert len(carrying) == 1
    assert carrying[0] in {"x-api-key", "x-goog-api-key", "authorization"}
    assert KEY not in str(body)
    assert "tools" not in body
    assert "120" not in vendors.prompts[0]  # the table's row is not the model's business
    assert headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("name", EVERYBODY)
async def test_no_variable_of_the_environment_changes_a_request(
    name: str, make_models: MakeModels, vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = "http://127.0.0.1:9"
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(variable, elsewhere)
    for variable in ("ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.setenv(variable, elsewhere)
    for variable in ("ANTHROPIC_CUSTOM_HEADERS", "OPENAI_CUSTOM_HEADERS"):
        monkeypatch.setenv(variable, "x-planted: 1")
    for variable in ("ANTHROPIC_AUTH_TOKEN", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "GOOGLE_API_KEY"):
        monkeypatch.setenv(variable, "planted")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    await make_models(name).writer_for("readme").write(request_for())
    ((headers, _),) = vendors.requests
    assert "planted" not in str(headers)
    assert "openai-organization" not in headers


@pytest.mark.parametrize("name", EVERYBODY)
@pytest.mark.parametrize(
    ("then", "reason"),
    [
        ("cut", "its answer was cut"),
        ("length", "its answer ended at the limit of tokens"),
        ("refused", "it refused"),
        ("flood", "its answer is too long"),
        ("one endless line", "its answer is too long or packed"),
        ("hang", "it fell silent"),
        ("tool", "its answer ended before it was complete"),
    ],
)
async def test_an_answer_that_is_none_leaves_the_draft(
    name: str, then: str, reason: str, make_models: MakeModels, vendors: Vendors
) -> None:
    vendors.otherwise = Reply(GOOD, then=then)
    text = (
        await make_models(name, silence_s=0.3 if then == "hang" else 5.0)
        .writer_for("readme")
        .write(request_for())
    )
    assert text.markdown == DRAFT
    assert text.model == EMBEDDED
    assert text.passed_over == (f"{name}/model-1: {reason}",)
    assert len(vendors.requests) == 1
    assert text.usage.input_tokens > 0  # it was billed, so it counts


@pytest.mark.parametrize("name", EVERYBODY)
@pytest.mark.parametrize(
    ("status", "attempts", "reason"),
    [
        (400, 1, "it refused the request (400)"),
        (401, 1, "it does not accept the key (401)"),
        (404, 1, "it has no such model (404)"),
        (429, 3, "rate limited (429)"),
        (500, 3, "it failed (500)"),
        (529, 3, "overloaded (529)"),
    ],
)
async def test_a_status_is_told_in_our_words_and_retried_where_that_can_help(
    name: str, status: int, attempts: int, reason: str, make_models: MakeModels, vendors: Vendors
) -> None:
    vendors.otherwise = Reply(status=status)
    text = await make_models(name).writer_for("readme").write(request_for())
    assert text.markdown == DRAFT
    assert text.passed_over == (f"{name}/model-1: {reason}",)
    assert len(vendors.requests) == attempts
    assert text.usage.cost_usd == 0


@pytest.mark.parametrize("name", EVERYBODY)
@pytest.mark.parametrize("body", [b"data: {not json\n\n", b"", b"<html>hello</html>", b'data: {"x": 1}\n\n'])
async def test_an_answer_in_another_language_leaves_the_draft(
    name: str, body: bytes, make_models: MakeModels, vendors: Vendors
) -> None:
    vendors.otherwise = Reply(body=body)
    text = await make_models(name).writer_for("readme").write(request_for())
    assert text.markdown == DRAFT
    assert len(text.passed_over) == 1


@pytest.mark.parametrize("name", EVERYBODY)
async def test_nobody_listening_leaves_the_draft(name: str, make_models: MakeModels) -> None:
    text = await make_models(name, url="http://127.0.0.1:9").writer_for("readme").write(request_for())
    assert text.markdown == DRAFT
    assert text.passed_over == (f"{name}/model-1: it cannot be reached",)


async def test_a_packed_answer_is_not_unpacked(make_models: MakeModels, vendors: Vendors) -> None:
    vendors.otherwise = Reply(body=b"\x1f\x8b\x08\x00bomb", headers={"content-encoding": "gzip"})
    text = await make_models("openai").writer_for("readme").write(request_for())
    assert text.passed_over == ("openai/model-1: its answer is too long or packed",)


async def test_a_redirect_is_not_followed(make_models: MakeModels, vendors: Vendors) -> None:
    vendors.otherwise = Reply(status=307, headers={"location": f"{vendors.url}/v1/messages"})
    await make_models("anthropic").writer_for("readme").write(request_for())
    assert len(vendors.requests) == 1

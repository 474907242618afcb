"""Budgets: of a day across restarts and kills, of a document across its sections."""

import json
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from docgen_main.documents.writer import EMBEDDED
from docgen_main.language_models.configuration import Budget
from docgen_main.language_models.failures import ModelError
from docgen_main.language_models.spending import DAYS_KEPT, Ledger

from tests.servers.main.language_models.conftest import MakeModels, request_for
from tests.servers.main.language_models.vendors import Reply, Vendors

pytestmark = pytest.mark.anyio
TODAY = datetime(2026, 11, 22, 12, tzinfo=UTC)


def ledger(folder: Path, per_day: float | None = 1.0, now: datetime = TODAY) -> Ledger:
    return Ledger(folder, per_day, now=lambda: now)


async def test_a_day_ends_at_its_budget_and_the_next_one_begins_anew(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    held = await book.reserve(0.9, "a/b")
    with pytest.raises(ModelError, match="the day's budget is used up"):
        await book.reserve(0.2, "a/b")
    await book.settle(held, 0.1, (10, 20))
    await book.reserve(0.8, "a/b")
    assert await ledger(tmp_path, now=datetime(2026, 11, 23, tzinfo=UTC)).spent_today_usd() == 0


async def test_a_restart_forgets_nothing_and_a_killed_request_counts_in_full(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    await book.settle(await book.reserve(0.5, "a/b"), 0.2, (1, 1))
    await book.reserve(0.4, "a/b")  # and the process is killed
    assert await ledger(tmp_path).spent_today_usd() == pytest.approx(0.6)
    again = ledger(tmp_path)
    await again.reserve(0.3, "a/b")
    assert await ledger(tmp_path).spent_today_usd() == pytest.approx(0.9)


async def test_a_torn_line_spoils_no_other(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    await book.settle(await book.reserve(0.5, "a/b"), 0.2, (1, 1))
    file = tmp_path / "2026-11-22.jsonl"
    file.write_bytes(file.read_bytes() + b'{"id": "x", "reserv')
    after = ledger(tmp_path)
    await after.reserve(0.3, "a/b")
    assert await ledger(tmp_path).spent_today_usd() == pytest.approx(0.5)
    assert sum(1 for line in file.read_bytes().splitlines() if _is_json(line)) == 3


async def test_what_cannot_be_noted_is_not_spent(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="spending cannot be"):
        await ledger(tmp_path / "file" / "below").reserve(0.1, "a/b")


async def test_old_days_go(tmp_path: Path) -> None:
    for number in range(DAYS_KEPT + 10):
        (tmp_path / f"2025-{1 + number // 28:02}-{1 + number % 28:02}.jsonl").write_text("")
    await ledger(tmp_path).spent_today_usd()
    assert len(list(tmp_path.glob("*.jsonl"))) == DAYS_KEPT


async def test_documents_at_the_same_time_share_the_day(tmp_path: Path) -> None:
    book, refused = ledger(tmp_path), []

    async def spend() -> None:
        try:
            await book.reserve(0.3, "a/b")
        except ModelError:
            refused.append(1)

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(spend)
    assert len(refused) == 7
    assert await ledger(tmp_path).spent_today_usd() == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        (Budget(per_document_usd=0.006), "the document's budget is used up"),
        (Budget(per_document_tokens=1700), "the document's budget is used up"),
        (Budget(per_day_usd=0.006), "the day's budget is used up"),
    ],
)
async def test_a_document_goes_on_without_models_where_the_budget_ends(
    budget: Budget, reason: str, make_models: MakeModels, vendors: Vendors
) -> None:
    vendors.otherwise = Reply("The package `shop` has 42 files: `make test`, `src/shop/cart.py`.")
    writer = make_models("anthropic", budget=budget).writer_for("readme")
    texts = [await writer.write(request_for()) for _ in range(4)]
    assert texts[0].model == "anthropic/model-1"
    assert texts[-1].model == EMBEDDED
    assert texts[-1].passed_over == (f"anthropic/model-1: {reason}",)
    assert len(vendors.requests) < 4


async def test_a_budget_in_dollars_needs_a_price(make_models: MakeModels, vendors: Vendors) -> None:
    models = make_models("openai", budget=Budget(per_day_usd=5), prices={})
    text = await models.writer_for("readme").write(request_for())
    assert text.model == EMBEDDED
    assert vendors.requests == []


async def test_without_a_price_the_cost_is_unknown(make_models: MakeModels, vendors: Vendors) -> None:
    vendors.otherwise = Reply("The package `shop` has 42 files: `make test`, `src/shop/cart.py`.")
    text = await make_models("openai", prices={}).writer_for("readme").write(request_for())
    assert (text.usage.input_tokens, text.usage.cost_usd) == (100, None)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True

"""The money of one document: held before a request, settled after it, within both budgets."""

from dataclasses import dataclass

from docgen_main.documents.writer import Usage
from docgen_main.language_models.configuration import Budget, ProviderConfiguration
from docgen_main.language_models.exchange import Answer, Prompt
from docgen_main.language_models.failures import ModelError
from docgen_main.language_models.prompt import estimated_tokens
from docgen_main.language_models.spending import Ledger, Reservation


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """The most that one request can take, set aside for it."""

    usd: float
    tokens: int
    reservation: Reservation


class Purse:
    """Counts what one document has taken; all sections of the document share it."""

    def __init__(self, budget: Budget, ledger: Ledger) -> None:
        self._budget = budget
        self._ledger = ledger
        self._usd = 0.0
        self._tokens = 0

    async def hold(self, provider: ProviderConfiguration, model: str, prompt: Prompt) -> Held:
        """Set aside what this request can take at most.

        Raises `ModelError` where a budget does not hold it, and where a budget in US dollars meets a model
        whose price nobody wrote down.
        """
        price = provider.price(model)
        if price is None and self._budget.in_usd:
            raise ModelError(
                "no price is known for it, and there is a budget in US dollars", blames_provider=False
            )
        read = estimated_tokens(len(prompt.system) + len(prompt.user))
        tokens = read + prompt.max_output_tokens
        usd = price.cost(read, prompt.max_output_tokens) if price else 0.0
        self._check(usd, tokens)
        # Before the ledger is asked, so that sections written at the same time see each other.
        self._usd, self._tokens = self._usd + usd, self._tokens + tokens
        try:
            return Held(usd, tokens, await self._ledger.reserve(usd, f"{provider.name}/{model}"))
        except BaseException:
            self._usd, self._tokens = self._usd - usd, self._tokens - tokens
            raise

    def _check(self, usd: float, tokens: int) -> None:
        most_usd, most_tokens = self._budget.per_document_usd, self._budget.per_document_tokens
        over = most_usd is not None and self._usd + usd > most_usd
        if over or (most_tokens is not None and self._tokens + tokens > most_tokens):
            raise ModelError("the document's budget is used up", blames_provider=False)

    async def settle(
        self,
        held: Held,
        provider: ProviderConfiguration,
        model: str,
        prompt: Prompt,
        answer: Answer,
        *,
        billed: bool,
    ) -> Usage:
        """Put what the request took in the place of what was held.

        What the provider did not report is estimated, towards more; a request that it refused took nothing.
        """
        taken = _taken(provider, model, prompt, answer, billed=billed)
        tokens = taken.input_tokens + taken.output_tokens
        self._usd += (taken.cost_usd or 0.0) - held.usd
        self._tokens += tokens - held.tokens
        await self._ledger.settle(
            held.reservation, taken.cost_usd or 0.0, (taken.input_tokens, taken.output_tokens)
        )
        return taken


def _taken(
    provider: ProviderConfiguration, model: str, prompt: Prompt, answer: Answer, *, billed: bool
) -> Usage:
    read, written = answer.input_tokens, answer.output_tokens
    if not billed and read is None and written is None:
        return Usage()
    if read is None:
        read = estimated_tokens(len(prompt.system) + len(prompt.user))
    # A cut answer reported only what it had at its beginning.
    written = max(written or 0, 0 if answer.whole and written else estimated_tokens(answer.characters))
    price = provider.price(model)
    return Usage(read, written, price.cost(read, written) if price else None)


def together(first: Usage, second: Usage) -> Usage:
    """The sum; without a price for one there is none for both."""
    known = first.cost_usd is not None and second.cost_usd is not None
    return Usage(
        first.input_tokens + second.input_tokens,
        first.output_tokens + second.output_tokens,
        (first.cost_usd or 0.0) + (second.cost_usd or 0.0) if known else None,
    )

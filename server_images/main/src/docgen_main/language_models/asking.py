"""Asking one model for one answer: attempts, pauses, the breaker, the clock, the money."""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

import anyio
from docgen_common.errors import SettingsError

from docgen_main.documents.writer import Usage
from docgen_main.language_models.breaker import Breaker
from docgen_main.language_models.configuration import ProviderConfiguration
from docgen_main.language_models.exchange import Answer, Prompt, Provider
from docgen_main.language_models.failures import ModelError
from docgen_main.language_models.purse import Purse, together
from docgen_main.language_models.retry import Patience


@dataclass(frozen=True, slots=True)
class Member:
    """A provider in service: configuration, API, breaker, and the key, read anew for each section."""

    configuration: ProviderConfiguration
    provider: Provider
    breaker: Breaker
    key: Callable[[], str | None]

    def current_key(self) -> str | None:
        """The key as a header can carry it. Raises `ModelError` when there is none and one is needed."""
        try:
            key = self.key()
        except SettingsError:
            raise ModelError("its key cannot be read", blames_provider=False) from None
        if key and not (key.isascii() and key.isprintable() and " " not in key):
            raise ModelError("its key holds characters that no key has", blames_provider=False)
        if not key and self.configuration.key_required:
            raise ModelError(f"it has no key (secret {self.configuration.key_secret})", blames_provider=False)
        return key


class Question:
    """One prompt for one model; `usage` is what all attempts together took, whatever came of them."""

    def __init__(self, member: Member, model: str, prompt: Prompt, purse: Purse, patience: Patience) -> None:
        self._member = member
        self._model = model
        self._prompt = prompt
        self._purse = purse
        self._patience = patience
        self.usage = Usage()

    async def answer(self) -> str:
        """The complete answer. Raises `ModelError`."""
        key = self._member.current_key()
        seconds = self._member.configuration.timeout_s
        try:
            with anyio.fail_after(seconds):
                return await self._attempts(key)
        except TimeoutError:
            self._member.breaker.failed("no answer in time")
            raise ModelError(f"no answer within {seconds:g} s") from None

    async def _attempts(self, key: str | None) -> str:
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._once(key)
            except ModelError as failure:
                pause_s = self._patience.pause_s(failure, attempt)
                if pause_s is None:
                    if failure.retry_after_s:
                        self._member.breaker.rest(failure.retry_after_s, failure.reason)
                    raise
            await anyio.sleep(pause_s)

    async def _once(self, key: str | None) -> str:
        breaker = self._member.breaker
        if not breaker.admit():
            raise ModelError(f"it is left alone for a while ({breaker.reason or 'another section tries it'})")
        try:
            text = await self._paid(key)
        except ModelError as failure:
            breaker.failed(failure.reason) if failure.blames_provider else breaker.abandoned()
            raise
        except BaseException:
            breaker.abandoned()
            raise
        breaker.succeeded()
        return text

    async def _paid(self, key: str | None) -> str:
        """One request: the most it can take is held before, what it took is settled after, come what may."""
        configuration = self._member.configuration
        held = await self._purse.hold(configuration, self._model, self._prompt)
        answer, billed = Answer(), True
        try:
            # Closed here and now: a generator left to the collector would keep its connection.
            async with aclosing(self._member.provider.stream(self._prompt, self._model, key)) as pieces:
                async for piece in pieces:
                    answer.add(piece)
            return answer.finish()
        except ModelError as failure:
            billed = failure.billed
            raise
        finally:
            with anyio.CancelScope(shield=True):
                taken = await self._purse.settle(
                    held, configuration, self._model, self._prompt, answer, billed=billed
                )
            self.usage = together(self.usage, taken)

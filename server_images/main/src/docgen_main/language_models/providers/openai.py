"""OpenAI's chat completions, and every endpoint that speaks the same (Ollama, vLLM, …)."""

from collections.abc import AsyncGenerator
from typing import Any, Literal

from docgen_main.language_models.exchange import Ended, Piece, Prompt, Tokens
from docgen_main.language_models.failures import ModelError, refused_by_status
from docgen_main.language_models.providers.connection import Connection, broken, count, imported


class OpenAIProvider:
    """Streams chat completions; never retries by itself.

    `limit_name` is what the endpoint calls the bound of an answer: OpenAI's own has a newer name for it.
    """

    def __init__(
        self,
        base_url: str,
        connection: Connection,
        *,
        limit_name: Literal["max_tokens", "max_completion_tokens"],
    ) -> None:
        self._base_url = base_url
        self._connection = connection
        self._limit_name = limit_name

    async def aclose(self) -> None:
        """Close all connections."""
        await self._connection.aclose()

    async def stream(self, prompt: Prompt, model: str, key: str | None) -> AsyncGenerator[Piece]:
        """The answer as it arrives. Raises `ModelError`."""
        sdk = await imported("openai")
        begun = False
        try:
            chunks = await self._client(sdk, key).chat.completions.create(
                model=model,
                messages=[
                    {"role": "system", "content": prompt.system},
                    {"role": "user", "content": prompt.user},
                ],
                stream=True,
                stream_options={"include_usage": True},
                **{self._limit_name: prompt.max_output_tokens},
            )
            async with chunks:
                async for chunk in chunks:
                    begun = True
                    for piece in _pieces(chunk):
                        yield piece
        except sdk.APIStatusError as error:
            raise refused_by_status(error.status_code, error.response.headers) from None
        except Exception as error:  # noqa: BLE001 - SDKs raise whatever an odd answer breaks in them
            raise broken(error, begun=begun) from None

    def _client(self, sdk: Any, key: str | None) -> Any:
        return sdk.AsyncOpenAI(
            api_key=key or "none",
            base_url=self._base_url,
            max_retries=0,
            timeout=self._connection.timeout(),
            http_client=self._connection.client(),
        )


def _pieces(chunk: Any) -> list[Piece]:
    found: list[Piece] = []
    for choice in list(chunk.choices or [])[:1]:
        if choice.delta.tool_calls:
            raise ModelError("it called a tool that it was not given", billed=True)
        if choice.delta.refusal:
            found.append(Ended("refused"))
        elif choice.finish_reason:
            found.append(_ended(choice.finish_reason))
        if choice.delta.content:
            found.append(str(choice.delta.content))
    if chunk.usage is not None:
        found.append(Tokens(count(chunk.usage.prompt_tokens), count(chunk.usage.completion_tokens)))
    return found


def _ended(reason: str) -> Ended:
    if reason == "stop":
        return Ended("complete")
    if reason == "length":
        return Ended("length")
    return Ended("refused" if reason == "content_filter" else "other")

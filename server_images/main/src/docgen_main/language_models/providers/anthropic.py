"""Anthropic's Messages API."""

from collections.abc import AsyncGenerator
from typing import Any

from docgen_main.language_models.exchange import Ended, Piece, Prompt, Tokens
from docgen_main.language_models.failures import ModelError, refused_by_status
from docgen_main.language_models.providers.connection import Connection, broken, count, imported

_OVERLOADED = {"overloaded_error": 529, "rate_limit_error": 429, "api_error": 500, "timeout_error": 504}


class AnthropicProvider:
    """Streams messages; never retries by itself."""

    def __init__(self, base_url: str, connection: Connection) -> None:
        self._base_url = base_url
        self._connection = connection

    async def aclose(self) -> None:
        """Close all connections."""
        await self._connection.aclose()

    async def stream(self, prompt: Prompt, model: str, key: str | None) -> AsyncGenerator[Piece]:
        """The answer as it arrives. Raises `ModelError`."""
        sdk = await imported("anthropic")
        begun = False
        try:
            client = self._client(sdk, key)
            events = await client.messages.create(
                model=model,
                max_tokens=prompt.max_output_tokens,
                system=prompt.system,
                messages=[{"role": "user", "content": prompt.user}],
                stream=True,
            )
            async with events:
                async for event in events:
                    begun = True
                    for piece in _pieces(event):
                        yield piece
        except sdk.APIStatusError as error:
            raise _refused(error, begun) from None
        except Exception as error:  # noqa: BLE001 - SDKs raise whatever an odd answer breaks in them
            raise broken(error, begun=begun) from None

    def _client(self, sdk: Any, key: str | None) -> Any:
        return sdk.AsyncAnthropic(
            api_key=key or "none",
            base_url=self._base_url,
            max_retries=0,
            timeout=self._connection.timeout(),
            http_client=self._connection.client(),
            open_telemetry=False,
        )


def _pieces(event: Any) -> list[Piece]:
    match event.type:
        case "message_start":
            usage = event.message.usage
            return [Tokens(_input(usage), count(usage.output_tokens))]
        case "content_block_start" if event.content_block.type == "tool_use":
            raise ModelError("it called a tool that it was not given", billed=True)
        case "content_block_delta" if event.delta.type == "text_delta":
            return [str(event.delta.text)]
        case "message_delta":
            ended = [_ended(event.delta.stop_reason)] if event.delta.stop_reason else []
            return [Tokens(None, count(event.usage.output_tokens)), *ended]
    return []


def _input(usage: Any) -> int | None:
    """Everything that was read, also into and from the vendor's cache."""
    parts = [
        getattr(usage, name, None) for name in ("cache_creation_input_tokens", "cache_read_input_tokens")
    ]
    read = count(usage.input_tokens)
    return None if read is None else read + sum(count(part) or 0 for part in parts)


def _ended(reason: str) -> Ended:
    if reason in ("end_turn", "stop_sequence"):
        return Ended("complete")
    if reason in ("max_tokens", "model_context_window_exceeded"):
        return Ended("length")
    return Ended("refused" if reason == "refusal" else "other")


def _refused(error: Any, begun: bool) -> ModelError:
    """An error instead of an answer, or in the middle of one (then with the status 200)."""
    if begun:
        return ModelError("its answer was cut", billed=True)
    status = error.status_code if error.status_code >= 300 else _OVERLOADED.get(str(error.type), 500)
    return refused_by_status(status, error.response.headers)

"""Google's Gemini API."""

import re
from collections.abc import AsyncGenerator
from typing import Any

from docgen_main.language_models.exchange import Ended, Piece, Prompt, Tokens
from docgen_main.language_models.failures import Headers, ModelError, NoHeaders, refused_by_status
from docgen_main.language_models.providers.connection import Connection, broken, count, imported

_REFUSED = {
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "LANGUAGE",
    "MODEL_ARMOR",
}


class GoogleProvider:
    """Streams generated content; never retries by itself. The API's version ends the base URL."""

    def __init__(self, base_url: str, connection: Connection) -> None:
        self._base_url = base_url
        self._connection = connection

    async def aclose(self) -> None:
        """Close all connections."""
        await self._connection.aclose()

    async def stream(self, prompt: Prompt, model: str, key: str | None) -> AsyncGenerator[Piece]:
        """The answer as it arrives. Raises `ModelError`."""
        sdk = await imported("google.genai")
        errors = await imported("google.genai.errors")
        begun = False
        try:
            client = self._client(sdk, key)
            chunks = await client.aio.models.generate_content_stream(
                model=model,
                contents=prompt.user,
                config=sdk.types.GenerateContentConfig(
                    system_instruction=prompt.system, max_output_tokens=prompt.max_output_tokens
                ),
            )
            async for chunk in chunks:
                begun = True
                for piece in _pieces(chunk):
                    yield piece
        except errors.APIError as error:
            raise _refused(error, begun) from None
        except Exception as error:  # noqa: BLE001 - SDKs raise whatever an odd answer breaks in them
            raise broken(error, begun=begun) from None

    def _client(self, sdk: Any, key: str | None) -> Any:
        base_url, version = _split(self._base_url)
        options = sdk.types.HttpOptions(
            base_url=base_url,
            api_version=version,
            httpx_async_client=self._connection.client(),
            # The synchronous client is never used, and must not look at the environment either.
            client_args={"trust_env": False},
        )
        return sdk.Client(api_key=key or "none", vertexai=False, http_options=options)


def _split(base_url: str) -> tuple[str, str | None]:
    """Address and version; without one the SDK takes its own."""
    match = re.fullmatch(r"(.+)/(v\d\w*)/*", base_url)
    return (match[1], match[2]) if match else (base_url, None)


def _pieces(chunk: Any) -> list[Piece]:
    found: list[Piece] = []
    if chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason:
        found.append(Ended("refused"))
    for candidate in list(chunk.candidates or [])[:1]:
        parts = (candidate.content.parts or []) if candidate.content else []
        if any(part.function_call for part in parts):
            raise ModelError("it called a tool that it was not given", billed=True)
        found += [str(part.text) for part in parts if part.text and not part.thought]
        if candidate.finish_reason:
            found.append(_ended(str(getattr(candidate.finish_reason, "value", candidate.finish_reason))))
    if (usage := chunk.usage_metadata) is not None:
        thought = count(usage.thoughts_token_count) or 0
        written = count(usage.candidates_token_count)
        found.append(Tokens(count(usage.prompt_token_count), None if written is None else written + thought))
    return found


def _ended(reason: str) -> Ended:
    if reason == "STOP":
        return Ended("complete")
    if reason == "MAX_TOKENS":
        return Ended("length")
    return Ended("refused" if reason in _REFUSED else "other")


def _refused(error: Any, begun: bool) -> ModelError:
    if begun:
        return ModelError("its answer was cut", billed=True)
    status = error.code if isinstance(error.code, int) else 500
    headers: Headers = getattr(error.response, "headers", None) or NoHeaders()
    return refused_by_status(status, headers)

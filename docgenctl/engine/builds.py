"""Images made or fetched: build, import, pull, each told live where the engine tells it.

The classic builder is spoken to (the SDK knows no other): no `RUN --mount`, no `# syntax` features. Failures
arrive as one message of the stream after an HTTP 200, never as an error status.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from docgenctl.engine.client import answers
from docgenctl.engine.failures import AnswerError
from docgenctl.engine.observation import image_from
from docgenctl.model.errors import BuildError, EngineError
from docgenctl.model.observed import ObservedImage

if TYPE_CHECKING:
    from docker import APIClient

#: How many lines of a failed build's output its error carries.
LAST_LINES = 30


def find(api: APIClient, reference: str) -> ObservedImage | None:
    """The local image of that name or id."""
    try:
        with answers(f"look for image {reference}"):
            return image_from(api.inspect_image(reference))  # type: ignore[no-untyped-call]
    except AnswerError as error:
        if error.status == 404:
            return None
        raise


def found(api: APIClient, reference: str) -> ObservedImage:
    """The local image that was just made. Raises EngineError when the engine does not have it."""
    image = find(api, reference)
    if image is None:
        raise EngineError(f"the engine made image {reference} and lost it", hint="docker system df")
    return image


def build(
    api: APIClient,
    context: BinaryIO,
    reference: str,
    labels: Mapping[str, str],
    on_line: Callable[[str], None],
    *,
    network: bool,
) -> ObservedImage:
    """Build a tar context; without `network` its RUN lines reach nothing."""
    last: deque[str] = deque(maxlen=LAST_LINES)
    with answers(f"build image {reference}"):
        messages = api.build(
            fileobj=context,
            custom_context=True,
            tag=reference,
            labels=dict(labels),
            rm=True,
            forcerm=True,
            decode=True,
            network_mode=None if network else "none",
            use_config_proxy=network,
        )
        for message in messages:
            if failure := _failure(message):
                last.append(failure)
                raise BuildError(
                    f"image {reference} could not be built: {failure}",
                    hint="the last lines say which step failed; docgenctl build tries again",
                    details=tuple(last),
                )
            for line in _lines(message):
                last.append(line)
                on_line(line)
    return found(api, reference)


def pull(api: APIClient, reference: str, on_line: Callable[[str], None]) -> ObservedImage:
    """Fetch an image. Raises EngineError (`pull_failed`)."""
    repository, tag = split_reference(reference)
    try:
        with answers(f"pull image {reference}"):
            for message in api.pull(repository, tag=tag, stream=True, decode=True):
                if failure := _failure(message):
                    raise _pull_failed(reference, failure)
                if "progressDetail" not in message or not message["progressDetail"]:
                    on_line(" ".join(filter(None, (message.get("id"), message.get("status")))))
    except AnswerError as error:
        raise _pull_failed(reference, error.explanation) from error
    return found(api, reference)


def _pull_failed(reference: str, reason: str) -> EngineError:
    return EngineError(
        f"image {reference} could not be pulled: {reason}", hint="docgenctl base-image", code="pull_failed"
    )


def import_root(
    api: APIClient, root_file_system: Path, reference: str, changes: tuple[str, ...]
) -> ObservedImage:
    """Make an image of a root file system's tar."""
    repository, tag = split_reference(reference)
    with answers(f"import image {reference}"):
        answer = api.import_image(
            src=str(root_file_system), repository=repository, tag=tag, changes=list(changes)
        )
    for line in answer.splitlines():
        if failure := _failure(json.loads(line)):
            raise EngineError(
                f"image {reference} could not be imported: {failure}",
                hint="docker system df shows whether the engine has room",
                code="import_failed",
            )
    return found(api, reference)


def split_reference(reference: str) -> tuple[str, str]:
    """Repository and tag (`latest` when there is none), or repository and digest."""
    if "@" in reference:
        repository, _, digest = reference.partition("@")
        return repository, digest
    repository, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        return reference, "latest"
    return repository, tag


def _failure(message: Mapping[str, Any]) -> str:
    detail = message.get("errorDetail") or {}
    return str(detail.get("message") or message.get("error") or "").strip()


def _lines(message: Mapping[str, Any]) -> Iterator[str]:
    text: Iterable[str] = str(message.get("stream") or message.get("status") or "").splitlines()
    return (line.rstrip() for line in text if line.strip())

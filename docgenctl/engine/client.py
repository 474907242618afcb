"""The Docker SDK, opened in one place: one low-level client, and its exceptions in our words.

The SDK is imported when first used (it costs 100 ms), nowhere else, and by one thread at a time: of two that
meet on their way into the package, one at `docker` and one at `docker.errors`, Python makes one fail. Its
high-level objects are not used: the low-level client speaks the Engine API's own JSON, which is what the
other modules are written in.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docgenctl.engine.failures import AnswerError, from_answer
from docgenctl.model.errors import EngineError

if TYPE_CHECKING:
    from docker import APIClient
    from docker.tls import TLSConfig

#: Seconds without a byte after which an ordinary call is given up.
CALL_TIMEOUT_S = 120

_IMPORTING = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsMaterial:
    """Files that a TCP endpoint is spoken to with; empty paths are not used."""

    ca: str = ""
    certificate: str = ""
    key: str = ""
    verify: bool = True


def open_client(
    address: str, *, api_version: str, timeout_s: float, tls: TlsMaterial | None = None
) -> APIClient:
    """A client of that address and API version; nothing is sent yet."""
    with _IMPORTING:
        from docker import APIClient

    return APIClient(
        base_url=address,
        version=api_version,
        timeout=timeout_s,  # type: ignore[arg-type]  # requests takes fractions of a second
        tls=_tls(tls) if tls else False,
        user_agent="docgenctl",
        max_pool_size=32,
    )


def _tls(material: TlsMaterial) -> TLSConfig:
    with _IMPORTING:
        from docker.tls import TLSConfig

    pair = (material.certificate, material.key)
    return TLSConfig(
        client_cert=pair if all(pair) else None,
        ca_cert=material.ca or None,
        verify=material.verify,
    )


@contextmanager
def answers(action: str) -> Iterator[None]:
    """Turn whatever the SDK raises while doing `action` (`remove network x`) into EngineError."""
    with _IMPORTING:
        from docker.errors import APIError, DockerException
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

    try:
        yield
    except APIError as error:
        raise from_answer(action, error.status_code or 0, str(error.explanation or error)) from error
    except (DockerException, RequestException, HTTPError) as error:
        raise EngineError(
            f"cannot {action}: the connection to the engine failed ({type(error).__name__}: {error})",
            hint="docker version",
            code="stopped",
        ) from error


def create(api: APIClient, body: dict[str, Any], name: str) -> str:
    """Create a container from the Engine API's own JSON and return its id. Raises EngineError."""
    with answers(f"create container {name}"):
        answer = api.create_container_from_config(body, name)  # type: ignore[no-untyped-call]
    return str(answer["Id"])


def update(api: APIClient, container_id: str, body: dict[str, Any]) -> None:
    """`POST /containers/{id}/update`; the SDK's own method knows neither CPUs nor process limits."""
    client: Any = api  # the SDK's building blocks for calls that it has no method for
    client._result(
        client._post_json(client._url("/containers/{0}/update", container_id), data=body), json=True
    )


@contextmanager
def gone_is_fine() -> Iterator[None]:
    """Swallow the engine's "no such thing": what was to be removed or stopped is not there."""
    try:
        yield
    except AnswerError as error:
        if error.status != 404:
            raise

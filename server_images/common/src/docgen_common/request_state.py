"""What seals the state that a client carries between our question and its answer (``requestState``).

Any replica, and this server after a restart, must be able to open what another one sealed. All of them have
the same API keys, so the sealing keys are derived from those: there is no further secret to spread, and when
keys are rotated, what was sealed before is open as long as the old key is accepted.
"""

from __future__ import annotations

import hashlib
import hmac

from mcp.server.request_state import AESGCMRequestStateCodec, InvalidRequestState, RequestStateSecurity

from docgen_common.auth import current_caller
from docgen_common.keys import KeyRing
from docgen_common.settings import ServerSettings

_PURPOSE = b"docgen/request-state/v1"


def request_state_security(settings: ServerSettings) -> RequestStateSecurity:
    """Sealing for the server of ``settings``; state is its caller's alone.

    Without API keys (on loopback) a key is made up, which ends with the process.
    """
    ring = KeyRing(settings.secrets_dir)
    if not ring.keys:
        return RequestStateSecurity.ephemeral()
    return RequestStateSecurity(codec=KeyRingCodec(ring), bind_principal=lambda _: current_caller())


class KeyRingCodec:
    """Seals with a key derived from the first key of ``ring``; opens what any of its keys sealed."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._hashes: tuple[str, ...] = ()
        self._codec: AESGCMRequestStateCodec | None = None

    def seal(self, payload: bytes) -> str:
        """An opaque token that only holders of the keys can make or open."""
        codec = self._current()
        if codec is None:
            raise RuntimeError("there are no keys to seal with")
        return codec.seal(payload)

    def unseal(self, token: str) -> bytes:
        """Reverse ``seal``. Raises InvalidRequestState."""
        codec = self._current()
        if codec is None:
            raise InvalidRequestState("unknown key")
        return codec.unseal(token)

    def _current(self) -> AESGCMRequestStateCodec | None:
        self._ring.refresh()
        hashes = tuple(dict.fromkeys(key.sha256 for key in self._ring.keys))
        if hashes != self._hashes:
            self._hashes = hashes
            self._codec = AESGCMRequestStateCodec([_derived(value) for value in hashes]) if hashes else None
        return self._codec


def _derived(sha256: str) -> bytes:
    return hmac.digest(bytes.fromhex(sha256), _PURPOSE, hashlib.sha256)

"""`docgenctl keys`: make keys for clients, list them, revoke them, while the stack runs or not."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from docgenctl.actions.changing import changing
from docgenctl.actions.deliver_keys import deliver_keys
from docgenctl.actions.open_engine import open_engine
from docgenctl.model.client_key import DEFAULT_KEY, ClientKey, KeyState, scope_server
from docgenctl.model.errors import DocgenError, EngineError, RefusedError, UsageError
from docgenctl.model.secret import Secret
from docgenctl.secrets.client_keys import ClientKeyFile
from docgenctl.secrets.keys import hash_key, new_api_key
from docgenctl.secrets.stack_secrets import default_key_facts, replace_default_key
from docgenctl.state.store import StateStore

if TYPE_CHECKING:
    from docgenctl.actions.open_project import OpenProject
    from docgenctl.engine.protocol import Engine

#: Without an engine nothing runs that would have to be told.
_NOTHING_RUNS = ("absent", "stopped")


@dataclass(frozen=True, kw_only=True)
class KeyChange:
    """What came of a change: `delivered` says whether a stack is there and has it.

    `value` is the new key's, None where none was made; `changed` is False when all was so already.
    """

    key: ClientKey
    delivered: bool
    value: Secret | None = field(default=None, repr=False)
    changed: bool = True


def engine_if_any(opened: OpenProject) -> Engine | None:
    """The engine of the stack, None where nothing can run that would have to be told of keys.

    Raises EngineError when a stack may well run and cannot be told.
    """
    if not StateStore(opened.state_dir).read().digest_salt:
        return None  # nothing was ever planned here
    try:
        return open_engine(opened)
    except EngineError as error:
        if error.code in _NOTHING_RUNS:
            return None
        raise


def create_key(opened: OpenProject, engine: Engine | None, wanted: ClientKey) -> KeyChange:
    """Make a key as `wanted`, whose hash and date are filled in here; nothing is made when that fails.

    Raises RefusedError (`key_exists`) for a name that is taken, LockedError, and EngineError when the stack
    cannot be told.
    """
    with changing(opened, "docgenctl keys create"):
        value = new_api_key()
        key = replace(wanted, sha256=hash_key(value), created=_now())
        file = ClientKeyFile(opened.state_dir)
        file.add(key)
        try:
            delivered = engine is not None and deliver_keys(opened, engine)
        except DocgenError:
            # Its value will be shown to nobody, so it must not stay.
            file.remove(key.name)
            raise
        return KeyChange(key=key, delivered=delivered, value=value)


def foresee_create(opened: OpenProject, wanted: ClientKey) -> ClientKey:
    """The key that would be made, within a rehearsal. Raises RefusedError as `create_key` does."""
    key = replace(wanted, sha256="0" * 64, created=_now())
    ClientKeyFile(opened.state_dir).add(key)
    return key


def foresee_revoke(opened: OpenProject, name: str) -> ClientKey:
    """The key that would be revoked. Raises UsageError as `revoke_key` does."""
    return _known(opened, name)


def revoke_key(opened: OpenProject, engine: Engine | None, name: str) -> KeyChange:
    """Let a key open nothing any more; the default one is replaced by another, since docgenctl needs it.

    One that was revoked before is no error: a command that was killed is simply repeated, and the stack is
    told again. Raises UsageError (`unknown_key`), LockedError, and EngineError when the stack cannot be told;
    the key is then revoked for every later start.
    """
    with changing(opened, "docgenctl keys revoke") as change:
        key = _known(opened, name)
        changed = key.revoked is None
        at = key.revoked or _now()
        if name == DEFAULT_KEY:
            replace_default_key(opened.state_dir)
        elif changed:
            ClientKeyFile(opened.state_dir).revoke(name, at)
        else:
            change.nothing_changed()
        delivered = engine is not None and deliver_keys(opened, engine)
        return KeyChange(key=replace(key, revoked=at), delivered=delivered, changed=changed)


def list_keys(opened: OpenProject) -> tuple[ClientKey, ...]:
    """Every key, the default one first, revoked ones too."""
    default = default_key_facts(opened.state_dir)
    own = () if default is None else (ClientKey(name=DEFAULT_KEY, sha256=default[0], created=default[1]),)
    return (*own, *ClientKeyFile(opened.state_dir).read())


def in_force(keys: tuple[ClientKey, ...]) -> tuple[tuple[ClientKey, KeyState], ...]:
    """The keys, each with what it is now."""
    now = datetime.now(UTC)
    return tuple((key, key.state(now)) for key in keys)


def reserve_file(opened: OpenProject, path: Path) -> int:
    """Make the file that a new key's value will be written to, 0600 and empty; its descriptor.

    Raises RefusedError for a file that is there already, that cannot be made, or that lies in the workspace,
    which main can read.
    """
    if path.parent.resolve().is_relative_to(opened.project.directory):
        raise RefusedError(
            f"{path} would lie in the workspace, where main and whoever it serves can read it",
            hint="name a file elsewhere",
        )
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise RefusedError(
            f"{path} cannot be made: {error.strerror}",
            hint="name a file that is not there yet",
            code="not_written",
        ) from None


def write_reserved(path: Path, descriptor: int, change: KeyChange) -> None:
    """Write the new key's value and a line's end. Raises RefusedError (`not_written`)."""
    assert change.value is not None  # noqa: S101 - it was made just now
    try:
        os.fchmod(descriptor, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(change.value.reveal_bytes() + b"\n")
    except OSError as error:
        raise RefusedError(
            f"{path} could not be written ({error.strerror}), so the key's value is lost",
            hint=f"docgenctl keys revoke {change.key.name}, then make another one",
            code="not_written",
        ) from None


def drop_reserved(path: Path, descriptor: int) -> None:
    """Take back `reserve_file`."""
    with suppress(OSError):
        os.close(descriptor)
    with suppress(OSError):
        path.unlink()


def unknown_servers(opened: OpenProject, scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Servers that scopes name and that are not configured; they may be one day."""
    known = set(opened.configuration.settings.servers)
    return tuple(sorted({scope_server(scope) for scope in scopes} - known - {"*"}))


def _known(opened: OpenProject, name: str) -> ClientKey:
    keys = {key.name: key for key in list_keys(opened)}
    if name not in keys:
        there = ", ".join(key.name for key in keys.values() if key.revoked is None)
        raise UsageError(
            f"there is no key named {name}",
            hint=f"there are: {there}" if there else "docgenctl keys list",
            code="unknown_key",
        )
    return keys[name]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""Every secret a stack needs: made at the first start, reused afterwards, sorted by who may read it.

The default key stands in clear in one file, `api-key` in the state directory, because docgenctl and the
clients it connects must be given it. Keys that people made are known by their hashes alone. The orchestrator
has one further key per server, so that a server's key opens that server alone, and one for the store of
rates, which knows it by its hash.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from docgenctl.files.private_files import read_private, write_private
from docgenctl.model.blueprint import LIMITS_STORE, Server, origin_name
from docgenctl.model.client_key import DEFAULT_KEY
from docgenctl.model.errors import ConfigurationError, RefusedError
from docgenctl.model.secret import Secret
from docgenctl.secrets.client_keys import ClientKeyFile
from docgenctl.secrets.keys import KeyEntry, api_keys_document, hash_key, is_api_key, new_api_key
from docgenctl.secrets.store import EnvironmentStore, SecretStore

API_KEY_FILE = "api-key"
ACCEPTED_FILE = "api-keys.json"
#: The file by which the store of rates knows the orchestrators.
USERS_FILE = "users.acl"
_KEY_DATES_FILE = "api-key-dates.json"
_ORCHESTRATOR = "orchestrator"
_VALKEY = "valkey"
#: All that the script that counts does, and nothing else; `auth` and `hello` are open to everybody.
_ALLOWED_COMMANDS = ("eval", "evalsha", "hmget", "hset", "pexpire", "time", "ping")
_KEYS_OF_BUCKETS = "rate:*"
#: What stands in Valkey's log. At its start it reads that as the user `default`, and leaves out, with no more
#: than a line about it, what that user may not do.
_LOGGED_COMMANDS = ("multi", "exec", "select", "hset", "pexpireat", "del", "unlink")
_SMALLEST_SALT = 16
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class StackSecrets:
    """What each service's secrets volume must hold, and where the client's key lies.

    `key` is the client's key; `files` maps services to file names to contents.
    """

    api_key_file: Path
    key: Secret
    files: Mapping[str, Mapping[str, Secret]] = field(repr=False)

    def files_for(self, service: str) -> Mapping[str, bytes | Secret]:
        """Files of that service's volume; none for services that are given no secret."""
        return dict(self.files.get(service, {}))


def ensure_stack_secrets(
    store: SecretStore,
    state_dir: Path,
    servers: Sequence[Server],
    *,
    now: datetime,
    environ: Mapping[str, str] | None = None,
    shared_limits: bool = False,
) -> StackSecrets:
    """Make what is missing, reuse what is there, and say who gets which file.

    Args:
        store: keeps the orchestrator's key of each server under `upstream-<server>`, and that of the store
            of rates under `limits-store`.
        state_dir: the project's private directory; must exist with mode 0700.
        servers: enabled servers; the secrets that they ask for are read from `environ`.
        now: time zone aware; becomes the creation date of keys that are made now.
        environ: variables, such as `os.environ` with `.env` under it.
        shared_limits: whether there is a store of rates.

    Raises RefusedError for keys we did not make and for files others could have read or planted;
    ConfigurationError when a secret that a server requires is not set, or keys.json is damaged.
    """
    client = _client_key(state_dir / API_KEY_FILE)
    upstream = {server.name: _kept_key(store, f"upstream-{server.name}") for server in servers}
    keys = {DEFAULT_KEY: client, **{f"upstream-{name}": key for name, key in upstream.items()}}
    password = _kept_key(store, LIMITS_STORE) if shared_limits else None
    if password is not None:
        keys[LIMITS_STORE] = password
    created = _creation_dates(state_dir / _KEY_DATES_FILE, keys, now)

    entry = _entry(DEFAULT_KEY, client, created)
    files = {_ORCHESTRATOR: _accepting([entry, *_made_for_clients(state_dir)])}
    for server in servers:
        key = upstream[server.name]
        files[_ORCHESTRATOR][f"upstream-{server.name}"] = key
        # By this id servers know that it is the orchestrator, and believe it whom it calls for.
        files[server.name] = _accepting([_entry(f"upstream-{server.name}", key, created)])
        given = _from_environment(server, environ or {})
        if server.origin is not None:  # its adapter presents none of them to anybody
            files[origin_name(server.name)] = given
        else:
            files[server.name] |= given
    if password is not None:
        files[_ORCHESTRATOR][LIMITS_STORE] = password
        files[_VALKEY] = {USERS_FILE: _users(password)}
    return StackSecrets(api_key_file=state_dir / API_KEY_FILE, key=client, files=files)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFacts:
    """What may be said of a secret: never its value. `created` is RFC 3339, empty where nobody knows.

    `held_by` can read the value, `checked_by` hold its hash; `origin` says where it lies or comes from.
    """

    name: str
    origin: str
    created: str
    held_by: tuple[str, ...]
    checked_by: tuple[str, ...]


def secret_facts(
    state_dir: Path, servers: Sequence[Server], environ: Mapping[str, str]
) -> tuple[SecretFacts, ...]:
    """All secrets of a stack with these servers that exist now; `environ` as for `ensure_stack_secrets`."""
    dates = {key: created for (key, _), created in _read_dates(state_dir / _KEY_DATES_FILE).items()}
    found = []
    if (state_dir / API_KEY_FILE).exists():
        found.append(
            SecretFacts(
                name="api-key",
                origin=str(state_dir / API_KEY_FILE),
                created=dates.get("default", ""),
                held_by=("clients",),
                checked_by=(_ORCHESTRATOR,),
            )
        )
    if (state_dir / "secrets" / LIMITS_STORE).exists():
        found.append(
            SecretFacts(
                name=LIMITS_STORE,
                origin=str(state_dir / "secrets" / LIMITS_STORE),
                created=dates.get(LIMITS_STORE, ""),
                held_by=(_ORCHESTRATOR,),
                checked_by=(_VALKEY,),
            )
        )
    for server in servers:
        name = f"upstream-{server.name}"
        path = state_dir / "secrets" / name
        if path.exists():
            found.append(
                SecretFacts(
                    name=name,
                    origin=str(path),
                    created=dates.get(name, ""),
                    held_by=(_ORCHESTRATOR,),
                    checked_by=(server.name,),
                )
            )
        for fact in server.secrets:
            if environ.get(fact.environment, "").strip():
                origin = f"variable {fact.environment}"
                found.append(
                    SecretFacts(
                        name=fact.name, origin=origin, created="", held_by=(server.name,), checked_by=()
                    )
                )
    return tuple(found)


def content_version(files: Mapping[str, bytes | Secret], salt: str) -> str:
    """A digest (40 hex digits) of names and contents, in whatever order they come.

    Keyed, because it ends up in labels that anyone who may talk to the engine can read: without `salt`
    (hex, 16 to 64 bytes, kept in the state) a guess at a weak secret could be checked against it.
    Raises ValueError for another length.
    """
    key = bytes.fromhex(salt)
    if not _SMALLEST_SALT <= len(key) <= hashlib.blake2b.MAX_KEY_SIZE:
        raise ValueError(f"the salt has {len(key)} bytes; it needs 16 to 64")
    digest = hashlib.blake2b(digest_size=20, key=key)
    for name in sorted(files):
        value = files[name]
        content = value.reveal_bytes() if isinstance(value, Secret) else value
        # Lengths in front keep (ab, c) and (a, bc) apart.
        for part in (name.encode(), content):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


def _client_key(path: Path) -> Secret:
    content = read_private(path)
    if content is None:
        key = new_api_key()
        write_private(path, key.reveal_bytes() + b"\n")
        return key
    key = Secret(content.removesuffix(b"\n"))
    if not is_api_key(key):
        raise RefusedError(
            f"{path} does not hold a key made by docgenctl",
            code="weak_key",
            hint=f"Remove it, and the next 'docgenctl up' makes a new one: rm {path}",
        )
    return key


def _users(password: Secret) -> Secret:
    """The one user of the store of rates, who may count and nothing else; nobody gets in without being it."""

    def rights(commands: Sequence[str]) -> str:
        allowed = " ".join(f"+{command}" for command in commands)
        return f"~{_KEYS_OF_BUCKETS} resetchannels -@all {allowed}"

    return Secret(
        f"user default off resetpass {rights(_LOGGED_COMMANDS)}\n"
        f"user {_ORCHESTRATOR} on #{hash_key(password)} {rights(_ALLOWED_COMMANDS)}\n"
    )


def _kept_key(store: SecretStore, name: str) -> Secret:
    key = store.get(name)
    if key is None:
        key = new_api_key()
        store.put(name, key)
    elif not is_api_key(key):
        raise RefusedError(
            f"secret '{name}' is not a key made by docgenctl",
            code="weak_key",
            hint="Delete it from the store, and the next 'docgenctl up' makes a new one.",
        )
    return key


def replace_default_key(state_dir: Path) -> None:
    """Make another default key; what opens the stack follows from it at the next delivery."""
    write_private(state_dir / API_KEY_FILE, new_api_key().reveal_bytes() + b"\n")


def default_key_facts(state_dir: Path) -> tuple[str, str] | None:
    """Hash of the default key and when it was made, empty where nobody knows; None when there is none."""
    content = read_private(state_dir / API_KEY_FILE)
    if content is None:
        return None
    digest = hash_key(Secret(content.removesuffix(b"\n")))
    return digest, _read_dates(state_dir / _KEY_DATES_FILE).get((DEFAULT_KEY, digest), "")


def _entry(key_id: str, key: Secret, created: Mapping[str, str]) -> KeyEntry:
    return KeyEntry(id=key_id, sha256=hash_key(key), created=created[key_id])


def _made_for_clients(state_dir: Path) -> list[KeyEntry]:
    """Expired ones too: the orchestrator says of them that they are."""
    return [
        KeyEntry(
            id=key.name,
            sha256=key.sha256,
            created=key.created,
            scopes=key.scopes,
            expires=key.expires,
            rate=key.rate,
            tool_rates=key.tool_rates,
        )
        for key in ClientKeyFile(state_dir).read()
        if key.revoked is None
    ]


def _accepting(entries: Sequence[KeyEntry]) -> dict[str, Secret]:
    return {ACCEPTED_FILE: Secret(api_keys_document(entries))}


def _from_environment(server: Server, environ: Mapping[str, str]) -> dict[str, Secret]:
    facts = server.secrets
    store = EnvironmentStore(environ, {fact.name: fact.environment for fact in facts})
    found: dict[str, Secret] = {}
    for fact in facts:
        secret = store.get(fact.name)
        if secret is not None:
            found[fact.name] = secret
        elif fact.required:
            raise ConfigurationError(
                f"server '{server.name}' needs the secret '{fact.name}': {fact.description}",
                code="secret_missing",
                hint=f"Set the variable {fact.environment}, in the environment or in .env.",
            )
    return found


def _creation_dates(path: Path, keys: Mapping[str, Secret], now: datetime) -> dict[str, str]:
    """Creation date by key id, kept beside a hash: a replaced key gets a date of its own.

    The dates are part of what servers are given; were they taken anew each time, every start would look
    like a change.
    """
    known = _read_dates(path)
    today = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    dates = {
        key_id: {"sha256": digest, "created": known.get((key_id, digest), today)}
        for key_id, digest in ((key_id, hash_key(key)) for key_id, key in keys.items())
    }
    # Dates of servers that are switched off just now are kept, like their keys.
    document = {key_id: {"sha256": d, "created": c} for (key_id, d), c in known.items()} | dates
    content = (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()
    if content != read_private(path):
        write_private(path, content)
    return {key_id: entry["created"] for key_id, entry in dates.items()}


def _read_dates(path: Path) -> dict[tuple[str, str], str]:
    """Dates by key id and hash; a damaged file is as good as none, since only dates are lost."""
    try:
        document = json.loads(read_private(path) or b"{}")
        dates = {(str(key), str(entry["sha256"])): str(entry["created"]) for key, entry in document.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}
    return {key: created for key, created in dates.items() if _RFC3339.fullmatch(created)}

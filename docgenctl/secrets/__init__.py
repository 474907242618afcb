"""Where secret values live, and what each service is given of them."""

from docgenctl.secrets.keys import KeyEntry, api_keys_document, hash_key, new_api_key
from docgenctl.secrets.stack_secrets import StackSecrets, content_version, ensure_stack_secrets
from docgenctl.secrets.store import EnvironmentStore, FileStore, SecretStore

__all__ = [
    "EnvironmentStore",
    "FileStore",
    "KeyEntry",
    "SecretStore",
    "StackSecrets",
    "api_keys_document",
    "content_version",
    "ensure_stack_secrets",
    "hash_key",
    "new_api_key",
]

"""API keys: shape, strength, and the document that servers read."""

import hashlib
import json
import re

import pytest

from docgenctl.model.secret import Secret
from docgenctl.secrets.keys import KeyEntry, api_keys_document, hash_key, is_api_key, new_api_key


def test_a_key_has_the_prefix_and_43_url_safe_characters() -> None:
    assert re.fullmatch(r"dgk_[A-Za-z0-9_-]{43}", new_api_key().reveal())


def test_no_two_keys_are_the_same() -> None:
    assert len({new_api_key().reveal() for _ in range(1000)}) == 1000


def test_every_new_key_counts_as_one() -> None:
    assert all(is_api_key(new_api_key()) for _ in range(1000))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n",
        "changeme",
        "dgk_",
        "dgk_" + "A" * 43,
        "dgk_" + "abcabcabcab" * 4,
        "dgk_" + "0123456789-abcdefghijABCDEFGHIJ0123456789_",
        pytest.param("x" + new_api_key().reveal(), id="a letter too many"),
        pytest.param(new_api_key().reveal() + "\n", id="a line break behind it"),
        pytest.param(new_api_key().reveal()[:-1] + "é", id="a letter of another alphabet"),
    ],
)
def test_examples_and_blanks_are_no_keys(text: str) -> None:
    assert not is_api_key(Secret(text))


def test_bytes_that_are_no_text_are_no_key() -> None:
    assert not is_api_key(Secret(b"dgk_" + b"\xff" * 43))


def test_the_hash_is_the_sha256_of_the_key() -> None:
    assert hash_key(Secret("abc")) == hashlib.sha256(b"abc").hexdigest()


def test_the_document_is_what_servers_read() -> None:
    entry = KeyEntry(id="default", sha256="ab" * 32, created="2026-11-22T10:00:00Z")
    assert json.loads(api_keys_document([entry])) == {
        "version": 1,
        "keys": [
            {
                "id": "default",
                "sha256": "ab" * 32,
                "scopes": ["*"],
                "created": "2026-11-22T10:00:00Z",
                "expires": None,
            }
        ],
    }


def test_the_document_does_not_depend_on_the_order_of_keys() -> None:
    entries = [KeyEntry(id=name, sha256="00", created="2026-11-22T10:00:00Z") for name in "bca"]
    assert api_keys_document(entries) == api_keys_document(sorted(entries, key=lambda entry: entry.id))


def test_the_raw_key_is_not_in_the_document() -> None:
    key = new_api_key()
    document = api_keys_document([KeyEntry(id="a", sha256=hash_key(key), created="2026-11-22T10:00:00Z")])
    assert key.reveal_bytes() not in document

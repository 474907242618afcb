import copy
import json
import pickle

import pytest

from docgenctl.model.secret import Secret

VALUE = "dgk_hunter2"


def test_no_usual_way_of_printing_gives_the_value_away() -> None:
    secret = Secret(VALUE)
    shown = [str(secret), repr(secret), f"{secret}", f"{secret!r:>30}", repr([secret])]
    assert not [text for text in shown if VALUE in text]


def test_the_value_leaves_only_by_name() -> None:
    assert Secret(VALUE).reveal() == VALUE
    assert Secret(VALUE).reveal_bytes() == VALUE.encode()
    assert Secret(b"\xff").reveal_bytes() == b"\xff"


def test_it_cannot_be_pickled_copied_hashed_or_dumped() -> None:
    secret = Secret(VALUE)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)
    with pytest.raises(TypeError):
        hash(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
    assert not hasattr(secret, "__dict__")


def test_equality_is_by_value_and_only_among_secrets() -> None:
    assert Secret(VALUE) == Secret(VALUE.encode())
    assert Secret(VALUE) != Secret("other")
    assert Secret(VALUE) != VALUE

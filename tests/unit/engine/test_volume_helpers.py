"""Helpers of volumes that an engine is still removing when somebody else wants them gone."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from docker import APIClient
from docker.errors import APIError
from requests import Response

from docgenctl.engine.failures import AnswerError
from docgenctl.engine.volumes import remove_helpers


class Removing:
    """An engine whose removals answer with these, one after the other."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        self.answers: Iterator[tuple[int, str]] = iter(answers)
        self.asked = 0

    def containers(self, **_: Any) -> list[dict[str, str]]:
        return [{"Id": "h"}]

    def remove_container(self, *_: Any, **__: Any) -> None:
        self.asked += 1
        status, explanation = next(self.answers)
        if status >= 400:
            response = Response()
            response.status_code = status
            raise APIError("no", response=response, explanation=explanation)


def test_a_removal_under_way_is_waited_for() -> None:
    busy = (409, "removal of container h is already in progress")
    api = Removing(busy, busy, (404, "No such container: h"))
    assert remove_helpers(cast("APIClient", api), "v") == 1
    assert api.asked == 3


def test_any_other_refusal_is_told() -> None:
    with pytest.raises(AnswerError, match="cannot"):
        remove_helpers(cast("APIClient", Removing((409, "cannot remove it"))), "v")

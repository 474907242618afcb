"""`deploy` writes the last good stack down; what is read again must be the same stack to the planner."""

import json

from pydantic import TypeAdapter

from docgenctl.model.stack import Stack
from tests.unit.planning.machines import make_stack


def test_a_stack_that_was_written_down_has_the_digests_it_was_started_with() -> None:
    stack = make_stack()
    document = TypeAdapter(Stack)
    read = document.validate_python(json.loads(json.dumps(document.dump_python(stack, mode="json"))))
    assert [service.digest for service in read.services] == [service.digest for service in stack.services]
    assert [network.digest for network in read.networks] == [network.digest for network in stack.networks]
    assert read == stack

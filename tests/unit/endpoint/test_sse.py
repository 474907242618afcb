"""Events as they arrive, however the bytes are cut."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docgenctl.endpoint.sse import EventStream

STREAM = (
    "\ufeffevent: message\r\ndata: one\r\n\r\n: a comment\n\ndata:two\ndata:  and a half ä\nid: 7\n\n"
    "retry: 3\n\ndata\n\ndata: four\r\rdata: never finished"
).encode()
EVENTS = [b"one", "two\n and a half ä".encode(), b"", b"four"]


def test_data_of_each_complete_event_is_given() -> None:
    assert EventStream().feed(STREAM) == EVENTS


@settings(deadline=None)
@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_it_does_not_matter_where_the_bytes_are_cut(cuts: list[int]) -> None:
    stream, given_events = EventStream(), []
    edges = [0, *sorted(cuts), len(STREAM)]
    for start, end in itertools.pairwise(edges):
        given_events += stream.feed(STREAM[start:end])
    assert given_events == EVENTS


def test_every_single_byte_may_come_alone() -> None:
    stream = EventStream()
    assert [event for byte in STREAM for event in stream.feed(bytes([byte]))] == EVENTS


def test_an_event_is_given_with_the_byte_that_completes_it() -> None:
    stream = EventStream()
    assert stream.feed(b"data: one\r\n") == []
    assert stream.feed(b"\r") == [b"one"]
    assert stream.feed(b"\n") == []


@pytest.mark.timeout(10)
def test_a_large_event_in_small_blocks_takes_linear_time() -> None:
    stream = EventStream()
    assert stream.feed(b"data: ") == []
    for _ in range(40_000):
        stream.feed(b"x" * 1000)
    assert [len(event) for event in stream.feed(b"\n\n")] == [40_000_000]

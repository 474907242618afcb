"""A head that is known by its bytes means what a parser would have found in them."""

from typing import Any

import httptools
import pytest
from docgen_orchestrator.known_heads import KnownHeads, split
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

LINES = [
    b"Host: a",
    b"host: b",
    b"Authorization: Bearer k",
    b" folded",
    b"\tfolded",
    b"Content-Length: 3",
    b"content-length: 3",
    b"CONTENT-LENGTH: 3",
    b"Content-Length: +3",
    b"Content-Length: 03",
    b"Content-Length:3",
    b"Content-Length: 3 ",
    b"Content-Length: 3\n",
    b"X-Content-Length: 3",
    b"Transfer-Encoding: chunked",
    b"x-correlation-id: c-1",
    b"X-Correlation-ID: c-2",
    b"x-correlation-id: not good",
    b"x-correlation-id: ",
    b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    b"traceparent: 00-0",
    b"Connection: close",
    b"Nothing",
    b"A:\r",
    b"A: \0",
    b"A: x\nB: y",
]
CHANGING = [line for line in LINES if line[:1] in b"xXtCc" and not line.startswith((b"Conn", b"X-Content"))]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[list[bytes], list[bytes]]:
    """Two heads with much in common: the same lines in another order, and others of those that change."""
    common = draw(st.lists(st.sampled_from(LINES), max_size=3))
    first, second = ([*common, *draw(st.lists(st.sampled_from(CHANGING), max_size=2))] for _ in range(2))
    length = LINES[5]
    return draw(st.permutations([*first, length])), draw(st.permutations([*second, length]))


CUT = (b"content-length", b"x-correlation-id", b"traceparent")


class Parsed:
    """What httptools finds in the bytes of one connection."""

    def __init__(self, data: bytes) -> None:
        self.lines: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.messages = 0
        self.bad = False
        parser = httptools.HttpRequestParser(self)
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.bad = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self.lines.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.messages += 1

    @property
    def one(self) -> bool:
        """Whether there is one whole message."""
        return not self.bad and self.messages == 1

    @property
    def rest(self) -> list[tuple[bytes, bytes]]:
        return [line for line in self.lines if line[0] not in CUT]


def whole(lines: list[bytes], body: bytes = b"abc") -> bytes:
    return b"POST /mcp HTTP/1.1\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def learned(first: bytes) -> tuple[KnownHeads[Parsed], Parsed] | None:
    """A store that knows the head of ``first``, if that is one whole message, and what was found in it."""
    message, parsed = split(first), Parsed(first)
    if message is None or not parsed.one or first[message.body_at :] != parsed.body:
        return None
    known: KnownHeads[Parsed] = KnownHeads()
    known.remember(message.pattern, parsed)
    return known, parsed


@settings(max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(heads=pairs(), body=st.sampled_from([b"abc", b"", b"xyz"]))
@example(heads=([LINES[5]], [LINES[6]]), body=b"xyz")
@example(heads=([LINES[0], LINES[5], LINES[15]], [LINES[15], LINES[0], LINES[6]]), body=b"abc")
@example(heads=([*LINES[2:3], LINES[5], LINES[15], LINES[3]], [LINES[2], LINES[5], LINES[3]]), body=b"abc")
def test_what_is_known_is_what_the_parser_would_have_found(
    heads: tuple[list[bytes], list[bytes]], body: bytes
) -> None:
    first, second = heads
    found = learned(whole(first))
    assume(found is not None)
    assert found is not None
    known, meaning = found
    data = whole(second, body)
    message = split(data)
    if message is None or known.find(message.pattern) is None:
        return
    parsed = Parsed(data)
    assert parsed.one
    assert parsed.body == data[message.body_at :]
    assert sorted(parsed.rest) == sorted(meaning.rest)
    if message.correlation_id:
        assert (b"x-correlation-id", message.correlation_id) in parsed.lines
    if message.traceparent:
        assert (b"traceparent", message.traceparent) in parsed.lines


def test_a_message_is_found_again_whatever_its_length_id_and_trace_are() -> None:
    trace = b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    first = whole([b"Host: a", b"Content-Length: 3", b"x-correlation-id: c-1", trace])
    known, _ = learned(first) or pytest.fail("not one message")
    message = split(whole([b"Host: a", b"x-correlation-id: other", b"content-length: 12"], b"x" * 12))
    assert message is not None
    assert known.find(message.pattern) is not None
    assert (message.correlation_id, message.traceparent) == (b"other", b"")


@pytest.mark.parametrize(
    "data",
    [
        whole([b"Host: a"], b""),
        whole([b"Content-Length: 3"], b"ab"),
        whole([b"Content-Length: 3"], b"abcd"),
        whole([b"Content-Length: 3"]) + whole([b"Content-Length: 3"]),
        whole([b"Content-Length: 3"])[:30],
        whole([b"Content-Length: 999999999999"]),
        whole([b"Content-Length: 3", b"x-correlation-id: not good"]),
        whole([b"X: " + b"x" * 5_000, b"Content-Length: 3"]),
        b"\r\n\r\n" + whole([b"Content-Length: 3"]),
        b"",
    ],
    ids=range(10),
)
def test_all_but_one_whole_message_is_for_the_parser(data: bytes) -> None:
    assert split(data) is None


@pytest.mark.parametrize("line", [b"A: x\r\n y", b"A: x\r\n\ty", b"A: x\nB: y", b"A: x\rB: y"])
def test_a_head_whose_lines_hang_together_is_not_remembered(line: bytes) -> None:
    known: KnownHeads[Any] = KnownHeads()
    message = split(whole([line, b"Content-Length: 3"]))
    assert message is not None
    known.remember(message.pattern, 1)
    assert len(known) == 0


def test_no_more_heads_are_kept_than_there_is_room_for() -> None:
    known: KnownHeads[int] = KnownHeads(most=10)
    for number in range(25):
        known.remember(b"%d" % number, number)
        assert len(known) <= 10
    assert known.find(b"24") == 24
    assert known.find(b"0") is None

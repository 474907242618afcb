"""The multiplexed stream, taken apart."""

import io
import struct

import pytest

from docgenctl.engine.logs import lines_of, unix_time


def _frame(stream: int, text: str) -> bytes:
    data = text.encode()
    return struct.pack(">BxxxL", stream, len(data)) + data


def test_lines_know_their_stream_and_time() -> None:
    source = _frame(1, "T1 out\n") + _frame(2, "T2 err\r\n") + _frame(1, "T3 \n")
    assert list(lines_of(io.BytesIO(source))) == [
        ("stdout", "T1", "out"),
        ("stderr", "T2", "err"),
        ("stdout", "T3", ""),
    ]


def test_a_long_line_in_several_messages_is_one_line() -> None:
    source = _frame(1, "T1 be") + _frame(2, "T2 other\n") + _frame(1, "T3 ginning\n")
    assert list(lines_of(io.BytesIO(source))) == [("stderr", "T2", "other"), ("stdout", "T1", "beginning")]


def test_an_unfinished_or_torn_end_is_not_lost() -> None:
    assert list(lines_of(io.BytesIO(_frame(1, "T1 half")))) == [("stdout", "T1", "half")]
    assert list(lines_of(io.BytesIO(_frame(1, "T1 whole\n") + b"\x01\x00"))) == [("stdout", "T1", "whole")]


def test_text_that_is_not_utf_8_is_shown_as_far_as_it_goes() -> None:
    frame = struct.pack(">BxxxL", 1, 5) + b"T \xffa\n"
    assert list(lines_of(io.BytesIO(frame))) == [("stdout", "T", "\ufffda")]


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        ("2026-11-22T16:55:57.440698329Z", "1795366557.440698329"),
        ("2026-11-22T16:55:57Z", "1795366557.000000000"),
        ("2026-11-22T17:55:57.5+01:00", "1795366557.500000000"),
    ],
)
def test_moments_keep_their_nanoseconds(moment: str, seconds: str) -> None:
    assert unix_time(moment) == seconds

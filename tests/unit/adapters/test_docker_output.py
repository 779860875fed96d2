from __future__ import annotations

import io

from slipway.adapters.docker_output import HEADER, LINE_MAX_BYTES, frames, lines, without_time

AT = b"2026-01-01T00:00:00.000000000Z "


def sent(*messages: tuple[int, bytes]) -> io.BytesIO:
    return io.BytesIO(b"".join(HEADER.pack(stream, len(text)) + text for stream, text in messages))


def test_each_frame_is_given_with_its_stream() -> None:
    assert list(frames(sent((1, b"out\n"), (2, b"err\n")))) == [(1, b"out\n"), (2, b"err\n")]


def test_a_frame_that_was_cut_off_is_left_out() -> None:
    cut = io.BytesIO(sent((1, b"whole\n"), (1, b"cut off\n")).getvalue()[:-3])
    assert list(frames(cut)) == [(1, b"whole\n")]


def test_pieces_of_a_long_line_are_joined_stream_by_stream_without_their_times() -> None:
    messages = [(1, AT + b"one "), (2, AT + b"other "), (1, AT + b"line\n"), (2, AT + b"line\n")]
    assert list(lines(messages)) == [AT + b"one line\n", AT + b"other line\n"]


def test_a_last_line_without_its_end_gets_one() -> None:
    assert list(lines([(1, AT + b"half")])) == [AT + b"half\n"]


def test_a_line_without_end_comes_in_pieces() -> None:
    piece = b"x" * (16 << 10)
    given = list(lines((1, AT + piece) for _ in range(40)))
    assert len(given) == 3
    assert max(map(len, given)) <= LINE_MAX_BYTES + len(piece) + len(AT)


def test_the_time_is_taken_off_and_broken_characters_are_shown() -> None:
    assert without_time(AT + b"caf\xe9 au lait\r\n") == "caf\ufffd au lait"

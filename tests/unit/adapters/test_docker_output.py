from __future__ import annotations

import io

from slipway.adapters.docker.output import (
    CUT_MARK,
    HEADER,
    LINE_MAX_BYTES,
    FrameDecoder,
    Message,
    frames,
    last_lines,
    lines,
    without_time,
)

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


def test_a_line_that_is_too_long_is_cut_once_and_says_so() -> None:
    piece = "é".encode() * (8 << 10)
    endless = lines((1, AT + piece) for _ in range(40))
    assert list(endless) == [AT + "é".encode() * (LINE_MAX_BYTES // 2) + CUT_MARK + b"\n"]
    ended = [*[(1, AT + b"x" * 16_001)] * 5, (1, AT + b"end\n"), (1, AT + b"next\n")]
    cut, following = lines(ended)
    assert (cut, following) == (AT + b"x" * LINE_MAX_BYTES + CUT_MARK + b"\n", AT + b"next\n")


def test_a_newline_alone_ends_a_line() -> None:
    messages = [(1, AT + b"10%\r100%\n"), (1, AT + b"from Windows\r\n"), (1, AT + "a\u2028b\x0bc\n".encode())]
    texts = [b"10%\r100%\n", b"from Windows\n", "a\u2028b\x0bc\n".encode()]
    assert list(lines(messages)) == [AT + text for text in texts]


def test_a_character_that_the_engine_cut_in_two_is_shown_as_one() -> None:
    assert list(lines([(1, AT + "caf\ufffd".encode()), (1, AT + "\ufffd au lait\n".encode())])) == [
        AT + "caf\ufffd au lait\n".encode()
    ]


def test_frames_are_found_however_the_bytes_come() -> None:
    whole = sent((1, b"out\n"), (2, b"err\n")).getvalue()
    for size in (1, 3, 11, len(whole)):
        decoder = FrameDecoder()
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
        assert [frame for piece in pieces for frame in decoder.feed(piece)] == [(1, b"out\n"), (2, b"err\n")]


def test_a_tail_counts_lines_and_not_the_engines_pieces() -> None:
    long = [(1, AT + b"x" * 16_000), (1, AT + b"x" * 16_000), (1, AT + b"\n")] * 20
    messages: list[Message] = [(1, AT + b"first\n"), *long, (1, AT + b"last\n")]
    asked: list[int] = []

    def messages_of(last: int) -> list[Message]:
        asked.append(last)
        return messages[-last:]

    assert last_lines(messages_of, 20) == [AT + b"x" * 32_000 + b"\n"] * 19 + [AT + b"last\n"]
    assert last_lines(messages_of, 100) == list(lines(messages))
    assert (last_lines(messages_of, 0), asked) == ([], [36, 144, 116])


def test_the_time_is_taken_off_and_broken_characters_are_shown() -> None:
    assert without_time(AT + b"caf\xe9 au lait\r\n") == "caf\ufffd au lait"

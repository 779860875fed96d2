"""From events to a stream's text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest

from router.streams import framing, sse
from router.streams.events import Batch, Ended, Event, Events, LogLine, Notice, ReplicaLine
from router.streams.framing import frame, frames


def never() -> bool:
    return False


def always() -> bool:
    return True


def given(*batches: Batch) -> Events:
    yield from batches


def test_an_event_has_a_field_for_every_line() -> None:
    assert sse.event("line", "one", position="1-0") == "event: line\nid: 1-0\ndata: one\n\n"
    assert sse.event("line", "a\r\nb\rc\n") == "event: line\ndata: a\ndata: b\ndata: c\ndata: \n\n"
    assert sse.event("end", "") == "event: end\ndata: \n\n"


def test_every_kind_of_event_has_its_frame() -> None:
    assert set(framing._FRAMES) == set(get_args(Event))
    assert frame(LogLine("1-0", "one")) == "event: line\nid: 1-0\ndata: one\n\n"
    assert frame(Notice("r-1", "ö")) == 'event: notice\ndata: {"replica": "r-1", "text": "ö"}\n\n'
    assert frame(Ended()) == "event: end\ndata: \n\n"


def test_a_replicas_line_is_framed_once_for_all_who_read_it() -> None:
    line = ReplicaLine("r-1", "2030-01-01T00:00:01Z one")
    assert frame(line) == (
        'event: line\nid: 2030-01-01T00:00:01Z\ndata: {"replica": "r-1", "line": "2030-01-01T00:00:01Z one"}\n\n'
    )
    assert frame(line) is frame(line)


def test_what_came_together_is_sent_together() -> None:
    assert list(frames(given([LogLine("1-0", "a"), Ended()]), never, always)) == [
        "event: line\nid: 1-0\ndata: a\n\nevent: end\ndata: \n\n"
    ]


def test_a_quiet_stream_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(frames(given([], [], [Ended()]), never, always)) == [frame(Ended())]
    monkeypatch.setattr(framing, "HEARTBEAT_S", 0)
    assert list(frames(given([], [Ended()]), never, always)) == [sse.COMMENT, frame(Ended())]


def test_a_stream_ends_when_the_process_is_to_end() -> None:
    ended = list[bool]()

    def events() -> Events:
        try:
            while True:
                yield [LogLine("1-0", "a")]
        finally:
            ended.append(True)

    stopping = iter([False, True])
    assert len(list(frames(events(), lambda: next(stopping), always))) == 2
    assert ended == [True]


def test_a_stream_ends_when_its_reader_may_not_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "LOOK_EVERY_S", 0)
    may = iter([True, False])
    events = given([LogLine("1-0", "a")], [LogLine("2-0", "b")], [Ended()])
    assert list(frames(events, never, lambda: next(may))) == [frame(LogLine("1-0", "a"))]


def test_a_stream_that_is_too_old_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "LIFETIME_S", -1)
    assert len(list(frames(given([Ended()], [Ended()]), never, always))) == 1


def test_a_client_that_leaves_ends_what_was_followed_for_it() -> None:
    left = list[bool]()

    def events() -> Iterator[Batch]:
        try:
            while True:
                yield [LogLine("1-0", "a")]
        finally:
            left.append(True)

    text = frames(events(), never, always)  # type: ignore[arg-type]
    next(text)
    text.close()  # type: ignore[attr-defined]
    assert left == [True]

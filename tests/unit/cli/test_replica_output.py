"""Lines of replicas, as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest

from slipway.cli.streams.replica_output import (
    Labels,
    Line,
    Unseen,
    clock,
    how_it_ended,
    parse_event,
    parse_notice,
    parse_text,
)

TIME = "2030-01-01T12:00:00.123456789Z"
REPLICAS = [{"id": "r-1", "process": "web", "slot": 1, "release": 4}]


def local(written: str, form: str) -> str:
    return datetime.fromisoformat(written).astimezone().strftime(form)


def test_lines_are_read_from_text_and_from_events() -> None:
    line = Line("r-1", TIME, "GET /  200")
    assert parse_text(f"r-1 {TIME} GET /  200\n\nr-1 {TIME} \nr-1 {TIME}\n") == [line, *[Line("r-1", TIME, "")] * 2]
    assert parse_event(f'{{"replica": "r-1", "line": "{TIME} GET /  200"}}') == line
    assert line.document() == {"replica": "r-1", "time": TIME, "text": "GET /  200"}


def test_a_newline_alone_ends_a_line() -> None:
    printed = "10%\r100%\x0b\x85\u2028done"
    assert parse_text(f"r-1 {TIME} {printed}\n") == [Line("r-1", TIME, printed)]
    shown = click.unstyle(Labels(lambda: REPLICAS).line(Line("r-1", TIME, "10%\r50%\r100%")))
    assert shown.endswith("  100%")


def test_what_is_missing_of_a_replica_is_reported() -> None:
    assert parse_notice('{"replica": "r-1", "text": "7 lines left out"}') == ("r-1", "7 lines left out")


def test_after_a_stream_broke_off_only_new_lines_are_shown() -> None:
    unseen = Unseen()
    first, second = Line("r-1", TIME, "one"), Line("r-1", TIME.replace("789Z", "790Z"), "two")
    assert [unseen.take(each) for each in (first, second, first, second)] == [True, True, False, False]
    assert unseen.take(Line("r-2", TIME, "one"))


def test_a_replica_is_called_by_process_slot_and_release_and_new_ones_are_asked_for() -> None:
    asked: list[int] = []
    known: list[dict[str, Any]] = list(REPLICAS)
    labels = Labels(lambda: asked.append(1) or known)  # type: ignore[func-returns-value]
    assert [labels.of("r-1"), labels.of("r-1")] == ["web.1 v4", "web.1 v4"]
    known.append({"id": "r-2", "process": "web", "slot": 1, "release": 5})
    assert labels.of("r-2") == "web.1 v5"
    assert len(asked) == 2
    assert labels.of("r-9") == "r-9"


def test_a_line_has_its_time_of_day_and_can_not_drive_the_terminal() -> None:
    today = datetime.fromisoformat("2030-01-01T12:00:00Z").astimezone().date()
    shown = click.unstyle(Labels(lambda: REPLICAS).line(Line("r-1", TIME, "a\x1b[2Jb"), today))
    assert shown == f"web.1 v4  {local('2030-01-01T12:00:00Z', '%H:%M:%S')}  ab"


def test_another_day_is_said_and_what_is_no_time_is_shown_as_it_is() -> None:
    other = datetime.fromisoformat("2030-01-05T12:00:00Z").date()
    assert clock(TIME, other) == local("2030-01-01T12:00:00Z", "%b %d %H:%M:%S")
    assert clock("2030-01-01T12:00:00Z", other) == clock(TIME, other)
    assert clock("soon") == "soon"


def earlier(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


OUT = {"cause": "out of memory (256 MB)", "at": earlier(9000)}


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        ({}, ""),
        ({"exit_code": 143}, "exit code 143 (SIGTERM)"),
        ({"last_crash": {"cause": "exit code 1", "at": earlier(9000)}}, "exit code 1, 2 h ago"),
        ({"last_crash": OUT, "out_of_memory_at": earlier(9001)}, "out of memory (256 MB), 2 h ago"),
        ({"out_of_memory_at": earlier(9000)}, "a process was killed: out of memory (256 MB), 2 h ago"),
        (
            {"last_crash": {"cause": "exit code 1", "at": earlier(20000)}, "out_of_memory_at": earlier(9000)},
            "a process was killed: out of memory (256 MB), 2 h ago",
        ),
    ],
)
def test_how_a_replica_last_ended(known: dict[str, Any], shown: str) -> None:
    plain = {"last_crash": None, "out_of_memory_at": None, "exit_code": None, "memory_bytes": 256 << 20}
    assert how_it_ended(plain | known) == shown

"""What the demo prints."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from slipway.demo.progress import Progress, step_line

NOW = datetime(2026, 1, 15, 9, 30, 15, tzinfo=UTC)
FETCH = {
    "name": "fetch",
    "started_at": "2026-01-15T09:30:00Z",
    "ended_at": "2026-01-15T09:30:00.400000Z",
    "seconds": 0.4,
    "ok": True,
    "note": "",
}
BUILD = {
    "name": "build",
    "started_at": "2026-01-15T09:30:00.400000Z",
    "ended_at": "2026-01-15T09:30:12.200000Z",
    "seconds": 11.8,
    "ok": True,
    "note": "7 of 9 steps from cache",
}
BUILDING = BUILD | {"ended_at": None, "seconds": None, "ok": None, "note": ""}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_step_is_shown_with_its_time_and_note() -> None:
    assert step_line(FETCH, NOW) == "  ✔ fetch       0.4 s"
    assert step_line(BUILD, NOW) == "  ✔ build      11.8 s   7 of 9 steps from cache"


def test_a_failed_step_is_marked() -> None:
    assert step_line(BUILD | {"ok": False}, NOW).startswith("  ✘ build")


def test_a_running_step_is_shown_with_its_time_so_far() -> None:
    assert step_line(BUILDING, NOW).split()[1:] == ["build", "14.6", "s"]


def test_in_a_pipe_each_step_is_one_line_once_it_ended() -> None:
    out = io.StringIO()
    progress = Progress(out)
    progress.steps([FETCH, BUILDING])
    progress.steps([FETCH, BUILD])
    progress.steps([FETCH, BUILD])

    assert [line.split()[1] for line in out.getvalue().splitlines()] == ["fetch", "build"]
    assert "\x1b" not in out.getvalue()


def test_a_step_that_another_worker_began_anew_is_shown_again() -> None:
    out = io.StringIO()
    progress = Progress(out)
    progress.steps([FETCH])
    progress.steps([FETCH | {"started_at": "2026-01-15T09:31:00Z"}])

    assert len(out.getvalue().splitlines()) == 2


def test_on_a_terminal_the_running_step_is_written_over() -> None:
    out = Terminal()
    progress = Progress(out)
    progress.steps([BUILDING])
    progress.line("done")

    assert out.getvalue().endswith("\r\x1b[Kdone\n")

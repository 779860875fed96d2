"""What the demo prints."""

from __future__ import annotations

import io

from slipway.demo.progress import Progress, step_line
from slipway.demo.walk import app_url
from slipway.settings import load

FETCH = {"name": "fetch", "started_at": 100.0, "ended_at": 100.4, "ok": True, "note": ""}
BUILD = {"name": "build", "started_at": 100.4, "ended_at": 112.2, "ok": True, "note": "7 of 9 steps from cache"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_step_is_told_with_its_time_and_note() -> None:
    assert step_line(FETCH, 0) == "  ✔ fetch       0.4 s"
    assert step_line(BUILD, 0) == "  ✔ build      11.8 s   7 of 9 steps from cache"


def test_a_failed_step_is_marked() -> None:
    assert step_line(BUILD | {"ok": False}, 0).startswith("  ✘ build")


def test_in_a_pipe_each_step_is_one_line_once_it_ended() -> None:
    out = io.StringIO()
    progress = Progress(out)
    progress.steps([FETCH, BUILD | {"ended_at": None}])
    progress.steps([FETCH, BUILD])
    progress.steps([FETCH, BUILD])

    assert [line.split()[1] for line in out.getvalue().splitlines()] == ["fetch", "build"]
    assert "\x1b" not in out.getvalue()


def test_a_step_that_another_worker_began_anew_is_shown_again() -> None:
    out = io.StringIO()
    progress = Progress(out)
    progress.steps([FETCH])
    progress.steps([FETCH | {"started_at": 120.0, "ended_at": 120.2}])

    assert len(out.getvalue().splitlines()) == 2


def test_on_a_terminal_the_running_step_is_written_over() -> None:
    out = Terminal()
    progress = Progress(out)
    progress.steps([BUILD | {"ended_at": None}])
    progress.line("done")

    assert out.getvalue().endswith("\r\x1b[Kdone\n")


def test_an_apps_address_follows_the_consoles_scheme_and_port() -> None:
    local = load({})
    public = load({"SLIPWAY_PUBLIC_URL": "https://slipway.example.org", "SLIPWAY_APP_DOMAIN": "apps.example.org"})

    assert app_url(local, "hello") == "http://hello.localhost:8080/"
    assert app_url(public, "hello") == "https://hello.apps.example.org/"

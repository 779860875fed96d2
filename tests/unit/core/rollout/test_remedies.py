"""Remedies for what a replica printed last, and for how its probes failed."""

from __future__ import annotations

import pytest

from slipway.core.rollout.failure import ProbeCause, ProbeError
from slipway.core.rollout.remedies import own_lines, probe_remedies, remedies


@pytest.mark.parametrize(
    "tail",
    [
        "    return self.data[key]\nKeyError: 'DATABASE_URL'",
        'key not found: "DATABASE_URL" (KeyError)',
        "Error: DATABASE_URL is not set",
        "panic: environment variable DATABASE_URL is required",
        "DATABASE_URL environment variable must be set",
    ],
)
def test_a_variable_that_is_read_but_not_set_is_named(tail: str) -> None:
    assert remedies(tail, port=8000, refused=False) == [
        "DATABASE_URL is read but not set here: slipway env set DATABASE_URL=…"
    ]


@pytest.mark.parametrize(
    "tail",
    [
        " * Running on http://127.0.0.1:8000",
        "Listening at: http://127.0.0.1:8000 (7)",
        "Server listening on localhost:8000",
    ],
)
def test_an_app_that_only_itself_can_reach_learns_so(tail: str) -> None:
    [remedy] = remedies(tail, port=8000, refused=True)
    assert "let it listen on 0.0.0.0" in remedy


def test_an_app_on_another_port_learns_so() -> None:
    [remedy] = remedies("Example app listening on port 3000", port=8000, refused=True)
    assert remedy == "the app listens on port 3000: let it read $PORT, or set port = 3000 in slipway.toml"


def test_without_a_word_the_rule_is_given() -> None:
    assert remedies("", port=8000, refused=True) == ["the app must listen on 0.0.0.0, port 8000 ($PORT)"]


def test_nothing_is_guessed_when_it_answered() -> None:
    assert remedies("Listening on 127.0.0.1:9000", port=8000, refused=False) == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (500, "the app runs, but fails at /health"),
        (404, "the app has nothing at /health"),
        (401, "the app refuses /health"),
    ],
)
def test_a_health_check_that_is_answered_badly_is_fixed_or_moved(status: int, expected: str) -> None:
    [remedy] = probe_remedies(ProbeError(ProbeCause.BAD_STATUS, "any words", "/health", status))
    assert remedy.startswith(expected)
    assert "slipway apps set health_path=/…" in remedy


@pytest.mark.parametrize("cause", [ProbeCause.NOT_HTTP, ProbeCause.NO_ANSWER, ProbeCause.CLOSED])
def test_an_app_that_may_speak_no_http_learns_how_to_say_so(cause: ProbeCause) -> None:
    [remedy] = probe_remedies(ProbeError(cause, "any words"))
    assert 'health = "tcp"' in remedy


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("ModuleNotFoundError: No module named 'no_such.module'", "no_such.module is imported but not installed"),
        ("ImproperlyConfigured: The SECRET_KEY setting must not be empty.", "slipway env set SECRET_KEY="),
        ("sqlite3.OperationalError: unable to open database file", "the root file system is read-only"),
        ("OSError: [Errno 30] Read-only file system: '/app/log'", "read_only = false"),
    ],
)
def test_what_keeps_an_app_from_its_start_is_recognised(tail: str, expected: str) -> None:
    [remedy] = remedies(tail, port=8000, refused=False)
    assert expected in remedy


def test_another_failure_is_not_the_health_paths() -> None:
    message = "GET :8000/health was refused; it was not answered within 5 s, is not HTTP, and answered 500"
    for cause in (ProbeCause.REFUSED, ProbeCause.NO_CONNECTION, ProbeCause.HEAD_TOO_LONG):
        assert probe_remedies(ProbeError(cause, message)) == [], "the words decide nothing"


def test_the_apps_own_lines_go_before_the_log_of_our_asking() -> None:
    asked = ['10.1.2.1 - - "GET /health HTTP/1.1" 500 0', '10.1.2.1 "GET / HTTP/1.1" 200 "slipway-probe"']
    assert own_lines(["no database", asked[0], 'x "GET /healthy HTTP/1.1" 200', asked[1]], "/health") == [
        "no database",
        'x "GET /healthy HTTP/1.1" 200',
    ]
    assert own_lines(asked, "/health") == asked

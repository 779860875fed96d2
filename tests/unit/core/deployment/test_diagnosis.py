"""What a replica's last words tell its owner to do."""

from __future__ import annotations

import pytest

from slipway.core.deployment.diagnosis import own_lines, probe_remedies, remedies


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
def test_an_app_that_only_itself_can_reach_is_told_so(tail: str) -> None:
    [remedy] = remedies(tail, port=8000, refused=True)
    assert "let it listen on 0.0.0.0" in remedy


def test_an_app_on_another_port_is_told_so() -> None:
    [remedy] = remedies("Example app listening on port 3000", port=8000, refused=True)
    assert remedy == "the app listens on port 3000: let it read $PORT, or set port = 3000 in slipway.toml"


def test_without_a_word_the_rule_is_given() -> None:
    assert remedies("", port=8000, refused=True) == ["the app must listen on 0.0.0.0, port 8000 ($PORT)"]


def test_nothing_is_guessed_when_it_answered() -> None:
    assert remedies("Listening on 127.0.0.1:9000", port=8000, refused=False) == []


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("GET :8000/health answered 500 (30 tries)", "the app runs, but fails at /health"),
        ("GET :8000/health answered 404 (1 try)", "the app has nothing at /health"),
        ("GET :8000/health answered 401 (1 try)", "the app refuses /health"),
    ],
)
def test_a_health_check_that_is_answered_badly_is_mended_or_moved(message: str, told: str) -> None:
    [remedy] = probe_remedies(message)
    assert remedy.startswith(told)
    assert "slipway apps set health_path=/…" in remedy


@pytest.mark.parametrize(
    "message",
    [
        "GET :8000/ was answered with something that is not HTTP (30 tries)",
        "GET :8000/ was accepted, but not answered within 5 s (6 tries)",
        "GET :8000/ was accepted, and the connection closed without an answer (200 tries)",
    ],
)
def test_whoever_speaks_no_http_is_told_how_to_say_so(message: str) -> None:
    [remedy] = probe_remedies(message)
    assert 'health = "tcp"' in remedy


@pytest.mark.parametrize(
    ("tail", "told"),
    [
        ("ModuleNotFoundError: No module named 'no_such.module'", "no_such.module is imported but not installed"),
        ("ImproperlyConfigured: The SECRET_KEY setting must not be empty.", "slipway env set SECRET_KEY="),
        ("sqlite3.OperationalError: unable to open database file", "the root file system is read-only"),
        ("OSError: [Errno 30] Read-only file system: '/app/log'", "read_only = false"),
    ],
)
def test_what_keeps_an_app_from_its_start_is_recognised(tail: str, told: str) -> None:
    [remedy] = remedies(tail, port=8000, refused=False)
    assert told in remedy


def test_another_failure_is_not_the_health_paths() -> None:
    assert probe_remedies("GET :8000/health was refused") == []


def test_the_apps_own_lines_go_before_the_log_of_our_asking() -> None:
    asked = ['10.1.2.1 - - "GET /health HTTP/1.1" 500 0', '10.1.2.1 "GET / HTTP/1.1" 200 "slipway-probe"']
    assert own_lines(["no database", asked[0], 'x "GET /healthy HTTP/1.1" 200', asked[1]], "/health") == [
        "no database",
        'x "GET /healthy HTTP/1.1" 200',
    ]
    assert own_lines(asked, "/health") == asked

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
    ("tail", "remedy"),
    [
        (
            'Traceback (most recent call last):\n  File "/app/app.py", line 3\n    def x(\n         ^\n'
            "SyntaxError: '(' was never closed",
            "/app/app.py, line 3: Python can't read it ('(' was never closed): fix it there, and push again",
        ),
        (
            '  File "/app/a.py", line 1, in <module>\n    import b\n  File "/app/b.py", line 7\n    x\n'
            "IndentationError: unexpected indent",
            "/app/b.py, line 7: Python can't read it (unexpected indent): fix it there, and push again",
        ),
        (
            "/app/server.js:4\nlet a = ;\n        ^\n\nSyntaxError: Unexpected token ';'\n    at wrapSafe",
            "/app/server.js, line 4: Node can't read it (Unexpected token ';'): fix it there, and push again",
        ),
        (
            "app.rb:3: syntax error, unexpected end-of-input",
            "app.rb, line 3: Ruby can't read it (syntax error, unexpected end-of-input): fix it there, and push again",
        ),
    ],
)
def test_a_file_that_can_not_be_read_is_named_with_its_line(tail: str, remedy: str) -> None:
    assert remedies(tail, port=8000, refused=False) == [remedy]


@pytest.mark.parametrize(
    ("tail", "name"),
    [
        ("sh: 1: exec: gunicorn: not found", "gunicorn"),
        ("/bin/sh: gunicorn: not found\n", "gunicorn"),
        ("bash: line 1: bundle: command not found", "bundle"),
        ("/usr/bin/env: ‘node’: No such file or directory", "node"),
        ("env: 'ruby': No such file or directory", "ruby"),
        ("sh: 1: exec: ./start.sh: not found", "./start.sh"),
        ("bash: ./start.sh: No such file or directory", "./start.sh"),
        ('exec: "gunicorn": executable file not found in $PATH: unknown', "gunicorn"),
    ],
)
def test_a_command_that_is_not_there_is_named(tail: str, name: str) -> None:
    [remedy] = remedies(tail, port=8000, refused=False)
    assert remedy.startswith(f"{name} is not in the image: list the package that brings it (requirements.txt, ")
    assert "Procfile" in remedy


@pytest.mark.parametrize(
    ("tail", "says"),
    [
        (
            "Error: Cannot find module 'express'\nRequire stack:",
            "express is required but not installed: list it under ",
        ),
        ("Error: Cannot find module '/app/server.js'", "/app/server.js is not in the image: push it, or correct the "),
        ("python: can't open file '/app/x.py': [Errno 2] No such file or directory", "/app/x.py is not in the image"),
        ("ruby: No such file or directory -- app.rb (LoadError)", "app.rb is not in the image"),
        ("cannot load such file -- sinatra (LoadError)", "sinatra is required but not installed: list its gem"),
        (
            "sh: 1: exec: ./start.sh: Permission denied",
            "./start.sh may not be run: git update-index --chmod=+x ./start",
        ),
        ("/bin/sh: 1: ./start.sh: Permission denied", "./start.sh may not be run"),
    ],
)
def test_what_is_missing_or_may_not_be_run_is_named(tail: str, says: str) -> None:
    [remedy] = remedies(tail, port=8000, refused=False)
    assert remedy.startswith(says)


@pytest.mark.parametrize(
    "tail",
    [
        "GET /favicon.ico: not found",
        "sh: 1: cannot create /app/x: Permission denied",
        "error: user 'bash: x' not found in table",
        "SyntaxError: Unexpected token < in JSON at position 0",
    ],
)
def test_what_only_looks_like_that_is_left_alone(tail: str) -> None:
    assert remedies(tail, port=8000, refused=False) == []


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
        (400, "the app takes the health check's request to /health for a bad one: an app that answers only"),
        (401, "the app refuses /health: the health check brings no login"),
        (403, "the app refuses /health: the health check brings no login"),
        (405, "the app takes no GET at /health"),
        (410, "the app has nothing at /health"),
        (418, "the app answers 418 at /health"),
        (429, "the app limits how often /health"),
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

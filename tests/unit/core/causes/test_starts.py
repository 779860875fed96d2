"""Each app that fails at its start gets the sentence that names why, and what fixes it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from slipway.core.causes.starts import Start, cause
from slipway.core.rollout.failure import ProbeCause, ProbeError
from slipway.core.rollout.listeners import Listener

_TABLE = Path(__file__).parents[3] / "vectors" / "failing_starts.toml"
APPS: dict[str, dict[str, Any]] = {app["name"]: app for app in tomllib.loads(_TABLE.read_text())["app"]}


def start_of(app: dict[str, Any]) -> Start:
    probe = app.get("probe")
    listens = [each.split() for each in app["listens"]] if "listens" in app else None
    return Start(
        app["printed"],
        8000,
        app.get("exit_code"),
        ProbeError(ProbeCause(probe), "any words", app.get("path", ""), app.get("status", 0)) if probe else None,
        None if listens is None else [Listener(address, int(port)) for address, port in listens],
        app.get("read_only", True),
    )


@pytest.mark.parametrize("name", APPS)
def test_the_cause_is_named_and_its_remedy(name: str) -> None:
    app = APPS[name]
    found = cause(start_of(app))
    assert (found.sentence if found else "", found.remedy if found else "") == (app["sentence"], app["remedy"])


@pytest.mark.parametrize("name", [name for name, app in APPS.items() if app["printed"]])
def test_lines_of_other_things_around_it_change_nothing(name: str) -> None:
    app = APPS[name]
    around = dict(app, printed=f"starting up\n{app['printed']}\nbye")
    found = cause(start_of(around))
    assert (found.sentence if found else "") == app["sentence"]


def test_a_sentence_is_one_line_without_a_full_stop() -> None:
    for app in APPS.values():
        assert "\n" not in app["sentence"]
        assert not app["sentence"].endswith(".")
        assert bool(app["sentence"]) == bool(app["remedy"])


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        (" * Running on http://127.0.0.1:8000", "it listens on 127.0.0.1:8000 only"),
        ("Server listening on localhost:8000", "it listens on 127.0.0.1:8000 only"),
        ("Example app listening on port 3000", "it listens on port 3000, not on 8000 ($PORT)"),
        ("", "nothing in its container listens on any port"),
    ],
)
def test_where_the_sockets_can_not_be_seen_the_app_is_believed(printed: str, sentence: str) -> None:
    found = cause(Start(printed, 8000, probe=ProbeError(ProbeCause.REFUSED, "any words")))
    assert found
    assert found.sentence.startswith(sentence)


def test_the_sockets_are_believed_before_the_app() -> None:
    found = cause(
        Start(
            " * Running on http://127.0.0.1:5000",
            8000,
            probe=ProbeError(ProbeCause.REFUSED, "any words"),
            listeners=[Listener("0.0.0.0", 5000)],
        )
    )
    assert found
    assert found.sentence == "it listens on port 5000, not on 8000 ($PORT)"


def test_on_a_root_that_is_writable_nothing_is_said_of_a_read_only_one() -> None:
    for app in APPS.values():
        found = cause(start_of(dict(app, read_only=False)))
        assert not found or "the root file system is read-only" not in found.sentence


def test_of_several_causes_the_last_one_counts() -> None:
    printed = "KeyError: 'FIRST_NAME'\nretrying\nModuleNotFoundError: No module named 'flask'"
    found = cause(Start(printed, 8000, 1))
    assert found
    assert found.sentence == "flask is imported but not installed"


@pytest.mark.parametrize("name", ["x;reboot", "$(reboot)", "`reboot`", "a|sh", "a&b", "'a'"])
@pytest.mark.parametrize(
    "line",
    [
        "[FATAL tini (7)] exec {} failed: Permission denied",
        "[FATAL tini (7)] exec ./{} failed: No such file or directory",
        "sh: 1: ./{}: Permission denied",
        "sh: 1: ./{}: not found",
        "{}: 1: set: Illegal option -",
        "KeyError: '{}'",
        "Error: Failed to find Flask application or factory in module '{}'. Use",
    ],
)
def test_what_visitors_can_have_logged_becomes_no_command(line: str, name: str) -> None:
    found = cause(Start(line.format(name), 8000, 1))
    assert not found or name not in found.remedy


def test_of_a_long_line_only_its_beginning_is_searched() -> None:
    sign = "ModuleNotFoundError: No module named 'flask'"
    assert cause(Start(f"{'x' * 20_000} {sign}\n", 8000)) is None
    assert cause(Start(f"{' ' * 20_000}\n{sign}{' ' * 20_000}\n", 8000)) == cause(Start(sign, 8000))

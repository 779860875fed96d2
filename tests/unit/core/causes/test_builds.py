"""Each build that fails gets the sentence that names why, what fixes it, and the lines that are worth reading."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from slipway.core.build.progress import Failure, Progress, explain
from slipway.core.causes.builds import SHOWN_LINES

_TABLE = Path(__file__).parents[3] / "vectors" / "failing_builds.toml"
APPS: dict[str, dict[str, Any]] = {app["name"]: app for app in tomllib.loads(_TABLE.read_text())["app"]}


def explained(printed: str) -> Failure:
    progress = Progress()
    lines = [line for line in map(progress.add, printed.split("\n")) if line is not None]
    return explain(progress, memory="4096 MB", processes=512, lines=lines)


@pytest.mark.parametrize("name", APPS)
def test_the_cause_is_named_and_its_remedy(name: str) -> None:
    app = APPS[name]
    failure = explained(app["printed"])
    sentence = f"{failure.sentence}: {failure.cause}" if failure.cause else failure.sentence
    assert (sentence, failure.remedy) == (app["sentence"], app["remedy"])


@pytest.mark.parametrize(
    ("name", "decisive"),
    [
        ("pg_config", "Error: pg_config executable not found."),
        ("MySQL's library", "Exception: Can not find valid pkg-config name."),
        ("npm ci without a lock file", "The `npm ci` command can only install with an existing package-lock.json or"),
        ("npm ci with an old lock file", "lock file's left-pad@1.3.0 does not satisfy left-pad@1.1.3"),
        ("requirements that conflict", "flask 3.0.0 depends on Werkzeug>=3.0.0"),
        ("a header", "fatal error: nosuch.h: No such file or directory"),
        ("exit code 3 and no known words", "decisive"),
    ],
)
def test_the_decisive_line_is_shown_and_no_boilerplate(name: str, decisive: str) -> None:
    lines = explained(APPS[name]["printed"]).tail.split("\n")
    assert any(decisive in line for line in lines)
    assert len(lines) <= SHOWN_LINES
    boilerplate = (
        "not a problem with pip",
        "end of output",
        "subprocess-exited-with-error",
        "executor failed",
        "------",
    )
    assert not [line for line in lines if any(word in line for word in boilerplate)]
    assert not [line for line in lines if line.startswith("#")]


def test_lines_of_steps_beside_it_are_left_out() -> None:
    printed = APPS["a variable that the build reads"]["printed"].replace(
        "#5 0.253 Traceback", "#6 0.1 ModuleNotFoundError: No module named 'other'\n#5 0.253 Traceback"
    )
    failure = explained(printed)
    assert failure.cause == "SECRET_KEY is read but not set in builds"
    assert "other" not in failure.tail


def test_an_exception_that_no_row_knows_stands_in_its_own_words() -> None:
    printed = APPS["a variable that the build reads"]["printed"].replace("KeyError: 'SECRET_KEY'", "ValueError: no")
    assert explained(printed).cause == "ValueError: no"

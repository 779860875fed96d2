"""Build variables reach the commands of a generated Dockerfile, as the shell of a step sees them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from builder.sources import build_variables

DOCKERFILE = """\
FROM python:3.11-slim
RUN --mount=type=cache,target=/root/.cache/pip ["pip", "install", "a b", "$X"]
RUN python x.py || echo "it failed"
CMD ["sh", "-c", "RUN"]
"""


def test_without_variables_nothing_changes() -> None:
    assert build_variables.given(DOCKERFILE, []) == DOCKERFILE


def test_only_steps_that_run_a_command_get_them() -> None:
    made = build_variables.given(DOCKERFILE, ["NPM_TOKEN", "A"]).splitlines()
    mounts = "--mount=type=secret,id=A --mount=type=secret,id=NPM_TOKEN "
    assert [mounts in line for line in made] == [False, True, True, False]
    assert made[1].startswith("RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret")


@pytest.mark.parametrize("value", ["https://u:p@h/", "a 'b' $c\nd", ""])
@pytest.mark.parametrize("words", [["a b", "$X", "'"], ["two\nlines", '"']])
def test_a_command_sees_the_value_and_its_own_words(tmp_path: Path, value: str, words: list[str]) -> None:
    (tmp_path / "TOKEN").write_text(value)
    argv = ["python3", "-c", "import os, sys; print([os.environ['TOKEN'], *sys.argv[1:]])", *words]
    made = build_variables.given(f"RUN {json.dumps(argv)}\n", ["TOKEN"]).replace("/run/secrets", str(tmp_path))
    command = made.rstrip("\n").partition("id=TOKEN ")[2]
    run = json.loads(command) if command.startswith("[") else ["sh", "-c", command]
    done = subprocess.run(run, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"})
    assert "\n" not in command
    assert done.stdout == f"{[value, *words]}\n"


def test_a_secret_that_is_not_there_is_an_empty_value() -> None:
    made = build_variables.given('RUN echo "<$TOKEN>"\n', ["TOKEN"])
    command = made.partition("id=TOKEN ")[2]
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("<>\n", "")

"""The command as a whole: help, wrong usage, faults, and how it begins and ends."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from slipway import cli
from slipway.cli import reference, version
from slipway.cli.exit_codes import Exit
from slipway.cli.numbers import Number, Seconds

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is signed in, and no app is meant."""
    monkeypatch.setenv("SLIPWAY_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("SLIPWAY_STATE_DIR", str(tmp_path / "state"))
    for name in ("SLIPWAY_URL", "SLIPWAY_TOKEN", "SLIPWAY_APP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> Exit:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    return Exit(ended.value.code)  # type: ignore[arg-type]


def test_every_command_explains_itself_in_one_short_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--help") == Exit.DONE
    shown = capsys.readouterr().out
    assert "..." not in shown.partition("Every day")[2]
    for words, command in reference.paths():
        assert call(*words, "-h") == Exit.DONE
        assert command.help, words
        short = command.get_short_help_str(100)
        assert short.endswith("."), words
        for option in command.params:
            assert isinstance(option, click.Argument) or option.help, (words, option.name)  # type: ignore[attr-defined]


NO_NUMBERS = ("nan", "NaN", "inf", "-inf", "1e999", "-1", "x", "")


def test_no_command_takes_for_a_number_what_is_none() -> None:
    numeric = (click.IntRange, Number, Seconds)
    taken = [
        (words, option.name, text)
        for words, command in reference.paths()
        for option in command.params
        for text in NO_NUMBERS
        if isinstance(option.type, numeric) and _is_taken(option, text)
    ]
    loose = [
        (words, option.name)
        for words, command in reference.paths()
        for option in command.params
        if option.type in (click.INT, click.FLOAT) or isinstance(option.type, click.FloatRange)
    ]
    assert taken == []
    assert loose == [], "click's own take nan, inf and what lies below 0"


def _is_taken(option: click.Parameter, text: str) -> bool:
    try:
        option.type.convert(text, option, None)
    except click.UsageError:
        return False
    return True


def test_the_version_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--version") == Exit.DONE
    assert capsys.readouterr().out == f"slipway {version.number()}\n"


def test_nobody_signed_in_is_code_3_and_says_how_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("apps") == Exit.NOT_SIGNED_IN
    assert capsys.readouterr() == ("", "✘ You are not signed in.\n  slipway login https://slipway.example.org\n")
    assert call("apps", "--json") == Exit.NOT_SIGNED_IN
    problem = json.loads(capsys.readouterr().err)
    assert (problem["code"], problem["status"]) == ("not-authenticated", 401)


def test_on_the_host_itself_its_address_and_the_first_token_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state" / "keys").mkdir(parents=True)
    monkeypatch.setenv("SLIPWAY_PUBLIC_URL", "https://slipway.acme.example")
    assert call("apps") == Exit.NOT_SIGNED_IN
    message = capsys.readouterr().err
    assert "  slipway login https://slipway.acme.example\n" in message
    assert "slipway tokens create --tenant NAME --name NAME\n" in message


def test_a_login_without_a_token_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert call("login", "https://slipway.example.org") == Exit.USAGE
    assert "no token came" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "No such command 'nope'"),
        (["log", "-f", "-a", "shop"], "'log' is no command. Did you mean: slipway logs -f -a shop"),
        (["logs", "--nope"], "No such option"),
        (["scale", "many"], "'many' is not a number of replicas"),
        (["rollback", "-a", "x", "--to", "last"], "'last' is not a release"),
        (["env", "set", "-a", "x", "NAME"], "is not NAME=VALUE"),
        (["env", "set", "-a", "x"], "nothing to set"),
        (["login"], "where?"),
        (["env", "set", "-a", "shop", "A=\udcff"], "'A=\\udcff' is not in UTF-8"),
        (["apps", "show", "\udcff"], "is not in UTF-8"),
        (["apps", "create", "shop"], "from which repository?"),
    ],
)
def test_wrong_usage_is_code_2_and_says_what_is_wrong(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*arguments) == Exit.USAGE
    assert message in capsys.readouterr().err
    assert call(*arguments, "--json") == Exit.USAGE
    assert message in json.loads(capsys.readouterr().err)["detail"]


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["apps", "shop"], "slipway apps show shop"),
        (["apps", "creat", "shop"], "slipway apps create shop"),
        (["env", "unste", "A"], "slipway env unset A"),
        (["deployments", "318"], "slipway deployments show 318"),
        (["env", "A=1"], "slipway env set A=1"),
        (["domains", "shop.example.org"], "slipway domains add shop.example.org"),
        (["hooks", "x"], "slipway hooks deliveries x"),
        (["tokens", "ci"], "slipway tokens create --name ci"),
    ],
)
def test_a_noun_takes_no_name_for_a_verb_and_says_what_was_meant(
    arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*arguments) == Exit.USAGE
    assert f"Did you mean: {meant}" in capsys.readouterr().err


def test_a_fault_of_our_own_is_kept_in_a_private_file_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stumble(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(cli.slipway, "main", stumble)
    assert call("apps") == Exit.FAILED
    kept = tmp_path / "config" / "fault.txt"
    message = capsys.readouterr().err
    assert "ZeroDivisionError" in message
    assert str(kept) in message
    assert "Traceback" not in message
    assert "a fault" in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_ctrl_c_ends_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.slipway, "main", stopped)
    assert call("apps") == Exit.FAILED
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_has_seen_enough_is_no_failure() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    argv = [sys.executable, "-m", "slipway.cli", "completion", "fish"]
    done = subprocess.run(argv, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, timeout=300, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("completion", shell) == Exit.DONE
    assert f"_SLIPWAY_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_commands_are_completed_and_apps_are_not_where_nobody_is_signed_in() -> None:
    def completed(*words: str) -> list[str]:
        variables = {
            "_SLIPWAY_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
        }
        argv = [sys.executable, "-m", "slipway.cli"]
        environment = {**os.environ, **variables}
        done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return done.stdout.split()

    assert completed("slipway", "env", "un") == ["plain,unset"]
    assert completed("slipway", "ps", "-a", "") == []


def test_help_comes_without_what_is_slow_to_import() -> None:
    program = "import sys, slipway.cli; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"httpx", "rich", "sqlalchemy", "pydantic", "redis", "flask", "docker", "cryptography"}

"""When the demo's settings are written to `.env`, and what signs in."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from slipway.demo.__main__ import main
from slipway.demo.next_steps import User, keep_settings, next_steps
from slipway.demo.progress import Progress
from slipway.host import checkout

HOSTS = "public,127.0.0.1:8085"


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(checkout, "default_state_dir", lambda: tmp_path / "state")
    return tmp_path / ".env"


def kept(environment: dict[str, str], env_file: Path) -> str:
    wanted = {"SLIPWAY_GIT_HOSTS": (HOSTS, "so that the platform may fetch from the forge")}
    keep_settings(environment, wanted, Progress(io.StringIO()), env_file)
    return env_file.read_text() if env_file.exists() else ""


def test_the_permission_is_kept_for_a_later_up(env_file: Path, tmp_path: Path) -> None:
    env_file.write_text("SLIPWAY_GIT_HOSTS=public\n")
    environment = {"SLIPWAY_STATE_DIR": str(tmp_path / "state"), "SLIPWAY_GIT_HOSTS": "public"}
    assert kept(environment, env_file) == f"SLIPWAY_GIT_HOSTS={HOSTS}\n"


@pytest.mark.parametrize(
    "own", [{"SLIPWAY_GIT_HOSTS": "git.example.org"}, {"SLIPWAY_STATE_DIR": "/srv/other"}, {"SLIPWAY_GIT_HOSTS": HOSTS}]
)
def test_an_environment_that_decides_itself_leaves_env_alone(
    env_file: Path, tmp_path: Path, own: dict[str, str]
) -> None:
    assert kept({"SLIPWAY_STATE_DIR": str(tmp_path / "state")} | own, env_file) == ""


def test_several_settings_are_kept_and_said_or_none_is(env_file: Path, tmp_path: Path) -> None:
    environment = {"SLIPWAY_STATE_DIR": str(tmp_path / "state")}
    wanted = {"SLIPWAY_HTTPS_LISTEN": ("8443", "where HTTPS is"), "SLIPWAY_ACME_HTTP_PORT": ("8080", "where it asks")}
    out = io.StringIO()
    keep_settings(environment, wanted, Progress(out), env_file)
    assert env_file.read_text() == "SLIPWAY_HTTPS_LISTEN=8443\nSLIPWAY_ACME_HTTP_PORT=8080\n"
    assert out.getvalue().splitlines() == [
        ".env      SLIPWAY_HTTPS_LISTEN=8443, where HTTPS is",
        ".env      SLIPWAY_ACME_HTTP_PORT=8080, where it asks",
    ]
    env_file.unlink()
    keep_settings(environment | {"SLIPWAY_ACME_HTTP_PORT": "80"}, wanted, Progress(out), env_file)
    assert not env_file.exists()


def test_who_used_sudo_reads_the_token_by_sudo() -> None:
    file = Path("/srv/state/token")
    login = "slipway login http://slipway.localhost:8080 --token-stdin"
    url = "http://slipway.localhost:8080"
    assert User({}, url, file).login_line() == f"{login} < {file}"
    elsewhere = User({}, url, file, "/srv/slipway/.venv/bin/slipway")
    assert elsewhere.login_line() == f"/srv/slipway/.venv/bin/{login} < {file}"
    assert User({"SUDO_UID": "1000"}, url, file).login_line() == f"sudo cat {file} | {login}"


@pytest.mark.parametrize("command", ["slipway", "/srv/slipway/.venv/bin/slipway"])
def test_what_to_do_next_names_the_command_of_this_checkout(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(User, "signed_in", lambda _self: False)
    out = io.StringIO()
    user = User({}, "http://slipway.localhost:8080", tmp_path / "token", command)
    next_steps(user, "hello", "http://127.0.0.1:8085", Progress(out))
    called = [
        line.split()[0] for line in out.getvalue().splitlines() if "slipway" in line.split(" ps ")[0].split(" logs ")[0]
    ]
    assert called == [command] * 3


def test_an_example_that_is_not_there_is_answered_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--example", "nosuch"]) == 1
    shown = capsys.readouterr()
    assert "there is no example 'nosuch'" in shown.out
    assert "make demo EXAMPLE=hello, make demo EXAMPLE=private, make demo EXAMPLE=static" in shown.out
    assert "usage:" not in shown.out + shown.err


def test_commands_that_are_shown_are_the_makefiles() -> None:
    """The system's Python lacks what `python -m slipway.demo` imports."""
    sources = [path.read_text() for path in Path(checkout.ROOT, "slipway", "demo").rglob("*.py")]
    shown = {name for text in sources for name in re.findall(r"(?:with|another): make ([a-z-]+)", text)}
    targets = set(re.findall(r"^([a-z-]+):", (checkout.ROOT / "Makefile").read_text(), re.MULTILINE))
    assert shown == {"demo", "demo-stop"} <= targets
    assert not [text for text in sources if re.search(r": python3? -m slipway", text)]

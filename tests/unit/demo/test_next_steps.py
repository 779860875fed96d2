"""When the demo's permission is written to `.env`, and what signs in."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from slipway.demo.next_steps import User, keep_permission
from slipway.demo.progress import Progress
from slipway.host import checkout

HOSTS = "public,127.0.0.1:8085"


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(checkout, "default_state_dir", lambda: tmp_path / "state")
    return tmp_path / ".env"


def kept(environment: dict[str, str], env_file: Path) -> str:
    keep_permission(environment, HOSTS, Progress(io.StringIO()), env_file)
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


def test_who_used_sudo_reads_the_token_by_sudo() -> None:
    file = Path("/srv/state/token")
    login = "slipway login http://slipway.localhost:8080 --token-stdin"
    url = "http://slipway.localhost:8080"
    assert User({}, url, file).login_line() == f"{login} < {file}"
    assert User({"SUDO_UID": "1000"}, url, file).login_line() == f"sudo cat {file} | {login}"

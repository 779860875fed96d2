"""Where the command talks to, as whom, and how that is kept."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from slipway.cli import account
from slipway.cli.sign_in.kept_login import KeptLogin
from slipway.errors import NotAuthenticated, SettingsError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "slipway"
    monkeypatch.setenv("SLIPWAY_CONFIG_DIR", str(made))
    monkeypatch.setenv("SLIPWAY_STATE_DIR", str(tmp_path / "state"))
    for name in ("SLIPWAY_URL", "SLIPWAY_TOKEN", "SLIPWAY_TENANT"):
        monkeypatch.delenv(name, raising=False)
    return made


def signed_in() -> tuple[str, str]:
    client = account.signed_in()
    client.close()
    return client.url, client.tokens.current()


def test_nobody_is_signed_in_at_first() -> None:
    with pytest.raises(NotAuthenticated, match="not signed in"):
        account.signed_in()
    assert not account.forget()


def test_a_login_is_kept_for_its_user_alone_and_forgotten(folder: Path) -> None:
    path = account.keep(KeptLogin("https://slipway.example.org", "slw_one"))
    account.keep(KeptLogin("https://slipway.example.org", "slw_two"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {each.name for each in folder.iterdir()} == {"login.json", "login.lock"}
    assert signed_in() == ("https://slipway.example.org", "slw_two")
    assert account.forget()
    with pytest.raises(NotAuthenticated):
        account.signed_in()


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    account.keep(KeptLogin("https://slipway.example.org", "slw_kept"))
    monkeypatch.setenv("SLIPWAY_TOKEN", "slw_given")
    assert signed_in() == ("https://slipway.example.org", "slw_given")


def test_a_kept_token_never_goes_to_another_address(monkeypatch: pytest.MonkeyPatch) -> None:
    account.keep(KeptLogin("https://slipway.example.org", "slw_kept"))
    monkeypatch.setenv("SLIPWAY_URL", "https://evil.example.org")
    assert signed_in() == ("https://evil.example.org", "")
    monkeypatch.setenv("SLIPWAY_URL", "https://slipway.example.org/")
    assert signed_in() == ("https://slipway.example.org", "slw_kept")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '"x"'])
def test_a_broken_file_says_what_to_do(folder: Path, content: str) -> None:
    folder.mkdir()
    (folder / "login.json").write_text(content)
    with pytest.raises(SettingsError) as raised:
        account.signed_in()
    assert raised.value.remedy == "slipway login again"

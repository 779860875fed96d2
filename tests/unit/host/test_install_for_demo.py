"""`make demo` turns sign-on on where nothing is installed yet, and only there."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pytest

from slipway.errors import HostUnready
from slipway.host import __main__ as host
from slipway.host import checkout
from slipway.host.__main__ import KEYCLOAK, Invocation, install_for_demo
from slipway.settings import LOCAL, OFF, Settings, load


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What `SLIPWAY_KEYCLOAK` was at each installation."""
    found: list[str] = []
    monkeypatch.setattr(host, "_install", lambda settings, _groups: found.append(settings.keycloak))
    monkeypatch.setattr(checkout, "ENV_FILE", tmp_path / ".env")
    return found


def invocation(state: Path, **environment: str) -> Invocation:
    values = {"SLIPWAY_STATE_DIR": str(state), **environment}
    return Invocation(argparse.Namespace(groups=[]), values, load(values))


def test_a_new_installation_gets_it(installed: list[str], tmp_path: Path) -> None:
    assert install_for_demo(invocation(tmp_path / "state")) == 0
    assert installed == [LOCAL]
    assert (tmp_path / ".env").read_text() == f"{KEYCLOAK}={LOCAL}\n"


def test_one_that_is_in_use_stays_as_it_is(installed: list[str], tmp_path: Path) -> None:
    (tmp_path / "state" / "keys").mkdir(parents=True)
    assert install_for_demo(invocation(tmp_path / "state")) == 0
    assert installed == [OFF]
    assert not (tmp_path / ".env").exists()


def test_what_the_settings_say_stays(installed: list[str], tmp_path: Path) -> None:
    install_for_demo(invocation(tmp_path / "state", **{KEYCLOAK: OFF}))
    assert installed == [OFF]
    assert not (tmp_path / ".env").exists()


def test_where_keycloak_can_not_be_had_the_demo_has_no_sign_on(
    installed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def without_keycloak(settings: Settings, _groups: Sequence[str]) -> None:
        installed.append(settings.keycloak)
        if settings.keycloak == LOCAL:
            raise HostUnready("mvn failed", remedy="see what Maven says")

    monkeypatch.setattr(host, "_install", without_keycloak)

    assert install_for_demo(invocation(tmp_path / "state")) == 0

    assert installed == [LOCAL, OFF]
    assert "Sign-on stays off, since Keycloak can't be installed here: mvn failed" in capsys.readouterr().out
    assert not (tmp_path / ".env").exists()

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slipway.host.invoking_user import InvokingUser


@pytest.fixture
def caller(tmp_path: Path) -> InvokingUser:
    return InvokingUser({"SLIPWAY_CONFIG_DIR": str(tmp_path)})


def test_a_kept_login_is_known_by_address_and_token(caller: InvokingUser) -> None:
    caller.login_file.write_text(json.dumps({"url": "http://slipway.localhost:8080/", "token": "slw_x"}))
    assert caller.is_signed_in_at("http://slipway.localhost:8080")
    assert not caller.is_signed_in_at("http://slipway.localhost:8081")
    assert caller.is_signed_in_with("slw_x")
    assert not caller.is_signed_in_with("slw_y")


@pytest.mark.parametrize("text", [None, "", "[]", "{}", "not json"])
def test_no_login_or_a_broken_one_is_none(caller: InvokingUser, text: str | None) -> None:
    if text is not None:
        caller.login_file.write_text(text)
    assert not caller.is_signed_in_at("http://slipway.localhost:8080")
    assert not caller.is_signed_in_with("slw_x")


def test_who_used_sudo_is_meant_and_not_root() -> None:
    assert InvokingUser({"SUDO_UID": "0"}).sudo_uid is None
    assert InvokingUser({"SUDO_UID": "1"}).sudo_uid == 1
    assert InvokingUser({"SUDO_UID": "1", "HOME": "/root"}).variables["HOME"] != "/root"

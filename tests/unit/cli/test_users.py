"""What the command shows of a tenant's people and invitations, as an owner reads it."""

from __future__ import annotations

from typing import Any

import pytest

from slipway import cli
from slipway.cli import account, this_host
from slipway.cli.exit_codes import Exit
from tests.unit.cli.api_stand_in import answering, client

BOB = {"id": "sub-1", "login": "bob", "name": "Bob", "email": "bob@example.org", "role": "developer", "enabled": True}
MORE = {"groups": ["/tenants/acme/developer"], "seen_at": None, "sessions": 2}
INVITATION = {
    "id": 7,
    "email": "bob@example.org",
    "role": "developer",
    "state": "open",
    "invited_by": "person:ada",
    "created_at": "2030-01-01T12:00:00Z",
    "expires_at": "2030-01-08T12:00:00Z",
    "accepted_at": None,
    "accepted_by": "",
}
URL = "https://slipway.example.org/auth/invitations/slwi_x"


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str, answer: Any) -> tuple[str, str]:
        monkeypatch.setattr(account, "signed_in", lambda *_, **__: client(answering([answer])))
        with pytest.raises(SystemExit) as ended:
            cli.main(("users", *arguments))
        assert ended.value.code == Exit.DONE
        return capsys.readouterr()

    return run


def test_one_of_the_people_is_shown_line_by_line(call: Any) -> None:
    invited = {"invited_by": "person:ada", "joined_at": "2020-01-01T12:00:00Z"}
    lines = call("show", "bob", answer={**BOB, **MORE, **invited})[0].splitlines()
    assert lines[:7] == [
        "login       bob",
        "name        Bob",
        "email       bob@example.org",
        "role        developer",
        "groups      /tenants/acme/developer",
        "last seen   never",
        "sessions    2",
    ]
    assert lines[7].startswith("invited by  person:ada, accepted ")


def test_who_was_not_invited_and_who_is_disabled_are_shown_as_such(call: Any) -> None:
    out = call("show", "bob", answer={**BOB, **MORE, "invited_by": "", "joined_at": None, "enabled": False})[0]
    assert "role        developer, but the account is disabled\n" in out
    assert "invited by  nobody: an administrator added them\n" in out


def test_the_link_alone_is_the_answer_so_that_it_can_be_piped(call: Any) -> None:
    out, err = call("invite", "bob@example.org", "--role", "developer", answer={**INVITATION, "url": URL})
    assert out == f"{URL}\n"
    assert "slipway users revoke 7" in err


def test_invitations_are_a_table_with_who_accepted(call: Any) -> None:
    accepted = {**INVITATION, "id": 6, "state": "accepted", "accepted_by": "robert"}
    out = call("invitations", answer={"invitations": [INVITATION, accepted]})[0].splitlines()
    assert out[0].split() == ["ID", "EMAIL", "ROLE", "STATE", "INVITED", "BY", "MADE", "EXPIRES"]
    assert "accepted by robert" in out[2]
    assert call("invitations", answer={"invitations": []})[1].startswith("None: slipway users invite")


def test_a_name_that_moves_the_cursor_does_not(call: Any) -> None:
    out = call("show", "bob", answer={**BOB, **MORE, "name": "\x1b[2JBob\r", "invited_by": "", "joined_at": None})[0]
    assert "\x1b" not in out
    assert "name        Bob\n" in out


def test_on_the_host_a_tenants_first_person_is_added_without_the_api(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    added: list[tuple[str, ...]] = []

    def add(tenant: str, login: str, role: str) -> dict[str, str]:
        added.append((tenant, login, role))
        return {"login": login, "role": role, "tenant": tenant}

    monkeypatch.setattr(this_host, "may_act_here", lambda: True)
    monkeypatch.setattr(this_host, "add_person", add)
    with pytest.raises(SystemExit):
        cli.main(("users", "add", "ada", "--role", "owner", "--tenant", "acme"))
    assert added == [("acme", "ada", "owner")]
    assert capsys.readouterr().out == "ada has the role owner now.\n"

"""Terminals over the API: who may open one, where, and what is recorded. Their bytes are carried on the whole platform
(tests/e2e/test_terminals.py)."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from sqlalchemy import select

from router import authentication
from router.streams.terminal_relay import SOCKET
from slipway.core.access.roles import Role
from slipway.core.terminal.channels import Size
from slipway.errors import TooManyCalls
from slipway.models import AuditRecord, Replica
from tests.fixtures.api import Api, Caller
from tests.fixtures.identity.principals import token_of
from tests.fixtures.releases import make_live

WEBSOCKET = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}


@pytest.fixture
def path(api: Api, owner: Caller) -> str:
    owner.create_app()
    make_live(api.services.db, "hello", ready=1, settings={})
    with api.services.db.read(platform="a test looks") as session:
        replica = session.scalars(select(Replica.id)).one()
    return f"/api/apps/hello/replicas/{replica}/terminal"


def test_it_takes_a_websocket(developer: Caller, path: str) -> None:
    assert developer.problem(426, "GET", path)["code"] == "upgrade-required"
    developer.problem(426, "GET", path, **WEBSOCKET | {"Sec_WebSocket_Key": "x"})
    assert "slipway exec" in developer.problem(426, "GET", path, **WEBSOCKET)["remedy"], "no server carries it here"


def test_who_may_not_and_what_is_not_there(
    api: Api, developer: Caller, viewer: Caller, stranger: Caller, path: str
) -> None:
    viewer.problem(403, "GET", path, **WEBSOCKET)
    stranger.problem(404, "GET", path, **WEBSOCKET)
    developer.problem(404, "GET", "/api/apps/hello/replicas/r-none/terminal", **WEBSOCKET)
    with api.services.db.write(platform="a test") as session:
        session.scalars(select(Replica)).one().state = "gone"
    developer.problem(404, "GET", path, **WEBSOCKET)
    with api.services.db.read(platform="a test looks") as session:
        assert session.scalars(select(AuditRecord).where(AuditRecord.action.startswith("terminal."))).all() == []


@pytest.mark.parametrize("query", ["command=sh", "command=[]", "command=[1]", 'command=[""]', "columns=0", "rows=x"])
def test_what_can_not_be_run_is_refused(developer: Caller, path: str, query: str) -> None:
    developer.problem(422, "GET", f"{path}?{query}", **WEBSOCKET)


def test_what_is_opened_is_recorded_before_and_its_place_is_given_back(
    api: Api, developer: Caller, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def refuse(*arguments: object) -> None:
        asked.append(arguments)
        raise TooManyCalls("the agent refuses it in this test")

    monkeypatch.setattr(api.services.agent, "open_terminal", refuse)
    client, server = socket.socketpair()
    environ = {SOCKET: server}
    headers = {name.replace("_", "-"): value for name, value in WEBSOCKET.items()}
    headers["Authorization"] = f"Bearer {developer.token}"
    query = '?command=["sh","-c","echo glpat-12345678901234567890"]&columns=80&rows=24'
    for _ in range(api.services.terminals.per_tenant + 1):
        answer = developer.client.get(path + query, headers=headers, environ_overrides=environ)
        assert answer.json["detail"] == "the agent refuses it in this test"
    client.close()
    server.close()
    replica = path.split("/")[5]
    assert asked[0][:3] == (replica, ["sh", "-c", "echo glpat-12345678901234567890"], Size(80, 24))
    with api.services.db.read(platform="a test looks") as session:
        records = session.scalars(select(AuditRecord).filter_by(action="terminal.open")).all()
    assert len(records) == len(asked)
    assert records[0].subject == "hello"
    assert records[0].detail == {"replica": replica, "command": "sh -c 'echo •••'", "terminal": True}


def test_a_page_of_another_site_opens_none(developer: Caller, path: str) -> None:
    """A browser sends the session's cookie along with a WebSocket that any page opens; a token it sends never."""
    elsewhere = Caller(developer.client, headers={"Origin": "https://evil.example"})
    assert elsewhere.call("GET", path, **WEBSOCKET).status_code == 401


def test_only_a_token_makes_up_for_where_a_page_is_from(
    developer: Caller, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A header that names nobody leaves it to the cookie to say who calls."""
    monkeypatch.setattr(authentication, "AUTHENTICATORS", (lambda *_: replace(token_of(1), role=Role.DEVELOPER),))
    for header in ("Basic bmFtZTpwYXNzd29yZA==", "Bearer", "Other x"):
        elsewhere = Caller(developer.client, headers={"Origin": "https://evil.example", "Authorization": header})
        assert elsewhere.problem(403, "GET", path, **WEBSOCKET)["code"] == "cross-site-request"
    elsewhere = Caller(developer.client, developer.token, headers={"Origin": "https://evil.example"})
    elsewhere.problem(426, "GET", path, **WEBSOCKET)

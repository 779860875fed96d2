"""A stream is read by whoever may read it, for as long as they may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from router import authentication
from router.authentication import Credentials
from router.streams import admission
from router.streams.admission import StaysAdmitted
from slipway.adapters.redis import identity_changes
from slipway.adapters.redis.identity_changes import IdentityChanges
from slipway.core.access.roles import Role
from slipway.models import Token
from tests.fixtures import databases
from tests.fixtures.api import Api, Caller

Admitted = Callable[[Caller], StaysAdmitted]


@pytest.fixture
def admitted(api: Api, monkeypatch: pytest.MonkeyPatch) -> Admitted:
    """Of a stream that somebody begins now."""
    monkeypatch.setattr(identity_changes, "ASKED_EVERY_S", 0)

    def begin(caller: Caller) -> StaysAdmitted:
        credentials = Credentials(caller.token, {}, "192.0.2.1", "r-1")
        principal = authentication.identify(api.services, credentials)
        return StaysAdmitted(api.services, credentials, principal, Role.VIEWER)

    return begin


def revoke(api: Api, owner: Caller, name: str) -> None:
    with api.services.db.read(platform="a test looks") as session:
        number = session.scalars(select(Token.id).filter_by(name=name)).one()
    owner.call("DELETE", f"/api/tokens/{number}")


def test_a_revoked_token_reads_no_further(api: Api, owner: Caller, viewer: Caller, admitted: Admitted) -> None:
    revoked, other = admitted(viewer), admitted(owner)
    assert revoked()
    revoke(api, owner, viewer.name)
    assert not revoked()
    assert other()


def test_a_token_that_was_revoked_while_the_stream_began_reads_nothing(
    api: Api, owner: Caller, viewer: Caller, admitted: Admitted
) -> None:
    credentials, principal = Credentials(viewer.token, {}, "192.0.2.1", "r-1"), admitted(viewer).principal
    revoke(api, owner, viewer.name)
    assert not StaysAdmitted(api.services, credentials, principal, Role.VIEWER)()


def test_nobody_is_asked_for_while_nothing_changes(
    viewer: Caller, admitted: Admitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    stays = admitted(viewer)
    assert stays()
    monkeypatch.setattr(authentication, "AUTHENTICATORS", ())
    assert stays()
    monkeypatch.setattr(admission, "LOOK_AT_LEAST_EVERY_S", 0)
    assert not stays()


def test_a_change_of_somebody_else_ends_no_stream(api: Api, viewer: Caller, admitted: Admitted) -> None:
    stays = admitted(viewer)
    IdentityChanges(api.services.redis).publish("person:somebody")
    assert stays()


def test_a_stream_goes_on_where_nobody_can_tell(api: Api, viewer: Caller, admitted: Admitted) -> None:
    stays = admitted(viewer)
    IdentityChanges(api.services.redis).publish("all")
    with databases.unreachable(api.services.db):
        assert stays()


def test_what_writes_goes_on_for_a_while_only_where_nobody_can_tell(
    api: Api, viewer: Caller, admitted: Admitted
) -> None:
    writes, waits = (replace(admitted(viewer), unknown_s=seconds) for seconds in (0, 3600))
    assert writes()
    IdentityChanges(api.services.redis).publish("all")
    with databases.unreachable(api.services.db):
        assert (writes(), waits()) == (False, True)


def test_some_go_on_for_so_long_and_no_longer(viewer: Caller, admitted: Admitted) -> None:
    assert [replace(admitted(viewer), lasts_s=seconds)() for seconds in (0, 3600)] == [False, True]

"""What is done about each change at the identity provider, and what is remembered of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from router.identity import follower as identity_follower
from router.identity.follower import EVERY_S, IdentityFollower
from router.services import Services
from slipway.core.identity.event_window import EventWindow
from slipway.core.identity.provider_changes import (
    Change,
    EverybodyChanged,
    PasswordChanged,
    PersonChanged,
    PersonSignedOut,
    SessionEnded,
)
from slipway.errors import DependencyUnavailable
from slipway.ports.identity import Position


class Feed:
    """Changes in the order in which they are to be read, one look after the other."""

    def __init__(self, *looks: list[Change] | Exception) -> None:
        self.looks = list(looks)
        self.read_from: list[Position] = []
        self.closed = 0

    def read(self, position: Position) -> tuple[list[Change], Position]:
        self.read_from.append(position)
        look = self.looks.pop(0)
        if isinstance(look, Exception):
            raise look
        return look, Position(EventWindow(position.admin.newest_ms + len(look)))

    def end_sessions(self, change: PasswordChanged) -> list[str]:
        return [sid for sid in ("s1", "s2") if sid != change.kept_sid]

    def close(self) -> None:
        self.closed += 1


class Positions:
    def __init__(self) -> None:
        self.position = Position(EventWindow(7))
        self.written: list[int] = []

    def read(self) -> Position:
        return self.position

    def write(self, position: Position) -> None:
        self.position = position
        self.written.append(position.admin.newest_ms)


class SignOn:
    """Sessions and changes that only remember what they were asked for."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self.sessions = self.changes = self
        self.away = False
        self.ended: list[tuple[str, int]] = []

    def on_end(self, subject: str, many: int) -> None:
        self.ended.append((subject, many))

    def __getattr__(self, name: str) -> Callable[..., int]:
        def remember(subject: str = "") -> int:
            if self.away:
                raise DependencyUnavailable("Redis does not answer.")
            self.done.append((name, subject))
            return 0 if subject == "nobody" else 1

        return remember


def follower(feed: Feed, positions: Positions, sign_on: SignOn) -> IdentityFollower:
    return IdentityFollower(feed, cast("Any", positions), cast("Any", sign_on), sign_on.on_end)


@pytest.mark.parametrize(
    ("change", "done"),
    [
        (PersonChanged("u"), [("person_changed", "u")]),
        (PersonSignedOut("u"), [("end_of_sub", "u")]),
        (SessionEnded("s"), [("end_of_sid", "s")]),
        (EverybodyChanged(), [("everybody_changed", "")]),
        (PasswordChanged("u", "s1"), [("person_changed", "u"), ("end_of_sid", "s2")]),
        (
            PasswordChanged("u"),
            [("person_changed", "u"), ("end_of_sid", "s1"), ("end_of_sid", "s2"), ("end_of_sub", "u")],
        ),
    ],
)
def test_each_change_has_its_consequence_once(change: Change, done: list[tuple[str, str]]) -> None:
    sign_on = SignOn()
    follower(Feed([change, change]), Positions(), sign_on).look()
    assert sign_on.done == done


@pytest.mark.parametrize(
    ("change", "ended"),
    [
        (PersonSignedOut("u"), [("u", 1)]),
        (SessionEnded("s"), [("s", 1)]),
        (PasswordChanged("u", "s1"), [("u", 1)]),
        (PasswordChanged("u"), [("u", 3)]),
        (PersonSignedOut("nobody"), []),
        (PersonChanged("u"), []),
    ],
)
def test_sessions_that_end_are_recorded(change: Change, ended: list[tuple[str, int]]) -> None:
    sign_on = SignOn()
    follower(Feed([change]), Positions(), sign_on).look()
    assert sign_on.ended == ended


def test_what_was_done_is_remembered_and_read_from_there() -> None:
    feed, positions = Feed([PersonChanged("u")], []), Positions()
    one = follower(feed, positions, SignOn())
    one.look()
    one.look()
    assert [each.admin.newest_ms for each in feed.read_from] == [7, 8]
    assert positions.written == [8]


def test_what_could_not_be_done_is_not_remembered() -> None:
    positions, sign_on = Positions(), SignOn()
    sign_on.away = True
    with pytest.raises(DependencyUnavailable):
        follower(Feed([PersonChanged("u")]), positions, sign_on).look()
    assert positions.written == []


def test_after_failures_it_waits_longer_and_connects_anew() -> None:
    absent = DependencyUnavailable("Keycloak does not answer.")
    feed, waits = Feed([], absent, absent, absent, absent, absent, ValueError("a defect"), [], []), list[float]()
    follower(feed, Positions(), SignOn()).run(lambda: not feed.looks, waits.append)
    assert waits[1:7] == [EVERY_S * 2, EVERY_S * 4, EVERY_S * 8, 5.0, 5.0, 5.0]
    assert waits[0] == waits[7] == EVERY_S
    assert feed.closed == 7  # after each failure, and at the end


def test_without_sign_on_nothing_is_started() -> None:
    services = cast("Services", SimpleNamespace(identity=None, sign_on=None))
    identity_follower.start(services, lambda: True)
    assert "identity-follower" not in [thread.name for thread in threading.enumerate()]

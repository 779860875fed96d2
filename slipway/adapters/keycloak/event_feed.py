"""Keycloak's own record of what happened in the realm, read by the admin API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from slipway.adapters.keycloak.admin import Admin
from slipway.core.identity.event_window import EventWindow
from slipway.core.identity.provider_changes import (
    ADMIN_EVENTS,
    USER_EVENTS,
    Change,
    PasswordChanged,
    of_admin_event,
    of_user_event,
)
from slipway.ports.identity import Position

_PAGE = 200


class KeycloakEvents:
    """`slipway.ports.identity.ChangeFeed`. It stays signed in; one thread uses it."""

    def __init__(self, connect: Callable[[], Admin], realm: str) -> None:
        self._connect = connect
        self._realm = f"/{realm}"
        self._admin: Admin | None = None

    def read(self, position: Position) -> tuple[list[Change], Position]:
        admin = self._signed_in()
        of_admins = self._read(admin, "admin-events", position.admin, {"resourceTypes": ADMIN_EVENTS})
        of_people = self._read(admin, "events", position.people, {"type": USER_EVENTS})
        changes = [
            *map(of_admin_event, position.admin.fresh(of_admins)),
            *map(of_user_event, position.people.fresh(of_people)),
        ]
        after = Position(position.admin.after(of_admins), position.people.after(of_people))
        return [change for change in changes if change is not None], after

    def end_sessions(self, change: PasswordChanged) -> list[str]:
        admin = self._signed_in()
        found = admin.find(f"{self._realm}/users/{change.sub}/sessions") or []
        ended = [str(each["id"]) for each in found if each["id"] != change.kept_sid]
        for sid in ended:
            admin.discard(f"{self._realm}/sessions/{sid}")
        return ended

    def close(self) -> None:
        if self._admin is not None:
            self._admin.__exit__()
            self._admin = None

    def _signed_in(self) -> Admin:
        if self._admin is None:
            self._admin = self._connect()
        return self._admin

    def _read(self, admin: Admin, kind: str, window: EventWindow, query: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        path = f"{self._realm}/{kind}"
        if not window.newest_ms:
            newest = admin.get(path, max=1, direction="desc", **query)
            window = EventWindow(int(newest[0]["time"]) if newest else 0)
        return list(_pages(admin, path, window.since_ms, query))


def _pages(admin: Admin, path: str, since_ms: int, query: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every event from that moment on; some twice. A page begins with the moment of the last event of the one before:
    an offset would shift with events that expire, and leaves open which of two of one millisecond comes first."""
    most = _PAGE
    while True:
        page = admin.get(path, dateFrom=since_ms, max=most, direction="asc", **query)
        yield from page
        if len(page) < most:
            return
        newest = int(page[-1]["time"])
        if newest == since_ms:  # all of one millisecond, and there may be more of it
            most *= 2
        since_ms = newest

"""Whom Keycloak knows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import quote

from slipway.adapters.keycloak.accounts import Account
from slipway.adapters.keycloak.admin import TIMEOUT_S, Admin
from slipway.core.identity.claims import Person, person_of
from slipway.core.identity.wanted_realm import TENANTS, role_names
from slipway.settings import Settings

_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
"""What is a person's id at Keycloak, and no other path of its API."""


class KeycloakDirectory:
    """`slipway.ports.directory.Directory`."""

    def __init__(self, settings: Settings, account: Account, timeout_s: int = TIMEOUT_S) -> None:
        self._url = settings.keycloak_url
        self._realm = f"/{settings.keycloak_realm}"
        self._account = account
        self._timeout_s = timeout_s

    def person(self, login_or_email: str) -> Person | None:
        with self._admin() as admin:
            found = self._found(admin, login_or_email)
            if found is None:
                return None
            groups = [group["path"] for group in admin.all(f"{self._realm}/users/{found['id']}/groups")]
        return _person(found, groups)

    def logins(self, subs: Collection[str]) -> Mapping[str, str]:
        known = [each for each in subs if _ID.fullmatch(each)]
        with self._admin() as admin:
            found = {each: admin.find(f"{self._realm}/users/{each}") for each in known}
        return {each: user["username"] for each, user in found.items() if user is not None}

    def people_of(self, tenant: str, *, most: int) -> list[Person]:
        users: dict[str, dict[str, Any]] = {}
        groups: dict[str, list[str]] = {}
        with self._admin() as admin:
            for path in (f"/{TENANTS}/{tenant}/{role}" for role in role_names()):
                for user in islice(self._members(admin, path), most + 1):
                    users[user["id"]] = user
                    groups.setdefault(user["id"], []).append(path)
        people = [_person(user, groups[id_]) for id_, user in users.items() if user["enabled"]]
        return sorted(people, key=lambda person: person.login)[:most]

    def _admin(self) -> Admin:
        return Admin(self._url, self._account, self._timeout_s)

    def _found(self, admin: Admin, login_or_email: str) -> dict[str, Any] | None:
        """By login before by address: somebody may have another's address as their login. An empty text would find
        everybody."""
        for field in ("username", "email") if login_or_email else ():
            found = admin.get(f"{self._realm}/users", exact="true", max=2, **{field: login_or_email})
            if len(found) == 1 and found[0]["enabled"]:
                return dict(found[0])
        return None

    def _members(self, admin: Admin, path: str) -> Iterator[dict[str, Any]]:
        group = admin.find(f"{self._realm}/group-by-path{quote(path)}")
        if group is not None:
            yield from admin.all(f"{self._realm}/groups/{group['id']}/members")


def _person(user: dict[str, Any], groups: list[str]) -> Person:
    named = f"{user.get('firstName') or ''} {user.get('lastName') or ''}".strip()
    return person_of(
        {
            "sub": user["id"],
            "preferred_username": user["username"],
            "name": named,
            "email": user.get("email"),
            "email_verified": user.get("emailVerified"),
            "groups": groups,
        }
    )

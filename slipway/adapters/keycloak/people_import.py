"""People brought into Keycloak with the password hashes that they had elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from slipway.adapters.keycloak.admin import Admin
from slipway.adapters.keycloak.people_lookup import find_exactly
from slipway.core.identity.password_hashes import PasswordHash
from slipway.core.identity.people import Imported, NewPerson, Outcome, compared

_AT_ONCE = 4
"""Twice as fast as one by one, on two processors."""


class PeopleImport:
    """One call creates one person whole: with the groups and the password, in one transaction of Keycloak's. So a run
    that is cut off leaves nobody half made, and the next one finds whom it made."""

    def __init__(self, admin: Admin, realm: str, *, dry_run: bool) -> None:
        self._admin = admin
        self._realm = realm
        self._dry_run = dry_run
        self._groups: dict[str, bool] = {}
        self._looks_first = dry_run

    def run(self, people: Sequence[NewPerson]) -> list[Imported]:
        for path in {person.group for person in people if person.group}:
            self._groups[path] = self._admin.find(f"{self._realm}/group-by-path{path}") is not None
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            try:
                return list(threads.map(self._import, people))
            except Exception:
                threads.shutdown(wait=False, cancel_futures=True)
                raise

    def _import(self, person: NewPerson) -> Imported:
        if person.group and not self._groups[person.group]:
            return _refused(person, f"Keycloak has no group {person.group}: slipway identity sync")
        found = self._found(person) if self._looks_first else None
        if found or self._dry_run:
            return found or _created(person)
        refusal = self._admin.offer(f"{self._realm}/users", representation(person))
        if refusal is None:
            self._looks_first = False
            return _created(person)
        # Where one is there already, an earlier run was cut off after it: to look costs Keycloak less than to refuse.
        self._looks_first = refusal.there
        return (self._found(person) if refusal.there else None) or _refused(person, f"Keycloak: {refusal.reason}")

    def _found(self, person: NewPerson) -> Imported | None:
        by_login = find_exactly(self._admin, self._realm, "username", person.login)
        if by_login is None:
            by_email = find_exactly(self._admin, self._realm, "email", person.email) if person.email else None
            return compared(person, None, by_email)
        groups = self._admin.all(f"{self._realm}/users/{by_login.sub}/groups") if person.group else ()
        return compared(person, by_login, None, [str(each["path"]) for each in groups])


def representation(person: NewPerson) -> dict[str, Any]:
    """The person as Keycloak takes them."""
    fields: dict[str, Any] = {
        "username": person.login,
        "email": person.email,
        "firstName": person.first_name,
        "lastName": person.last_name,
    }
    given = {name: value for name, value in fields.items() if value}
    given |= {"enabled": True, "emailVerified": person.email_verified}
    given |= {"groups": [person.group]} if person.group else {}
    return given | ({"credentials": [credential(person.password)]} if person.password else {})


def credential(password: PasswordHash) -> dict[str, Any]:
    data = {
        "algorithm": password.algorithm,
        "hashIterations": password.iterations,
        "additionalParameters": {name: [value] for name, value in password.parameters.items()},
    }
    secret = {"value": password.value, "salt": password.salt, "additionalParameters": {}}
    return {"type": "password", "credentialData": json.dumps(data), "secretData": json.dumps(secret)}


def _created(person: NewPerson) -> Imported:
    return Imported(person.line, person.login, Outcome.CREATED)


def _refused(person: NewPerson, why: str) -> Imported:
    return Imported(person.line, person.login, Outcome.REFUSED, why)

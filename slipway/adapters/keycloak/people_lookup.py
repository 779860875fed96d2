"""People of Keycloak as Slipway knows them."""

from __future__ import annotations

from typing import Any, Literal

from slipway.adapters.keycloak.admin import Admin
from slipway.core.identity.people import KnownPerson


def known_person(user: dict[str, Any]) -> KnownPerson:
    names = (user.get("firstName") or "", user.get("lastName") or "")
    return KnownPerson(
        sub=str(user["id"]),
        login=str(user["username"]),
        name=" ".join(filter(None, names)),
        email=str(user.get("email") or ""),
        enabled=bool(user.get("enabled", True)),
    )


def find_exactly(admin: Admin, realm: str, field: Literal["username", "email"], value: str) -> KnownPerson | None:
    """The one whose login or e-mail address is the value: Keycloak keeps both in small letters."""
    query = {field: value.lower(), "exact": "true", "briefRepresentation": "true", "max": 2}
    found = admin.get(f"{realm}/users", **query)
    return next((known_person(each) for each in found if each.get(field) == value.lower()), None)

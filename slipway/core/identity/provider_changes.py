"""What an event of Keycloak's means for who is signed in here. Keycloak sends no back-channel logout when an
administrator disables a person or changes a role: it only writes down that it happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ADMIN_EVENTS = (
    *("USER", "USER_SESSION", "GROUP", "GROUP_MEMBERSHIP", "REALM"),
    *("REALM_ROLE", "REALM_ROLE_MAPPING", "CLIENT_ROLE_MAPPING"),
)
"""Types of resources whose events count."""
USER_EVENTS = (
    *("LOGOUT", "USER_SESSION_DELETED", "DELETE_ACCOUNT", "USER_DISABLED_BY_PERMANENT_LOCKOUT"),
    *("UPDATE_PASSWORD", "UPDATE_CREDENTIAL", "REMOVE_CREDENTIAL"),
    *("UPDATE_EMAIL", "UPDATE_PROFILE", "VERIFY_EMAIL", "REVOKE_GRANT"),
)
"""Types of events that people cause themselves."""
_CREDENTIALS = {"reset-password", "credentials", "disable-credential-types"}


@dataclass(frozen=True, slots=True)
class PersonChanged:
    """Something of the person is another one now: their sessions ask Keycloak before they are used again."""

    sub: str


@dataclass(frozen=True, slots=True)
class PersonSignedOut:
    """All sessions of the person are over."""

    sub: str


@dataclass(frozen=True, slots=True)
class PasswordChanged:
    """Whoever is signed in with the old password, or another credential that was taken back, has to sign in anew."""

    sub: str
    kept_sid: str = ""
    """The session at Keycloak in which the person themselves changed it; empty: somebody else did."""


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """One session at Keycloak is over."""

    sid: str


@dataclass(frozen=True, slots=True)
class EverybodyChanged:
    """It concerns more people than can be named, such as those of a group that was removed."""


Change = PersonChanged | PersonSignedOut | PasswordChanged | SessionEnded | EverybodyChanged


def of_admin_event(event: Mapping[str, Any]) -> Change | None:
    """What somebody did in Keycloak's console or through its admin API. None: it changes nothing for anybody who could
    be signed in."""
    if event.get("error"):
        return None
    is_creation = event.get("operationType") == "CREATE"
    match str(event.get("resourcePath") or "").split("/"):
        case ["users", sub, *below] if sub:
            return _of_user(event, sub, below)
        case ["sessions", sid] if sid:
            return SessionEnded(sid)
        case ["groups" | "roles", *rest] if is_creation and (len(rest) <= 1 or rest[1:] == ["children"]):
            return None  # a new one, which nobody has yet
    return EverybodyChanged()


def _of_user(event: Mapping[str, Any], sub: str, below: list[str]) -> Change | None:
    operation = event.get("operationType")
    if below:
        if below == ["logout"]:
            return PersonSignedOut(sub)
        return PasswordChanged(sub) if below[0] in _CREDENTIALS else PersonChanged(sub)
    if operation == "CREATE":
        return None
    return PersonSignedOut(sub) if operation == "DELETE" or _disables(event) else PersonChanged(sub)


def of_user_event(event: Mapping[str, Any]) -> Change | None:
    """What a person did, or what befell them."""
    sub, sid = str(event.get("userId") or ""), str(event.get("sessionId") or "")
    kind, details = event.get("type"), event.get("details") or {}
    if event.get("error"):
        return None
    if kind in ("LOGOUT", "USER_SESSION_DELETED"):
        return SessionEnded(sid) if sid else None
    if not sub:
        return None
    if kind in ("DELETE_ACCOUNT", "USER_DISABLED_BY_PERMANENT_LOCKOUT"):
        return PersonSignedOut(sub)
    if kind == "UPDATE_PASSWORD" or (kind == "UPDATE_CREDENTIAL" and details.get("credential_type") == "password"):
        return PasswordChanged(sub, str(details.get("code_id") or sid))
    return PersonChanged(sub)


def _disables(event: Mapping[str, Any]) -> bool:
    """Whether the person, as they were written, is disabled. Keycloak also refuses to refresh their tokens; but were it
    unreachable just then, their sessions would go on."""
    try:
        written = json.loads(event.get("representation") or "{}")
    except ValueError:
        return False
    return isinstance(written, dict) and written.get("enabled") is False

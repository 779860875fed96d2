"""What each event of Keycloak's means for who is signed in."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.core.identity.provider_changes import (
    EverybodyChanged,
    PasswordChanged,
    PersonChanged,
    PersonSignedOut,
    SessionEnded,
    of_admin_event,
    of_user_event,
)

EVERYBODY = EverybodyChanged()


@pytest.mark.parametrize(
    ("operation", "path", "change"),
    [
        ("CREATE", "users/u1", None),
        ("UPDATE", "users/u1", PersonChanged("u1")),
        ("DELETE", "users/u1", PersonSignedOut("u1")),
        ("ACTION", "users/u1/logout", PersonSignedOut("u1")),
        ("ACTION", "users/u1/reset-password", PasswordChanged("u1")),
        ("ACTION", "users/u1/credentials/c1", PasswordChanged("u1")),
        ("ACTION", "users/u1/disable-credential-types", PasswordChanged("u1")),
        ("CREATE", "users/u1/groups/g1", PersonChanged("u1")),
        ("DELETE", "users/u1/groups/g1", PersonChanged("u1")),
        ("CREATE", "users/u1/role-mappings/realm", PersonChanged("u1")),
        ("DELETE", "users/u1/role-mappings/clients/c1", PersonChanged("u1")),
        ("ACTION", "users/u1/something-new", PersonChanged("u1")),
        ("DELETE", "sessions/s1", SessionEnded("s1")),
        ("CREATE", "groups", None),
        ("CREATE", "groups/g1", None),
        ("CREATE", "groups/g1/children", None),
        ("UPDATE", "groups/g1/children", EVERYBODY),
        ("UPDATE", "groups/g1", EVERYBODY),
        ("DELETE", "groups/g1", EVERYBODY),
        ("CREATE", "groups/g1/role-mappings/realm", EVERYBODY),
        ("CREATE", "roles/r1", None),
        ("DELETE", "roles/r1", EVERYBODY),
        ("DELETE", "roles-by-id/r1", EVERYBODY),
        ("CREATE", "roles/r1/composites", EVERYBODY),
        ("ACTION", "logout-all", EVERYBODY),
        ("ACTION", "push-revocation", EVERYBODY),
        ("UPDATE", "", EVERYBODY),
        ("UPDATE", None, EVERYBODY),
        ("UPDATE", "users/", EVERYBODY),
    ],
)
def test_what_administrators_do(operation: str, path: Any, change: Any) -> None:
    assert of_admin_event({"operationType": operation, "resourcePath": path}) == change


@pytest.mark.parametrize(
    ("representation", "change"),
    [
        ('{"enabled": false}', PersonSignedOut("u1")),
        ('{"enabled": true}', PersonChanged("u1")),
        ("{}", PersonChanged("u1")),
        ("[]", PersonChanged("u1")),
        ("cut off {", PersonChanged("u1")),
    ],
)
def test_a_person_who_is_disabled_is_signed_out(representation: str, change: Any) -> None:
    event = {"operationType": "UPDATE", "resourcePath": "users/u1", "representation": representation}
    assert of_admin_event(event) == change


@pytest.mark.parametrize(
    ("kind", "more", "change"),
    [
        ("LOGOUT", {"sessionId": "s1"}, SessionEnded("s1")),
        ("USER_SESSION_DELETED", {"sessionId": "s1"}, SessionEnded("s1")),
        ("LOGOUT", {}, None),
        ("DELETE_ACCOUNT", {}, PersonSignedOut("u1")),
        ("USER_DISABLED_BY_PERMANENT_LOCKOUT", {}, PersonSignedOut("u1")),
        ("UPDATE_PASSWORD", {"sessionId": "s1"}, PasswordChanged("u1", "s1")),
        ("UPDATE_PASSWORD", {"sessionId": "s1", "details": {"code_id": "s2"}}, PasswordChanged("u1", "s2")),
        ("UPDATE_CREDENTIAL", {"details": {"credential_type": "password"}}, PasswordChanged("u1")),
        ("UPDATE_CREDENTIAL", {"details": {"credential_type": "otp"}}, PersonChanged("u1")),
        ("UPDATE_EMAIL", {}, PersonChanged("u1")),
        ("UPDATE_EMAIL", {"userId": None}, None),
    ],
)
def test_what_people_do(kind: str, more: dict[str, Any], change: Any) -> None:
    assert of_user_event({"type": kind, "userId": "u1", **more}) == change


def test_what_failed_changed_nothing() -> None:
    assert of_admin_event({"operationType": "DELETE", "resourcePath": "users/u1", "error": "not_found"}) is None
    assert of_user_event({"type": "UPDATE_EMAIL", "userId": "u1", "error": "not_allowed"}) is None

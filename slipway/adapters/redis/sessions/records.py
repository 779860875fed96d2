"""What is sealed: sessions, app sessions and logins, as plain values and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from slipway.core.identity.claims import Person, person_of
from slipway.errors import NotAuthenticated
from slipway.ports.sign_on import LoginSecrets

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in. Times are Unix seconds."""

    id: str
    person: Person
    id_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    """Empty: there is none."""
    refreshed_at: float
    """When the tokens that are held were asked for: what the identity provider changed later they do not say."""
    access_expires_at: float
    created_at: float
    auth_time: float
    """When the person last proved who they are."""


@dataclass(frozen=True, slots=True)
class AppSession:
    """A session's part on the host of one app."""

    host: str
    parent: str = field(repr=False)
    """The value of the session's cookie on the console's host."""
    sub: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """One login, from the redirect to the identity provider until the browser comes back."""

    secrets: LoginSecrets
    browser_hash: str
    """Of the cookie of the browser that began it."""
    target: str = "/"
    """Where it leads: a path on the console's host."""
    app_login: str = ""
    """The app login that it is for; then `target` counts for nothing."""
    created_at: float = 0


@dataclass(frozen=True, slots=True)
class AppLogin:
    """A login that began on the host of an app."""

    host: str
    """With the port, as the browser has it in its address."""
    scheme: str
    target: str
    """What was asked for there: a path with its query."""
    browser_hash: str
    """Of the cookie of the browser that began it, on the app's host."""
    parent: str = field(default="", repr=False)
    """The value of the session's cookie on the console's host; empty until somebody is signed in."""


def write(record: Session | AppSession | Transaction | AppLogin) -> bytes:
    return json.dumps(_plain(record), separators=(",", ":")).encode()


def session(session_id: str) -> Callable[[Mapping[str, Any]], Session]:
    """What reads the session of that id, which is not in its record."""

    def read_session(fields: Mapping[str, Any]) -> Session:
        return Session(
            id=session_id,
            person=person_of(fields["person"]),
            id_token=str(fields["id_token"]),
            refresh_token=str(fields["refresh_token"]),
            refreshed_at=float(fields["refreshed_at"]),
            access_expires_at=float(fields["access_expires_at"]),
            created_at=float(fields["created_at"]),
            auth_time=float(fields["auth_time"]),
        )

    return read_session


def app_session(fields: Mapping[str, Any]) -> AppSession:
    return AppSession(**{name: str(fields[name]) for name in ("host", "parent", "sub")})


def transaction(fields: Mapping[str, Any]) -> Transaction:
    return Transaction(
        LoginSecrets(str(fields["nonce"]), str(fields["verifier"])),
        **{name: str(fields[name]) for name in ("browser_hash", "target", "app_login")},
        created_at=float(fields["created_at"]),
    )


def app_login(fields: Mapping[str, Any]) -> AppLogin:
    return AppLogin(**{name: str(fields[name]) for name in ("host", "scheme", "target", "browser_hash", "parent")})


def read(plain: bytes | None, make: Callable[[Mapping[str, Any]], Record]) -> Record | None:
    """None: there is no record, or another version of Slipway wrote it."""
    if plain is None:
        return None
    try:
        return make(json.loads(plain))
    except (AttributeError, KeyError, TypeError, ValueError, NotAuthenticated):
        return None


def _plain(record: Session | AppSession | Transaction | AppLogin) -> dict[str, Any]:
    fields = {name: getattr(record, name) for name in type(record).__slots__}
    match record:
        case Session(person=person):
            return {**fields, "person": person.claims()}
        case Transaction(secrets=secrets):
            del fields["secrets"]
            return {**fields, "nonce": secrets.nonce, "verifier": secrets.verifier}
    return fields

"""People who were imported sign in with the passwords that they had elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import httpx
import pytest

from slipway.core.identity.people import Outcome
from tests.contracts.people_contract import line
from tests.fixtures.identity.keycloak import KeycloakServer
from tests.fixtures.identity.sign_in import Browser, verifier_and_challenge

CALLBACK = "http://slipway.localhost:8080/auth/callback"
PASSWORD = "correct horse battery staple"


def _pbkdf2(digest: str) -> bytes:
    return hashlib.pbkdf2_hmac(digest, PASSWORD.encode(), b"salt of this one", 1000)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _passlib(value: bytes) -> str:
    return _base64(value).replace("+", ".").rstrip("=")


HASHES = {
    "bcrypt-2b": ("$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG", PASSWORD),
    "bcrypt-2a": ("$2a$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS", PASSWORD),
    "bcrypt-2y": ("$2y$06$abcdefghijklmnopqrstuu10cNU3mXRamSUZYs8I8M/Szu..qXq5K", PASSWORD),
    "bcrypt-utf8": ("$2b$04$Slipway.Slipway.Slipwe/WLF8.s.fPZy0NE4hdOuj1EobMAn/DW", "pässwörd € 😀"),
    # Of the reference implementation's own tests.
    "argon2id": ("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"),
    "pbkdf2-django": (f"pbkdf2_sha256$1000$salt of this one${_base64(_pbkdf2('sha256'))}", PASSWORD),
    "pbkdf2-django-sha1": (f"pbkdf2_sha1$1000$salt of this one${_base64(_pbkdf2('sha1'))}", PASSWORD),
    "pbkdf2-passlib": (f"$pbkdf2-sha512$1000${_passlib(b'salt of this one')}${_passlib(_pbkdf2('sha512'))}", PASSWORD),
    "pbkdf2-werkzeug": (f"pbkdf2:sha256:1000$salt of this one${_pbkdf2('sha256').hex()}", PASSWORD),
}


def _import(keycloak: KeycloakServer, login: str, text: str) -> str:
    person = line(1, login=login, email=f"{login}@x.org", first_name="Ada", last_name="Lovelace", password_hash=text)
    (found,) = keycloak.as_router().people.create([person], dry_run=False)
    assert found.outcome == Outcome.CREATED, found.detail
    (made,) = keycloak.in_realm("GET", f"/users?username={login}&exact=true")
    return str(made["id"])


def _sign_in(keycloak: KeycloakServer, login: str, password: str) -> httpx.Response:
    with Browser(f"{keycloak.url}/realms/{keycloak.settings.keycloak_realm}") as browser:
        _, challenge = verifier_and_challenge()
        query = {"code_challenge": challenge, "code_challenge_method": "S256"}
        page = browser.authorize("slipway-router", CALLBACK, **query)
        return browser.submit(page, username=login, password=password)


def _is_signed_in(answer: httpx.Response) -> bool:
    return answer.headers.get("Location", "").startswith(f"{CALLBACK}?") and "code=" in answer.headers["Location"]


def _stored(keycloak: KeycloakServer, person: str) -> Any:
    (credential,) = keycloak.in_realm("GET", f"/users/{person}/credentials")
    return json.loads(credential["credentialData"])


@pytest.mark.parametrize("kind", HASHES)
def test_the_old_password_signs_in_and_is_hashed_anew(inhabited: KeycloakServer, kind: str) -> None:
    text, password = HASHES[kind]
    person = _import(inhabited, kind, text)
    assert kind.startswith(_stored(inhabited, person)["algorithm"].split("-")[0])
    refused = _sign_in(inhabited, kind, f"{password}x")
    assert (refused.status_code, _is_signed_in(refused)) == (200, False)
    assert _is_signed_in(_sign_in(inhabited, kind, password))
    stored = _stored(inhabited, person)
    assert (stored["algorithm"], stored["additionalParameters"]["memory"]) == ("argon2", ["7168"])
    assert _is_signed_in(_sign_in(inhabited, f"{kind}@x.org", password))
    assert not _is_signed_in(_sign_in(inhabited, kind, f"{password}x"))


def test_a_password_around_a_nul_neither_signs_in_nor_becomes_the_new_one(inhabited: KeycloakServer) -> None:
    _import(inhabited, "ada", "$2b$04$abcdefghijklmnopqrstuuMFdJu9yVgmagVAIC24fOZkaFqd3s9JC")
    assert not _is_signed_in(_sign_in(inhabited, "ada", "a\0a"))
    assert _is_signed_in(_sign_in(inhabited, "ada", "a"))


def test_who_has_no_password_can_not_sign_in(inhabited: KeycloakServer) -> None:
    inhabited.as_router().people.create([line(1, login="ada", email="ada@x.org")], dry_run=False)
    for password in ("", "ada", PASSWORD):
        assert not _is_signed_in(_sign_in(inhabited, "ada", password))

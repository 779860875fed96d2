"""A line of an import: whom it describes, or why it can't be imported."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.core.access.roles import Role
from slipway.core.identity.import_lines import read_line
from slipway.core.identity.people import NewPerson
from slipway.errors import InvalidInput
from tests.unit.core.identity.test_password_hashes import BCRYPT

TENANTS = {"acme", "umbrella"}


def read(**fields: Any) -> NewPerson:
    return read_line(7, fields, TENANTS)


def test_a_whole_line() -> None:
    person = read(
        login=" Ada ",
        email="Ada@Example.org",
        first_name="Ada",
        last_name="O'Lovelace",
        email_verified="TRUE",
        tenant="acme",
        role="owner",
        password_hash=BCRYPT,
        hash="bcrypt",
    )
    assert (person.line, person.login, person.email, person.email_verified) == (7, "ada", "ada@example.org", True)
    assert (person.first_name, person.last_name, person.group) == ("Ada", "O'Lovelace", "/tenants/acme/owner")
    assert person.password is not None


def test_a_login_is_enough() -> None:
    assert read(login="ada") == NewPerson(7, "ada")
    assert read(login="ada", email="", role="", tenant=None, password_hash="") == NewPerson(7, "ada")


def test_an_email_alone_is_the_login_too() -> None:
    assert read(email="a+b@x.org") == NewPerson(7, "a+b@x.org", "a+b@x.org")


def test_who_has_no_role_is_a_viewer() -> None:
    assert read(login="ada", tenant="acme").role == Role.VIEWER


@pytest.mark.parametrize(("said", "verified"), [("", False), ("no", False), ("1", True), (True, True), (None, False)])
def test_email_verified(said: Any, verified: bool) -> None:
    assert read(email="ada@example.org", email_verified=said).email_verified is verified


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "needs a login or an email"),
        ({"login": "ab"}, "3 to 255"),
        ({"login": "a" * 256}, "3 to 255"),
        ({"login": "ada lovelace"}, "can't have ' ' in it"),
        ({"login": "ada/../bob"}, "can't have '/' in it"),
        ({"login": "<script>"}, "can't have '<' in it"),
        ({"login": "ada\x00"}, "can't be printed"),
        ({"login": "ada\u202e"}, "can't be printed"),
        ({"login": "service-account-slipway-router"}, "those of Keycloak's clients"),
        ({"login": "bob@corp.example", "email": "ada@corp.example"}, "has to be the line's own email"),
        ({"login": "bob@corp.example"}, "has to be the line's own email"),
        ({"login": 7}, "login has to be a text"),
        ({"email": "ada"}, "no e-mail address"),
        ({"email": "a@b@corp.example"}, "no e-mail address"),
        ({"email": "ada@corp..example"}, "no e-mail address"),
        ({"email": "ada@corp.example,eve@evil.example"}, "no e-mail address"),
        ({"email": "ada @corp.example"}, "no e-mail address"),
        ({"email": f"{'a' * 65}@corp.example"}, "no e-mail address"),
        ({"login": "ada", "email_verified": "true"}, "email is empty"),
        ({"email": "ada@corp.example", "email_verified": "perhaps"}, "true or false"),
        ({"email": "ada@corp.example", "email_verified": 1}, "true or false"),
        ({"login": "ada", "first_name": "<b>"}, "first_name can't have '<' in it"),
        ({"login": "ada", "last_name": "x" * 256}, "longer than 255"),
        ({"login": "ada", "tenant": "nobody"}, "there is no tenant nobody"),
        ({"login": "ada", "tenant": "acme", "role": "admin"}, "one of viewer, developer, owner"),
        ({"login": "ada", "tenant": "acme", "role": "Owner"}, "one of viewer, developer, owner"),
        ({"login": "ada", "role": "owner"}, "tenant is empty"),
        ({"login": "ada", "hash": "bcrypt"}, "password_hash is, and that is empty"),
        ({"login": "ada", "password_hash": "hunter2"}, "none of bcrypt"),
        ({"login": "ada", "password": "hunter2"}, "there is no column 'password'"),
    ],
)
def test_others_are_refused_with_the_reason(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        read(**fields)


@pytest.mark.parametrize("column", ["tenant", "role", "hash", "email_verified", "email", "login"])
def test_a_hash_in_the_wrong_column_is_in_no_message(column: str) -> None:
    with pytest.raises(InvalidInput) as error:
        read(**{"login": "ada", "tenant": "acme", "email": "ada@example.org", "password_hash": BCRYPT, column: BCRYPT})
    assert BCRYPT[:20] not in f"{error.value.message}{error.value.remedy}"

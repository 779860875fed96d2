"""Who a person is, by what an identity provider says: also by what none should say."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.core.access.roles import Role
from slipway.core.identity.claims import Person, is_service_account, memberships, person_of
from slipway.errors import NotAuthenticated

ADA = {
    "sub": "b3c1-ada",
    "preferred_username": "ada",
    "name": "Ada Lovelace",
    "email": "ada@example.org",
    "email_verified": True,
    "groups": ["/tenants/acme/owner", "/staff"],
    "realm_access": {"roles": ["platform-admin"]},
    "sid": "s-1",
    "acr": "1",
}


def test_a_person_is_read_from_the_claims_that_slipways_realm_gives() -> None:
    assert person_of(ADA) == Person(
        sub="b3c1-ada",
        login="ada",
        name="Ada Lovelace",
        email="ada@example.org",
        email_verified=True,
        groups=("/tenants/acme/owner", "/staff"),
        realm_roles=("platform-admin",),
        sid="s-1",
        acr="1",
    )


def test_a_person_can_be_written_down_and_read_again() -> None:
    ada = person_of(ADA)
    assert person_of(ada.claims()) == ada


@pytest.mark.parametrize("sub", [None, "", 7, ["b3c1"], "x" * 256, "naïve", "two\nlines", "\x00", "\ud800"])
def test_without_a_subject_there_is_nobody(sub: Any) -> None:
    with pytest.raises(NotAuthenticated, match="names nobody"):
        person_of({**ADA, "sub": sub})


def test_the_subject_is_kept_to_the_letter() -> None:
    assert [person_of({"sub": sub}).sub for sub in (" x", "x ", "X", "x")] == [" x", "x ", "X", "x"]


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("groups", "/tenants/acme/owner"),
        ("groups", {"/tenants/acme/owner": True}),
        ("groups", [["/tenants/acme/owner"], 1, None, {"path": "/tenants/acme/owner"}]),
        ("groups", ["tenants/acme/owner", "/tenants/acme/owner\n", "/a,/tenants/acme/owner"]),
        ("realm_access", ["platform-admin"]),
        ("realm_access", "platform-admin"),
        ("realm_access", {"roles": "platform-admin"}),
        ("realm_access", {"roles": {"platform-admin": 1}}),
        ("realm_access", {"Roles": ["platform-admin"]}),
    ],
)
def test_a_claim_of_another_shape_grants_nothing(claim: str, value: Any) -> None:
    person = person_of({"sub": "b3c1", claim: value})
    assert (person.groups, person.realm_roles, person.is_platform_admin) == ((), (), False)


@pytest.mark.parametrize("verified", [False, None, "true", "True", 1, [True], {"email": True}])
def test_only_a_plain_true_verifies_an_e_mail(verified: Any) -> None:
    person = person_of({**ADA, "email_verified": verified})
    assert (person.email, person.verified_email) == ("ada@example.org", "")
    assert person_of(ADA).verified_email == "ada@example.org"


@pytest.mark.parametrize(
    "email",
    [
        "ada@example.org@evil.example",
        '"ada@example.org"@evil.example',
        "ada@@example.org",
        "@example.org",
        "ada@",
        "ada",
        "ada@example.org evil@evil.example",
        "ada@example.org\r\nX-Forwarded-User: root",
        "ada@example.org\x00@evil.example",
        ["ada@example.org"],
        "a" * 320 + "@example.org",
    ],
)
def test_an_e_mail_that_can_be_read_in_two_ways_is_none(email: Any) -> None:
    person = person_of({**ADA, "email": email})
    assert (person.email, person.email_verified, person.verified_email) == ("", False, "")


@pytest.mark.parametrize("login", [None, "", 5, "two\r\nlines", "x" * 256, "right\u202eleft"])
def test_a_person_without_a_usable_login_is_called_by_the_subject(login: Any) -> None:
    assert person_of({**ADA, "preferred_username": login}).login == "b3c1-ada"


@pytest.mark.parametrize(
    ("groups", "roles"),
    [
        ((), {}),
        (("/tenants/acme/viewer",), {"acme": Role.VIEWER}),
        (("/tenants/acme/viewer", "/tenants/acme/owner", "/tenants/acme/developer"), {"acme": Role.OWNER}),
        (("/tenants/acme/owner", "/tenants/acme/viewer"), {"acme": Role.OWNER}),
        (("/tenants/acme/owner", "/tenants/globex/viewer"), {"acme": Role.OWNER, "globex": Role.VIEWER}),
        (("/tenants/acme",), {}),
        (("/tenants",), {}),
        (("/tenants/acme/owner/deputy",), {}),
        (("/tenants/acme/owner/",), {}),
        (("/tenants//owner",), {}),
        (("//tenants/acme/owner",), {}),
        (("tenants/acme/owner",), {}),
        (("/elsewhere/tenants/acme/owner",), {}),
        (("/other/acme/owner",), {}),
        (("/Tenants/acme/owner",), {}),
        (("/tenants/acme/Owner",), {}),
        (("/tenants/acme/admin",), {}),
        (("/tenants/acme/owner ",), {}),
    ],
)
def test_a_role_is_granted_by_the_whole_path_of_its_group(groups: tuple[str, ...], roles: dict[str, Role]) -> None:
    assert memberships(groups) == roles


@pytest.mark.parametrize(
    ("claims", "is_one"),
    [
        (ADA, False),
        ({**ADA, "azp": "slipway-cli", "client_id": "slipway-cli"}, False),
        ({"sub": "x", "preferred_username": "service-account-slipway-router"}, True),
        ({"sub": "x", "preferred_username": "ada", "clientHost": "10.0.0.1"}, True),
        ({"sub": "x", "preferred_username": "ada", "clientAddress": "10.0.0.1"}, True),
        ({"sub": "robot", "azp": "robot"}, True),
        ({"sub": "robot", "client_id": "robot"}, True),
    ],
)
def test_a_clients_own_account_is_no_person(claims: dict[str, Any], is_one: bool) -> None:
    assert is_service_account(claims) is is_one

"""Who calls an app, as the edge asks it: sessions and Slipway tokens. No identity provider answers in these tests."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import update

from slipway.core.access.roles import Role
from slipway.db import Database
from slipway.models import Token, now
from tests.fixtures.api import Api, Caller
from tests.fixtures.identity.sign_on import HOST, Edge, member
from tests.fixtures.services.redis_server import unreachable

POLICIES = [["public"], ["signed-in"], ["tenant"], ["role:owner"], ["group:/staff"], ["token"], ["nobody"]]


def allowed(verdict: dict[str, Any]) -> list[str]:
    assert len(verdict["allows"]) == len(POLICIES)
    return [terms[0] for terms, is_allowed in zip(POLICIES, verdict["allows"], strict=True) if is_allowed]


def test_a_member_of_the_apps_tenant_is_known_with_what_the_app_may_know(edge: Edge) -> None:
    person = member("ada", "/tenants/acme/developer", "/staff/it", email="ada@example.org", email_verified=True)
    parent = edge.signed_in(person)
    session = edge.sign_on.sessions.read(parent)
    assert session is not None
    verdict = edge.verdict(cookie=edge.app_session(parent), policies=POLICIES)
    assert allowed(verdict) == ["public", "signed-in", "tenant", "group:/staff"]
    assert verdict["subjects"] == ["person:sub-of-ada", f"session:{session.id}"]
    about = {name: verdict[name] for name in ("known", "kind", "user", "id", "email", "groups", "lasts_s")}
    assert about == {
        "known": True,
        "kind": "person",
        "user": "ada",
        "id": "sub-of-ada",
        "email": "ada@example.org",
        "groups": ["/tenants/acme/developer", "/staff/it"],
        "lasts_s": 10,
    }
    assert verdict["expires_at"] == session.created_at + edge.services.settings.session_lifetime_s


def test_the_signed_identity_says_the_same_to_one_app_for_a_minute(edge: Edge) -> None:
    verdict = edge.verdict(cookie=edge.app_session(), name="hello")
    keys = KeySet.import_key_set(edge.sign_on.identity_key.public)
    token = jwt.decode(verdict["identity"], keys, algorithms=["ES256"])
    assert token.header == {"typ": "JWT", "alg": "ES256", "kid": keys.keys[0].thumbprint()}
    issued_at = token.claims["iat"]
    assert abs(issued_at - time.time()) < 60
    assert token.claims == {
        "iss": edge.services.settings.public_url,
        "aud": "app:acme/hello",
        "sub": "sub-of-ada",
        "kind": "person",
        "preferred_username": "ada",
        "groups": ["/tenants/acme/developer"],
        "tenant": "acme",
        "role": "developer",
        "iat": issued_at,
        "exp": issued_at + 60,
    }


def test_an_address_that_nobody_verified_is_not_passed_on(edge: Edge) -> None:
    parent = edge.signed_in(member(email="ada@example.org", email_verified=False))
    verdict = edge.verdict(cookie=edge.app_session(parent))
    keys = KeySet.import_key_set(edge.sign_on.identity_key.public)
    assert verdict["email"] == ""
    assert "email" not in jwt.decode(verdict["identity"], keys, algorithms=["ES256"]).claims


def test_another_tenants_app_neither_admits_a_member_nor_learns_whose_member_it_is(edge: Edge) -> None:
    verdict = edge.verdict(cookie=edge.app_session(), tenant="globex", policies=POLICIES)
    assert allowed(verdict) == ["public", "signed-in"]
    keys = KeySet.import_key_set(edge.sign_on.identity_key.public)
    claims = jwt.decode(verdict["identity"], keys, algorithms=["ES256"]).claims
    assert (verdict["groups"], claims["groups"], claims["role"], claims["tenant"]) == ([], [], "", "globex")
    assert "acme" not in str(verdict) + str(claims)


def test_a_tenant_whose_name_begins_as_anothers_is_another(edge: Edge) -> None:
    parent = edge.signed_in(member("ada", "/tenants/acme-labs/owner"))
    verdict = edge.verdict(cookie=edge.app_session(parent), policies=POLICIES)
    assert (allowed(verdict), verdict["groups"]) == (["public", "signed-in"], [])


def test_groups_that_headers_have_no_room_for_are_left_out_the_tenants_own_last(edge: Edge) -> None:
    many = [f"/{'x' * 200}/{number}" for number in range(40)]
    parent = edge.signed_in(member("ada", *many, "/tenants/acme/owner"))
    verdict = edge.verdict(cookie=edge.app_session(parent), policies=[["group:/" + "x" * 200 + "/39"]])
    assert verdict["groups"][0] == "/tenants/acme/owner"
    assert 2000 < len(",".join(verdict["groups"])) <= 4096
    assert verdict["allows"] == [True], "policies see all of them"


@pytest.mark.parametrize("host", ["other.localhost", "hello.localhost.evil.example", "localhost"])
def test_a_session_of_one_host_is_nothing_on_another(edge: Edge, host: str) -> None:
    cookie = edge.app_session(host=HOST)
    assert edge.verdict(cookie=cookie, host=host)["known"] is False
    assert edge.verdict(cookie=cookie, host=f"{HOST.upper()}:8080")["known"] is True


def test_the_consoles_session_is_nothing_on_an_apps_host(edge: Edge) -> None:
    assert edge.verdict(cookie=edge.signed_in()) == {"known": False, "why": "invalid", "lasts_s": 10}


def test_an_app_session_ends_with_the_session_that_it_belongs_to(edge: Edge) -> None:
    parent = edge.signed_in()
    cookie = edge.app_session(parent)
    assert edge.verdict(cookie=cookie)["known"] is True
    edge.sign_on.sessions.end(parent)
    assert edge.verdict(cookie=cookie) == {"known": False, "why": "invalid", "lasts_s": 10}


@pytest.mark.parametrize("cookie", ["x", "x" * 43, "A" * 42 + "_", "\0", "ä", "x" * 100_000])
def test_a_cookie_that_is_no_session_names_nobody(edge: Edge, cookie: str) -> None:
    assert edge.verdict(cookie=cookie)["why"] == "invalid"


def test_without_credentials_nobody_is_known(edge: Edge) -> None:
    assert edge.verdict() == {"known": False, "why": "none", "lasts_s": 10}
    assert edge.verdict(cookie="", bearer="")["why"] == "none"


def test_a_token_is_one_of_its_tenant_and_no_browsers(edge: Edge, developer: Caller, api: Api) -> None:
    verdict = edge.verdict(bearer=developer.token, policies=POLICIES)
    assert allowed(verdict) == ["public", "tenant", "token"]
    assert (verdict["kind"], verdict["email"], verdict["groups"], verdict["expires_at"]) == ("token", "", [], None)
    assert verdict["subjects"] == [verdict["id"]] == [f"token:{token_id(api.services.db, developer)}"]
    assert verdict["user"] == "token:acme-developer", "its owner chose the name: it must not be a person's login"


def test_another_tenants_token_is_let_in_nowhere(edge: Edge, stranger: Caller) -> None:
    assert allowed(edge.verdict(bearer=stranger.token, policies=POLICIES)) == ["public"]


def test_a_tokens_use_is_recorded(edge: Edge, api: Api, viewer: Caller) -> None:
    edge.verdict(bearer=viewer.token)
    with api.services.db.read(platform="a test looks") as session:
        assert session.query(Token).filter_by(name=viewer.name).one().used_at is not None


def test_a_token_that_ends_says_when(edge: Edge, api: Api) -> None:
    caller = api.caller("acme", Role.VIEWER, expires_in_s=3600)
    verdict = edge.verdict(bearer=caller.token)
    assert time.time() + 3000 < verdict["expires_at"] <= time.time() + 3600
    with api.services.db.write(platform="a test's clock") as session:
        session.execute(update(Token).values(expires_at=now() - timedelta(seconds=1)))
    assert edge.verdict(bearer=caller.token) == {"known": False, "why": "expired", "lasts_s": 10}


def test_a_revoked_token_is_known_no_more_and_reported_to_every_edge(edge: Edge, owner: Caller, viewer: Caller) -> None:
    number = token_id(edge.services.db, viewer)
    owner.delete(f"/api/tokens/{number}")
    assert edge.verdict(bearer=viewer.token) == {"known": False, "why": "revoked", "lasts_s": 10}
    reported: Any = edge.services.redis.xrange("slipway:identity:changes")
    assert [fields for _, fields in reported] == [{b"subject": f"token:{number}".encode()}]


def test_a_token_is_revoked_also_where_no_edge_can_be_notified(api: Api, owner: Caller, viewer: Caller) -> None:
    with unreachable(api.services.redis):
        owner.delete(f"/api/tokens/{token_id(api.services.db, viewer)}")
    assert viewer.call("GET", "/api/account").status_code == 401


@pytest.mark.parametrize("bearer", ["slw_" + "x" * 43, "slw_", "slw_\0", "slw_" + "x" * 100_000])
def test_an_invented_token_names_nobody(edge: Edge, bearer: str) -> None:
    assert edge.verdict(bearer=bearer)["why"] == "invalid"


def test_a_bearer_token_counts_before_a_cookie_and_is_not_replaced_by_it(edge: Edge, viewer: Caller) -> None:
    cookie = edge.app_session()
    assert edge.verdict(cookie=cookie, bearer=viewer.token)["kind"] == "token"
    assert edge.verdict(cookie=cookie, bearer="slw_" + "x" * 43) == {"known": False, "why": "invalid", "lasts_s": 10}


def test_a_policy_that_nobody_knows_admits_nobody(edge: Edge) -> None:
    unknown = [["friends"], ["role:king"], ["group:staff"], ["PUBLIC"], [""], ["public "]]
    assert edge.verdict(cookie=edge.app_session(), policies=unknown)["allows"] == [False] * len(unknown)


@pytest.mark.parametrize(
    "policies", [None, [], "tenant", ["tenant"], [[]], [None], [[1]], [["tenant"], "public"], {"0": ["tenant"]}]
)
def test_what_is_no_list_of_policies_is_refused(edge: Edge, policies: Any) -> None:
    answer = edge.ask(cookie=edge.app_session(), policies=policies)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid-input")


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b"null", b"\xff", b'{"host": 1}', b"[" * 100_000, b'{"host": "a b"}', b"{}"]
)
def test_a_question_that_is_none_is_refused(edge: Edge, body: bytes) -> None:
    for path in ("/internal/authorize", "/internal/sign-in"):
        answer = edge.client.post(path, data=body)
        assert (answer.status_code, "known" in answer.get_json()) == (422, False)


def test_a_question_that_is_too_large_is_refused(edge: Edge) -> None:
    assert edge.ask(cookie="x" * (1 << 20)).status_code == 413


@pytest.mark.parametrize("field", ["host", "name", "tenant"])
def test_a_question_that_lacks_something_is_refused(edge: Edge, field: str) -> None:
    for value in (None, "", 7, ["x"]):
        assert edge.ask(cookie=edge.app_session(), **{field: value}).status_code == 422


def test_a_question_without_valid_utf8_is_answered(edge: Edge) -> None:
    body = b'{"host":"hello.localhost","name":"hello","tenant":"acme","policies":[["tenant"]],"cookie":"\xff\xfe"}'
    assert edge.client.post("/internal/authorize", data=body).get_json()["why"] == "invalid"


def test_where_sign_on_is_off_nothing_is_known(api: Api) -> None:
    answer = Edge(api.services).ask(bearer="slw_" + "x" * 43)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "sign-on-off")


def token_id(db: Database, caller: Caller) -> int:
    with db.read(platform="a test looks") as session:
        return session.query(Token).filter_by(name=caller.name).one().id

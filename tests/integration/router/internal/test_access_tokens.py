"""Who calls an app by an access token of the identity provider, and sessions that the provider is asked about anew."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from slipway.adapters.redis.identity_changes import IdentityChanges, of_session_at_provider
from slipway.core.access.roles import Role
from slipway.core.identity import authorization_response
from tests.fixtures import databases
from tests.fixtures.api import Api
from tests.fixtures.identity.oidc_provider import OidcProvider
from tests.fixtures.identity.oidc_server import Answer
from tests.fixtures.identity.oidc_tokens import rsa_key, signed_with_the_public_key, unsigned
from tests.fixtures.identity.sign_in import claims
from tests.fixtures.identity.sign_on import Edge
from tests.fixtures.services.redis_server import unreachable
from tests.fixtures.waiting import eventually

POLICIES = [["signed-in"], ["tenant"], ["role:owner"], ["token"]]
NOBODY = {"known": False, "why": "invalid", "lasts_s": 10}


@pytest.fixture
def edge(edge_with_provider: Edge) -> Edge:
    return edge_with_provider


def test_an_access_token_names_a_person(edge: Edge, provider: OidcProvider) -> None:
    token = provider.access_token("ada")
    verdict = edge.verdict(bearer=token, policies=POLICIES)
    assert (verdict["kind"], verdict["user"], verdict["id"]) == ("person", "ada", "sub-of-ada")
    assert verdict["allows"] == [True, True, True, False]
    assert verdict["subjects"] == ["person:sub-of-ada", of_session_at_provider(claims(token)["sid"])]
    assert time.time() < verdict["expires_at"] <= time.time() + 300


def test_an_access_token_is_one_of_its_persons_tenants_alone(edge: Edge, provider: OidcProvider) -> None:
    verdict = edge.verdict(bearer=provider.access_token("ada"), tenant="globex", policies=POLICIES)
    assert (verdict["allows"], verdict["groups"]) == ([True, False, False, False], [])


def test_a_service_account_is_a_workload_of_the_tenants_whose_groups_it_is_in(
    edge: Edge, provider: OidcProvider
) -> None:
    token = provider.service_account_token("ci", groups=["/tenants/acme/developer"])
    verdict = edge.verdict(bearer=token, policies=POLICIES)
    assert (verdict["kind"], verdict["user"], verdict["id"]) == ("workload", "workload:ci", "account-of-ci")
    assert (verdict["allows"], verdict["groups"]) == ([False, False, False, True], [])
    assert edge.verdict(bearer=token, tenant="globex", policies=POLICIES)["allows"] == [False] * 4
    stranger = provider.service_account_token("other")
    assert edge.verdict(bearer=stranger, policies=POLICIES)["allows"] == [False] * 4


def test_tokens_that_are_no_access_tokens_for_slipway_name_nobody(edge: Edge, provider: OidcProvider) -> None:
    claims: dict[str, Any] = {"sub": "sub-of-ada", "iss": provider.issuer, "aud": "slipway-api", "exp": 2**33}
    refused = {
        "an ID token": provider.id_token("ada"),
        "a logout token": provider.logout_token("ada"),
        "expired": provider.access_token("ada", exp=int(time.time()) - 60),
        "another audience": provider.access_token("ada", aud="other-api"),
        "another issuer": provider.access_token("ada", iss="https://evil.example"),
        "alg none": unsigned({**claims, "typ": "Bearer"}),
        "the public key as a secret": signed_with_the_public_key({**claims, "typ": "Bearer"}, rsa_key()),
        "no token": "nonsense",
        "half a token": provider.access_token("ada").rpartition(".")[0],
    }
    assert {name: edge.verdict(bearer=token) for name, token in refused.items()} == dict.fromkeys(refused, NOBODY)


def test_an_access_token_from_before_its_person_changed_is_refused(edge: Edge, provider: OidcProvider) -> None:
    before = provider.access_token("ada", iat=int(time.time()) - 100)
    assert edge.verdict(bearer=before)["known"] is True
    IdentityChanges(edge.services.redis, clock=lambda: time.time() - 50).person_changed("sub-of-ada")
    assert edge.verdict(bearer=before) == {"known": False, "why": "revoked", "lasts_s": 10}
    assert edge.verdict(bearer=provider.access_token("ada"))["known"] is True
    provider.add_person("grace")
    assert edge.verdict(bearer=provider.access_token("grace"))["known"] is True


def test_an_access_token_of_a_session_that_has_ended_is_refused(edge: Edge, provider: OidcProvider) -> None:
    token = provider.access_token("ada")
    edge.sign_on.sessions.end_of_sid("sid-of-ada")
    assert edge.verdict(bearer=token) == {"known": False, "why": "revoked", "lasts_s": 10}


def test_a_session_whose_person_changed_asks_the_provider_before_it_counts(edge: Edge, provider: OidcProvider) -> None:
    parent, cookie = signed_in_at(edge, provider)
    assert edge.verdict(cookie=cookie, policies=POLICIES)["allows"] == [True, True, True, False]
    assert provider.count("token") == 1, "only the sign-in itself"
    provider.add_person("ada", groups=["/tenants/acme/viewer"])
    edge.sign_on.changes.person_changed("sub-of-ada")
    assert edge.verdict(cookie=cookie, policies=POLICIES)["allows"] == [True, True, False, False]
    assert provider.count("token") == 2
    edge.verdict(cookie=cookie)
    assert provider.count("token") == 2, "once"
    assert edge.sign_on.sessions.read(parent) is not None


def test_a_session_of_somebody_who_was_disabled_ends(edge: Edge, provider: OidcProvider) -> None:
    parent, cookie = signed_in_at(edge, provider)
    provider.disabled.add("ada")
    edge.sign_on.changes.person_changed("sub-of-ada")
    assert edge.verdict(cookie=cookie) == NOBODY
    assert edge.sign_on.sessions.read(parent) is None


def test_a_session_goes_on_while_the_provider_does_not_answer(edge: Edge, provider: OidcProvider) -> None:
    _, cookie = signed_in_at(edge, provider)
    provider.stop()
    edge.sign_on.changes.person_changed("sub-of-ada")
    assert edge.verdict(cookie=cookie)["known"] is True


def test_who_waits_for_a_refresh_that_gets_no_answer_does_not_ask_again(edge: Edge, provider: OidcProvider) -> None:
    """Else each in a row would wait as long as the provider may take, and the edge gives up before the last."""
    _, cookie = signed_in_at(edge, provider)
    provider.held["token"] = threading.Event()
    provider.answers["token"] = Answer(503)
    edge.sign_on.changes.person_changed("sub-of-ada")
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(edge.verdict, cookie=cookie) for _ in range(4)]
        eventually(lambda: provider.count("token") == 2, what="the sign-in, and one refresh")
        before = tries_of_locks(edge)
        eventually(lambda: tries_of_locks(edge) > before + 10, what="others wait for the lock")
        provider.held["token"].set()
        assert [each.result()["known"] for each in asked] == [True] * 4
    assert provider.count("token") == 2


def test_an_access_token_that_nobody_can_check_is_no_verdict(edge: Edge, provider: OidcProvider) -> None:
    token = provider.access_token("ada")
    provider.stop()
    answer = edge.ask(bearer=token)
    assert (answer.status_code, "known" in answer.get_json()) == (503, False)
    assert answer.headers["Retry-After"]


def test_without_redis_there_is_no_verdict_on_people(edge: Edge, provider: OidcProvider) -> None:
    cookie, token = edge.app_session(), provider.access_token("ada")
    with unreachable(edge.services.redis):
        for answer in (edge.ask(cookie=cookie), edge.ask(bearer=token), edge.begin()):
            assert (answer.status_code, "known" in answer.get_json()) == (503, False)
    assert edge.verdict(cookie=cookie)["known"] is True


def test_without_the_database_there_is_no_verdict_on_slipways_tokens_but_on_people(edge: Edge, api: Api) -> None:
    token = api.caller("acme", Role.VIEWER).token
    with databases.unreachable(edge.services.db):
        answer = edge.ask(bearer=token)
        assert (answer.status_code, "known" in answer.get_json()) == (503, False)
        assert edge.verdict(cookie=edge.app_session())["known"] is True


def signed_in_at(edge: Edge, provider: OidcProvider) -> tuple[str, str]:
    """The cookies of somebody who signed in at the provider: on the console's host, and on the app's."""
    flow, callback = edge.sign_on.provider.flow, "http://slipway.localhost/auth/callback"
    secrets = flow.new_secrets()
    answer = httpx.get(flow.authorization_url("a-state", secrets, callback))
    query = urlsplit(answer.headers["Location"]).query
    found = flow.finish(authorization_response.parse(query), secrets, callback)
    parent = edge.signed_in(found.person, found.tokens)
    return parent, edge.app_session(parent)


def tries_of_locks(edge: Edge) -> int:
    """How often Redis was asked to set something."""
    statistics: Any = edge.services.redis.info("commandstats")
    return int(statistics["cmdstat_set"]["calls"])

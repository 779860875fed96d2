"""The router as it runs in production: which socket answers what."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Iterator

import httpx
import pytest

from tests.fixtures.api import Api, Caller
from tests.fixtures.identity.sign_on import HOST, Edge, nowhere, with_sign_on
from tests.fixtures.services.router_server import RouterServer, running_router

QUESTION = {"host": HOST, "app": "1", "name": "hello", "tenant": "acme", "policies": [["tenant"]]}
FOR_A_BROWSER = {"X-Forwarded-Host": HOST, "X-Forwarded-Proto": "http"}


@pytest.fixture
def edge(api: Api) -> Edge:
    return Edge(with_sign_on(api.services, nowhere()))


@pytest.fixture
def server(edge: Edge) -> Iterator[RouterServer]:
    with running_router(edge.services.settings, KEYCLOAK=edge.services.settings.keycloak) as made:
        yield made


def test_each_socket_answers_its_own_and_nothing_of_the_other(server: RouterServer, edge: Edge, viewer: Caller) -> None:
    settings = edge.services.settings
    with server.client(viewer.token) as public, internal(server) as private:
        verdict = private.post("/internal/authorize", json=QUESTION | {"bearer": viewer.token})
        assert verdict.json()["allows"] == [True]
        assert "transfer-encoding" not in verdict.headers, "the edge reads answers of a known length"
        with_the_apps_own = {**FOR_A_BROWSER, "Cookie": f"theirs={'x' * 12_000}"}
        assert private.get("/.slipway/sign-out", headers=with_the_apps_own).status_code == 200
        assert private.post("/internal/sign-in", json={"host": HOST, "scheme": "http", "target": "/"}).is_success

        assert public.get("/api/account").status_code == 200
        for path in ("/internal/authorize", "/internal/sign-in", "//internal/authorize", "/x/../internal/authorize"):
            for headers in ({}, FOR_A_BROWSER, {"Host": "router-internal.sock"}, {"Host": str(private.base_url)}):
                answer = public.post(path, json=QUESTION | {"bearer": viewer.token}, headers=headers)
                assert (answer.status_code, "allows" in answer.text) == (404, False)
        for path in ("/.slipway/sign-out", "/.slipway/signed-in?code=x"):
            assert public.get(path, headers=FOR_A_BROWSER).status_code == 404

        for path in ("/api/account", "/api/apps", "/api/openapi.json", "/auth/login", "/", "/healthz"):
            for headers in ({}, FOR_A_BROWSER):
                answer = private.get(path, headers={**headers, "Authorization": f"Bearer {viewer.token}"})
                assert answer.status_code == 404

    modes = [stat.S_IMODE(path.stat().st_mode) for path in (settings.router_socket, settings.router_internal_socket)]
    assert modes[0] == modes[1], "nginx's workers reach both in the same way"


def test_the_published_keys_are_those_that_identities_are_signed_with(server: RouterServer, edge: Edge) -> None:
    with server.client() as public, internal(server) as private:
        answer = public.get("/.well-known/slipway/jwks.json")
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        (key,) = answer.json()["keys"]
        assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}, "and nothing private"
        verdict = private.post("/internal/authorize", json=QUESTION | {"cookie": edge.app_session()})
        head = verdict.json()["identity"].split(".")[0]
        assert json.loads(base64.urlsafe_b64decode(head + "=="))["kid"] == key["kid"]


def test_where_sign_on_is_off_no_keys_are_published(viewer: Caller) -> None:
    assert viewer.problem(503, "GET", "/.well-known/slipway/jwks.json")["code"] == "sign-on-off"


def internal(server: RouterServer) -> httpx.Client:
    transport = httpx.HTTPTransport(uds=str(server.settings.router_internal_socket))
    return httpx.Client(transport=transport, base_url="http://router-internal", timeout=20)

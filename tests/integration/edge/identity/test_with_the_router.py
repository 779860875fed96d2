"""The edge and the router as they run together, with an identity provider: a person signs in at an app, goes on to
another one, and signs out."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from edge_backend import Server
from edge_publisher import target
from edge_rig import Rig, running
from edge_router import TENANT
from edge_wire import exchange, statuses
from joserfc import jwt
from joserfc.jwk import KeySet

from slipway.adapters.redis import keys
from slipway.core.access.roles import Role
from slipway.db import Database
from slipway.domain.tokens import create_tenant_if_missing, issue_token
from slipway.host.install import folders
from tests.fixtures.identity.oidc_provider import SECRET, OidcProvider, running_provider
from tests.fixtures.services.router_server import RouterServer, running_router
from tests.fixtures.waiting import eventually

FIRST, SECOND = "first.localhost", "second.localhost"
BEFORE_S = 2.0
"""A verdict would be over by itself after ten seconds; a busy host gets four times as long as this."""
AS_A_PERSON = {"Accept": "text/html"}


class ToLoopback(httpx.HTTPTransport):
    """Every host is this machine, as `*.localhost` is to browsers."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(host="127.0.0.1")
        return super().handle_request(
            httpx.Request(request.method, url, headers=request.headers, stream=request.stream)
        )


@dataclass
class Installation:
    rig: Rig
    router: RouterServer
    provider: OidcProvider
    apps: dict[str, Server]

    def browser(self) -> httpx.Client:
        return httpx.Client(transport=ToLoopback(), headers=AS_A_PERSON, follow_redirects=True, timeout=30)

    def url(self, host: str, path: str = "/") -> str:
        return f"http://{host}:{self.rig.edge.port}{path}"

    def token(self, tenant: str) -> str:
        database = Database(self.router.settings.database_url)
        with database.write(platform="a test's token") as session:
            made = create_tenant_if_missing(session, tenant)
            return issue_token(session, made, f"of {time.monotonic()}", Role.OWNER)[1]


@pytest.fixture(scope="module")
def installation(sqlite_template: Path) -> Iterator[Installation]:
    with running_provider() as provider, running({"SLIPWAY_KEYCLOAK": provider.url}) as rig:
        settings = rig.edge.settings
        folders.prepare(settings)
        (settings.key_dir / "keycloak-router.secret").write_text(SECRET)
        shutil.copy(sqlite_template, settings.state_dir / "slipway.db")
        environ = {"KEYCLOAK": provider.url, "HTTP_LISTEN": settings.http_listen}
        apps = {FIRST: Server("first"), SECOND: Server("second")}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GUNICORN_CMD_ARGS", "--umask 0")  # as slipway/host/processes/services.py starts it
            with running_router(settings, **environ) as router:
                for number, (host, server) in enumerate(apps.items()):
                    rig.route(host, target(server.port), app=str(number), name=server.name, access=TENANT)
                yield Installation(rig, router, provider, apps)
                assert rig.edge.complaints == []
        for server in apps.values():
            server.stop()


@pytest.fixture
def app_saw(installation: Installation) -> Callable[[str], dict[str, str]]:
    """The headers of the last request that an app got."""
    return lambda host: installation.apps[host].record.requests[-1].headers


def test_a_person_signs_in_once_for_all_apps_and_out_of_all(
    installation: Installation, app_saw: Callable[[str], dict[str, str]]
) -> None:
    provider = installation.provider
    with installation.browser() as browser:
        landed = browser.get(installation.url(FIRST, "/reports?year=2026"))
        assert (landed.status_code, str(landed.url)) == (200, installation.url(FIRST, "/reports?year=2026"))
        assert provider.count("auth") == 1
        headers = app_saw(FIRST)
        assert (headers["x-forwarded-user"], headers["x-forwarded-groups"]) == ("ada", "/tenants/acme/owner")
        assert "slipway" not in headers.get("cookie", "")
        signed_by = browser.get(installation.url("slipway.localhost", "/.well-known/slipway/jwks.json")).json()
        claims = jwt.decode(
            headers["x-slipway-identity"], KeySet.import_key_set(signed_by), algorithms=["ES256"]
        ).claims
        assert (claims["aud"], claims["sub"], claims["role"]) == ("app:acme/first", "sub-of-ada", "owner")
        assert claims["iss"] == installation.url("slipway.localhost", "").rstrip("/")

        assert browser.get(installation.url(SECOND)).status_code == 200
        assert provider.count("auth") == 1, "no second password"

        form = {"Origin": installation.url(FIRST, ""), "Sec-Fetch-Site": "same-origin"}
        assert browser.post(installation.url(FIRST, "/.slipway/sign-out"), headers=form).status_code == 200
        eventually(
            lambda: all(asks_to_sign_in(installation, browser, host) for host in (FIRST, SECOND)), within_s=BEFORE_S
        )


def test_a_stranger_to_the_tenant_is_signed_in_and_not_let_in(installation: Installation) -> None:
    installation.provider.add_person("grace", groups=["/tenants/globex/owner"])
    installation.provider.signs_in = "grace"
    try:
        with installation.browser() as browser:
            landed = browser.get(installation.url(FIRST, "/reports"))
        assert (landed.status_code, str(landed.url)) == (403, installation.url(FIRST, "/reports"))
    finally:
        installation.provider.signs_in = "ada"


def test_a_revoked_token_is_refused_before_its_verdict_is_over(installation: Installation) -> None:
    token = installation.token("acme")
    ask = installation.rig.edge.ask
    by_token = {"Authorization": f"Bearer {token}"}
    assert ask(FIRST, headers=by_token).status == 200
    assert ask(FIRST, headers={"Authorization": f"Bearer {installation.token('globex')}"}).status == 403
    assert ask(FIRST, headers={"Authorization": "Bearer slw_invented"}).status == 401
    with installation.router.client(token) as api:
        (own,) = [each for each in api.get("/api/tokens").json()["tokens"] if token.startswith(each["hint"])]
        assert api.delete(f"/api/tokens/{own['id']}").status_code == 204
    eventually(lambda: ask(FIRST, headers=by_token).status == 401, within_s=BEFORE_S)


@pytest.mark.parametrize(
    "path",
    [
        *("/internal/authorize", "/.slipway/../internal/authorize", "/.slipway/%2e%2e/internal/authorize"),
        *("/.slipway/..%2finternal/authorize", "/.slipway//internal/authorize", "//internal/authorize"),
        *("/.slipway/signed-in/../../internal/authorize", "/.slipway/sign-out;/../internal/authorize"),
        *("/.slipway/sign-out%00/internal/authorize", "/.slipway/%252e%252e/internal/authorize", "/.slipway/internal"),
    ],
)
@pytest.mark.parametrize("host", [FIRST, "slipway.localhost", "unknown.localhost"])
def test_nobody_outside_asks_who_calls(installation: Installation, path: str, host: str) -> None:
    question: dict[str, Any] = {"host": FIRST, "name": "first", "tenant": "acme", "policies": [["public"]]}
    answer = installation.rig.edge.ask(host, path, "POST", {"Content-Type": "application/json"}, str(question))
    assert answer.status in (400, 401, 404)
    assert b"allows" not in answer.body
    assert b'"known"' not in answer.body


def test_an_apps_host_signs_nobody_out_for_another_site(installation: Installation) -> None:
    with installation.browser() as browser:
        assert browser.get(installation.url(FIRST)).status_code == 200
        foreign = {"Origin": installation.url(SECOND, ""), "Sec-Fetch-Site": "same-site"}
        assert browser.post(installation.url(FIRST, "/.slipway/sign-out"), headers=foreign).status_code == 403
        assert browser.get(installation.url(FIRST), follow_redirects=False).status_code == 200


def asks_to_sign_in(installation: Installation, browser: httpx.Client, host: str) -> bool:
    answer = browser.get(installation.url(host), follow_redirects=False)
    above = installation.url("slipway.localhost", "/auth/apps/")
    return answer.status_code == 302 and answer.headers["Location"].startswith(above)


def test_a_person_tries_a_request_as_oneself_and_the_app_gets_no_cookie(
    installation: Installation, app_saw: Callable[[str], dict[str, str]]
) -> None:
    with installation.router.client(installation.token("acme")) as api:
        created = api.post("/api/apps", json={"name": "first", "repository": "https://github.com/acme/first.git"})
        assert created.status_code == 201, created.text
    console = installation.url("slipway.localhost", "").rstrip("/")
    form = {"Origin": console, "Sec-Fetch-Site": "same-origin"}
    fields = {"tenant": "acme", "method": "GET", "host": FIRST, "path": "/tried", "headers": "Cookie: own=1"}
    with installation.browser() as browser:
        browser.get(f"{console}/auth/login")
        session = browser.cookies["slipway-session"]
        before = set(installation.rig.redis.client.scan_iter(keys.app_session("*")))
        tried = browser.post(f"{console}/apps/first/try", headers=form, data={**fields, "as": "oneself"})
        assert tried.status_code == 200, tried.text
        headers = app_saw(FIRST)
        assert installation.apps[FIRST].record.requests[-1].path == "/tried"
        assert headers["x-forwarded-user"] == "ada"
        assert headers["cookie"].strip("; ") == "own=1"
        assert session not in str(headers)
        assert set(installation.rig.redis.client.scan_iter(keys.app_session("*"))) == before, (
            "it ended with the request"
        )

        asked = len(installation.apps[FIRST].record.requests)
        nobody = browser.post(f"{console}/apps/first/try", headers=form, data={**fields, "as": "anybody"})
        assert "401" in nobody.text
        assert len(installation.apps[FIRST].record.requests) == asked


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /healthz?" + b"a" * 15_000 + b" HTTP/1.1\r\n", 200),
        (b"GET /healthz HTTP/1.1\r\nX-Own: " + b"a" * 15_000 + b"\r\n", 200),
        (b"GET /healthz HTTP/1.1\r\n" + b"X-Own: a\r\n" * 980, 200),
        (b"GET /healthz?" + b"a" * 17_000 + b" HTTP/1.1\r\n", 414),
        (b"GET /healthz HTTP/1.1\r\n" + b"X: a\r\n" * 2000, 400),
        (b"A /healthz HTTP/1.1\r\n", 400),
    ],
    ids=[
        "a long line",
        "a long header",
        "many headers",
        "too long a line",
        "too many headers",
        "a method of one letter",
    ],
)
def test_the_console_takes_what_the_edge_takes_and_refuses_in_problem_documents(
    installation: Installation, line: bytes, status: int
) -> None:
    host = installation.rig.edge.settings.console_host.encode()
    answer = exchange(installation.rig.edge, line + b"Host: " + host + b"\r\nConnection: close\r\n\r\n")

    head, _, body = answer.partition(b"\r\n\r\n")
    assert statuses(answer) == [status], answer[-400:]
    if status != 200:
        assert b"Content-Type: application/problem+json" in head
        assert json.loads(body)["status"] == status

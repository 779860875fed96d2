"""People sign in at the console through a real Keycloak, and out: here, there, and by an administrator."""

from __future__ import annotations

import html
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from router.identity import sign_on
from router.services import Services
from slipway.core.identity.wanted_realm import TenantGroup
from slipway.host.install import folders
from slipway.models import AuditRecord
from tests.fixtures.api import make_services
from tests.fixtures.identity.keycloak import KeycloakServer
from tests.fixtures.identity.sign_in import Browser
from tests.fixtures.ports import free_port
from tests.fixtures.rows import add_tenant
from tests.fixtures.services.router_threads import serving
from tests.fixtures.waiting import eventually

REALM, PASSWORD = "console", "correct horse battery staple"
ADA = {
    "username": "ada",
    "email": "ada@example.org",
    "emailVerified": True,
    "enabled": True,
    "firstName": "Ada",
    "lastName": "Lovelace",
    "groups": ["/tenants/acme/developer"],
    "credentials": [{"type": "password", "value": PASSWORD}],
}


@dataclass
class Console:
    """The router, where Keycloak reaches it, with a realm that knows it by that address."""

    services: Services
    keycloak: KeycloakServer
    ada: str
    """Her id at Keycloak."""

    @property
    def url(self) -> str:
        return self.services.settings.public_url

    def administrate(self, method: str, path: str, document: Any = None) -> Any:
        return self.keycloak.administrate(method, f"/{REALM}{path}", document)

    def ended_by_keycloak(self) -> int:
        """How often it had sessions ended."""
        query = select(AuditRecord).where(AuditRecord.actor == "the identity provider")
        with self.services.db.read(platform="a test looks") as session:
            return sum("many" in row.detail for row in session.scalars(query))


@pytest.fixture(scope="module")
def console(server: KeycloakServer, sqlite_template: Path, shared_redis: Any) -> Iterator[Console]:
    with tempfile.TemporaryDirectory(prefix="slipway-", dir="/tmp") as folder:
        port = free_port()
        keycloak = KeycloakServer(
            replace(server.settings, keycloak_realm=REALM, public_url=f"http://127.0.0.1:{port}"), server.process
        )
        keycloak.provider.sync([TenantGroup("acme", "1.100"), TenantGroup("umbrella", "2.200")], dry_run=False)
        services = _services(Path(folder), sqlite_template, shared_redis.url, keycloak)
        ada = keycloak.administrate("POST", f"/{REALM}/users", ADA)
        with serving(services, port):
            yield Console(services, keycloak, ada)
        sign_on.required(services.sign_on).provider.close()
        services.db.dispose()
        services.redis.close()


def _services(folder: Path, template: Path, redis_url: str, keycloak: KeycloakServer) -> Services:
    database = folder / "slipway.db"
    database.write_bytes(template.read_bytes())
    made = make_services(folder, f"sqlite:///{database}", redis_url)
    for name in ("acme", "umbrella"):
        add_tenant(made.db, name)
    settings = replace(
        made.settings,
        keycloak=keycloak.url,
        keycloak_realm=REALM,
        public_url=keycloak.settings.public_url,
    )
    secret = "keycloak-router.secret"
    (settings.key_dir / secret).write_bytes((keycloak.settings.key_dir / secret).read_bytes())
    folders.prepare(settings)
    return replace(made, settings=settings, sign_on=sign_on.connect(settings, made.redis, made.db))


@pytest.fixture
def browser(console: Console) -> Iterator[Browser]:
    console.services.redis.flushall()
    with Browser(f"{console.keycloak.url}/realms/{REALM}") as found:
        yield found


def _to_provider(console: Console, browser: Browser) -> httpx.Response:
    """Keycloak's page, or where it leads at once."""
    started = browser.client.get(f"{console.url}/auth/login?to=/apps")
    assert started.status_code == 303, started.text
    return browser.follow(browser.client.get(started.headers["Location"]))


def _come_back(console: Console, browser: Browser, redirect: httpx.Response) -> None:
    back = redirect.headers["Location"]
    assert back.startswith(f"{console.url}/auth/callback?")
    ended = browser.client.get(back)
    assert (ended.status_code, ended.headers.get("Location")) == (303, "/apps"), ended.text


def _sign_in(console: Console, browser: Browser) -> None:
    page = _to_provider(console, browser)
    _come_back(console, browser, browser.submit(page, username="ada", password=PASSWORD))


def _who(console: Console, browser: Browser) -> Any:
    answer = browser.client.get(f"{console.url}/auth/session")
    return answer.json() if answer.status_code == 200 else None


def test_a_person_signs_in_and_is_somebody_to_the_api(console: Console, browser: Browser) -> None:
    _sign_in(console, browser)
    who = _who(console, browser)
    assert (who["sub"], who["login"], who["email"]) == (console.ada, "ada", "ada@example.org")
    assert who["tenants"] == [{"name": "acme", "role": "developer", "chosen": True}]
    account = browser.client.get(f"{console.url}/api/account").json()
    who = {"kind": "person", "name": "ada", "tenant": "acme", "role": "developer", "token": "ada"}
    assert account == who


def test_a_second_sign_in_takes_no_password(console: Console, browser: Browser) -> None:
    _sign_in(console, browser)
    _come_back(console, browser, _to_provider(console, browser))
    assert _who(console, browser)["login"] == "ada"


def test_signing_out_ends_the_session_at_keycloak_too(console: Console, browser: Browser) -> None:
    _sign_in(console, browser)
    before = console.ended_by_keycloak()
    page = browser.client.post(f"{console.url}/auth/logout", headers={"Origin": console.url})
    assert _who(console, browser) is None
    (url,) = re.findall(r'content="0;url=([^"]+)"', page.text)
    signed_out = browser.follow(browser.client.get(html.unescape(url)))
    assert signed_out.headers["Location"] == f"{console.url}/auth/signed-out", "without a question in between"
    assert "You are signed out" in browser.client.get(signed_out.headers["Location"]).text
    assert "kc-form-login" in _to_provider(console, browser).text, "a password is asked for again"
    eventually(lambda: console.ended_by_keycloak() > before, what="Keycloak reports the end, too")


def test_a_session_that_an_administrator_ends_is_over_here(console: Console, browser: Browser) -> None:
    _sign_in(console, browser)
    console.administrate("POST", f"/users/{console.ada}/logout")
    eventually(lambda: _who(console, browser) is None, what="the session is over")


def test_a_role_that_an_administrator_takes_is_gone_once_the_change_is_known(
    console: Console, browser: Browser
) -> None:
    _sign_in(console, browser)
    groups = console.administrate("GET", f"/users/{console.ada}/groups")
    (acme,) = [each["id"] for each in groups]
    console.administrate("DELETE", f"/users/{console.ada}/groups/{acme}")
    sign_on.required(console.services.sign_on).changes.person_changed(console.ada)
    assert _who(console, browser)["tenants"] == []
    console.administrate("PUT", f"/users/{console.ada}/groups/{acme}")
    sign_on.required(console.services.sign_on).changes.person_changed(console.ada)
    assert [each["name"] for each in _who(console, browser)["tenants"]] == ["acme"], "refreshed a second time"


def test_somebody_who_is_disabled_is_out_once_the_change_is_known(console: Console, browser: Browser) -> None:
    _sign_in(console, browser)
    console.administrate("PUT", f"/users/{console.ada}", {"enabled": False})
    sign_on.required(console.services.sign_on).changes.person_changed(console.ada)
    assert _who(console, browser) is None
    console.administrate("PUT", f"/users/{console.ada}", {"enabled": True})

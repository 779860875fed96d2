"""Invitations at a real Keycloak: somebody new gets an account and becomes a member, somebody who is there becomes one,
and an owner looks at them and signs them out."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from router.app import create_app
from router.identity import sign_on
from router.services import Services
from slipway.core.access.roles import Role
from slipway.domain import audit, identity
from slipway.host.install import folders
from tests.fixtures.api import Api, Caller, make_services
from tests.fixtures.identity.keycloak import KeycloakServer
from tests.fixtures.identity.sign_in import Browser
from tests.fixtures.ports import free_port
from tests.fixtures.services.router_threads import serving

REALM, PASSWORD = "invitations", "correct horse battery staple"


@dataclass
class Console:
    services: Services
    keycloak: KeycloakServer
    owner: Caller

    @property
    def url(self) -> str:
        return self.services.settings.public_url

    def invite(self, email: str, role: str = "developer") -> str:
        made = self.owner.post("/api/invitations", {"email": email, "role": role}, status=201)
        return str(made["url"])

    def browser(self) -> Browser:
        return Browser(f"{self.keycloak.url}/realms/{REALM}")

    def give(self, login: str, *groups: str) -> str:
        made = {"username": login, "email": f"{login}@example.org", "emailVerified": True, "enabled": True}
        made |= {"firstName": login.title(), "lastName": "Example", "groups": list(groups)}
        made |= {"credentials": [{"type": "password", "value": PASSWORD}]}
        return str(self.keycloak.in_realm("POST", "/users", made))

    def post(self, browser: Browser, url: str, **fields: str) -> httpx.Response:
        """A form of the console's own page."""
        return browser.client.post(url, data=fields, headers={"Origin": self.url})

    def accept(self, browser: Browser, link: str) -> httpx.Response:
        page = browser.client.get(link).text
        found = re.search(r'name="as" value="([^"]+)"', page)
        assert found, page
        return self.post(browser, f"{link}/accept", **{"as": found[1]})

    def come_back(self, browser: Browser, redirect: httpx.Response) -> str:
        """From Keycloak: where it leads on the console."""
        back = redirect.headers["Location"]
        assert back.startswith(f"{self.url}/auth/callback?")
        return str(browser.client.get(back).headers["Location"])

    def sign_in(self, browser: Browser, login: str) -> None:
        page = browser.follow(browser.client.get(browser.client.get(f"{self.url}/auth/login").headers["Location"]))
        self.come_back(browser, browser.submit(page, username=login, password=PASSWORD))

    def account(self, browser: Browser) -> Any:
        return browser.client.get(f"{self.url}/api/account").json()

    def groups(self, login: str) -> list[str]:
        (person,) = self.keycloak.in_realm("GET", f"/users?username={login}&exact=true")
        return [each["path"] for each in self.keycloak.in_realm("GET", f"/users/{person['id']}/groups")]


@pytest.fixture(scope="module")
def installed(server: KeycloakServer, sqlite_template: Path, shared_redis: Any) -> Iterator[Console]:
    with tempfile.TemporaryDirectory(prefix="slipway-", dir="/tmp") as folder:
        port = free_port()
        settings = replace(server.settings, keycloak_realm=REALM, public_url=f"http://127.0.0.1:{port}")
        keycloak = KeycloakServer(settings, server.process)
        services = _services(Path(folder), sqlite_template, shared_redis.url, keycloak)
        api = Api(services, create_app(services).test_client())
        owner = api.caller("acme", Role.OWNER)
        api.tenant_id("umbrella")
        identity.sync(services.db, keycloak.provider, audit.HOST, dry_run=False)
        with serving(services, port):
            yield Console(services, keycloak, owner)
        sign_on.required(services.sign_on).provider.close()
        services.db.dispose()
        services.redis.close()


def _services(folder: Path, template: Path, redis_url: str, keycloak: KeycloakServer) -> Services:
    database = folder / "slipway.db"
    database.write_bytes(template.read_bytes())
    made = make_services(folder, f"sqlite:///{database}", redis_url)
    names = ("keycloak_realm", "public_url")
    values = {name: getattr(keycloak.settings, name) for name in names}
    settings = replace(made.settings, keycloak=keycloak.url, **values)
    secret = "keycloak-router.secret"
    (settings.key_dir / secret).write_bytes((keycloak.settings.key_dir / secret).read_bytes())
    folders.prepare(settings)
    return replace(
        made,
        settings=settings,
        identity=keycloak.as_router(),
        sign_on=sign_on.connect(settings, made.redis, made.db),
    )


@pytest.fixture
def console(installed: Console) -> Iterator[Console]:
    installed.services.redis.flushall()
    yield installed
    installed.keycloak.remove_people()


def test_somebody_new_gets_an_account_and_is_a_member_once_they_accept(console: Console) -> None:
    link = console.invite("bob@example.org")
    with console.browser() as browser:
        made = console.post(browser, f"{link}/account").text
        login, first = re.findall(r"(?:login|first password) +(\S+?)(?:\n|</pre>)", made)
        page = browser.follow(browser.client.get(browser.client.get(f"{link}/sign-in").headers["Location"]))
        asked = browser.submit(page, username=login, password=first)
        assert 'name="password-new"' in asked.text, "the first password is good once"
        chosen = {"password-new": PASSWORD, "password-confirm": PASSWORD}
        profile = browser.submit(asked, **chosen)
        assert 'name="email"' in profile.text
        assert "bob@example.org" not in profile.text, "the account was made without the address"
        answer = browser.submit(profile, email="robert@example.org", firstName="Bob", lastName="Example")
        assert console.come_back(browser, answer) == link.removeprefix(console.url)
        assert console.groups(login) == []
        assert console.accept(browser, link).status_code == 303
        assert console.groups(login) == ["/tenants/acme/developer"]
        account = console.account(browser)
        assert (account["name"], account["tenant"], account["role"]) == (login, "acme", "developer"), "at once"
        assert browser.client.get(f"{console.url}/auth/session").json()["email"] == "", "nobody has verified it"
    with console.browser() as other:
        page = other.follow(other.client.get(other.client.get(f"{console.url}/auth/login").headers["Location"]))
        assert "kc-form-login" in other.submit(page, username=login, password=first).text, "the first one is gone"


def test_whoever_has_an_account_accepts_with_it_and_has_the_role_at_once(console: Console) -> None:
    console.give("bob", "/tenants/umbrella/viewer")
    link = console.invite("bob@example.org", "owner")
    with console.browser() as browser:
        console.sign_in(browser, "bob")
        assert console.account(browser)["tenant"] == "umbrella"
        assert "not the verified address" not in browser.client.get(link).text
        assert console.accept(browser, link).status_code == 303
        asked = {"X-Slipway-Tenant": "acme"}
        account = browser.client.get(f"{console.url}/api/account", headers=asked).json()
        assert (account["tenant"], account["role"]) == ("acme", "owner")
        assert "You are in acme" in browser.client.get(link).text
    assert sorted(console.groups("bob")) == ["/tenants/acme/owner", "/tenants/umbrella/viewer"]


def test_the_answer_to_an_owner_is_the_same_whether_somebody_has_the_address(console: Console) -> None:
    console.give("bob")
    links = [console.invite(email) for email in ("bob@example.org", "nobody@example.org")]
    with console.browser() as browser:
        answers = [console.post(browser, f"{link}/account") for link in links]
    assert [each.status_code for each in answers] == [200, 200]
    assert console.groups("bob") == []


def test_an_invitation_of_somebody_who_is_removed_in_keycloaks_console_is_void(console: Console) -> None:
    ada = console.give("ada", "/tenants/acme/owner")
    console.give("bob")
    with console.browser() as owners, console.browser() as browser:
        console.sign_in(owners, "ada")
        body = {"email": "bob@example.org", "role": "viewer"}
        made = owners.client.post(f"{console.url}/api/invitations", json=body, headers={"Origin": console.url})
        (group,) = console.keycloak.in_realm("GET", f"/users/{ada}/groups")
        console.keycloak.in_realm("DELETE", f"/users/{ada}/groups/{group['id']}")
        console.sign_in(browser, "bob")
        assert console.accept(browser, made.json()["url"]).status_code == 404
    assert console.groups("bob") == []


def test_an_owner_sees_sessions_of_the_tenants_people_and_ends_them(console: Console) -> None:
    console.give("bob", "/tenants/acme/developer", "/tenants/umbrella/owner")
    console.give("eve", "/tenants/umbrella/owner")
    with console.browser() as browser:
        console.sign_in(browser, "bob")
        shown = console.owner.get("/api/users/bob")
        assert (shown["sessions"], shown["groups"]) == (1, ["/tenants/acme/developer"])
        console.owner.problem(404, "GET", "/api/users/eve")
        console.owner.problem(404, "DELETE", "/api/users/eve/sessions")
        console.owner.delete("/api/users/bob/sessions")
        assert browser.client.get(f"{console.url}/auth/session").status_code == 401
        page = browser.follow(browser.client.get(browser.client.get(f"{console.url}/auth/login").headers["Location"]))
        assert "kc-form-login" in page.text, "a password is asked for again"
    assert console.owner.get("/api/users/bob")["sessions"] == 0

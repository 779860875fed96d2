"""People and invitations at the console, with an identity provider that is only remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from router.app import create_app
from slipway.adapters.redis.identity_changes import IdentityChanges
from slipway.core.access.roles import Role
from slipway.core.identity.people import KnownPerson
from slipway.domain.identity import group_of
from slipway.models import Tenant
from slipway.ports.identity import IdentityProvider
from tests.fakes import FakePeople
from tests.fixtures.api import Api, make_services
from tests.fixtures.console import Browser, Page
from tests.integration.console.test_pages import HOSTILE

WITHOUT_SESSIONS = SimpleNamespace(end_of_sub=lambda _sub: 0)


@dataclass
class Tenants:
    api: Api
    people: FakePeople

    def make(self, name: str) -> None:
        number = self.api.tenant_id(name)
        with self.api.services.db.read(tenant_id=number) as session:
            self.people.give_tenant(group_of(session.get_one(Tenant, number)))

    def owner(self, name: str = "acme") -> Browser:
        return Browser(self.api, self.api.caller(name, Role.OWNER).token)


@pytest.fixture
def tenants(state_dir: Path, sqlite_url: str, redis_url: str) -> Iterator[Tenants]:
    people = FakePeople()
    plain = make_services(state_dir, sqlite_url, redis_url)
    sign_on = SimpleNamespace(changes=IdentityChanges(plain.redis), sessions=WITHOUT_SESSIONS)
    identity = cast("IdentityProvider", SimpleNamespace(people=people))
    services = replace(plain, identity=identity, sign_on=cast("Any", sign_on))
    made = Tenants(Api(services, create_app(services).test_client()), people)
    for name in ("acme", "globex"):
        made.make(name)
    yield made
    services.db.dispose()
    services.redis.close()


@pytest.fixture
def owner(tenants: Tenants) -> Browser:
    return tenants.owner()


@pytest.fixture
def ada(tenants: Tenants) -> KnownPerson:
    tenants.people.give("bob", "bob@x.org", "/tenants/acme/owner")
    return tenants.people.give("ada", "ada@x.org", "/tenants/acme/developer")


def text(browser: Browser) -> str:
    return Page(browser.get("/tenant/people").text).text


def test_a_persons_role_is_changed_and_taken_away(owner: Browser, ada: KnownPerson) -> None:
    assert "ada Ada ada@x.org" in text(owner)
    owner.send("/tenant/people/role", {"login": "ada", "role": "viewer"})
    assert [each for each in Page(owner.get("/tenant/people").text).all("option") if "selected" in each]
    owner.send("/tenant/people/remove", {"login": "ada", "confirm": "bob"}, status=428)
    owner.send("/tenant/people/remove", {"login": "ada", "confirm": "ada"})
    assert "ada@x.org" not in text(owner)


def test_the_last_owner_stays_one_and_the_page_says_why(owner: Browser, ada: KnownPerson) -> None:
    answer = owner.send("/tenant/people/role", {"login": "bob", "role": "viewer"}, status=409)
    assert "owner" in Page(answer.text).text


def test_sessions_are_ended(tenants: Tenants, owner: Browser, ada: KnownPerson) -> None:
    tenants.people.sessions[ada.sub] = 2
    owner.send("/tenant/people/sessions", {"login": "ada"})
    assert tenants.people.sessions == {}


def test_a_link_is_shown_once_and_leads_nowhere_when_it_is_withdrawn(owner: Browser) -> None:
    made = owner.send("/tenant/invitations", {"email": "eve@x.org", "role": "developer"}, status=200)
    link = next(each for each in Page(made.text).words if "/auth/invitations/" in each).strip()
    again = Page(owner.get("/tenant/people").text)
    assert link not in again.text
    assert "eve@x.org developer Open" in again.text
    number = next(each["value"] for each in again.all("input") if each.get("name") == "invitation")
    owner.send("/tenant/invitations/withdraw", {"invitation": number, "email": "eve@x.org"})
    assert "eve@x.org developer Revoked" in text(owner)


def test_another_tenants_people_and_invitations_are_not_reached(
    tenants: Tenants, owner: Browser, ada: KnownPerson
) -> None:
    made = owner.send("/tenant/invitations", {"email": "eve@x.org", "role": "developer"}, status=200)
    number = next(each["value"] for each in Page(made.text).all("input") if each.get("name") == "invitation")
    other = tenants.owner("globex")
    for path, fields in (
        ("/tenant/people/role", {"login": "ada", "role": "viewer"}),
        ("/tenant/people/sessions", {"login": "ada"}),
        ("/tenant/people/remove", {"login": "ada", "confirm": "ada"}),
        ("/tenant/invitations/withdraw", {"invitation": number, "email": "eve@x.org"}),
    ):
        other.send(path, {**fields, "tenant": "globex"}, status=404)
    assert "ada@x.org" not in text(other)
    assert "eve@x.org" not in text(other)
    assert "ada@x.org" in text(owner)


def test_what_people_call_themselves_is_text(tenants: Tenants, owner: Browser) -> None:
    tenants.people.give(HOSTILE, HOSTILE, "/tenants/acme/owner")
    page = Page(owner.get("/tenant/people").text)
    assert page.text.count("alert(1)") >= 2
    assert page.all("img") == []
    assert all((each.get("src") or "").startswith("/assets/") for each in page.all("script"))


def test_where_the_provider_does_not_answer_the_page_says_so(tenants: Tenants, owner: Browser) -> None:
    tenants.people.away = True
    owner.get("/tenant/people", status=503)
    owner.get("/tenant")

"""The console with sign-on in a browser: people of an identity provider, and something on every page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from router.principal import Kind, Principal
from router.usecases.trying import kept
from slipway.adapters.edge_client import EdgeClient
from slipway.adapters.redis import keys
from slipway.core.access.roles import Role
from slipway.core.identity.people import KnownPerson
from slipway.core.routing.compared_answers import KeptAnswer
from slipway.domain.identity import group_of
from slipway.models import Certificate, Edge, Tenant, now
from slipway.ports.identity import IdentityProvider
from tests.fakes import FakePeople
from tests.fixtures.api import Api, make_services
from tests.fixtures.identity.oidc_provider import OidcProvider, running_provider
from tests.fixtures.identity.sign_on import with_sign_on
from tests.fixtures.ports import free_port
from tests.integration.browser.conftest import add_shop, at_port, opening, serving
from tests.integration.console.edge_listener import listening

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["signed_on", "visit"]
REFUSED = "the server responded with a status of"
PEOPLE = {
    "ada": ("/tenants/acme/owner", "/tenants/umbrella/viewer"),
    "vic": ("/tenants/acme/viewer",),
    "eve": (),
    "both": ("/tenants/acme/viewer", "/tenants/umbrella/viewer"),
}
"""Their groups. Ada runs the platform, too, and has chosen a tenant."""
Visit = Callable[[str], "Page"]


@dataclass
class SignedOn:
    api: Api
    provider: OidcProvider
    values: dict[str, object]
    """What stands in the addresses of pages."""


@pytest.fixture
def signed_on(state_dir: Path, sqlite_url: str, redis_url: str) -> Iterator[SignedOn]:
    port, people = free_port(), FakePeople()
    with running_provider() as provider, listening() as edge:
        services = with_sign_on(at_port(make_services(state_dir, sqlite_url, redis_url), port), provider.url)
        settings = replace(services.settings, http_listen=str(edge.port))
        identity = cast("IdentityProvider", SimpleNamespace(people=people, check=lambda: None))
        services = replace(services, settings=settings, identity=identity, edge=EdgeClient(settings))
        with serving(services, port) as api:
            yield SignedOn(api, provider, _furnish(api, provider, people))


@pytest.fixture
def visit(signed_on: SignedOn, chromium: Browser) -> Iterator[Visit]:
    """Opens a page of a person who has signed in at the provider; of nobody without a login."""
    with opening(chromium, signed_on.api.services.settings.public_url) as (new_page, listen):

        def visit_as(login: str) -> Page:
            page = new_page()
            listen(page, REFUSED)
            if login:
                signed_on.provider.signs_in = login
                page.goto("/auth/login")
            if login == "ada":
                page.get_by_role("button", name="Work in acme").click()
                page.locator("#tenant_choice").wait_for()
            return page

        yield visit_as


def _furnish(api: Api, provider: OidcProvider, people: FakePeople) -> dict[str, object]:
    for name in ("acme", "umbrella"):
        number = api.tenant_id(name)
        with api.services.db.read(tenant_id=number) as session:
            people.give_tenant(group_of(session.get_one(Tenant, number)))
    for login, groups in PEOPLE.items():
        _add_person(provider, people, login, groups)
    provider.add_person("ada", realm_access={"roles": ["platform-admin"]})
    people.give("gone", "gone@example.org", "/tenants/acme/developer", enabled=False)
    owner = api.caller("acme", Role.OWNER)
    deployment = add_shop(api, owner)
    _try_requests(api)
    _add_platform(api)
    invited = owner.post("/api/invitations", {"email": "bob@example.org", "role": "developer"}, status=201)
    hook = owner.get("/api/hooks")["hooks"][0]["id"]
    secret = invited["url"].rpartition("/")[2]
    return {"app": "shop", "deployment": deployment, "hook": hook, "secret": secret, "login_id": "none", "owner": owner}


def _add_person(provider: OidcProvider, people: FakePeople, login: str, groups: tuple[str, ...]) -> None:
    sub = provider.add_person(login, groups=list(groups))
    people.people[sub] = KnownPerson(sub, login, login.title(), f"{login}@example.org", enabled=True)
    for path in groups:
        people.groups.setdefault(path, set()).add(sub)


def _try_requests(api: Api) -> None:
    """Ada's, whose answers differ in everything."""
    ada = Principal(Kind.PERSON, "sub-of-ada", "ada", api.tenant_id(), "acme", Role.OWNER)
    fields = {"method": "GET", "host": "shop.localhost", "path": "/cart?id=1", "headers": "", "body": "", "count": "1"}
    for status, reason, replica, took_s in ((200, "OK", "shop-web-1", 0.012), (500, "Oh no", "shop-web-2", 0.43)):
        text = "\n".join(f'  "line-{number}": {number},' for number in range(12)).replace("7,", f"{status},")
        answer = KeptAnswer(
            url="http://shop.localhost/cart?id=1",
            status=status,
            reason=reason,
            replica=replica,
            app_s=took_s,
            edge_s=0.0004,
            first_byte_s=took_s + 0.001,
            total_s=took_s + 0.002,
            headers=(("Content-Type", "application/json"), (f"X-Only-{status}", "1"), ("ETag", f'"{status}"' * 20)),
            are_headers_cut=True,
            size_bytes=len(text),
            is_read_whole=True,
            digest=str(status),
            text=text,
            is_text=True,
            is_text_cut=True,
        )
        kept.keep(api.services, ada, "shop", fields, answer=answer)
    kept.save(api.services, ada, "shop", 1, "The cart")


def _add_platform(api: Api) -> None:
    at, tenant = now(), api.tenant_id()
    with api.services.db.write(platform="a test's edges and certificates") as session:
        session.add_all([Edge(id="edge-1"), Edge(id="edge-2")])
        for name, days in (("late.example", 3), ("fresh.example", 80)):
            before, after = at - timedelta(days=90 - days), at + timedelta(days=days)
            row = Certificate(names=[name], names_key=name, state="issued", not_before=before, not_after=after)
            row.tenant_id, row.detail = tenant, "issued by the authority"
            session.add(row)
    confirmed = json.dumps({"generation": 7, "epoch": "e", "at": at.timestamp()})
    api.services.redis.hset(keys.CONFIRMED, "edge-1", confirmed)

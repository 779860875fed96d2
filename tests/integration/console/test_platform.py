"""The platform's page: for platform admins alone, also while services are unreachable."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as Away

from router import authentication
from router.authentication import Credentials
from router.principal import Kind, Principal
from router.services import Services
from slipway.adapters.redis import keys
from slipway.core.access.roles import Role
from slipway.host.doctor import HostChecks
from slipway.models import Certificate, Edge, now
from tests.fixtures.api import Api
from tests.fixtures.console import Browser, Page
from tests.integration.console.test_pages import HOSTILE


@pytest.fixture
def admin(api: Api, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """A viewer of acme who runs the platform."""
    tenant = api.tenant_id()

    def authenticated(_services: Services, _credentials: Credentials) -> Principal:
        return Principal(Kind.PERSON, "1", "root", tenant, "acme", Role.VIEWER, platform_admin=True)

    monkeypatch.setattr(authentication, "AUTHENTICATORS", (authentication.by_token, authenticated))
    return Browser(api)


def test_no_role_in_a_tenant_is_enough(browsers: dict[Role, Browser]) -> None:
    for browser in browsers.values():
        assert "platform-admin" in browser.get("/platform", status=403).text
        assert "/platform" not in [each.get("href") for each in Page(browser.get("/tenant").text).all("a")]


def test_it_shows_services_edges_disk_and_what_the_doctor_finds(api: Api, admin: Browser) -> None:
    with api.services.db.write(platform="a test's edges") as session:
        session.add_all([Edge(id="edge-1"), Edge(id="edge-2")])
    confirmed = json.dumps({"generation": 7, "epoch": "e", "at": now().timestamp()})
    api.services.redis.hset(keys.CONFIRMED, "edge-1", confirmed)
    page = Page(admin.get("/platform").text)
    assert "Degraded" in page.text
    assert "Database Ok" in page.text
    assert "Agent Failed The agent does not answer; apps serve on." in page.text
    assert "edge-1 Ok 7 just now edge-2 Degraded 0 never" in page.text
    assert str(api.services.settings.state_dir) in page.text
    assert "SQLite: tenants' rows are kept apart" in page.text
    assert "/platform" in [each.get("href") for each in page.all("a")]


def test_certificates_of_all_tenants_stand_with_the_first_to_run_out(api: Api, admin: Browser) -> None:
    at, tenant = now(), api.tenant_id()
    with api.services.db.write(platform="a test's authority") as session:
        for name, days in (("late.example", 3), ("fresh.example", 80)):
            session.add(
                Certificate(
                    tenant_id=tenant,
                    names=[name],
                    names_key=name,
                    state="issued",
                    detail=HOSTILE,
                    not_before=at - timedelta(days=90 - days),
                    not_after=at + timedelta(days=days),
                )
            )
    page = Page(admin.get("/platform").text)
    assert page.text.index("late.example") < page.text.index("fresh.example")
    assert page.text.count("should have been renewed") == 1
    assert page.all("img") == []


def test_it_is_there_while_redis_is_unreachable(api: Api, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Redis, "hgetall", _away)
    page = Page(admin.get("/platform").text)
    assert "Redis Failed Redis does not answer" in page.text


def _away(*_: object) -> None:
    raise Away


def test_a_finding_that_cannot_be_had_is_a_finding(admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:

    def closed(_self: HostChecks) -> None:
        raise PermissionError(13, "Permission denied")

    closed.__name__ = "permissions"
    monkeypatch.setattr("slipway.host.doctor.WITHOUT_ROOT", (closed,))
    assert "Permissions Failed The service can't see it: Permission denied." in Page(admin.get("/platform").text).text

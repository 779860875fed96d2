"""The search over apps, pages and acts: with the viewer's own access, and bounded."""

from __future__ import annotations

from slipway.core.access.roles import Role
from slipway.models import App
from tests.fixtures.api import Api, Caller
from tests.fixtures.console import Browser, Page


def found(browser: Browser, query: str) -> dict[str, str]:
    """Address → what is said of it."""
    part = browser.fragment(f"/find?{query}", "found")
    links = [each["href"] or "" for each in Page(part.text).all("a")]
    return dict.fromkeys(links, Page(part.text).text)


def test_apps_are_found_by_each_word_the_ones_that_begin_so_first(browser: Browser, owner: Caller) -> None:
    for name in ("shop", "workshop", "shop-list"):
        owner.create_app(name)
    assert list(found(browser, "q=shop")) == ["/apps/shop", "/apps/shop-list", "/apps/workshop"]
    assert list(found(browser, "q=SHOP+list")) == ["/apps/shop-list"]
    assert list(found(browser, "q=%25")) == []
    assert list(found(browser, "q=_")) == []


def test_the_answer_is_bounded_and_says_so(api: Api, browser: Browser, shop: int) -> None:
    tenant = api.tenant_id()
    with api.services.db.write(tenant_id=tenant) as session:
        session.add_all(App(tenant_id=tenant, name=f"app-{number:04}", repository="r") for number in range(1000))
    listed = found(browser, "q=app-")
    assert len(listed) == 8
    assert "There are more" in next(iter(listed.values()))


def test_each_role_is_offered_what_it_may_do(browsers: dict[Role, Browser], shop: int) -> None:
    offered = {role: found(browser, "app=shop") for role, browser in browsers.items()}
    assert "/apps/shop/delete" in offered[Role.OWNER]
    assert "/apps/shop#deploy" in offered[Role.DEVELOPER]
    assert not {"/apps/shop/delete", "/tenant/people"} & offered[Role.DEVELOPER].keys()
    assert not {"/apps/shop#deploy", "/apps/shop/try", "/new"} & offered[Role.VIEWER].keys()
    assert "/apps/shop/logs" in offered[Role.VIEWER]


def test_another_tenants_apps_are_not_found(api: Api, stranger: Caller, shop: int) -> None:
    assert found(Browser(api, stranger.token), "q=shop") == {}


def test_what_is_no_name_of_an_app_has_no_pages(browser: Browser, shop: int) -> None:
    for name in ("../etc", "Shop", "a" * 300):
        assert not any("/apps/" in address for address in found(browser, f"app={name}&q=overview"))


def test_all_pages_of_the_navigation_are_found(browser: Browser, shop: int) -> None:
    listed = found(browser, "")
    assert {"/", "/containers", "/dashboard", "/tenant", "/tenant/audit", "/new"} <= listed.keys()
    assert "/platform" not in listed

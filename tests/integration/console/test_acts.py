"""What acts do, and what they lead to."""

from __future__ import annotations

import re

import pytest

from slipway.models import Delivery, Hook
from tests.fixtures.api import REPOSITORY, Api, Caller
from tests.fixtures.console import HTMX, OWN_PAGE, Browser, Page


def test_an_app_is_made_and_its_hooks_secret_is_shown_once(browser: Browser, owner: Caller) -> None:
    fields = {"name": "shop", "from": "repository", "repository": REPOSITORY, "branch": "main"}
    answer = browser.send("/new", fields, status=200)
    hook = owner.get("/api/hooks")["hooks"][0]
    assert hook["url"] in answer.text
    assert Page(answer.text).text.count("Waiting for the first delivery") == 1
    later = browser.get("/apps/shop/first-push")
    assert hook["url"] in later.text
    said = re.findall("<code>([^<]{40,})</code><br>", answer.text)
    assert len(said) == 1
    assert said[0] not in later.text


def test_an_app_of_an_image_has_no_hook(browser: Browser, owner: Caller) -> None:
    fields = {"name": "cache", "from": "image", "image": "docker.io/library/redis:7", "branch": "main"}
    answer = browser.send("/new", fields)
    assert answer.headers["Location"] == "/apps/cache/first-push"
    assert owner.get("/api/apps/cache")["image"] == "docker.io/library/redis:7"


def test_the_page_turns_green_when_the_first_delivery_arrives(api: Api, browser: Browser, owner: Caller) -> None:
    owner.create_app("shop", hook=True)
    assert "Waiting" in browser.fragment("/apps/shop/first-push", "arrival").text
    with api.services.db.write(platform="a test's delivery") as session:
        hook = session.query(Hook).one()
        values = {"delivery_id": "1", "event": "ping", "outcome": "ignored", "reason": "a ping"}
        session.add(Delivery(tenant_id=hook.tenant_id, hook_id=hook.id, **values))
    shown = Page(browser.fragment("/apps/shop/first-push", "arrival").text).text
    assert "A delivery has arrived" in shown
    assert "A ping." in shown


def test_deploying_leads_to_the_deployment(browser: Browser, owner: Caller, shop: int) -> None:
    answer = browser.send("/apps/shop/deploy")
    number = owner.get("/api/apps/shop/deployments")["deployments"][0]["id"]
    assert answer.headers["Location"] == f"/deployments/{number}"
    shown = browser.get(f"/deployments/{number}")
    assert "Queued" in shown.text
    browser.send(f"/deployments/{number}/cancel")
    assert owner.get(f"/api/deployments/{number}")["state"] == "cancelled"


def test_rolling_back_from_a_deployment(browser: Browser, owner: Caller, shop: int) -> None:
    retired = owner.get("/api/apps/shop/deployments")["deployments"][1]
    shown = browser.get(f"/deployments/{retired['id']}")
    assert f"Return to v{retired['release']['number']}" in shown.text
    browser.send("/apps/shop/rollback", {"to": str(retired["release"]["number"])})
    assert owner.get("/api/apps/shop/deployments")["deployments"][0]["kind"] == "rollback"


def test_an_act_says_once_what_became_of_it(browser: Browser, owner: Caller, shop: int) -> None:
    answer = browser.send("/apps/shop/scale", {"replicas": "2", "process": "web"})
    assert owner.get("/api/apps/shop")["replicas"]["wanted"] == 2
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    browser.headers["Cookie"] = cookie.partition(";")[0]
    shown = browser.get(answer.headers["Location"])
    assert "web is scaled to 2." in shown.text
    assert "Max-Age=0" in shown.headers["Set-Cookie"]
    assert "web is scaled" not in browser.fragment("/apps/shop", "app_replicas").text


def test_htmx_is_led_on_by_a_header(browser: Browser, shop: int) -> None:
    answer = browser.send("/apps/shop/scale", {"replicas": "2"}, status=200, headers={**HTMX, **OWN_PAGE})
    assert answer.headers["HX-Redirect"] == "/apps/shop"


@pytest.mark.parametrize("given", ["", "Shop", "shop ", "other"])
def test_nothing_is_deleted_without_its_name(browser: Browser, owner: Caller, shop: int, given: str) -> None:
    page = browser.get("/apps/shop/delete")
    assert "All of it will be lost" in page.text
    document = owner.problem(428, "DELETE", "/api/apps/shop")
    answer = browser.send("/apps/shop/delete", {"confirm": given}, status=428)
    assert document["detail"] in Page(answer.text).text
    assert owner.get("/api/apps/shop")["name"] == "shop"


def test_deleting_names_what_is_lost_and_leads_to_the_apps(browser: Browser, owner: Caller, shop: int) -> None:
    answer = browser.send("/apps/shop/delete", {"confirm": "shop"})
    assert answer.headers["Location"] == "/"
    assert owner.get("/api/apps") == {"apps": []}


def test_what_a_viewer_may_not_do_is_not_offered(api: Api, viewer: Caller, shop: int) -> None:
    shown = Page(Browser(api, viewer.token).get("/apps/shop").text)
    assert shown.all("form") == []
    assert "New app" not in Browser(api, viewer.token).get("/").text

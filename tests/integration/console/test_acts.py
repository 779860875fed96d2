"""What acts do, and what they lead to."""

from __future__ import annotations

import re

import pytest

from slipway.models import AuditRecord, Delivery, Hook
from tests.fixtures.api import REPOSITORY, Api, Caller
from tests.fixtures.console import HTMX, OWN_PAGE, Browser, Page
from tests.fixtures.releases import make_live


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


def test_what_serves_an_app_is_promoted_to_another(api: Api, browser: Browser, owner: Caller, shop: int) -> None:
    owner.create_app("served")
    make_live(api.services.db, "shop", file={})
    assert "Promote" in browser.get("/apps/shop").text
    answer = browser.send("/apps/shop/promote", {"to": "served"})
    [made] = owner.get("/api/apps/served/deployments")["deployments"]
    assert answer.headers["Location"] == f"/deployments/{made['id']}"
    assert "promoted" in Page(browser.get("/apps/served").text).text


def test_the_variables_of_a_file_are_set_in_one_change(browser: Browser, owner: Caller, shop: int) -> None:
    before = len(owner.get("/api/apps/shop/deployments")["deployments"])
    browser.send("/apps/shop/variables/import", {"file": "A=1\r\nB='two\r\nlines' # x\r\n", "scope": "run"})
    listed = owner.get("/api/apps/shop/variables")["variables"]
    assert {each["name"]: each["value"] for each in listed} == {"A": "1", "B": "two\nlines"}
    assert len(owner.get("/api/apps/shop/deployments")["deployments"]) == before + 1
    refused = browser.send("/apps/shop/variables/import", {"file": "C=1\nhunter2\n", "scope": "run"}, status=422)
    assert "Line 2 is not NAME=VALUE" in Page(refused.text).text
    assert len(owner.get("/api/apps/shop/variables")["variables"]) == 2


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


def test_a_variables_value_is_on_no_page_until_somebody_asks_for_it(
    api: Api, browser: Browser, owner: Caller, shop: int
) -> None:
    owner.patch("/api/apps/shop/variables", {"set": {"PASSWORD": "hunter2", "OTHER": "hunter3"}, "scope": "build"})
    assert "hunter" not in browser.get("/apps/shop/variables").text
    shown = browser.send("/apps/shop/variables/reveal", {"name": "PASSWORD", "scope": "build"}, status=200)
    assert "hunter2" in shown.text
    assert "hunter3" not in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    with api.services.db.read(platform="a test looks") as session:
        found = session.query(AuditRecord).filter_by(action="variable.reveal").one()
        assert (found.subject, found.detail) == ("shop", {"name": "PASSWORD", "scope": "build"})
        assert "hunter" not in str(vars(found))


def test_a_variable_that_is_not_there_is_not_revealed(api: Api, browser: Browser, shop: int) -> None:
    browser.send("/apps/shop/variables/reveal", {"name": "NONE", "scope": "run"}, status=404)
    with api.services.db.read(platform="a test looks") as session:
        assert session.query(AuditRecord).filter_by(action="variable.reveal").count() == 0


def test_variables_are_set_and_removed(browser: Browser, owner: Caller, shop: int) -> None:
    answer = browser.send("/apps/shop/variables", {"name": "A", "value": "1\n2", "scope": "run"})
    newest = owner.get("/api/apps/shop/deployments")["deployments"][0]
    assert answer.headers["Location"] == f"/deployments/{newest['id']}"
    assert [(each["name"], each["value"]) for each in owner.get("/api/apps/shop/variables")["variables"]] == [
        ("A", "1\n2")
    ]
    browser.send("/apps/shop/variables/remove", {"name": "A", "scope": "run", "confirm": "A"})
    assert owner.get("/api/apps/shop/variables")["variables"] == []


def test_a_variable_is_marked_as_secret(browser: Browser, owner: Caller, shop: int) -> None:
    browser.send("/apps/shop/variables", {"name": "A", "value": "bluebird", "scope": "build"})
    browser.send("/apps/shop/variables", {"name": "B", "value": "bluebird", "scope": "build", "secret": "on"})
    marks = {each["name"]: each["secret"] for each in owner.get("/api/apps/shop/variables")["variables"]}
    assert marks == {"A": False, "B": True}
    assert browser.get("/apps/shop/variables").text.count("builds, secret") == 1


def test_hosts_are_added_and_removed(browser: Browser, owner: Caller, shop: int) -> None:
    browser.send("/apps/shop/domains", {"host": "Shop.Example.org", "redirect_to": ""})
    assert "shop.example.org" in browser.get("/apps/shop/domains").text
    browser.send("/apps/shop/domains/remove", {"host": "shop.example.org", "confirm": "other"}, status=428)
    browser.send("/apps/shop/domains/remove", {"host": "shop.example.org", "confirm": "shop.example.org"})
    assert [each["host"] for each in owner.get("/api/apps/shop/domains")["domains"]] == ["shop.localhost"]


def test_access_is_said_a_path_a_line(browser: Browser, owner: Caller, shop: int) -> None:
    browser.send("/apps/shop/access", {"allow": "public", "paths": "/admin role:owner, token\r\n\r\n/me signed-in"})
    own = owner.get("/api/apps/shop/access")["own"]
    assert own["allow"] == ["public"]
    assert own["paths"] == [
        {"path": "/admin", "allow": ["role:owner", "token"]},
        {"path": "/me", "allow": ["signed-in"]},
    ]
    assert "/admin role:owner, token" in browser.get("/apps/shop/access").text
    browser.send("/apps/shop/access", {"allow": "nonsense", "paths": ""}, status=422)
    assert owner.get("/api/apps/shop/access")["own"] == own


def test_limits_are_set_and_removed(browser: Browser, owner: Caller, shop: int) -> None:
    fields = {"name": "minute", "requests": "100", "per_s": "60", "at_once": "", "by": "all", "dry_run": "on"}
    browser.send("/apps/shop/limits", fields)
    (limit,) = owner.get("/api/apps/shop/limits")["limits"]
    assert (limit["name"], limit["requests"], limit["dry_run"]) == ("minute", 100, True)
    assert "100 requests in 60 s" in browser.get("/apps/shop/limits").text
    browser.send("/apps/shop/limits/remove", {"name": "minute"})
    assert owner.get("/api/apps/shop/limits")["limits"] == []


def test_settings_are_changed_field_by_field(browser: Browser, owner: Caller, shop: int) -> None:
    owner.patch("/api/apps/shop", {"settings": {"port": 8080, "limits": [{"name": "a", "at_once": 3}]}})
    fields = {"port": "", "resources.memory_mb": "256", "paths": "src/**\r\nweb/**", "resources.read_only": "false"}
    browser.send("/apps/shop/settings", fields)
    assert owner.get("/api/apps/shop")["settings"] == {
        "limits": [{"name": "a", "at_once": 3}],
        "resources": {"memory_mb": 256, "read_only": False},
        "paths": ["src/**", "web/**"],
    }
    shown = browser.get("/apps/shop/settings").text
    assert 'value="256"' in shown
    browser.send("/apps/shop/settings", fields, status=422)


def test_settings_that_can_not_be_are_refused_in_the_apis_words(browser: Browser, owner: Caller, shop: int) -> None:
    document = owner.problem(422, "PATCH", "/api/apps/shop", {"settings": {"resources": {"memory_mb": 1}}})
    answer = browser.send("/apps/shop/settings", {"resources.memory_mb": "1"}, status=422)
    assert document["detail"][1:] in Page(answer.text).text
    browser.send("/apps/shop/settings", {"port": "eighty"}, status=422)


def test_the_source_is_changed_without_its_credential(browser: Browser, owner: Caller, shop: int) -> None:
    browser.send("/apps/shop/source", {"repository": REPOSITORY, "branch": "next", "credential": ""})
    assert owner.get("/api/apps/shop")["branch"] == "next"

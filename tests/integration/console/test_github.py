"""The GitHub App at the console: the form that goes to GitHub, what comes back from there, and connected accounts."""

from __future__ import annotations

import json

import pytest

from slipway.core.access.roles import Role
from slipway.core.github.registration import Registration
from slipway.domain.audit import Actor
from slipway.domain.github import app as github_app
from slipway.domain.github import installations
from tests.fixtures.api import Api, Caller
from tests.fixtures.console import Browser, Page
from tests.integration.console.test_platform import admin

__all__ = ["admin"]


def register(api: Api) -> None:
    made = Registration(4711, "https://api.github.com", "slipway-acme", "Iv1", "client-secret", "the private key")
    github_app.keep(api.services.db, api.services.values, api.services.hooks, made, "secret")
    api.services.github.forget()


def connect(api: Api, account: str = "acme") -> None:
    tenant = api.tenant_id()
    with api.services.db.write(tenant_id=tenant) as session:
        installations.connect(
            session, tenant, Actor("a test"), number=55, account=account, selection="all", login="ann"
        )


def test_the_form_takes_a_manifest_to_github_and_the_page_lets_it(admin: Browser) -> None:
    answer = admin.get("/platform/github?organization=acme&public=1")
    assert "form-action 'self' https://github.com;" in answer.headers["Content-Security-Policy"]
    page = Page(answer.text)
    [form] = [each for each in page.all("form") if (each.get("action") or "").startswith("https://")]
    assert (form["action"] or "").startswith("https://github.com/organizations/acme/settings/apps/new?state=")
    [manifest] = [each["value"] for each in page.all("input") if each.get("name") == "manifest"]
    assert json.loads(manifest or "")["public"] is True


def test_no_other_page_lets_a_form_go_elsewhere(admin: Browser) -> None:
    assert "https://github.com" not in admin.get("/platform").headers["Content-Security-Policy"]


@pytest.mark.parametrize("query", ["", "?code=x", "?code=x&state=1.a.b", "?state=x"])
def test_whoever_comes_back_from_github_without_having_gone_there_changes_nothing(
    admin: Browser, browser: Browser, query: str
) -> None:
    for visitor, path in ((admin, "/platform/github/registered"), (browser, "/tenant/github/installed")):
        assert visitor.call("GET", path + query).status_code in (403, 422)


def test_an_owner_is_led_to_github_and_nobody_else(api: Api, browsers: dict[Role, Browser]) -> None:
    register(api)
    for role, browser in browsers.items():
        links = [each.get("href") or "" for each in Page(browser.get("/tenant/hooks").text).all("a")]
        to_github = [each for each in links if each.startswith("https://github.com/")]
        assert len(to_github) == (2 if role is Role.OWNER else 0)


def test_no_page_shows_a_key_of_the_app(api: Api, admin: Browser, browser: Browser) -> None:
    register(api)
    shown = admin.get("/platform/github").text + browser.get("/tenant/hooks").text
    assert "slipway-acme" in shown
    assert "private key" not in shown
    assert "client-secret" not in shown


def test_a_connected_account_is_shown_and_disconnected_by_its_name(api: Api, browser: Browser, owner: Caller) -> None:
    register(api)
    connect(api, "<b>acme</b>")
    assert "&lt;b&gt;acme&lt;/b&gt;" in browser.get("/tenant/hooks").text
    fields = {"installation": "55", "confirm": "another"}
    browser.send("/tenant/github/disconnect", fields, status=428)
    assert owner.get("/api/github")["installations"][0]["account"] == "<b>acme</b>"
    browser.send("/tenant/github/disconnect", fields | {"confirm": "<b>acme</b>"})
    assert owner.get("/api/github")["installations"] == []


def test_an_app_of_a_connected_account_says_that_no_webhook_is_needed(api: Api, owner: Caller) -> None:
    register(api)
    connect(api)
    made = owner.create_app("shop", repository="https://github.com/acme/shop.git")
    assert "The GitHub App is connected for acme" in made["notices"][0]

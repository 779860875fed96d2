"""Who may see which page and do which act: every one that there is, by the same roles as the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from slipway.core.access.roles import Role, may
from tests.fixtures.api import Api, Caller
from tests.fixtures.console import HOOK, HTMX, OWN_PAGE, Browser

FOR_ALL = {"/assets/<name>", "/tenant/choice"}
"""Files that are the same for everybody; and the choice of a tenant, which a person makes before any role."""
FOR_PLATFORM_ADMINS = {"/platform", "/platform/github", "/platform/github/registered"}
"""No role in a tenant is enough (`test_platform.py`)."""
ROLES: dict[tuple[str, str], Role] = {
    ("GET", "/new"): Role.DEVELOPER,
    ("POST", "/new"): Role.DEVELOPER,
    ("POST", "/apps/<app>/deploy"): Role.DEVELOPER,
    ("POST", "/apps/<app>/promote"): Role.DEVELOPER,
    ("POST", "/apps/<app>/rollback"): Role.DEVELOPER,
    ("POST", "/apps/<app>/scale"): Role.DEVELOPER,
    ("GET", "/apps/<app>/delete"): Role.OWNER,
    ("POST", "/apps/<app>/delete"): Role.OWNER,
    ("POST", "/deployments/<int:deployment>/cancel"): Role.DEVELOPER,
    **{
        ("POST", f"/apps/<app>/{each}"): Role.DEVELOPER
        for each in ("access", "domains", "limits", "settings", "source")
    },
    **{("POST", f"/apps/<app>/{each}/remove"): Role.DEVELOPER for each in ("domains", "limits", "variables")},
    ("POST", "/apps/<app>/domains/check"): Role.DEVELOPER,
    **{("GET", f"/apps/<app>/{each}"): Role.DEVELOPER for each in ("try", "try/compare")},
    **{("POST", f"/apps/<app>/{each}"): Role.DEVELOPER for each in ("try", "try/save", "try/forget")},
    ("POST", "/apps/<app>/variables"): Role.DEVELOPER,
    ("POST", "/apps/<app>/variables/import"): Role.DEVELOPER,
    **{("POST", f"/apps/<app>/previews/{each}"): Role.DEVELOPER for each in ("approve", "remove")},
    ("POST", "/apps/<app>/variables/reveal"): Role.DEVELOPER,
    **{("GET", f"/tenant/{each}"): Role.OWNER for each in ("people", "tokens", "audit")},
    ("GET", "/tenant/publishers"): Role.DEVELOPER,
    ("GET", "/tenant/github/installed"): Role.OWNER,
    **{
        ("POST", f"/tenant/{each}"): Role.OWNER
        for each in (
            *("people/role", "people/sessions", "people/remove", "invitations", "invitations/withdraw"),
            *("tokens", "tokens/revoke", "hooks", "hooks/rotate", "hooks/delete", "publishers", "publishers/remove"),
            "github/disconnect",
        )
    },
}
"""What takes more than a viewer."""
ELSEWHERE = ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"})
FORMS: dict[str, dict[str, Any]] = {
    "/new": {"name": "new", "repository": "https://github.example/acme/new.git"},
    "/apps/<app>/promote": {"to": "served"},
    "/apps/<app>/scale": {"replicas": "1"},
    "/apps/<app>/previews/approve": {"number": "12", "commit": "2" * 40},
    "/apps/<app>/previews/remove": {"number": "12"},
    "/apps/<app>/delete": {"confirm": "shop"},
    "/apps/<app>/access": {"allow": "nobody", "paths": ""},
    "/apps/<app>/domains": {"host": "new.example.org"},
    "/apps/<app>/domains/check": {"host": "shop.localhost"},
    "/apps/<app>/domains/remove": {"host": "shop.localhost", "confirm": "shop.localhost"},
    "/apps/<app>/limits": {"name": "minute", "requests": "5", "per_s": "60"},
    "/apps/<app>/limits/remove": {"name": "minute"},
    "/apps/<app>/settings": {"port": "8080"},
    "/apps/<app>/source": {"branch": "next"},
    "/apps/<app>/try": {"method": "GET", "host": "shop.localhost", "path": "/"},
    "/apps/<app>/try/save": {"request": "1", "name": "mine"},
    "/apps/<app>/try/forget": {"request": "1"},
    "/apps/<app>/variables": {"name": "A", "value": "1", "scope": "run"},
    "/apps/<app>/variables/import": {"file": "A=1", "scope": "run"},
    "/apps/<app>/variables/remove": {"name": "A", "scope": "run", "confirm": "A"},
    "/apps/<app>/variables/reveal": {"name": "A", "scope": "run"},
    "/tenant/people/role": {"login": "ada", "role": "viewer"},
    "/tenant/people/sessions": {"login": "ada"},
    "/tenant/people/remove": {"login": "ada", "confirm": "ada"},
    "/tenant/invitations": {"email": "eve@example.org", "role": "viewer"},
    "/tenant/invitations/withdraw": {"invitation": "1", "email": "eve@example.org"},
    "/tenant/tokens": {"name": "eve", "role": "owner"},
    "/tenant/tokens/revoke": {"token": "1", "name": "owner", "confirm": "owner"},
    "/tenant/hooks": {"repository": "https://github.example/acme/new.git"},
    "/tenant/hooks/rotate": {"hook": HOOK},
    "/tenant/hooks/delete": {"hook": HOOK, "confirm": "github.example/acme/hello"},
    "/tenant/github/disconnect": {"installation": "55", "confirm": "acme"},
    "/tenant/publishers": {"app": "shop", "kind": "github", "constraints": "repository acme/shop"},
    "/tenant/publishers/remove": {"app": "shop", "publisher": "1", "confirm": "shop"},
}


def routes(app: Flask) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("console.") and rule.rule not in FOR_ALL:
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                yield method, rule.rule


def path_of(rule: str, deployment: int) -> str:
    path = rule.replace("<app>", "shop").replace("<int:deployment>", str(deployment)).replace("<hook>", HOOK)
    assert "<" not in path, f"say what {rule} is about"
    return path


def test_each_takes_the_role_that_is_listed(api: Api) -> None:
    app = api.client.application
    found = {(method, rule): _role(app, rule, method) for method, rule in routes(app)}
    assert found == {each: ROLES.get(each, Role.VIEWER) for each in found}
    assert ROLES.keys() <= found.keys()
    assert all(role is not Role.VIEWER for (method, _), role in found.items() if method == "POST")


def test_each_role_sees_and_does_its_part_and_no_more(api: Api, browsers: dict[Role, Browser], shop: int) -> None:
    refused = 0
    for method, rule in routes(api.client.application):
        needed = ROLES.get((method, rule), Role.VIEWER)
        for role, browser in browsers.items():
            if may(role, needed):
                continue
            answer = _call(browser, method, path_of(rule, shop), FORMS.get(rule))
            assert answer.status_code == 403, (method, rule, role)
            assert f"a {role} may not do this: it takes the role {needed}" in answer.text.lower().replace("\n", " ")
            refused += 1
    assert refused >= len(ROLES)


def test_a_viewer_sees_every_page_that_is_for_viewers(api: Api, browsers: dict[Role, Browser], shop: int) -> None:
    for method, rule in routes(api.client.application):
        if (method, rule) not in ROLES and rule not in {"/live", *FOR_PLATFORM_ADMINS}:
            browsers[Role.VIEWER].get(path_of(rule, shop))


def test_another_tenants_things_are_not_there(api: Api, stranger: Caller, owner: Caller, shop: int) -> None:
    before = owner.get("/api/apps")
    other = Browser(api, stranger.token)
    for method, rule in routes(api.client.application):
        if "<" not in rule:
            continue
        answer = _call(other, method, path_of(rule, shop), FORMS.get(rule), tenant="globex")
        assert answer.status_code == 404, (method, rule)
        assert "acme" not in answer.text
    assert owner.get("/api/apps") == before
    assert "/apps/shop" not in other.get("/").text


def test_a_stream_names_no_other_tenants_apps(api: Api, stranger: Caller, shop: int) -> None:
    other = Browser(api, stranger.token)
    for query in ("?app=shop", f"?deployment={shop}"):
        assert other.get(f"/live{query}", status=404).content_type.startswith("text/html")


def test_whoever_is_not_signed_in_is_led_to_where_that_is_done(api: Api, shop: int) -> None:
    nobody = Browser(api)
    for method, rule in routes(api.client.application):
        if rule == "/":
            continue
        path = path_of(rule, shop)
        answer = _call(nobody, method, path, FORMS.get(rule))
        assert answer.status_code == 303, (method, rule)
        target = path if method == "GET" else "/"
        assert answer.headers["Location"] == f"/auth/token?to={target}"


def test_a_fragment_leads_the_whole_page_to_the_sign_in(api: Api, shop: int) -> None:
    answer = Browser(api).get("/apps/shop", **HTMX)
    assert answer.headers["HX-Redirect"].startswith("/auth/token")
    assert answer.text == ""


def test_at_the_first_page_strangers_see_what_this_is(api: Api) -> None:
    answer = Browser(api).get("/")
    assert 'href="/auth/token"' in answer.text
    assert "Content-Security-Policy" in answer.headers


def test_a_form_counts_only_when_a_page_of_the_console_sent_it(
    api: Api, browser: Browser, owner: Caller, shop: int
) -> None:
    before = owner.get("/api/apps")
    for _, rule in [each for each in routes(api.client.application) if each[0] == "POST"]:
        for headers in (
            {},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "null"},
            HTMX,
        ):
            answer = browser.send(path_of(rule, shop), FORMS.get(rule), status=403, headers=headers)
            assert "cross-site-request" in answer.text, (rule, headers)
    assert owner.get("/api/apps") == before


@pytest.mark.parametrize("fields", [{}, {"tenant": "globex"}, {"tenant": ""}])
def test_an_act_is_done_in_the_tenant_that_its_page_was_of_or_not_at_all(
    api: Api, browser: Browser, owner: Caller, shop: int, fields: dict[str, str]
) -> None:
    before = owner.get("/api/apps")
    for _, rule in [each for each in routes(api.client.application) if each[0] == "POST"]:
        answer = browser.call("POST", path_of(rule, shop), {**FORMS.get(rule, {}), **fields})
        assert answer.status_code in (409, 422), rule
    assert owner.get("/api/apps") == before


def _role(app: Flask, rule: str, method: str) -> Role:
    found = next(each for each in app.url_map.iter_rules() if each.rule == rule and method in (each.methods or set()))
    role: Role = app.view_functions[found.endpoint].role  # type: ignore[attr-defined]
    return role


def _call(browser: Browser, method: str, path: str, fields: Any, tenant: str = "acme") -> Any:
    data = {"tenant": tenant, **(fields or {})} if method == "POST" else None
    return browser.call(method, path, data, headers=OWN_PAGE if method == "POST" else None)

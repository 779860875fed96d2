"""The tenant's pages: what they show, what they do, and what they do not give away."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.core.access.roles import Role
from slipway.models import AuditRecord, Delivery, Hook, Tenant, Token, TrustedPublisher
from tests.fixtures.api import Api, Caller
from tests.fixtures.console import HOOK, Browser, Page
from tests.integration.console.test_pages import HOSTILE

PAGES = ("/tenant", "/tenant/people", "/tenant/tokens", "/tenant/hooks", "/tenant/publishers", "/tenant/audit")


def text(browser: Browser, path: str) -> str:
    return Page(browser.get(path).text).text


def test_quotas_are_those_of_the_api(browser: Browser, owner: Caller, shop: int) -> None:
    page = text(browser, "/tenant")
    assert "Apps 1 unlimited" in page
    assert owner.get("/api/quota")["plan"] in page


def test_a_quota_that_is_used_up_says_so(api: Api, browser: Browser, shop: int) -> None:
    tenant = api.tenant_id()
    with api.services.db.write(platform="a test's administrator") as session:
        session.get_one(Tenant, tenant).quotas = {"apps": 1}
    assert "Nothing left" in text(browser, "/tenant")


def test_a_token_is_shown_once_and_is_good_until_it_is_revoked(browser: Browser, api: Api, shop: int) -> None:
    answer = browser.send("/tenant/tokens", {"name": "ci", "role": "developer", "days": "30"}, status=200)
    secret = next(each for each in Page(answer.text).words if each.startswith("slw_"))
    caller = Caller(api.client, secret)
    listed = [each for each in caller_of(browser, api).get("/api/tokens")["tokens"] if each["name"] == "ci"]
    assert caller.get("/api/account")["role"] == "developer"
    assert listed[0]["expires_at"] is not None
    assert secret not in browser.get("/tenant/tokens").text
    fields = {"token": str(listed[0]["id"]), "name": "ci"}
    assert "confirmation" in browser.send("/tenant/tokens/revoke", {**fields, "confirm": "c"}, status=428).text
    browser.send("/tenant/tokens/revoke", {**fields, "confirm": "ci"})
    caller.problem(401, "GET", "/api/account")


def caller_of(browser: Browser, api: Api) -> Caller:
    return Caller(api.client, browser.token)


@pytest.mark.parametrize("fields", [{"token": "x"}, {"token": "-1"}, {"token": "9" * 40}, {}])
def test_a_token_that_is_no_number_is_bad_input(browser: Browser, shop: int, fields: dict[str, str]) -> None:
    browser.send("/tenant/tokens/revoke", {"name": "a", "confirm": "a", **fields}, status=422)


def test_a_hooks_secret_is_shown_once_and_a_new_one_takes_its_place(browser: Browser, shop: int) -> None:
    made = browser.send("/tenant/hooks", {"repository": "https://github.example/acme/new.git"}, status=200)
    first = next(each for each in Page(made.text).words if each.startswith("slwh_"))
    assert first not in browser.get("/tenant/hooks").text
    assert (
        "already"
        in browser.send("/tenant/hooks", {"repository": "https://github.example/acme/new.git"}, status=409).text
    )
    rotated = browser.send("/tenant/hooks/rotate", {"hook": HOOK}, status=200)
    assert first not in rotated.text
    assert any(each.startswith("slwh_") for each in Page(rotated.text).words)


def test_a_hook_is_deleted_by_its_repositorys_name(browser: Browser, shop: int) -> None:
    browser.send("/tenant/hooks/delete", {"hook": HOOK, "confirm": HOOK}, status=428)
    browser.send("/tenant/hooks/delete", {"hook": HOOK, "confirm": "github.example/acme/hello"})
    browser.get(f"/tenant/hooks/{HOOK}", status=404)


def test_each_delivery_says_what_became_of_it(api: Api, browser: Browser, shop: int) -> None:
    tenant = api.tenant_id()
    with api.services.db.write(platform="a test's forge") as session:
        session.add(
            Delivery(
                tenant_id=tenant,
                hook_id=HOOK,
                delivery_id="d-2",
                event="push",
                outcome="ignored",
                reason="other-branch",
            )
        )
    page = text(browser, f"/tenant/hooks/{HOOK}")
    assert "Ignored Other-branch." in page
    assert page.index("Ignored") < page.index("Deployed")


def test_ci_jobs_are_trusted_and_trusted_no_longer(browser: Browser, owner: Caller, shop: int) -> None:
    fields = {"app": "shop", "kind": "github", "constraints": "repository acme/shop\nref refs/heads/main\n"}
    browser.send("/tenant/publishers", fields)
    found = owner.get("/api/apps/shop/publishers")["publishers"]
    assert found[0]["constraints"] == {"repository": "acme/shop", "ref": "refs/heads/main"}
    assert "acme/shop" in text(browser, "/tenant/publishers")
    number = str(found[0]["id"])
    browser.send("/tenant/publishers/remove", {"app": "shop", "publisher": number, "confirm": "shop"})
    assert owner.get("/api/apps/shop/publishers")["publishers"] == []


def test_the_audit_log_is_searched_and_paged(api: Api, browser: Browser, owner: Caller, shop: int) -> None:
    tenant = api.tenant_id()
    with api.services.db.write(platform="a test's past") as session:
        session.add_all(
            AuditRecord(tenant_id=tenant, actor="person:ada", action="app.scale", subject=f"a{number}")
            for number in range(60)
        )
    newest = browser.get("/tenant/audit?q=ada")
    older = next(each["href"] for each in Page(newest.text).all("a") if each.get("rel") == "next") or ""
    assert "q=ada" in older
    assert "a59" in newest.text
    assert "a9 " not in Page(newest.text).text
    assert "a9 " in text(browser, older)
    assert "a59" not in browser.get("/tenant/audit?q=ada+a41+app.scale").text
    assert "a41" in browser.get("/tenant/audit?q=ada+a41+app.scale").text
    assert "Nothing is recorded" in text(browser, "/tenant/audit?q=%25")
    assert text(browser, "/tenant/audit?before=x") == text(browser, "/tenant/audit")


def test_no_word_of_another_tenant_is_shown(api: Api, stranger: Caller, browser: Browser, shop: int) -> None:
    other = Browser(api, stranger.token)
    for path in PAGES:
        page = other.get(path).text
        assert "acme" not in page, path
    assert other.get("/tenant/audit?q=shop").text.count("app.create") == 0


def test_another_tenants_token_hook_and_publisher_are_not_reached(
    api: Api, stranger: Caller, owner: Caller, shop: int
) -> None:
    other = Browser(api, stranger.token)
    before = (owner.get("/api/tokens"), owner.get("/api/hooks"))
    token = next(each for each in before[0]["tokens"])
    acts: list[tuple[str, dict[str, Any]]] = [
        ("/tenant/tokens/revoke", {"token": token["id"], "name": token["name"], "confirm": token["name"]}),
        ("/tenant/hooks/rotate", {"hook": HOOK}),
        ("/tenant/hooks/delete", {"hook": HOOK, "confirm": "github.example/acme/hello"}),
        ("/tenant/publishers", {"app": "shop", "kind": "github", "constraints": "repository a/b"}),
        ("/tenant/publishers/remove", {"app": "shop", "publisher": "1", "confirm": "shop"}),
    ]
    for path, fields in acts:
        assert other.send(path, {**fields, "tenant": "globex"}, status=404).status_code == 404
    assert (owner.get("/api/tokens"), owner.get("/api/hooks")) == before


def test_what_a_role_may_not_do_is_not_offered(browsers: dict[Role, Browser], shop: int) -> None:
    for role in (Role.VIEWER, Role.DEVELOPER):
        tabs = [each["href"] for each in Page(browsers[role].get("/tenant").text).all("a") if each.get("href")]
        assert "/tenant/tokens" not in tabs
        assert ("/tenant/publishers" in tabs) == (role is Role.DEVELOPER)
        forms = Page(browsers[role].get("/tenant/hooks").text).all("form")
        assert not any((each["action"] or "").startswith("/tenant/hooks") for each in forms)


def test_where_sign_on_is_off_the_page_of_people_leads_to_tokens(browser: Browser, shop: int) -> None:
    page = browser.get("/tenant/people")
    assert "Sign-on is off" in Page(page.text).text
    assert browser.send("/tenant/invitations", {"email": "a@example.org", "role": "viewer"}, status=409)


def test_what_others_wrote_is_text(api: Api, browser: Browser, viewer: Caller, shop: int) -> None:
    tenant = api.tenant_id()
    with api.services.db.write(platform="a test's attacker") as session:
        session.add(Hook(id="x" * 32, tenant_id=tenant, repository_identity=f"github.example/{HOSTILE}"))
        session.flush()
        session.add(
            Delivery(
                tenant_id=tenant,
                hook_id="x" * 32,
                delivery_id=HOSTILE[:80],
                event=HOSTILE[:40],
                ref=HOSTILE,
                commit_sha=HOSTILE[:60],
                outcome="refused",
                reason=HOSTILE,
            )
        )
        session.add(
            AuditRecord(
                tenant_id=tenant,
                actor=f"token:{HOSTILE}",
                action="app.create",
                subject=HOSTILE,
                detail={HOSTILE: [HOSTILE, {"a": HOSTILE}]},
                address=HOSTILE[:40],
                request_id=HOSTILE[:60],
            )
        )
        session.add(
            TrustedPublisher(
                tenant_id=tenant,
                app_id=1,
                kind=HOSTILE[:8],
                issuer=f"https://{HOSTILE}",
                constraints={HOSTILE: HOSTILE},
            )
        )
        session.query(Token).filter_by(name="acme-viewer").one().name = HOSTILE
    for path in (*PAGES, f"/tenant/hooks/{'x' * 32}", f"/tenant/audit?q={HOSTILE}"):
        page = Page(browser.get(path).text)
        assert all((each.get("src") or "").startswith("/assets/") for each in page.all("script")), path
        assert page.all("img") == []
        assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes), path
        assert not any((each.get("href") or "").lower().startswith("javascript:") for each in page.all("a")), path


def test_hooks_come_in_pages_and_are_found_by_words(api: Api, browser: Browser) -> None:
    tenant = api.tenant_id()
    with api.services.db.write(tenant_id=tenant) as session:
        identities = [f"github.example/acme/app-{number:03}" for number in range(120)]
        session.add_all(
            Hook(id=f"{n:032x}", tenant_id=tenant, repository_identity=each) for n, each in enumerate(identities)
        )
    first, last = browser.get("/tenant/hooks"), browser.get("/tenant/hooks?page=3")
    assert "app-000" in first.text
    assert "app-119" not in first.text
    assert 'href="/tenant/hooks?page=2"' in first.text
    assert "app-119" in last.text
    assert Page(browser.get("/tenant/hooks?page=99").text).text == Page(last.text).text
    found = browser.get("/tenant/hooks?q=ACME+app-11")
    assert "app-119" in found.text
    assert "app-000" not in found.text
    assert "app-0" not in browser.get("/tenant/hooks?q=app-%25").text

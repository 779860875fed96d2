"""What every page is: escaped, under a policy, with the API's words, in a number of queries that does not grow."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import event
from werkzeug.test import TestResponse

from slipway.models import (
    App,
    Delivery,
    Deployment,
    Domain,
    Hook,
    Preview,
    Replica,
    Scale,
    Token,
    TrustedPublisher,
    Variable,
    Volume,
    now,
)
from tests.fixtures.api import Api, Caller
from tests.fixtures.console import HOOK, HTMX, Browser, Page
from tests.fixtures.releases import make_live

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(2)>{{ 7*7 }}{% raw %}javascript:alert(3)"""
OF_APP = (
    *("", "/logs", "/delete", "/first-push", "/domains", "/variables", "/previews", "/access", "/limits", "/settings"),
    *("/try", "/try/compare"),
)
OF_TENANT = ("", "/people", "/tokens", "/hooks", "/publishers", "/audit")
PAGES = (
    "/",
    "/new",
    "/containers",
    "/dashboard",
    "/find?app=shop",
    *(f"/tenant{each}" for each in OF_TENANT),
    f"/tenant/hooks/{HOOK}",
    *(f"/apps/shop{each}" for each in OF_APP),
)


def pages_of(deployment: int) -> tuple[str, ...]:
    return (*PAGES, f"/deployments/{deployment}")


@pytest.fixture
def hostile(api: Api, shop: int) -> int:
    """An app of which everything that others write is hostile."""
    with api.services.db.write(platform="a test's attacker") as session:
        row = session.get_one(Deployment, shop)
        for name in ("message", "pushed_by", "actor", "ref", "detail", "remedy", "tail", "reason"):
            setattr(row, name, HOSTILE[:60] if name == "reason" else HOSTILE)
        row.steps = [{"name": HOSTILE, "started_at": 1.0, "ended_at": 2.0, "ok": False, "note": HOSTILE}]
        row.notices = [HOSTILE]
        app = session.query(App).filter_by(name="shop").one()
        app.repository, app.branch = f"https://github.example/{HOSTILE}", HOSTILE
        for replica in session.query(Replica):
            replica.last_crash = {"at": 1.0, "exit_code": 1, "cause": HOSTILE}
        session.add(
            Preview(
                tenant_id=app.tenant_id,
                parent_id=app.id,
                number=12,
                title=HOSTILE,
                author=HOSTILE,
                branch=HOSTILE,
                ref=HOSTILE,
                head="1" * 40,
                is_fork=True,
                detail=HOSTILE,
                key="k",
                expires_at=now(),
            )
        )
        row.source = "image"  # then its ref is the name of what its containers run
    api.services.log.append(shop, HOSTILE)
    api.services.log.finish(shop)
    return shop


def test_what_others_wrote_is_text_on_every_page(browser: Browser, hostile: int) -> None:
    shown = 0
    of_lists = (f"/containers?q={HOSTILE}&app={HOSTILE}&order={HOSTILE}", f"/dashboard?app={HOSTILE}&period={HOSTILE}")
    for path in (*pages_of(hostile), f"/?q={HOSTILE}", f"/apps/{HOSTILE}", f"/apps/shop?before={HOSTILE}", *of_lists):
        answer = browser.call("GET", path)
        page = Page(answer.text)
        scripts = [each.get("src") or "" for each in page.all("script")]
        assert all(each.startswith("/assets/") for each in scripts), path
        assert page.all("img") == []
        assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes), path
        assert not any((each.get("href") or "").lower().startswith("javascript:") for each in page.all("a")), path
        shown += page.text.count("alert(1)")
    assert shown > 10


def test_a_hostile_cookie_and_address_are_text(browser: Browser, shop: int) -> None:
    browser.headers["Cookie"] = f"slipway-notice=%5B%22{'%3Cscript%3E'}%22%5D"
    browser.headers["Referer"] = "javascript:alert(1)"
    assert Page(browser.get("/").text).all("script") == Page(browser.get("/new").text).all("script")
    problem = browser.get("/apps/none", status=404)
    assert [each["href"] for each in Page(problem.text).all("a") if each.get("class") == "button"] == ["/"]


def test_every_page_loads_and_runs_only_what_the_console_serves(browser: Browser, shop: int) -> None:
    for path in pages_of(shop):
        answer = browser.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        names = ("Cache-Control", "Referrer-Policy", "X-Content-Type-Options")
        assert [answer.headers[name] for name in names] == ["no-store", "same-origin", "nosniff"]
        page = Page(answer.text)
        assert not any("style" in attributes for _, attributes in page.tags)
        assert "style" not in [tag for tag, _ in page.tags]
        loading = [each for tag in ("script", "link", "use") for each in page.all(tag)]
        loaded = [each.get("src") or each.get("href") or "" for each in loading]
        assert all(each.startswith("/assets/") for each in loaded), path
        for each in {address.partition("#")[0] for address in loaded}:
            browser.get(each)


def test_every_page_says_where_one_is(browser: Browser, shop: int) -> None:
    for path in pages_of(shop):
        page = Page(browser.get(path).text)
        assert len(page.all("h1")) == 1, path
        assert len(page.all("title")) == 1
        assert page.all("html")[0]["lang"] == "en"
        labelled = {each["for"] for each in page.all("label") if "for" in each}
        for tag in ("input", "select", "textarea"):
            named = [each for each in page.all(tag) if each.get("type") not in ("hidden", "checkbox")]
            assert all(each.get("id") in labelled for each in named), (path, named)
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids)), path


def _timeless(answer: TestResponse) -> str:
    """Without ages, which go on between two answers."""
    return re.sub(r"<time.*?</time>", "", answer.text)


def test_a_fragment_is_the_part_of_the_page_and_no_more(browser: Browser, shop: int) -> None:
    for path, name in (("/", "apps"), ("/apps/shop", "app_head"), ("/apps/shop", "app_replicas")):
        whole, part = browser.get(path), browser.fragment(path, name)
        assert f'id="{name}"' in part.text
        assert "<html" not in part.text
        assert _timeless(part).strip() in _timeless(whole)
        assert len(part.text) < len(whole.text)


def test_several_fragments_come_in_one_answer(browser: Browser, shop: int) -> None:
    given = {"HX-Request": "true", "HX-Fragments": "app_head app_replicas nothing"}
    answer = browser.get("/apps/shop", **given)
    assert [each.get("id") for each in Page(answer.text).all("section")] == ["app_replicas"]
    assert 'id="app_head"' in answer.text
    assert "<html" not in answer.text


def test_a_problem_has_the_words_of_the_api(browser: Browser, owner: Caller, shop: int) -> None:
    document = owner.problem(404, "GET", "/api/apps/none")
    page, part = browser.get("/apps/none", status=404), browser.get("/apps/none", status=404, **HTMX)
    for answer in (page, part):
        text = Page(answer.text).text
        assert document["detail"] in text
        assert document["remedy"][1:] in text
        assert document["code"] in text
    assert part.headers["HX-Retarget"] == "#problem"
    assert "<html" not in part.text


def test_an_acts_problem_has_the_words_of_the_api(browser: Browser, owner: Caller, shop: int) -> None:
    document = owner.problem(422, "PUT", "/api/apps/shop/scale", {"replicas": 999})
    answer = browser.send("/apps/shop/scale", {"replicas": "999"}, status=422)
    assert document["detail"][1:] in Page(answer.text).text


def test_a_defect_is_a_page_and_names_the_request(browser: Browser, shop: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr("router.usecases.apps.get_app", broken)
    answer = browser.get("/apps/shop", status=500)
    assert "a secret" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


def queries(api: Api, browser: Browser, path: str) -> int:
    statements: list[str] = []

    def count(*given: Any) -> None:
        statements.append(given[2])

    browser.get(path)  # what is written once a minute is written
    event.listen(api.services.db.engine, "before_cursor_execute", count)
    try:
        browser.get(path)
    finally:
        event.remove(api.services.db.engine, "before_cursor_execute", count)
    return len(statements)


def add_many(api: Api, tenant: int) -> None:
    """Of what stands on the tenant's pages and on those of its app shop."""
    with api.services.db.write(tenant_id=tenant) as session:
        shop = session.query(App).filter_by(name="shop").one()
        for number in range(30):
            name = f"n-{number}"
            session.add(Hook(id=name, tenant_id=tenant, repository_identity=f"github.example/acme/{name}"))
            session.add(Token(tenant_id=tenant, name=name, hashed=name, hint=name))
            session.add(Delivery(tenant_id=tenant, hook_id=HOOK, delivery_id=name, event="push", outcome="deployed"))
            session.add(Variable(tenant_id=tenant, app_id=shop.id, name=name, sealed=""))
            session.add(Domain(tenant_id=tenant, app_id=shop.id, host=f"{name}.example.org", custom=True))
            session.add(Volume(id=name, tenant_id=tenant, app_id=shop.id, app_name="shop", name=name, mount_path="/d"))
            publisher = {"kind": "github", "issuer": "https://github.example", "constraints": {}}
            session.add(TrustedPublisher(tenant_id=tenant, app_id=shop.id, **publisher))


def test_every_page_is_tried_here_or_with_the_platform_or_with_github(api: Api, shop: int) -> None:
    adapter = api.client.application.url_map.bind("slipway.localhost")
    tried = {adapter.match(path.partition("?")[0])[0] for path in pages_of(shop)}
    functions = api.client.application.view_functions
    rules = [each for each in api.client.application.url_map.iter_rules() if each.endpoint.startswith("console.")]
    pages = {
        each.endpoint for each in rules if "GET" in (each.methods or ()) and hasattr(functions[each.endpoint], "role")
    }
    with_github = {"console.show_github_app", "console.finish_registration", "console.finish_connecting"}
    assert pages - tried == {"console.show_platform", "console.follow_page", *with_github}


def test_a_thousand_apps_take_no_more_queries_than_one(api: Api, browser: Browser, shop: int) -> None:
    few = {path: queries(api, browser, path) for path in pages_of(shop)}
    tenant = api.tenant_id()
    with api.services.db.write(tenant_id=tenant) as session:
        made = [App(tenant_id=tenant, name=f"app-{number}", repository="r") for number in range(1000)]
        session.add_all(made)
        session.flush()
        session.add_all(Scale(tenant_id=tenant, app_id=app.id) for app in made)
    for _ in range(5):
        make_live(api.services.db, "shop", ready=3, settings={})
    add_many(api, tenant)
    assert {path: queries(api, browser, path) for path in few} == few
    assert max(few.values()) < 30


def test_a_thousand_apps_come_in_pages(api: Api, browser: Browser, owner: Caller, shop: int) -> None:
    tenant = api.tenant_id()
    with api.services.db.write(tenant_id=tenant) as session:
        session.add_all(App(tenant_id=tenant, name=f"app-{number:03}", repository="r") for number in range(120))
    first, last, beyond = browser.get("/"), browser.get("/?page=3"), browser.get("/?page=99")
    assert 'href="/?page=2"' in first.text
    assert "app-000" in first.text
    assert "shop" in last.text
    assert Page(_timeless(last)).text == Page(_timeless(beyond)).text


def test_apps_are_found_by_words_and_state_in_an_order_that_the_address_keeps(browser: Browser, owner: Caller) -> None:
    owner.create_app("shop")
    owner.create_app("shopping-list", branch="next")
    owner.create_app("billing")
    rows = lambda path: [each["id"] for each in Page(browser.get(path).text).all("tr") if "id" in each]  # noqa: E731
    assert rows("/?q=shop") == ["app_shop", "app_shopping-list"]
    assert rows("/?q=SHOP+next") == ["app_shopping-list"]
    assert rows("/?state=running") == []
    assert rows("/?state=empty&order=name") == ["app_billing", "app_shop", "app_shopping-list"]
    owner.post("/api/apps/shopping-list/deployments", {})
    assert rows("/?order=deployed")[0] == "app_shopping-list"
    assert rows("/?order=state")[0] == "app_shopping-list"
    assert rows("/?order=nonsense&state=nonsense&page=-1") == rows("/")
    assert 'value="shop"' in browser.get("/?q=shop").text
    assert 'href="/?q=shop&amp;state=empty"' in browser.get("/?q=shop").text

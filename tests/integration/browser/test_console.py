"""The console as a person uses it: from nothing to a live app, by pages that follow what happens."""

from __future__ import annotations

import json
import time

from router.streams.followers import Followers
from slipway.adapters.redis import keys
from slipway.core.access.stream_quota import StreamQuota
from slipway.core.deployment.states import State
from slipway.domain import lifecycle
from slipway.models import App, Delivery, Deployment, Edge, Hook
from tests.fixtures.api import Api, Caller
from tests.fixtures.releases import make_live
from tests.integration.browser.conftest import Open


def test_from_nothing_to_a_live_app_and_back(api: Api, owner: Caller, open_page: Open) -> None:
    page = open_page("/")
    page.get_by_role("heading", name="Welcome to acme").wait_for()
    page.fill("#name", "shop")
    page.fill("#repository", "https://github.example/acme/shop.git")
    page.locator("form", has=page.locator("#repository")).get_by_role("button", name="Create").click()
    page.get_by_text("It is shown this once.").wait_for()
    page.get_by_text("Waiting for the first delivery").wait_for()

    with api.services.db.write(platform="a test's delivery") as session:
        hook = session.query(Hook).one()
        values = {"delivery_id": "1", "event": "push", "outcome": "deployed"}
        session.add(Delivery(tenant_id=hook.tenant_id, hook_id=hook.id, **values))
    page.get_by_text("A delivery has arrived").wait_for()

    make_live(api.services.db, "shop", ready=1, message="First")
    page.goto("/apps/shop")
    page.locator("#app_head").get_by_text("Running").wait_for()
    page.get_by_role("button", name="Deploy").click()
    page.locator("#progress").get_by_text("Queued").wait_for()
    with api.services.db.write(platform="a test's worker") as session:
        newest = session.query(Deployment).order_by(Deployment.id.desc()).first()
        assert newest is not None
        lifecycle.advance(newest, State.FETCHING)
    page.locator("#progress").get_by_text("Fetching").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("is being cancelled").wait_for()

    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in").wait_for()
    page.goto("/apps/shop")
    assert "/auth/token?to=/apps/shop" in page.url


def test_a_change_is_shown_without_a_reload_and_what_is_being_typed_stays(
    owner: Caller, open_page: Open, shop: int
) -> None:
    page = open_page("/apps/shop")
    page.fill("#replicas", "7")
    page.evaluate("window.stays = true")
    owner.put("/api/apps/shop/scale", {"replicas": 5})
    page.locator("#app_replicas").get_by_text("2 of 5").wait_for()
    assert page.evaluate("window.stays") is True
    assert page.input_value("#replicas") == "7"


def test_new_requests_are_shown_without_a_reload_and_move_nothing(api: Api, open_page: Open, shop: int) -> None:
    edge_reports(api, requests=5)
    page = open_page("/apps/shop")
    cell = page.locator('[data-figure="app/shop/requests"]')
    before = cell.bounding_box()
    page.evaluate(
        "window.shifts = 0;"
        "new PerformanceObserver((seen) => { for (const each of seen.getEntries()) window.shifts += each.value; })"
        ".observe({type: 'layout-shift'})"
    )
    edge_reports(api, requests=1234)
    cell.get_by_text("1\u202f234").wait_for()
    page.locator('[data-figure="replica/r-1-2-0/requests"]').get_by_text("1\u202f234").wait_for()
    assert cell.bounding_box() == before
    assert page.evaluate("window.shifts") == 0


def test_what_a_search_brings_onto_the_page_is_followed_too(
    api: Api, owner: Caller, open_page: Open, shop: int
) -> None:
    owner.create_app("blog")
    page = open_page("/?q=blog")
    page.locator("#app_blog").wait_for()
    page.fill("#q", "shop")
    page.locator("#app_shop").wait_for()
    edge_reports(api, requests=9, requests_per_s=0.9)
    page.locator('[data-figure="app/shop/rate"]').get_by_text("0.9").wait_for()


def edge_reports(api: Api, *, requests: int, requests_per_s: float = 0.0) -> None:
    """Of shop and of a replica of it."""
    with api.services.db.write(platform="a test's edge") as session:
        session.merge(Edge(id="edge-1"))
        number = session.query(App.id).filter_by(name="shop").scalar()
    counted = json.dumps({"requests": [0, requests, 0, 0, 0], "requests_per_s": requests_per_s})
    for key, name in ((keys.metrics("edge-1"), number), (keys.replica_metrics("edge-1"), "r-1-2-0")):
        api.services.redis.hset(key, mapping={str(name): counted, "at": time.time()})


def test_a_refused_act_says_why_and_leaves_the_form(open_page: Open, shop: int) -> None:
    page = open_page("/apps/shop/variables", expects="422")
    page.fill("#name", "not a name")
    page.fill("#value", "typed with care")
    page.get_by_role("button", name="Set").click()
    page.locator("#problem").get_by_text("invalid-input").wait_for()
    assert page.input_value("#value") == "typed with care"


def test_what_is_lost_takes_its_name(owner: Caller, open_page: Open, shop: int) -> None:
    page = open_page("/apps/shop/variables", expects="428")
    page.get_by_text("Remove", exact=True).click()
    page.get_by_text("The value of DATABASE_URL is lost").wait_for()
    confirmed = page.get_by_label("Type DATABASE_URL to go on")
    confirmed.fill("something")
    page.get_by_role("button", name="Remove for good").click()
    page.locator("#problem").get_by_text("confirmation-required").wait_for()
    confirmed.fill("DATABASE_URL")
    page.get_by_role("button", name="Remove for good").click()
    page.get_by_text("No variable is set.").wait_for()
    assert owner.get("/api/apps/shop/variables")["variables"] == []


def test_the_list_is_searched_while_one_types_and_the_address_keeps_it(
    owner: Caller, open_page: Open, shop: int
) -> None:
    owner.create_app("billing")
    page = open_page("/")
    page.keyboard.press("f")
    page.keyboard.type("bill")
    page.locator("#app_shop").wait_for(state="detached")
    assert "q=bill" in page.url
    page.reload()
    page.locator("#app_billing").wait_for()
    assert page.locator("#app_shop").count() == 0


def test_where_no_stream_can_be_had_the_page_says_so(api: Api, open_page: Open, shop: int) -> None:
    followers: Followers = api.services.followers
    followers.quota = StreamQuota(total=0, per_tenant=0)
    page = open_page("/apps/shop", expects="429")
    page.get_by_text("Updates every 10 s").wait_for()


def test_a_deployments_log_comes_as_it_is_written_and_is_searched(
    api: Api, owner: Caller, open_page: Open, shop: int
) -> None:
    number = owner.post("/api/apps/shop/deployments", {"rebuild": True})["id"]
    for line in ("fetching", "<b>an error</b>", "done"):
        api.services.log.append(number, line)
    page = open_page(f"/deployments/{number}")
    page.locator("#log").get_by_text("done", exact=True).wait_for()
    api.services.log.append(number, "one line more")
    page.locator("#log").get_by_text("one line more").wait_for()
    assert page.locator("#log div").count() == 4
    page.fill("#log_search", "LINE")
    page.locator("#log_found").get_by_text("1").wait_for()
    page.get_by_role("button", name="Next error").click()
    assert page.locator("#log .current").inner_text() == "<b>an error</b>"


def test_without_javascript_everything_is_read_and_done(owner: Caller, open_page: Open, shop: int) -> None:
    page = open_page("/?q=shop", java_script_enabled=False)
    page.get_by_role("link", name="shop", exact=True).click()
    page.fill("#replicas", "3")
    page.get_by_role("button", name="Set").click()
    page.get_by_text("web is scaled to 3.").wait_for()
    assert owner.get("/api/apps/shop")["replicas"]["wanted"] == 3
    page.get_by_role("button", name="Deploy").click()
    page.get_by_text("Queued").wait_for()

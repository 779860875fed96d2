"""What comes live moves nothing that somebody reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slipway.core.deployment.states import State
from slipway.domain import lifecycle
from slipway.models import App, Delivery, Deployment, Hook, Release, Replica, now
from tests.fixtures.api import Api, Caller
from tests.fixtures.releases import add_replica, make_live
from tests.integration.browser.conftest import Open

if TYPE_CHECKING:
    from playwright.sync_api import Page

OBSERVE = """() => {
  window.shifts = [];
  const named = ({node}) => node?.id || node?.className || node?.nodeName;
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) window.shifts.push([each.value, each.sources.map(named)]);
  }).observe({type: "layout-shift"});
}"""
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))))"
SIZES = ((1280, 900), (390, 844))
MOST = {1280: 0.02, 390: 0.05}
"""By width. A number at the right begins further left when it gets a digit; an entry of a list with the newest
first moves the others by one; on a phone a card more moves those below it. In all 0.1 is good, by browsers' vendors."""


@pytest.fixture(params=SIZES, ids=["desk", "phone"])
def size(request: pytest.FixtureRequest) -> dict[str, int]:
    width, height = request.param
    return {"width": width, "height": height}


def observed(page: Page) -> Page:
    page.evaluate(OBSERVE)
    return page


def assert_nothing_moves(page: Page) -> None:
    page.evaluate(FRAMES)
    assert page.viewport_size is not None
    shifts = page.evaluate("window.shifts")
    assert sum(value for value, _ in shifts) <= MOST[page.viewport_size["width"]], shifts


def rows(page: Page) -> list[str]:
    found: list[str] = page.evaluate("[...document.querySelectorAll('[data-stays] > tr')].map((each) => each.id)")
    return found


def test_rows_of_containers_stay_when_their_order_changes(
    api: Api, open_page: Open, shop: int, size: dict[str, int]
) -> None:
    page = observed(open_page("/containers?order=restarts", viewport=size))
    before = rows(page)
    with api.services.db.write(platform="a test's agent") as session:
        session.get_one(Replica, before[1].removeprefix("container_")).restarts = 7
    page.locator(f"#{before[1]}").get_by_text("7", exact=True).wait_for()
    assert rows(page) == before
    assert_nothing_moves(page)
    page.get_by_role("button", name="sort again").click()
    page.wait_for_function(f"document.querySelector('[data-stays] > tr').id === '{before[1]}'")


def test_a_container_that_is_gone_is_marked_and_its_place_is_the_next_ones(
    api: Api, open_page: Open, shop: int, size: dict[str, int]
) -> None:
    page = observed(open_page("/containers", viewport=size))
    first, second = rows(page)
    with api.services.db.write(platform="a test's agent") as session:
        gone = session.get_one(Replica, first.removeprefix("container_"))
        gone.state, gone.ended_at = "gone", now()
    page.locator(f"#{first}.gone").wait_for()
    assert rows(page) == [first, second]
    _add(api, shop, slot=5)
    page.locator(f"#{first}").wait_for(state="detached")
    assert len(rows(page)) == 2
    assert rows(page)[1] == second
    assert_nothing_moves(page)


def test_a_deployment_moves_nothing_on_the_apps_page(
    api: Api, owner: Caller, open_page: Open, shop: int, size: dict[str, int]
) -> None:
    page = observed(open_page("/apps/shop", viewport=size))
    owner.post("/api/apps/shop/deployments", {"rebuild": True})
    page.locator("#app_deployments").get_by_text("Queued").wait_for()
    _add(api, shop, slot=5)
    page.locator("#replicas_rows tr").nth(2).wait_for()
    assert_nothing_moves(page)


def test_a_deployment_that_goes_on_and_fails_moves_nothing_on_its_page(
    api: Api, owner: Caller, open_page: Open, shop: int, size: dict[str, int]
) -> None:
    number = owner.post("/api/apps/shop/deployments", {"rebuild": True})["id"]
    page = observed(open_page(f"/deployments/{number}", viewport=size))
    _advance(api, number, State.FETCHING, steps=[_step("fetch", ok=None)])
    page.locator("#progress .bars .busy").first.wait_for()
    for line in range(30):
        api.services.log.append(number, f"line {line}")
    page.locator("#log").get_by_text("line 29").wait_for()
    done = [_step(name, ok=True) for name in ("fetch", "build", "start")]
    said = {"detail": "GET /health answered 500", "reason": "start-probe-failed", "tail": "Traceback\n" * 20}
    _advance(api, number, State.FAILED, steps=done, remedy="slipway env set A=…", **said)
    page.get_by_text("start-probe-failed").wait_for()
    assert_nothing_moves(page)


def test_a_failed_app_keeps_its_place_among_the_apps(
    api: Api, owner: Caller, open_page: Open, shop: int, size: dict[str, int]
) -> None:
    owner.create_app("another")
    page = observed(open_page("/?order=state", viewport=size))
    before = rows(page)
    number = owner.post("/api/apps/shop/deployments", {"rebuild": True})["id"]
    page.locator("#app_shop").get_by_text("Deploying").wait_for()
    _advance(api, number, State.FETCHING)
    _advance(api, number, State.FAILED)
    page.locator("#app_shop").get_by_text("last deployment failed").wait_for()
    assert rows(page) == before
    assert_nothing_moves(page)


def test_figures_of_the_dashboard_change_in_their_places(
    api: Api, open_page: Open, shop: int, size: dict[str, int]
) -> None:
    page = observed(open_page("/dashboard", viewport=size))
    _add(api, shop, slot=5)
    page.locator("#dashboard_now").get_by_text("Ready 3").wait_for()
    assert_nothing_moves(page)


def test_the_first_delivery_moves_nothing(api: Api, owner: Caller, open_page: Open, size: dict[str, int]) -> None:
    owner.create_app("new", hook=True)
    page = observed(open_page("/apps/new/first-push", viewport=size))
    with api.services.db.write(platform="a test's delivery") as session:
        hook = session.query(Hook).one()
        values = {"delivery_id": "1", "event": "ping", "outcome": "accepted"}
        session.add(Delivery(tenant_id=hook.tenant_id, hook_id=hook.id, **values))
    page.get_by_text("A delivery has arrived").wait_for()
    make_live(api.services.db, "new", ready=1)
    page.get_by_text("It is being deployed").wait_for()
    assert_nothing_moves(page)


def _step(name: str, *, ok: bool | None) -> dict[str, object]:
    return {"name": name, "started_at": 1.0, "ended_at": 2.0 if ok else None, "ok": ok, "note": "as it should be"}


def _advance(api: Api, number: int, state: State, **values: object) -> None:
    with api.services.db.write(platform="a test's worker") as session:
        row = session.get_one(Deployment, number)
        for name, value in values.items():
            setattr(row, name, value)
        lifecycle.advance(row, state)


def _add(api: Api, shop: int, *, slot: int) -> None:
    with api.services.db.write(platform="a test's agent") as session:
        deployment = session.get_one(Deployment, shop)
        app = session.get_one(App, deployment.app_id)
        add_replica(session, app, session.get_one(Release, deployment.release_id), deployment, slot=slot)

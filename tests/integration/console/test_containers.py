"""The page of all containers: sorted and filtered by its address, with what is known and no more."""

from __future__ import annotations

import pytest

from slipway.models import Replica
from tests.fixtures.api import Api, Caller
from tests.fixtures.console import Browser, Page
from tests.fixtures.releases import make_live
from tests.fixtures.usage_rows import add_subject, add_use


@pytest.fixture
def containers(api: Api, owner: Caller, shop: int) -> None:
    """Two of shop, of which one is measured, and one of billing, which has crashed."""
    owner.create_app("billing")
    make_live(api.services.db, "billing", ready=1)
    used = {"running_ms": 60_000, "cpu_us": 30_000_000, "memory_byte_s": 60 * 100_000_000}
    add_use(api.services.db, add_subject(api.services.db, "shop", replica="r-1-2-1"), used)
    with api.services.db.write(platform="a test's crash") as session:
        session.get_one(Replica, "r-2-1-0").state = "crashed"


def rows(browser: Browser, path: str) -> list[str]:
    found = [each["id"] or "" for each in Page(browser.get(path).text).all("tr") if "id" in each]
    return [each.removeprefix("container_") for each in found]


def test_it_shows_what_is_measured_and_says_what_is_not(browser: Browser, containers: None) -> None:
    text = browser.get("/containers?q=r-1-2").text
    assert "50.0\u202f%" in text
    assert "100.0 MB" in text
    assert text.count("not measured") == 2 * 2 - 2


def test_its_address_says_the_order_and_what_is_shown(browser: Browser, containers: None) -> None:
    assert rows(browser, "/containers") == ["r-2-1-0", "r-1-2-0", "r-1-2-1"]
    assert rows(browser, "/containers?order=cpu") == ["r-1-2-1", "r-2-1-0", "r-1-2-0"]
    assert rows(browser, "/containers?order=app&reverse=1")[-1] == "r-2-1-0"
    assert rows(browser, "/containers?state=crashed") == ["r-2-1-0"]
    assert rows(browser, "/containers?app=shop&q=web") == ["r-1-2-0", "r-1-2-1"]
    assert rows(browser, "/containers?order=nonsense&state=nonsense&page=-1") == rows(browser, "/containers")
    assert "No container is found by that." in browser.get("/containers?q=nothing").text


def test_a_heading_orders_and_the_one_in_force_turns_round(browser: Browser, containers: None) -> None:
    page = Page(browser.get("/containers?order=cpu&q=web").text)
    assert [each["aria-sort"] for each in page.all("th") if each.get("aria-sort") != "none"] == ["descending"]
    links = [each["href"] for each in page.all("a")]
    assert "/containers?q=web&order=cpu&reverse=1" in links
    assert "/containers?q=web&order=memory" in links
    assert "/containers?q=web&order=cpu&state=crashed" in links
    turned = Page(browser.get("/containers?order=cpu&reverse=1").text)
    assert [each["aria-sort"] for each in turned.all("th") if each.get("aria-sort") != "none"] == ["ascending"]


def test_what_is_shown_is_what_is_exported(api: Api, browser: Browser, viewer: Caller, containers: None) -> None:
    links = [each["href"] or "" for each in Page(browser.get("/containers?state=ready&order=cpu").text).all("a")]
    [csv] = [each for each in links if "format=csv" in each]
    answer = viewer.call("GET", csv)
    assert [line.partition(",")[0] for line in answer.text.splitlines()] == ["id", "r-1-2-1", "r-1-2-0"]
    answer.close()


def test_many_are_divided_into_pages(api: Api, browser: Browser, shop: int) -> None:
    tenant = api.tenant_id()
    with api.services.db.write(tenant_id=tenant) as session:
        release = session.get_one(Replica, "r-1-2-0").release_id
        session.add_all(
            Replica(id=f"n-{number:03}", tenant_id=tenant, app_id=1, release_id=release, slot=2, state="ready")
            for number in range(120)
        )
    assert len(rows(browser, "/containers")) == 50
    assert rows(browser, "/containers?page=99") == rows(browser, "/containers?page=3")
    assert "Page 2 of 3" in browser.get("/containers?page=2").text

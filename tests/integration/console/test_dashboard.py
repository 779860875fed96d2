"""The dashboard: the figures of the API, as tables from which the page draws its charts."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from slipway.models import UsageGap
from tests.fixtures.api import Api, Caller
from tests.fixtures.console import Browser, Page
from tests.fixtures.usage_rows import add_hour, add_subject, add_use

ASKED = {"requests_2xx": 3590, "requests_5xx": 10, "latency_5": 3600, "bytes_in": 1000, "bytes_out": 720_000}


@pytest.fixture
def recorded(api: Api, shop: int) -> int:
    """Hours of shop with one missing between them. The subject."""
    subject = add_subject(api.services.db, "shop")
    for hours_ago in (2, 4):
        add_hour(api.services.db, subject, dict(ASKED), hours_ago=hours_ago)
    return subject


def figures(browser: Browser, chart: str, path: str = "/dashboard") -> tuple[list[int], list[list[str]]]:
    """Times, and the values of each line."""
    text = browser.get(path).text
    part = Page(text[text.index(f'id="data_{chart}"') - 30 :].partition("</details>")[0])
    [times] = [each["data-times"] for _, each in part.tags if "data-times" in each]
    lines = [(each["data-values"] or "").split(",") for each in part.all("th") if "data-values" in each]
    return [int(each) for each in (times or "").split(",")], lines


def test_a_step_in_which_nothing_was_counted_is_a_gap(browser: Browser, recorded: int) -> None:
    times, [values] = figures(browser, "requests")
    hour = int(time.time() // 3600)
    by_hour = dict(zip(times, values, strict=True))
    assert [by_hour[(hour - ago) * 3600] for ago in (4, 3, 2)] == ["1", "", "1"]
    assert all(later - at == 3600 for at, later in itertools.pairwise(times)), "a gap takes its room"


def test_each_chart_has_its_table(browser: Browser, recorded: int) -> None:
    text = browser.get("/dashboard").text
    page = Page(text)
    charts = [each["data-chart"] for each in page.all("div") if "data-chart" in each]
    tables = [each["id"] for each in page.all("details") if each.get("class") == "figures"]
    assert charts == tables
    assert len(charts) == 6
    assert figures(browser, "latency")[1][0].count("") < 24


def test_the_totals_are_those_of_the_api(browser: Browser, viewer: Caller, recorded: int) -> None:
    [series] = viewer.get("/api/usage?step=hour")["series"]
    requests = sum(point["requests"] for point in series["points"])
    failed = sum(point["by_class"]["5xx"] for point in series["points"])
    text = Page(browser.get("/dashboard").text).text
    assert (requests, failed) == (7200, 20)
    assert "Requests 7 200" in text
    assert "Errors 20 0.3 %" in text
    assert "1.4 MB" in text


def test_it_is_of_the_period_and_the_app_that_are_asked_for(
    api: Api, browser: Browser, owner: Caller, recorded: int
) -> None:
    owner.create_app("billing")
    add_use(api.services.db, add_subject(api.services.db, "billing"), {"requests_2xx": 7})
    for span in ("hour", "day", "week", "month", "year"):
        assert "Requests 7 " in Page(browser.get(f"/dashboard?period={span}&app=billing").text).text, span
    assert "Requests 7 207" in Page(browser.get("/dashboard").text).text
    assert browser.get("/dashboard?app=none", status=404)
    assert browser.get("/dashboard?period=nonsense").status_code == 200


def test_nothing_of_another_tenant_is_in_it(api: Api, stranger: Caller, recorded: int) -> None:
    other = Browser(api, stranger.token)
    text = Page(other.get("/dashboard").text).text
    assert "shop" not in text
    assert "Requests 0 " in text
    assert other.get("/dashboard?app=shop", status=404)


def test_the_slowest_and_those_with_errors_come_first(api: Api, browser: Browser, owner: Caller, recorded: int) -> None:
    owner.create_app("slow")
    slow: dict[str, Any] = {"requests_2xx": 50, "latency_11": 50}
    add_use(api.services.db, add_subject(api.services.db, "slow"), slow)
    text = Page(browser.get("/dashboard").text).text
    assert text.index("slow", text.index("Slowest")) < text.index("shop", text.index("Slowest"))
    failing = text[text.index("Most errors") : text.index("By app")]
    assert "shop 20" in failing
    assert "slow" not in failing


def test_what_edges_lost_is_said(api: Api, browser: Browser, recorded: int) -> None:
    at = int(time.time()) - 7200
    lost = {"edge": "e", "boot": "b", "first_sequence": 1, "last_sequence": 9, "from_s": at, "to_s": at + 60}
    with api.services.db.write(platform="a test's gap") as session:
        session.add_all([UsageGap(kind="lost", **lost), UsageGap(kind="late", **lost)])
    assert browser.get("/dashboard").text.count("Something is missing") == 1


def test_containers_are_counted_by_state_image_and_day(browser: Browser, recorded: int) -> None:
    text = Page(browser.get("/dashboard").text).text
    assert "Ready 2" in text
    assert "shop v2 bbbbbbb 2" in text
    assert browser.fragment("/dashboard", "dashboard_now").text.count("<tr>") == 1 + 1 + 1 + 7


def test_apps_have_their_courses(browser: Browser, recorded: int) -> None:
    [first, *_] = [each for each in Page(browser.get("/").text).all("svg") if each.get("class") == "spark"]
    assert first["aria-label"] == "Requests a second over the last 24 hours"
    assert len([each for each in Page(browser.get("/").text).all("svg") if each.get("class") == "spark"]) == 3

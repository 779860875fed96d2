"""Figures that change all the time: the stream writes them into the page's cells, and says what the API says."""

from __future__ import annotations

import contextlib
import json
import time

import pytest

from router.console.figures import cells
from router.streams import shared_figures
from router.usecases.streams.figures import ShownFigures
from slipway.adapters.redis import keys
from slipway.models import App, Edge
from tests.fixtures.api import Api, Caller
from tests.fixtures.console import Browser
from tests.fixtures.releases import make_live
from tests.integration.console.test_live import principal

REPLICA = "r-1-2-0"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look is a new one."""
    monkeypatch.setattr(shared_figures, "SHARED_S", -1.0)


def reports(api: Api, *, ok: int, failed: int = 0, rate: float = 0.0, edge: str = "edge-1", at: float = 0.0) -> None:
    """As an edge does, of shop and of one of its replicas."""
    with api.services.db.write(platform="a test's edge") as session:
        if session.get(Edge, edge) is None:
            session.add(Edge(id=edge))
        number = session.query(App.id).filter_by(name="shop").scalar()
    of_replica = {"requests": [0, ok, 0, 0, failed], "requests_per_s": rate}
    of_app = of_replica | {"bytes_in": 0, "bytes_out": 0, "duration_ms": 0}
    about = {"at": at or time.time(), "since": 1, "boot": "b"}
    api.services.redis.hset(keys.metrics(edge), mapping={str(number): json.dumps(of_app), **about})
    api.services.redis.hset(keys.replica_metrics(edge), mapping={REPLICA: json.dumps(of_replica), **about})


def shown(api: Api, tenant: str = "acme") -> ShownFigures:
    return ShownFigures(api.services, principal(api, tenant), ["shop"], [REPLICA], cells)


def new(figures: ShownFigures) -> dict[str, str]:
    return {name: text for event in figures.new() for name, text in event.cells.items()}


def on_page(browser: Browser, path: str) -> dict[str, str]:
    """Cell → what stands in it."""
    text = browser.get(path).text
    named = text.split('data-figure="')[1:]
    return {part.partition('"')[0]: part.partition(">")[2].partition("<")[0] for part in named}


def test_at_first_all_figures_come_and_then_what_has_changed(api: Api, shop: int) -> None:
    reports(api, ok=1200, failed=34, rate=0.5)
    figures = shown(api)
    with figures.shown():
        first = new(figures)
        assert first["app/shop/requests"] == "1\u202f234"
        assert (first["app/shop/failed"], first["app/shop/rate"]) == ("34", "0.5")
        assert first[f"replica/{REPLICA}/requests"] == "1\u202f234"
        assert new(figures) == {}
        reports(api, ok=1201, failed=34, rate=0.5)
        assert new(figures)["app/shop/requests"] == "1\u202f235"


def test_who_comes_back_gets_all_of_them(api: Api, shop: int) -> None:
    reports(api, ok=5)
    before, again = shown(api), shown(api)
    with before.shown():
        new(before)
        reports(api, ok=9)
    with again.shown():
        assert new(again)["app/shop/requests"] == "9"


def test_the_page_the_stream_and_the_api_say_the_same(api: Api, browser: Browser, viewer: Caller, shop: int) -> None:
    reports(api, ok=12_000, failed=345, rate=17.25)
    reports(api, ok=3, rate=0.25, edge="edge-2")
    figures = shown(api)
    with figures.shown():
        streamed = new(figures)
    for path in ("/", "/apps/shop", "/containers"):
        here = on_page(browser, path)
        assert here
        assert {name: here[name] for name in streamed if name in here} == {
            name: text for name, text in streamed.items() if name in here
        }
    [metrics] = viewer.get("/api/metrics")["apps"]
    assert streamed["app/shop/requests"].replace("\u202f", "") == str(metrics["requests"]) == "12348"
    assert streamed["app/shop/failed"] == str(metrics["by_class"]["5xx"])
    assert float(streamed["app/shop/rate"]) == round(metrics["requests_per_s"]) == 18


def test_an_edge_that_is_silent_counts_without_its_rate(api: Api, shop: int) -> None:
    reports(api, ok=5, rate=2.0)
    reports(api, ok=7, rate=3.0, edge="edge-2", at=time.time() - 60)
    figures = shown(api)
    with figures.shown():
        assert new(figures)["app/shop/rate"] == "2.0"


def test_of_another_tenants_apps_and_replicas_nothing_is_said(
    api: Api, browser: Browser, stranger: Caller, shop: int
) -> None:
    reports(api, ok=5)
    stranger.create_app("blog")
    make_live(api.services.db, "blog", ready=1)
    theirs = shown(api, "globex")
    with theirs.shown():
        assert new(theirs) == {}


def test_a_pages_stream_sends_what_it_shows(api: Api, browser: Browser, shop: int) -> None:
    reports(api, ok=5)
    answer = browser.get(f"/live?shown_apps=shop,none&shown_replicas={REPLICA}")
    text = next(each.decode() for each in answer.iter_encoded() if b"event: figures" in each)
    answer.close()
    found = json.loads(text.partition("data: ")[2])
    assert found["app/shop/requests"] == found[f"replica/{REPLICA}/requests"] == "5"
    assert api.services.figures.shown_now == 0


def test_all_who_look_share_one_read_and_nothing_is_read_that_nobody_shows(
    api: Api, shop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_figures, "SHARED_S", 60.0)
    reports(api, ok=5)
    watching = [shown(api) for _ in range(10)]
    with contextlib.ExitStack() as pages:
        for each in watching:
            pages.enter_context(each.shown())
        before = api.services.redis.info("commandstats")["cmdstat_hmget"]["calls"]
        assert {new(each)["app/shop/requests"] for each in watching} == {"5"}
        assert api.services.redis.info("commandstats")["cmdstat_hmget"]["calls"] == before + 2
        assert 0 < api.services.redis.ttl(keys.WATCHED) <= 3

"""From a request at the edge to what the console shows of it: soon, nothing left out, and the same everywhere."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

import pytest
from edge_publisher import HOST, target
from edge_rig import Rig, running

from builder.agent.telemetry.resource_samples import ResourceSamples
from builder.agent.telemetry.usage_counting import UsageCounting
from router.app import create_app
from slipway.adapters.redis.edge_metrics import RedisUsageStream
from slipway.core.access.roles import Role
from slipway.models import Edge, Replica, now
from tests.fakes import FakeRuntime
from tests.fixtures.api import Api, Caller, make_services
from tests.fixtures.console import Browser
from tests.fixtures.releases import make_live
from tests.fixtures.waiting import eventually

REPLICAS = ("r-1-1-0", "r-1-1-1")
SHOWN = f"/live?shown_apps=shop&shown_replicas={','.join(REPLICAS)}"


@dataclass
class Stream:
    """What a page gets that follows."""

    browser: Browser
    cells: dict[str, str] = field(default_factory=dict)
    topics: set[str] = field(default_factory=set)
    position: str = ""

    def follow(self, until: Callable[[], bool], **headers: str) -> None:
        """Until `until` is true of it; then it is cut."""
        answer = self.browser.get(SHOWN, **headers)
        texts = answer.iter_encoded()
        eventually(lambda: self._take(next(texts).decode()) or until())
        answer.close()

    def requests(self, of: str = "app/shop") -> int:
        return int(self.cells.get(f"{of}/requests", "0").replace("\u202f", ""))

    def _take(self, text: str) -> None:
        for event in text.split("\n\n"):
            fields = dict(line.partition(": ")[::2] for line in event.splitlines())
            self.position = fields.get("id", self.position)
            if fields.get("event") == "figures":
                self.cells |= json.loads(fields["data"])
            elif fields.get("event") == "changed":
                self.topics |= set(json.loads(fields["data"]))


@dataclass
class Platform:
    rig: Rig
    api: Api
    owner: Caller
    browser: Browser

    def ask(self, pool, requests: int) -> Counter[int]:
        """How often each status was answered."""
        numbers = count()
        paths = ["/status/500" if next(numbers) % 5 == 0 else "/" for _ in range(requests)]
        return Counter(answer.status for answer in pool.map(lambda path: self.rig.edge.ask(HOST, path), paths))

    def fold(self) -> None:
        """As the agent does."""
        samples = ResourceSamples(FakeRuntime(), list, lambda _: {})
        UsageCounting(self.api.services.db, RedisUsageStream(self.api.services.redis), samples).count_records()


@pytest.fixture
def platform(sqlite_url: str, backend, tmp_path) -> Iterator[Platform]:
    """Shop has two replicas. The edge looks each second, as it does."""
    with running({}) as rig:
        services = make_services(rig.edge.settings.state_dir, sqlite_url, f"unix://{rig.redis.socket}")
        api = Api(services, create_app(services).test_client(use_cookies=False))
        owner = api.caller("acme", Role.OWNER)
        owner.create_app("shop")
        make_live(services.db, "shop", ready=2)
        with services.db.write(platform="a test's edge") as session:
            session.add(Edge(id="edge-1"))
        rig.route(HOST, *(target(backend().port, each) for each in REPLICAS))
        yield Platform(rig, api, owner, Browser(api, owner.token))
        services.db.dispose()
        services.redis.close()


def test_the_page_the_api_and_the_load_generator_have_the_same_figures(platform: Platform, pool) -> None:
    statuses = platform.ask(pool, 100)
    stream = Stream(platform.browser)
    stream.follow(lambda: stream.requests() == 100)
    statuses += platform.ask(pool, 137)
    stream.follow(lambda: stream.requests() == 237 == sum(stream.requests(f"replica/{each}") for each in REPLICAS))

    assert stream.cells["app/shop/failed"] == str(statuses[500]) == "48"
    page = platform.browser.get("/apps/shop").text
    for name in ("app/shop/requests", "app/shop/failed", *(f"replica/{each}/requests" for each in REPLICAS)):
        assert f'data-figure="{name}">{stream.cells[name]}<' in page
    [metrics] = platform.owner.get("/api/metrics")["apps"]
    assert (metrics["requests"], metrics["by_class"]["5xx"]) == (237, 48)

    eventually(lambda: platform.fold() or folded(platform) == 237)
    [series] = platform.owner.get("/api/usage?step=minute")["series"]
    assert sum(point["by_class"]["5xx"] for point in series["points"]) == 48
    assert all(point["latency_ms"] for point in series["points"])
    assert platform.owner.get("/api/metrics")["apps"][0]["latency_ms"] is not None


def folded(platform: Platform) -> int:
    series = platform.owner.get("/api/usage?step=minute")["series"]
    return sum(point["requests"] for each in series for point in each["points"])


def test_after_a_cut_nothing_is_missing(platform: Platform, pool) -> None:
    stream, before = Stream(platform.browser), now()
    platform.owner.put("/api/apps/shop/scale", {"replicas": 3})
    platform.ask(pool, 10)
    stream.follow(lambda: stream.requests() == 10 and "app/shop" in stream.topics, Last_Event_ID=before.isoformat())
    assert stream.position
    platform.ask(pool, 10)
    with platform.api.services.db.write(platform="a test's kill") as session:
        session.get_one(Replica, REPLICAS[0]).state = "crashed"

    again = Stream(platform.browser)
    again.follow(lambda: again.requests() == 20 and "containers" in again.topics, Last_Event_ID=stream.position)

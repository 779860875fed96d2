"""What it costs to know who calls: the edge with a session, and with a limit by user, beside its own public figure and
beside nginx that asks oauth2-proxy for each request; and how long the router takes for a verdict.

The proxies share one core and run one after the other; backend, load, router and Redis are on the other one. Alone:
`python -m tests.bench identity [--short]`.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.bench import edge, edge_costs
from tests.bench.edge import Figures, ratio, routes, share
from tests.bench.edge_contenders import PROXY_CORE, short_folder
from tests.bench.edge_load import LOAD_CORE, LoadGenerator
from tests.bench.measuring import Row, spread
from tests.bench.sign_on.latency import over_tcp, over_unix, taken_ms
from tests.bench.sign_on.platform import Platform
from tests.bench.sign_on.ways import BOUND, LIMITED, OAUTH2_PROXY, PUBLIC, SESSION, Way, numbered, running_ways

OF_PUBLIC = 0.80
VERDICT_MS = 5.0
CLIENTS = 8


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    routes: Sequence[int] = (1, 100)
    starts: int = 4
    """Of all proxies: what LuaJIT compiles, and where it lies in memory, differs from start to start."""
    rounds: int = 2
    """After each start."""
    seconds: int = 3
    """Of a round. Callers begin to send anew in each, and are counted one by one until they have sent often."""
    questions: int = 800


SHORT = Extent(routes=(100,), starts=2, seconds=2, questions=200)


@dataclass
class Measured:
    """One way's."""

    way: Way
    load: LoadGenerator
    figures: Figures
    redis_us: list[float] = field(default_factory=list)
    """CPU time of Redis for each request."""

    def add(self, other: Measured) -> None:
        """The rounds of another start."""
        self.redis_us += other.redis_us
        for name in ("cpu_us", "per_s", "busy"):
            getattr(self.figures, name).extend(getattr(other.figures, name))


def measure(extent: Extent) -> tuple[str, list[Row]]:
    """What each way did, as Markdown, and the rows."""
    shown: list[str] = []
    rows: list[Row] = []
    for count in extent.routes:
        found = _starts(count, extent)
        shown.append(_table(count, list(found.values())))
        rows += _rows(count, {name: each.figures for name, each in found.items()})
    with short_folder() as folder, running_ways(folder, extent.routes[-1]) as (platform, ways):
        session = next(way for way in ways if way.contender.name == SESSION)
        rows += _latencies(platform, session, extent.questions)
    return "\n\n".join(shown), rows


def _starts(count: int, extent: Extent) -> dict[str, Measured]:
    """The rounds of all starts."""
    found: dict[str, Measured] = {}
    for _ in range(extent.starts):
        with short_folder() as folder, running_ways(folder, count) as (platform, ways):
            for name, measured in _rounds(platform, ways, count, extent).items():
                if name in found:
                    found[name].add(measured)
                else:
                    found[name] = measured
    return found


def _rounds(platform: Platform, ways: Sequence[Way], count: int, extent: Extent) -> dict[str, Measured]:
    found = {}
    for way in ways:
        load = LoadGenerator(way.contender.errors.parent, way.host, count, way.cookies)
        load.saturate(way.contender.port, 1)  # connections are made, code is compiled
        found[way.contender.name] = Measured(way, load, Figures(way.contender))
    redis = platform.redis_pid
    for _ in range(extent.rounds):
        for each in found.values():
            _remember_callers(each.way, count)
            before_s = edge_costs.cpu_s(redis)
            answered = edge.saturated(each.figures, each.load, extent.seconds)
            each.redis_us.append((edge_costs.cpu_s(redis) - before_s) / answered.requests * 1e6)
    return found


def _remember_callers(way: Way, count: int) -> None:
    """One request of each: the edge has all verdicts then, and none ends within the round."""
    requests = [_request(numbered(way.host, number % count), cookie) for number, cookie in enumerate(way.cookies)]
    taken_ms(over_tcp(way.contender.port), requests)


def _request(host: str, cookie: str) -> bytes:
    lines = ["GET /some/path HTTP/1.1", f"Host: {host}", *([f"Cookie: {cookie}"] if cookie else []), "", ""]
    return "\r\n".join(lines).encode()


def _table(count: int, found: Sequence[Measured]) -> str:
    public = next(each.figures for each in found if each.way.contender.name == PUBLIC)
    columns = "CPU a request | of public | requests/s | of public | core used | Redis' CPU a request"
    lines = [f"| {routes(count)} | {columns} |", f"| --- {'| ---: ' * 6}|"]
    for each in found:
        figures = each.figures
        cells = [
            figures.contender.name,
            f"{statistics.median(figures.cpu_us):.1f} µs",
            f"{ratio(public.cpu_us, figures.cpu_us):.2f}",
            f"{statistics.median(figures.per_s):,.0f}",
            f"{ratio(figures.per_s, public.per_s):.2f}",
            f"{statistics.median(figures.busy):.0%}",
            f"{statistics.median(each.redis_us):.1f} µs",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _rows(count: int, figures: dict[str, Figures]) -> Iterator[Row]:
    what = f"edge, {routes(count)}"
    yield share(f"{what}: session and limit by user, of public", figures[LIMITED], figures[PUBLIC], OF_PUBLIC)
    yield share(f"{what}: session, of public", figures[SESSION], figures[PUBLIC])
    for other in (BOUND, OAUTH2_PROXY):
        if other in figures:
            yield share(f"{what}: session, of {other}", figures[SESSION], figures[other])


def _latencies(platform: Platform, way: Way, questions: int) -> Iterator[Row]:
    """The router has a core to itself and the edge, whose part is small."""
    platform.pin_router(PROXY_CORE)
    host = numbered(way.host, 0)
    router = over_unix(platform.settings.router_internal_socket)
    taken_ms(router, _questions(platform, host, questions // 4))  # connections are made, modules are loaded
    for clients in (1, CLIENTS):
        asked = taken_ms(router, _questions(platform, host, questions), clients)
        yield _latency("router: POST /internal/authorize with a session", asked, clients)
    for clients in (1, CLIENTS):
        requests = [_request(host, cookie) for cookie in platform.cookies([host] * questions)]
        first = taken_ms(over_tcp(way.contender.port), requests, clients)
        again = taken_ms(over_tcp(way.contender.port), requests[-questions // 4 :], clients)
        yield _latency(
            "edge: first request of a session", first, clients, f"; of the next p50 {statistics.median(again):.1f} ms"
        )
    platform.pin_router(LOAD_CORE)


def _questions(platform: Platform, host: str, count: int) -> list[bytes]:
    """As the edge asks, each for another person."""
    asked = {"host": host, "app": "1", "name": "app-1", "tenant": "acme", "policies": [["tenant"]], "bearer": None}
    more = {"address": "127.0.0.1", "request_id": "bench-1-1"}
    found = []
    for cookie in platform.cookies([host] * count):
        body = json.dumps({**asked, **more, "cookie": cookie.partition("=")[2]})
        head = "POST /internal/authorize HTTP/1.1\r\nHost: router\r\nContent-Type: application/json\r\n"
        found.append(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    return found


def _latency(what: str, taken: Sequence[float], clients: int, more: str = "") -> Row:
    measured = f"{spread(taken)}{more}"
    if clients > 1:
        return Row(f"{what}, {clients} clients", measured, "", None)
    return Row(f"{what}, 1 client", measured, f"p50 ≤ {VERDICT_MS:.0f} ms", statistics.median(taken) <= VERDICT_MS)

"""Routes at scale: what a lookup costs, how fast a change is in force, what a table takes, with 10,000 routes.

`rows()` measures all of it in about two minutes; alone: `python -m tests.bench.routes`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from redis import Redis

from builder.agent import change_detection
from builder.agent.service import LONGEST_PAUSE_S
from slipway.adapters.redis import keys
from slipway.adapters.redis.routes import RedisRoutes
from slipway.core.routing.route_entries import Backend, Service, entry
from slipway.ports.routes import Position
from tests.bench.measuring import Row, machine, percentile, spread, table
from tests.fixtures.ports import free_port
from tests.fixtures.services.redis_server import running_redis
from tests.fixtures.waiting import eventually
from tests.integration.routes.edges import RealEdge, real_edge
from tests.integration.routes.platform import Platform, platform, seconds
from tests.integration.routes.tables import WHY, host_of, point_to

FEW, MANY = 10, 10_000
ROUNDS, LOAD_S = 10, 2
CHANGES, BURST = 300, 1_000
_TICKS = os.sysconf("SC_CLK_TCK")

_BACKEND = """
daemon off; worker_processes 1; error_log stderr error; pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200 "ok"; }} }} }}
"""
_ANY_HOST = """
local number = 0
function request()
  number = number % {count} + 1
  return wrk.format("GET", "/", {{ Host = "app-" .. number .. ".localhost" }})
end
"""


def rows() -> list[Row]:
    """All figures. Needs root, nginx, redis-server and wrk."""
    found = lookups()
    with platform(MANY) as town:
        found += [changes(town), burst(town), refill(town)]
    return found


# -- the lookup --------------------------------------------------------------------------------------------------------


def lookups() -> list[Row]:
    """CPU of the one worker by request, ten routes and ten thousand in turn; each round asks every host there is."""
    with running_redis() as redis, Redis.from_url(redis.url) as client, _backend() as port:
        routes = RedisRoutes(client)
        with real_edge(redis, workers=1) as edge:
            memory_mb: dict[int, float] = {}
            costs: dict[str, list[float]] = {"few": [], "many": [], "same": []}
            generation = 0
            for _ in range(ROUNDS):
                for count, asked, name in ((FEW, FEW, "few"), (MANY, FEW, "same"), (MANY, MANY, "many")):
                    generation += 1
                    routes.publish_all(Position(f"e{generation}", generation), _table(count, port))
                    eventually(lambda now=generation: edge.holds(f"e{now}", now), what="the edge holds the table")
                    costs[name].append(_cost_us(edge, asked))
                    if count == MANY or count not in memory_mb:  # what was used once is not given back
                        memory_mb[count] = _pss_mb(edge)
            stored = sum(len(host) + len(text) for host, text in client.hgetall(keys.ROUTES_TABLE).items()) / 2**20  # type: ignore[union-attr]
    few, same, many = (statistics.median(costs[name]) for name in ("few", "same", "many"))
    return [
        Row(
            f"a lookup among {MANY} routes: CPU of the worker by request, {ROUNDS} alternating rounds",
            f"{few:.1f} µs with {FEW} routes, {same:.1f} µs for the same hosts with {MANY} "
            f"({100 * (same / few - 1):+.0f} %), {many:.1f} µs when all are asked in turn, with each "
            f"app's usage and metrics every second ({100 * (many / few - 1):+.0f} %)",
            "≤ +10 %",
            same <= 1.1 * few,
        ),
        Row(
            f"memory of {MANY} routes",
            f"edge {memory_mb[MANY] - memory_mb[FEW]:+.0f} MB PSS over {FEW} routes "
            f"({memory_mb[MANY]:.0f} MB in all, one worker, every host asked); {stored:.1f} MB of text in Redis",
            "",
            None,
        ),
    ]


def _table(count: int, port: int) -> Mapping[str, dict[str, object] | None]:
    backend = (Backend("r-0123456789abcdef", "127.0.0.1", port),)
    return {host_of(n): entry(Service(n, f"app-{n}", "acme", backend), 1) for n in range(1, count + 1)}


def _cost_us(edge: RealEdge, count: int) -> float:
    """Of requests to `count` hosts in turn, which is what a cache likes least, once each was asked before."""
    script = edge.folder / "hosts.lua"
    script.write_text(_ANY_HOST.format(count=count))
    (worker,) = edge.status["workers"]
    seen = 0
    while seen < 2 * count:
        seen += _load(edge.port, script, 1)
    before = _cpu_s(worker)
    requests = _load(edge.port, script, LOAD_S)
    return (_cpu_s(worker) - before) / requests * 1e6


def _load(port: int, script: Path, for_s: int) -> int:
    argv = ["wrk", "-t", "1", "-c", "16", "-d", f"{for_s}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "Non-2xx" not in said, said
    return int(next(line.split()[0] for line in said.splitlines() if "requests in" in line))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _pss_mb(edge: RealEdge) -> float:
    assert edge.process is not None
    total = 0
    for pid in (edge.process.pid, *edge.status["workers"]):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


@contextmanager
def _backend() -> Iterator[int]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="slw-", dir="/tmp") as folder:
        configuration = Path(folder) / "nginx.conf"
        configuration.write_text(_BACKEND.format(folder=folder, port=port))
        with subprocess.Popen(["nginx", "-c", str(configuration), "-e", "stderr"], stderr=subprocess.DEVNULL) as nginx:
            try:
                yield port
            finally:
                nginx.terminate()


# -- changes -----------------------------------------------------------------------------------------------------------


def changes(town: Platform) -> Row:
    """From the commit on, as the agent's own changes go: publish, every edge confirms; while it looks at all apps."""
    taken = []
    with _agent_looks(town), town.client.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
        channel.subscribe(keys.CONFIRMED)
        for number in range(1, CHANGES + 1):
            with town.db.write(platform=WHY) as session:
                generation = point_to(session, number, town.backends[number % 2].port)
            started = time.perf_counter()
            town.sync.sync()
            while (town.sync.confirmed() or 0) < generation:
                channel.get_message(timeout=0.5)
            taken.append((time.perf_counter() - started) * 1000)
            time.sleep(0.02)  # one at a time is what is measured; `burst` is the other case
    return Row(
        f"route change → in force on {len(town.edges)} edges, {MANY} routes, {CHANGES} changes while the agent looks",
        spread(taken),
        "p99 ≤ 100 ms",
        percentile(taken, 0.99) <= 100,
    )


def burst(town: Platform) -> Row:
    """A thousand transactions as fast as SQL takes them."""
    took_s = seconds(lambda: town.burst(range(1, BURST + 1), seed=1))
    behind_s = seconds(town.settled)
    equal = town.published() == town.table()
    return Row(
        f"a burst of {BURST} changes among {MANY} routes",
        f"committed in {took_s:.1f} s, all in force {behind_s * 1000:.0f} ms after the last; "
        f"{'none' if equal else 'some'} lost",
        "none lost",
        equal,
    )


def refill(town: Platform) -> Row:
    """Redis comes back empty: the whole table again, under a new epoch, while requests go on."""
    host, taken, ended = host_of(MANY), list[float](), threading.Event()
    statuses: list[int] = []

    def ask() -> None:
        while not ended.wait(0.002):
            started = time.perf_counter()
            statuses.append(town.edges[0].ask(host)[0])
            taken.append((time.perf_counter() - started) * 1000)

    before, _ = town.position()
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    eventually(lambda: len(taken) > 300, what="requests as they are in peace")
    at_rest = percentile(taken, 0.99)
    taken.clear()
    town.empty_redis()
    back_s = seconds(lambda: eventually(lambda: town.position()[0] != before) and town.settled())
    ended.set()
    asking.join()
    failed = sum(status != 200 for status in statuses)
    return Row(
        f"Redis comes back empty, {MANY} routes",
        f"all edges hold the new epoch {back_s:.1f} s later; {failed} of {len(statuses)} requests failed; "
        f"meanwhile {spread(taken)} (p99 before {at_rest:.1f} ms)",
        "0 failed",
        failed == 0,
    )


@contextmanager
def _agent_looks(town: Platform) -> Iterator[None]:
    """The agent's comparison of all apps, at its own rhythm."""
    ended = threading.Event()

    def look() -> float:
        started = time.monotonic()
        with town.db.read(platform=WHY) as session:
            change_detection.fingerprints(session, {})
        return time.monotonic() - started

    def run(every: Callable[[], float]) -> None:
        while not ended.wait(min(LONGEST_PAUSE_S, max(2.0, 10 * every()))):
            continue

    looking = threading.Thread(target=run, args=(look,), daemon=True)
    looking.start()
    yield
    ended.set()
    looking.join()


if __name__ == "__main__":
    print(f"{machine()}\n\n{table(rows())}")

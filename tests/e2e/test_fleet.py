"""`make e2e`: five images, three replicas each, many clients at once; and what they see when replicas are missing."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.fixtures.load.clients import Crowd
from tests.fixtures.load.crowds import crowds, load
from tests.fixtures.load.fleet import kill_at_once, running, signal, spread, table, upstream_s, wait_until_ready
from tests.fixtures.stack import ROOT, Answer, Stack
from tests.fixtures.waiting import eventually

APPS = {
    "threads": "python, a thread for each connection",
    "loop": "python, one loop",
    "lines": "perl on debian, a process for each",
    "module": "python, recognised without a Dockerfile",
    "stages": "two stages",
}
REPLICAS = 3
REQUESTS = 600
CLIENTS = 8


@pytest.fixture(scope="module")
def fleet(stack: Stack) -> Stack:
    """The five apps, pushed at the same time."""
    sources = ROOT / "tests" / "apps" / "fleet"
    checkouts = {name: stack.app(name, source=sources / name, replicas=REPLICAS) for name in APPS}
    with ThreadPoolExecutor(len(APPS)) as pool:
        list(pool.map(lambda name: stack.deploy(name, checkouts[name], "1"), APPS))
    return stack


def test_many_clients_of_five_apps_are_spread_evenly_over_three_replicas_each(
    fleet: Stack, measured: list[str]
) -> None:
    of = [Crowd(f"{name}.localhost", getters=CLIENTS, requests=REQUESTS, pause_s=0.02) for name in APPS]
    with crowds(fleet.port, *of) as clients:
        seen = {host.partition(".")[0]: tally for host, tally in clients.results().items()}
    assert [failure for tally in seen.values() for failure in tally.failures] == []
    for name in APPS:
        eventually(lambda name=name: len(upstream_s(fleet, name)) >= REQUESTS, what="all is in the access log")
    measured.extend(table(APPS, seen, {name: upstream_s(fleet, name) for name in APPS}))
    for name, tally in seen.items():
        assert tally.versions == dict.fromkeys(running(fleet, name).values(), REQUESTS // REPLICAS)


def test_a_replica_that_dies_under_load_costs_no_repeatable_request_and_is_replaced(
    fleet: Stack, measured: list[str]
) -> None:
    before = running(fleet, "threads")
    victim = next(iter(before))
    with load(fleet.port, "threads.localhost", getters=CLIENTS, posters=2, streamers=0) as clients:
        signal(fleet, "KILL", victim)
        took_s = wait_until_ready(fleet, "threads", REPLICAS, without=victim)
        tally = clients.stop()
    lost = [failure for failure in tally.failures if "POST: 502" in failure]
    assert tally.failures == lost, "whatever may be sent twice was"
    assert len(lost) <= 2, "no more than were under way to it"
    after = running(fleet, "threads")
    assert len(before.keys() & after.keys()) == REPLICAS - 1
    spread_evenly(fleet, "threads", *after.values())
    measured.append(
        f"one of three replicas killed under load: replaced in {took_s:.1f} s; of {tally.requests} requests no GET and "
        f"{len(lost)} of the POSTs under way failed, the slowest took {1000 * max(tally.latencies_s):.0f} ms"
    )


def test_at_no_replicas_the_page_says_so_and_scaling_up_serves_again(fleet: Stack, measured: list[str]) -> None:
    fleet.call("PUT", "/apps/module/scale", {"replicas": 0})
    refused_with(fleet, "module", 503, "scaled-to-zero", "App switched off")
    eventually(lambda: not running(fleet, "module"))
    began = time.monotonic()
    fleet.call("PUT", "/apps/module/scale", {"replicas": REPLICAS})
    eventually(lambda: fleet.get("module").status == 200)
    measured.append(f"scaled from 0 to {REPLICAS}: first answer after {time.monotonic() - began:.1f} s")
    wait_until_ready(fleet, "module", REPLICAS)
    spread_evenly(fleet, "module", *running(fleet, "module").values())


def test_when_every_replica_refuses_clients_get_an_error_and_the_circuit_opens_until_they_answer(fleet: Stack) -> None:
    containers = running(fleet, "loop")
    signal(fleet, "USR1", *containers)
    refused_with(fleet, "loop", 502, "replica-failed", "App gave no answer")
    answer = refused_with(fleet, "loop", 503, "circuit-open", "App not answering")
    assert int(answer.headers["retry-after"]) >= 1
    signal(fleet, "USR2", *containers)
    eventually(lambda: fleet.get("loop").status == 200)
    spread_evenly(fleet, "loop", *containers.values())


def test_when_every_replica_is_killed_again_and_again_clients_get_an_error_and_the_app_comes_back(
    fleet: Stack, measured: list[str]
) -> None:
    for number in range(1, 3):
        began = time.monotonic()
        kill_at_once(fleet, *running(fleet, "lines"))
        answer = refused_with(fleet, "lines", 503, "no-ready-replica", "App starting")
        assert int(answer.headers["retry-after"]) >= 1
        wait_until_ready(fleet, "lines", REPLICAS)
        took_s = time.monotonic() - began
        assert {each["restarts"] for each in fleet.call("GET", "/apps/lines/replicas")["replicas"]} == {number}
        spread_evenly(fleet, "lines", *running(fleet, "lines").values())
        measured.append(f"all {REPLICAS} replicas killed, for the {number}. time: all back after {took_s:.1f} s")


def spread_evenly(stack: Stack, app: str, *replicas: str) -> None:
    """Until each of the replicas gets as many requests as the others. Each edge's worker has the routes a moment later
    than the API says that they are ready."""
    even = dict.fromkeys(replicas, 20)
    eventually(lambda: spread(stack, app, 20 * len(replicas)) == even, what="none is left out any more")


def refused_with(stack: Stack, app: str, status: int, code: str, title: str) -> Answer:
    """Ask until the edge answers with this problem, to programs and browsers alike; returns the program's answer. New
    requests don't wait for those under way: one to a replica that is gone may take seconds, and the moment passes."""

    def problem() -> Answer | None:
        answer = stack.get(app)
        is_document = answer.headers.get("content-type") == "application/problem+json"
        return answer if is_document and (answer.status, answer.json["code"]) == (status, code) else None

    def page() -> Answer | None:
        answer = stack.request("GET", f"{app}.localhost", "/", headers={"Accept": "text/html"})
        return answer if answer.status == status and f"<h1>{title}</h1>" in answer.text else None

    with ThreadPoolExecutor(64) as pool:
        asked: list[tuple[Future[Answer | None], Future[Answer | None]]] = []

        def refusal() -> Answer | None:
            asked.append((pool.submit(problem), pool.submit(page)))
            problems, pages = ([each.result() for each in kind if each.done()] for kind in zip(*asked, strict=True))
            return next(filter(None, problems), None) if any(pages) else None

        answer: Answer = eventually(refusal, every_s=0.1, what=f"{app} answers {code}")
    assert answer.json["fault"] == "app"
    assert answer.json["status"] == status
    assert app in answer.json["remedy"]
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    return answer

"""SIGKILL of each process, Redis emptied and SQL lost, while deployments are in each of their states: every one ends
rightly once, and no app stops serving. On PostgreSQL, which can be lost."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from slipway.core.deployment.states import UNFINISHED
from slipway.host.processes.probing import http_status
from tests.fixtures.holding import STATES, WORKERS, Holds, holding
from tests.fixtures.load.clients import Crowd
from tests.fixtures.load.crowds import crowds
from tests.fixtures.processes import empty_redis, kill_horses, kill_nginx
from tests.fixtures.services.postgresql import Cluster, running_cluster
from tests.fixtures.stack import Stack, running_stack
from tests.fixtures.waiting import eventually

SERVICES = {"webhook": True, "router": True, "agent": True, "edge": False}
"""Which are not ready without SQL. A worker listens on nothing."""


@dataclass(frozen=True)
class Rig:
    stack: Stack
    holds: Holds
    sql: Cluster


@contextmanager
def running_rig() -> Iterator[Rig]:
    with (
        running_cluster() as sql,
        running_stack(workers=str(WORKERS), database_url=sql.create("slipway")) as stack,
        holding(stack) as holds,
    ):
        yield Rig(stack, holds, sql)


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running_rig() as rig:
        yield rig


def lose_sql(rig: Rig) -> None:
    """Who needs it says so, and who does not serves on."""
    rig.sql.stop(signal.SIGQUIT)
    try:
        for service, needs_sql in SERVICES.items():
            eventually_ready(rig, service, 503 if needs_sql else 200)
            assert asked(rig, service, "/healthz") == 200
        refused = rig.stack.api("GET", "/apps")
        assert (refused.status, refused.json["code"]) == (503, "dependency-unavailable")
        assert "database" in refused.json["detail"]
        delivery = rig.stack.forge.send("acme/live", "push", rig.stack.forge.push_payload("acme/live"))[0]
        answered = next(each for each in rig.stack.forge.settle() if each.number == delivery.number)
        assert (answered.status, json.loads(answered.answer)["code"]) == (503, "dependency-unavailable")
        assert [rig.stack.get(state).status for state in STATES] == [200] * len(STATES)
    finally:
        rig.sql.start()
    for service in SERVICES:
        eventually_ready(rig, service, 200)


def eventually_ready(rig: Rig, service: str, status: int) -> None:
    eventually(lambda: asked(rig, service, "/readyz") == status, what=f"{service}: GET /readyz answers {status}")


def asked(rig: Rig, service: str, path: str) -> int:
    return http_status(rig.stack.settings.run_dir / f"{service}.sock", path)[0]


HITS: dict[str, Callable[[Rig], Any]] = {
    "webhook": lambda rig: rig.stack.kill("webhook"),
    "worker": lambda rig: rig.stack.kill("worker"),
    "work-horse": lambda rig: kill_horses(rig.stack),
    "agent": lambda rig: rig.stack.kill("agent"),
    "nginx": lambda rig: kill_nginx(rig.stack),
    "redis-emptied": lambda rig: empty_redis(rig.stack),
    "sql-lost": lose_sql,
}


IN_TURN = (("webhook", "nginx"), ("worker", "agent"), ("work-horse", "redis-emptied"), ("sql-lost",))
"""Which are hit one right after the other, while the same deployments are held: `make soak` hits each alone, too."""


@pytest.mark.parametrize("hits", IN_TURN, ids="+".join)
def test_whatever_is_hit_in_whatever_state_each_deployment_ends_rightly_once_and_the_apps_serve(
    rig: Rig, hits: tuple[str, ...]
) -> None:
    hit_in_every_state(rig, "-".join(hits), *hits)


def test_everything_is_hit() -> None:
    assert sorted(hit for hits in IN_TURN for hit in hits) == sorted(HITS)


def hit_in_every_state(rig: Rig, version: str, *hits: str) -> None:
    """One deployment of the version in each state, the hits at that moment, and everything right in the end."""
    with crowds(rig.stack.port, *everybody(hits)) as clients:
        deployments = rig.holds.deploy(version)
        assert rig.holds.moments(deployments) == {state: state for state in STATES}
        for hit in hits:
            HITS[hit](rig)
        ended = {state: outcome(rig, each) for state, each in deployments.items()}
        seen = clients.stop_all()
    assert ended == dict.fromkeys(STATES, "live")
    assert {state: rig.stack.get(state).text for state in STATES} == dict.fromkeys(STATES, version)
    assert {host: tally.failures for host, tally in seen.items() if tally.failures} == {}
    for state, deployment in deployments.items():
        listed = rig.stack.deployments(state)
        assert listed[0]["id"] == deployment
        assert len({each["commit"] for each in listed}) == len(listed), f"{state}: one was made twice"
    running = [f"name=-{state}-web-" for state in STATES]
    eventually(
        lambda: {len(rig.stack.containers(name)) for name in running} == {1}, within_s=60, what="one replica each"
    )


def everybody(hits: Collection[str]) -> list[Crowd]:
    """Some clients of each app. What a client says on a kept connection in the moment in which nginx closes it, HTTP
    leaves to the client to say again (RFC 9112, 9.3.1): so each request has its own where nginx is killed."""
    few = Crowd("", getters=1, posters=1, streamers=1, pause_s=0.2, kept="nginx" not in hits)
    return [replace(few, host=f"{state}.localhost") for state in STATES]


def outcome(rig: Rig, deployment: int) -> str:
    """The state in which it ended, once nothing holds it."""

    def document() -> dict[str, Any]:
        rig.holds.let_go()
        return dict(rig.stack.call("GET", f"/deployments/{deployment}"))

    try:
        eventually(lambda: document()["state"] not in UNFINISHED, every_s=0.1, what=f"deployment {deployment} ends")
    except AssertionError as error:
        raise AssertionError(json.dumps(document(), indent=1)) from error
    return str(document()["state"])

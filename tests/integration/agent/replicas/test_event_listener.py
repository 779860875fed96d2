"""Events through Redis hurry the agent up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from redis import Redis

from builder.agent.dependency_backoff import DependencyBackoff
from builder.agent.event_listener import EventListener, Handlers
from builder.agent.scheduler import Scheduler
from slipway.adapters.redis import keys
from slipway.adapters.redis.events import RedisEvents
from slipway.adapters.redis.work_queue import connect
from tests.fixtures.waiting import eventually


@dataclass
class Calls:
    checks: int = 0
    publications: int = 0
    activated: list[int] = field(default_factory=list)
    visited: list[int] = field(default_factory=list)

    def check_all(self) -> None:
        self.checks += 1

    def publish(self) -> None:
        self.publications += 1

    def visit(self, app_id: int) -> None:
        self.visited.append(app_id)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with connect(redis_url) as client:
        yield client


@pytest.fixture
def calls(redis: Redis, redis_url: str) -> Iterator[Calls]:
    """What a listener did; a request waited for app 7 before it began to listen."""
    made, stopped = Calls(), threading.Event()
    redis.set(keys.awaited(7), "edge-1")
    scheduler = Scheduler(DependencyBackoff(), threads=1)
    scheduler.start(made.visit)
    handlers = Handlers(made.check_all, made.publish, made.activated.append, lambda _change: None)
    listener = EventListener(scheduler, handlers, DependencyBackoff(), stopped)
    with connect(redis_url, timeout_s=5.0) as blocking:
        listening = threading.Thread(target=listener.listen, args=(RedisEvents(blocking),), daemon=True)
        listening.start()
        eventually(lambda: redis.publish(keys.WAKE, "?") == 1, what="it listens")
        yield made
        stopped.set()
        listening.join(timeout=10)
    scheduler.stop()


def test_a_changed_app_gets_a_pass_and_its_routes_are_published_without_a_check_of_all_apps(
    calls: Calls, redis: Redis
) -> None:
    eventually(lambda: calls.checks == 2, what="all are checked at the start, and after an event that means nothing")
    RedisEvents(redis).app_changed(42)
    eventually(lambda: calls.visited == [42] and calls.publications == 1)
    assert calls.checks == 2


def test_an_app_whose_request_waits_is_activated(calls: Calls, redis: Redis) -> None:
    redis.publish(keys.WAKE, "42")
    redis.publish(keys.WAKE, "no number")
    redis.publish(keys.WAKE, "43")
    eventually(lambda: calls.activated[-2:] == [42, 43])


def test_a_request_that_waited_before_anyone_listened_is_handled(calls: Calls) -> None:
    eventually(lambda: calls.activated == [7])

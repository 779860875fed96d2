"""What is told through Redis hurries the agent up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from redis import Redis

from builder.agent.dependency_backoff import DependencyBackoff
from builder.agent.event_listener import EventListener, Handlers
from builder.agent.scheduler import Scheduler
from slipway.adapters.redis.routes import WANTED
from slipway.adapters.redis.work_queue import WAKE_CHANNEL, connect
from tests.fixtures.waiting import eventually


@dataclass
class Heard:
    looks: int = 0
    publications: int = 0
    roused: list[int] = field(default_factory=list)
    visited: list[int] = field(default_factory=list)

    def look(self) -> None:
        self.looks += 1

    def publish(self) -> None:
        self.publications += 1

    def visit(self, app_id: int) -> None:
        self.visited.append(app_id)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with connect(redis_url) as client:
        yield client


@pytest.fixture
def heard(redis: Redis, redis_url: str) -> Iterator[Heard]:
    """Of one who listens; a request waited for app 7 before it began to."""
    made, stopped = Heard(), threading.Event()
    redis.set(f"{WANTED}:7", "edge-1")
    scheduler = Scheduler(DependencyBackoff(), threads=1)
    scheduler.start(made.visit)
    handlers = Handlers(made.look, made.publish, made.roused.append, lambda _change: None)
    listener = EventListener(scheduler, handlers, DependencyBackoff(), stopped)
    with connect(redis_url, timeout_s=5.0) as blocking:
        listening = threading.Thread(target=listener.listen, args=(blocking,), daemon=True)
        listening.start()
        eventually(lambda: redis.publish(WAKE_CHANNEL, "?") == 1, what="it listens")
        yield made
        stopped.set()
        listening.join(timeout=10)
    scheduler.stop()


def test_a_wish_is_looked_at_and_its_routes_are_published_without_a_look_at_all_apps(
    heard: Heard, redis: Redis
) -> None:
    eventually(lambda: heard.looks == 2, what="it looked when it began, and when it was told nothing in particular")
    redis.publish(WAKE_CHANNEL, "42")
    eventually(lambda: heard.visited == [42] and heard.publications == 1)
    assert heard.looks == 2


def test_an_app_whose_request_waits_is_roused(heard: Heard, redis: Redis) -> None:
    redis.publish(WANTED, "42")
    redis.publish(WANTED, "no number")
    redis.publish(WANTED, "43")
    eventually(lambda: heard.roused[-2:] == [42, 43])


def test_what_was_asked_for_before_anyone_listened_is_heard(heard: Heard) -> None:
    eventually(lambda: heard.roused == [7])

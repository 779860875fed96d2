"""Nobody without a hook's secret waits for, or takes part in, the order in which deliveries are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from werkzeug.test import TestResponse

from slipway.adapters.redis.work_queue import WorkQueue, connect
from slipway.db import Database
from slipway.settings import Settings
from tests.integration.webhook.sender import Hooked, TestClientSender
from webhook.app import create_app
from webhook.delivery_lock import DeliveryLock

Make = Callable[..., Hooked]
LARGE = b" " * (25 << 20)
DEADLINE_S = 60
"""Bounds a hang. Longer than it takes to read and hash 25 MB on a busy host."""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Which database it is makes no difference here."""
    return sqlite_url


@pytest.fixture
def lock() -> DeliveryLock:
    """Whoever waits for it waits for as long as it is held."""
    return DeliveryLock(timeout_s=10 * DEADLINE_S)


@pytest.fixture
def sender(configured: Settings, database: Database, lock: DeliveryLock) -> TestClientSender:
    settings = replace(configured, delivery_max_bytes=len(LARGE))
    queue = WorkQueue(connect(configured.redis_url), job_timeout_s=60)
    return TestClientSender(create_app(settings, database, queue, delivery_lock=lock))


@pytest.fixture
def send(sender: TestClientSender, lock: DeliveryLock) -> Iterator[Callable[..., Future[TestResponse]]]:
    """Sends in a thread of its own, while another delivery holds the lock until the test ends."""
    with ThreadPoolExecutor(1) as pool, lock.held():
        yield lambda *args, **how: pool.submit(sender.send, *args, **how)


@pytest.mark.parametrize(
    "how",
    [
        {"payload": LARGE, "secret": "guessed"},
        {"payload": LARGE, "headers": {"X-Hub-Signature-256": None}},
        {"secret": "guessed"},
    ],
)
def test_a_bad_signature_is_refused_while_another_delivery_holds_the_lock(
    hooked: Make, send: Callable[..., Future[TestResponse]], how: dict[str, Any]
) -> None:
    assert send(hooked().hook_id, **how).result(DEADLINE_S).status_code == 401


def test_an_unknown_hook_is_refused_while_another_delivery_holds_the_lock(
    send: Callable[..., Future[TestResponse]],
) -> None:
    assert send("A" * 43, payload=LARGE).result(DEADLINE_S).status_code == 401


def test_a_signed_delivery_is_written_after_the_one_that_holds_the_lock(
    sender: TestClientSender, hooked: Make, lock: DeliveryLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, arrived = hooked(), Event()
    held = lock.held

    def arriving() -> Any:
        arrived.set()
        return held()

    with ThreadPoolExecutor(1) as pool:
        with lock.held():
            monkeypatch.setattr(lock, "held", arriving)
            answer = pool.submit(sender.send, acme.hook_id)
            assert arrived.wait(DEADLINE_S)
            assert acme.deliveries() == []
        assert answer.result(DEADLINE_S).status_code == 202
    assert len(acme.deliveries()) == 1

"""Thousands of routes: bursts of changes lose none, whatever restarts meanwhile, and nobody's request notices."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.integration.routes.platform import Platform, platform
from tests.integration.routes.tables import host_of

MANY = int(os.environ.get("ROUTES", "1600"))
"""`make soak` has ten thousand."""
BURST, SMALLER = MANY // 4, MANY // 20
ASKED = MANY  # its app is in no burst


@pytest.fixture(scope="module")
def town() -> Iterator[Platform]:
    with platform(MANY) as made:
        yield made


def restart_an_edge(town: Platform) -> None:
    edge = town.edges[1]
    edge.stop(signal.SIGKILL)
    edge.start()


def restart_redis(town: Platform) -> None:
    town.empty_redis()


@contextmanager
def asked_all_the_time(town: Platform) -> Iterator[list[int]]:
    """The statuses of one host's answers from the first edge, while the block runs."""
    statuses: list[int] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.03):
            statuses.append(town.edges[0].ask(host_of(ASKED))[0])

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    yield statuses
    ended.set()
    asking.join(timeout=30)


def test_every_route_is_in_force_on_every_edge(town: Platform) -> None:
    town.assert_edges_agree([1, 2, MANY // 2, MANY])
    assert all(edge.ask("nobody.localhost")[0] == 404 for edge in town.edges)


@pytest.mark.parametrize(
    ("first", "changes", "meanwhile"),
    [(1, BURST, None), (MANY // 2 + 1, SMALLER, restart_an_edge), (MANY // 4 * 3 + 1, SMALLER, restart_redis)],
    ids=["calm", "edge", "redis"],
)
def test_a_burst_of_changes_loses_none(
    town: Platform, first: int, changes: int, meanwhile: Callable[[Platform], None] | None
) -> None:
    """Each burst has apps of its own: hosts leave the table for good."""
    numbers = range(first, first + changes)
    with asked_all_the_time(town) as statuses:
        town.burst(numbers[: changes // 2], seed=first)
        if meanwhile:
            meanwhile(town)
        town.burst(numbers[changes // 2 :], seed=first)
        town.settled()
    assert town.published() == town.table()
    town.assert_edges_agree([*numbers[:: max(1, changes // 100)], ASKED - 1])
    assert set(statuses) == {200}


def test_an_emptied_redis_gets_the_whole_table_under_a_new_epoch_and_no_request_fails(town: Platform) -> None:
    epoch, _ = town.position()
    with asked_all_the_time(town) as statuses:
        town.empty_redis()
        town.change(ASKED - 1, 1)
        town.settled()
    assert town.position()[0] != epoch
    assert set(statuses) == {200}
    town.assert_edges_agree([1, MANY // 2, ASKED - 1, ASKED])

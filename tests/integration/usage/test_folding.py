"""Records become minutes: each counts once, whatever happens to the stream, to the database and to the reader."""

from __future__ import annotations

import json
import random

import pytest
from sqlalchemy import delete

from slipway.core.usage.periods import Period, Step
from slipway.db import DatabaseAway
from slipway.domain.usage import reading, subjects
from slipway.domain.usage.reading import By
from slipway.errors import DependencyUnavailable
from slipway.models import App, Tenant
from tests.fixtures.databases import unreachable
from tests.fixtures.releases import make_live
from tests.integration.usage.conftest import DAY_S, HOUR_S, NOON_S, Counted

TWO_OK = [0, 2, 0, 0, 0, 100, 900, 40]
ONE_BAD = [0, 0, 0, 0, 1, 50, 60, 5]


def test_what_an_edge_counted_is_in_its_minutes(counted: Counted) -> None:
    shop, blog = counted.shop.id, counted.blog.id
    counted.tell({shop: TWO_OK, blog: ONE_BAD, 0: ONE_BAD}, {shop: ONE_BAD})
    counted.tell({shop: TWO_OK}, at_s=counted.now_s - 60)
    assert counted.counting().count_records() == 3
    assert counted.totals() == counted.expected()
    assert counted.points(Step.MINUTE)[""] == {
        -1: {"requests_2xx": 2, "bytes_in": 100, "bytes_out": 900, "duration_ms": 40},
        0: {"requests_2xx": 2, "requests_5xx": 1, "bytes_in": 150, "bytes_out": 960, "duration_ms": 45},
    }
    assert counted.stream.entries == []


def test_a_tenant_reads_its_own_alone(counted: Counted) -> None:
    counted.tell({counted.shop.id: TWO_OK, counted.blog.id: ONE_BAD, 0: ONE_BAD})
    counted.counting().count_records()
    assert list(counted.points(Step.MINUTE, by=By.APP)) == ["shop"]
    assert list(counted.points(Step.MINUTE, by=By.APP, tenant_id=counted.other)) == ["blog"]
    assert set(counted.points(Step.MINUTE, by=By.APP, platform="a test")) == {"shop", "blog", ""}


def test_what_is_read_twice_counts_once(counted: Counted) -> None:
    counted.tell({counted.shop.id: TWO_OK})
    entries = list(counted.stream.entries)
    for _ in range(3):
        counted.counting().count_records()
        counted.stream.put(*entries)
    assert counted.totals() == counted.expected()


def test_what_is_missing_is_a_gap_until_it_comes(counted: Counted) -> None:
    counted.tell(*[{counted.shop.id: TWO_OK}] * 9)
    entries, counted.stream.entries = counted.stream.entries, []
    counted.stream.put(entries[2], entries[8], entries[4])
    counted.counting().count_records()
    assert counted.gaps() == [("lost", 1, 2), ("lost", 4, 4), ("lost", 6, 8)]
    counted.stream.put(entries[6], entries[0])
    counted.counting().count_records()
    assert counted.gaps() == [("lost", 2, 2), ("lost", 4, 4), ("lost", 6, 6), ("lost", 8, 8)]
    counted.stream.put(*entries[::-1])
    counted.counting().count_records()
    assert counted.gaps() == []
    assert counted.totals() == counted.expected()


@pytest.mark.parametrize("seed", range(6))
def test_repeated_and_shuffled_the_totals_are_the_edges(counted_in_memory: Counted, seed: int) -> None:
    counted, chance = counted_in_memory, random.Random(seed)
    for _ in range(60):
        values = [chance.randint(0, 9) for _ in range(8)]
        at_s = counted.now_s - chance.choice([0, 30, 4000, 90_000])
        counted.tell({chance.choice([counted.shop.id, counted.blog.id, 0]): values}, at_s=at_s)
    entries, counted.stream.entries = counted.stream.entries * 3, []
    chance.shuffle(entries)
    while entries:
        some = chance.randint(1, 40)
        counted.stream.put(*entries[:some])
        entries = entries[some:]
        counted.counting().count_records()
        if chance.random() < 0.5:
            counted.counting().seal()
    assert counted.totals() == counted.expected()
    assert counted.gaps() == []


def test_lives_of_an_edge_and_edges_have_numbers_of_their_own(counted: Counted) -> None:
    for edge, boot in (("edge-1", "6950e380abcdef"), ("edge-1", "6950f190abcdef"), ("edge-2", "6950e380abcdef")):
        counted.edge.id, counted.edge.boot, counted.edge.sequence = edge, boot, 0
        counted.tell({counted.shop.id: TWO_OK}, {counted.shop.id: ONE_BAD})
    counted.counting().count_records()
    assert counted.totals() == counted.expected()
    assert counted.gaps() == []


def test_a_record_that_no_edge_writes_is_reported_and_holds_up_nothing(counted: Counted) -> None:
    counted.tell({counted.shop.id: TWO_OK})
    for fields in ({}, {"edge": "edge-1"}, {"edge": "edge-1", "boot": "b", "sequence": "x", "record": "{}"}):
        counted.stream.add(fields)
    counted.edge.sequence += 1
    counted.stream.add({"edge": "edge-1", "boot": counted.edge.boot, "sequence": "2", "record": "{"})
    counted.tell({counted.shop.id: ONE_BAD})
    counted.counting().count_records()
    assert counted.totals() == counted.expected()
    assert counted.gaps() == [("unreadable", 2, 2)]


def test_a_long_record_counts_where_it_ended_and_is_noted(counted: Counted) -> None:
    counted.tell({counted.shop.id: TWO_OK}, long_s=HOUR_S)
    counted.counting().count_records()
    assert list(counted.points(Step.MINUTE)[""]) == [0]
    assert counted.gaps() == [("late", 1, 1)]


@pytest.mark.parametrize("wrong_by_s", [-500 * DAY_S, 120, 400 * DAY_S])
def test_with_an_edges_clock_that_is_wrong_the_present_counts(counted: Counted, wrong_by_s: int) -> None:
    counted.tell({counted.shop.id: TWO_OK}, at_s=counted.now_s + wrong_by_s)
    counted.counting().count_records()
    assert list(counted.points(Step.MINUTE)[""]) == [0]
    assert counted.gaps() == [("clock", 1, 1)]


def test_a_record_that_ends_with_a_minute_is_of_it(counted: Counted) -> None:
    counted.tell({counted.shop.id: TWO_OK}, at_s=NOON_S)
    counted.counting().count_records()
    assert list(counted.points(Step.MINUTE)[""]) == [-1]


def test_a_number_that_comes_again_is_another_apps(counted: Counted) -> None:
    """On SQLite the number of a deleted app is the next one's."""
    number = counted.shop.id
    with counted.db.write(platform="a test's agent") as session:
        subjects.remember_app(session, session.get_one(App, number))
        session.execute(delete(App).where(App.id == number))
    made_at = counted.blog.created_at.fromtimestamp(counted.now_s, counted.blog.created_at.tzinfo)
    with counted.db.write(tenant_id=counted.other) as session:
        session.add(App(id=number, tenant_id=counted.other, name="next", created_at=made_at))
    counted.tell({number: TWO_OK}, at_s=counted.now_s - 20)
    counted.tell({number: ONE_BAD}, at_s=counted.now_s + 30)
    counted.counting().count_records()
    assert counted.points(Step.HOUR, by=By.APP)["shop"][0]["requests_2xx"] == 2
    assert counted.points(Step.HOUR, by=By.APP, tenant_id=counted.other) == {
        "next": {0: {"requests_5xx": 1, "bytes_in": 50, "bytes_out": 60, "duration_ms": 5}}
    }


def test_what_a_deleted_app_used_is_still_its_tenants(counted: Counted) -> None:
    counted.tell({counted.shop.id: TWO_OK})
    counted.counting().count_records()
    with counted.db.write(platform="a test's agent") as session:
        session.execute(delete(App).where(App.id == counted.shop.id))
    counted.tell({counted.shop.id: ONE_BAD})
    counted.counting().count_records()
    assert counted.points(Step.MINUTE, by=By.APP)["shop"][0]["requests_5xx"] == 1


def test_what_a_tenant_used_goes_with_it_and_what_comes_late_is_nobodys(counted: Counted) -> None:
    counted.tell({counted.shop.id: TWO_OK, counted.blog.id: TWO_OK})
    counted.counting().count_records()
    with counted.db.write(platform="a test's host") as session:
        session.execute(delete(Tenant).where(Tenant.id == counted.acme))
    assert counted.points(Step.MINUTE) == {}
    counted.counting().expire()
    counted.tell({counted.shop.id: ONE_BAD})
    counted.counting().count_records()
    assert set(counted.totals()) == {counted.blog.id, 0}


def test_while_the_database_is_unreachable_nothing_is_lost(counted_in_memory: Counted) -> None:
    counted = counted_in_memory
    counting = counted.counting()
    with unreachable(counted.db):
        for _ in range(5):
            counted.tell(*[{counted.shop.id: TWO_OK}] * 120)
            with pytest.raises(DatabaseAway):
                counting.count_records()
            counted.now_s += 120
    counting.count_records()
    assert counted.totals() == counted.expected()
    assert counted.gaps() == []


def test_while_redis_is_unreachable_nothing_is_lost(counted: Counted) -> None:
    counted.tell({counted.shop.id: TWO_OK})
    counted.stream.away = True
    with pytest.raises(DependencyUnavailable):
        counted.counting().count_records()
    counted.stream.away = False
    counted.counting().count_records()
    assert counted.totals() == counted.expected()


def test_of_a_redis_that_was_emptied_what_edges_send_again_counts_once_and_the_rest_is_a_gap(counted: Counted) -> None:
    counted.tell(*[{counted.shop.id: TWO_OK}] * 40)
    entries, counted.stream.entries = counted.stream.entries, []
    counted.stream.put(*entries[:3])
    counted.counting().count_records()
    counted.stream.put(*entries[10:])  # the last 30 are all that the edge still has
    counted.counting().count_records()
    assert counted.gaps() == [("lost", 4, 10)]
    assert counted.totals()[counted.shop.id]["requests_2xx"] == 2 * (3 + 30)


def test_a_gap_has_the_time_between_what_was_read(counted: Counted) -> None:
    for second in range(10):
        counted.tell({counted.shop.id: TWO_OK}, at_s=NOON_S + second)
    del counted.stream.entries[3:6]
    counted.counting().count_records()
    first = Step.MINUTE.number(NOON_S)
    with counted.db.read(tenant_id=counted.acme) as session:
        [gap] = reading.gaps(session, Period(Step.MINUTE, first, first + 1))
    assert (gap.kind, gap.records) == ("lost", 3)
    assert (gap.from_.timestamp(), gap.to.timestamp()) == (NOON_S + 2, NOON_S + 5)


def test_the_image_that_was_live_has_the_traffic(counted: Counted) -> None:
    make_live(counted.db, "shop")
    counted.now_s = counted.now_s + 10 * 366 * DAY_S
    counted.tell({counted.shop.id: TWO_OK})
    counted.counting().count_records()
    [(_, points)] = counted.points(Step.MINUTE, by=By.IMAGE).items()
    assert points[0]["requests_2xx"] == 2


def test_an_entry_is_json_as_the_reference_shows_it(counted: Counted) -> None:
    """docs/reference/usage-stream.md."""
    counted.tell({counted.shop.id: TWO_OK})
    [entry] = counted.stream.entries
    assert set(entry.fields) == {"edge", "boot", "sequence", "record"}
    assert set(json.loads(entry.fields["record"])) == {"sequence", "from", "to", "apps"}

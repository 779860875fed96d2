"""Minutes become hours and days, and go after their time; every step says the same total."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from slipway.core.usage import fields
from slipway.core.usage.periods import Step
from slipway.domain.usage import reading, sealing
from slipway.domain.usage.reading import By
from slipway.models import UsageDay, UsageGap, UsageHour, UsageMinute, UsageSubject
from tests.integration.usage.conftest import DAY_S, HOUR_S, WHY, Counted

USED = [0, 5, 0, 0, 0, 10, 20, 30]


def rows(counted: Counted, model: type[Any]) -> int:
    with counted.db.read(platform=WHY) as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_an_hour_that_is_over_is_one_row_with_its_minutes(counted: Counted) -> None:
    counted.now_s += 600
    for minute in range(90):
        counted.tell({counted.shop.id: USED}, at_s=counted.now_s - minute * 60)
    counted.counting().count_records()
    before = counted.points(Step.MINUTE, back=100)
    assert counted.counting().seal() == 79, "the hour that goes on stays"
    assert (rows(counted, UsageMinute), rows(counted, UsageHour), rows(counted, UsageDay)) == (11, 2, 1)
    assert counted.points(Step.MINUTE, back=100) == before
    assert counted.totals() == counted.expected()


def test_an_hour_that_has_just_ended_waits_for_what_comes_late(counted: Counted) -> None:
    counted.tell({counted.shop.id: USED}, at_s=counted.now_s - 60)
    counted.counting().count_records()
    assert counted.counting().seal() == 0
    counted.now_s += 6 * 60
    assert counted.counting().seal() == 1


def test_what_comes_after_its_hour_was_sealed_is_added(counted: Counted) -> None:
    at_s = counted.now_s - 3 * HOUR_S
    for _ in range(3):
        counted.tell({counted.shop.id: USED}, at_s=at_s)
        counted.tell({counted.shop.id: USED}, at_s=at_s + 120)
        counted.counting().count_records()
        counted.counting().seal()
    assert rows(counted, UsageHour) == 1
    assert [each["requests_2xx"] for each in counted.points(Step.MINUTE, back=200)[""].values()] == [15, 15]
    assert counted.totals() == counted.expected()


@pytest.mark.parametrize("is_sealed", [False, True])
def test_all_steps_have_the_same_total(counted: Counted, is_sealed: bool) -> None:
    for back in range(0, 50, 7):
        counted.tell({counted.shop.id: [1, *USED[1:]]}, at_s=counted.now_s - back * HOUR_S)
    counted.counting().count_records()
    if is_sealed:
        counted.counting().seal()
    counted.tell({counted.shop.id: USED})
    counted.counting().count_records()
    for step, back in ((Step.MINUTE, 50 * 60), (Step.HOUR, 50), (Step.DAY, 4)):
        [points] = counted.points(step, back=back).values()
        assert fields.total(points.values()) == counted.expected()[counted.shop.id], step


def test_history_goes_after_its_time(counted: Counted) -> None:
    counted.tell({counted.shop.id: USED})
    counted.tell({counted.shop.id: USED}, long_s=500)
    counted.counting().count_records()
    began_s = counted.now_s

    def after(days: float) -> tuple[int, int, int, int]:
        counted.now_s = began_s + days * DAY_S
        counted.counting().seal()
        counted.counting().expire()
        with counted.db.read(platform=WHY) as session:
            packed = session.scalar(select(func.count()).where(UsageHour.minutes.is_not(None))) or 0
        return packed, rows(counted, UsageHour), rows(counted, UsageDay), rows(counted, UsageGap)

    assert after(6.9) == (1, 1, 1, 1)
    assert after(7.2) == (0, 1, 1, 1)
    assert after(61.9) == (0, 1, 1, 1)
    assert after(62.2) == (0, 0, 1, 1)
    assert after(399) == (0, 0, 1, 1)
    assert after(402) == (0, 0, 0, 0)


def test_what_comes_after_its_minutes_have_gone_counts_in_its_hour_and_day(counted: Counted) -> None:
    counted.tell({counted.shop.id: USED}, at_s=counted.now_s - 9 * DAY_S)
    counted.counting().count_records()
    counted.counting().seal()
    counted.counting().expire()
    assert counted.points(Step.HOUR, back=9 * 24)[""][-9 * 24]["requests_2xx"] == 5
    assert counted.totals() == counted.expected()


def test_many_subjects_are_moved_and_read_in_portions(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "AT_ONCE", 3)
    monkeypatch.setattr(reading, "AT_ONCE", 3)
    with counted.db.write(platform=WHY) as session:
        session.add_all(
            UsageSubject(id=100 + n, tenant_id=counted.acme, app_id=50 + n, app_created_ms=1, app_name=f"app-{n}")
            for n in range(8)
        )
    counted.tell(*({50 + n: USED} for n in range(8)), at_s=counted.now_s - 2 * HOUR_S)
    counted.tell(*({50 + n: USED} for n in range(8)))
    counted.counting().count_records()
    assert counted.counting().seal() == 8
    by_app = counted.points(Step.HOUR, by=By.APP)
    assert list(by_app) == [f"app-{n}" for n in range(8)]
    assert counted.points(Step.HOUR) == {
        "": {step: {n: 8 * v for n, v in used.items()} for step, used in by_app["app-0"].items()}
    }

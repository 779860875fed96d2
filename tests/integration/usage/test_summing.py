"""What was used, summed by the database: the same as the sum of its series, and of one tenant alone."""

from __future__ import annotations

import pytest

from slipway.core.usage import fields
from slipway.core.usage.fields import FIELDS, REQUESTS
from slipway.core.usage.periods import Period, Step
from slipway.domain.usage import reading, recent, summing
from slipway.domain.usage.reading import By, Question
from slipway.domain.usage.summing import Of, Sum, Summed
from tests.integration.usage.conftest import Counted

USED = [1, 5, 2, 3, 1, 10, 20, 30]
THEIRS = [0, 1000, 0, 0, 0, 1000, 1000, 1000]


@pytest.fixture
def recorded(counted: Counted) -> Counted:
    """Three hours of two tenants, of which all but the last one are sealed."""
    counted.now_s += 600
    for minute in range(0, 150, 10):
        counted.tell({counted.shop.id: USED, counted.blog.id: THEIRS}, at_s=counted.now_s - minute * 60)
    counted.counting().count_records()
    counted.counting().seal()
    return counted


def period(counted: Counted, step: Step, back: int) -> Period:
    last = step.number(counted.now_s)
    return Period(step, last - back, last + 1)


def sums(counted: Counted, asked: Summed) -> list[Sum]:
    with counted.db.read(tenant_id=counted.acme) as session:
        return summing.sums(session, asked)


@pytest.mark.parametrize(("step", "back"), [(Step.MINUTE, 180), (Step.HOUR, 4), (Step.DAY, 1)])
def test_sums_by_step_are_those_of_the_series(recorded: Counted, step: Step, back: int) -> None:
    shown = period(recorded, step, back)
    [series] = reading.series(recorded.db, Question(shown), tenant_id=recorded.acme)
    [all_] = sums(recorded, Summed(shown, by_step=True))
    assert all_.points == series.points
    assert fields.requests(all_.total) == 15 * sum(USED[:5])


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize("of", list(Of))
def test_a_tenant_sums_its_own_alone(recorded: Counted, step: Step, of: Of) -> None:
    found = sums(recorded, Summed(period(recorded, step, 180 if step is Step.MINUTE else 4), of))
    assert sum(fields.requests(each.total) for each in found) == 15 * sum(USED[:5])
    assert "blog" not in str(found)


def test_a_sum_is_of_the_app_that_has_the_number_now(recorded: Counted) -> None:
    shown, number = period(recorded, Step.HOUR, 4), recorded.shop.id
    made = round(recorded.shop.created_at.timestamp() * 1000)
    [mine] = sums(recorded, Summed(shown, Of.APP, apps=[(number, made)], names=REQUESTS))
    assert mine.key == ("shop", number, made)
    assert sums(recorded, Summed(shown, Of.APP, apps=[(number, made + 1)])) == []
    assert sums(recorded, Summed(shown, apps=[])) == []


def test_only_the_fields_that_are_asked_for_are_read(recorded: Counted) -> None:
    for step in Step:
        [found] = sums(recorded, Summed(period(recorded, step, 180 if step is Step.MINUTE else 4), names=("bytes_in",)))
        assert found.total == {"bytes_in": 150}
    assert set(FIELDS) > {"bytes_in"}


def test_the_series_by_app_has_the_same_total(recorded: Counted) -> None:
    shown = period(recorded, Step.HOUR, 4)
    by_app = list(reading.series(recorded.db, Question(shown, By.APP), tenant_id=recorded.acme))
    assert [fields.total(each.points.values()) for each in by_app] == [
        each.total for each in sums(recorded, Summed(shown, Of.APP))
    ]


def test_the_recent_use_is_of_the_own_replicas_alone(recorded: Counted) -> None:
    with recorded.db.read(tenant_id=recorded.acme) as session:
        assert recent.replicas_use(session, recorded.now_s) == {}

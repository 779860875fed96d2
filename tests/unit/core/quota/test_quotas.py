"""What can be said of quotas, which word is in force, and what is refused; the months that builds lie in."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway.core.app_settings.configuration import Defaults, snapshot
from slipway.core.app_settings.model import parse
from slipway.core.quota import quotas
from slipway.core.quota.build_time import Month, built_s
from slipway.core.quota.demand import AppUse, demand_of
from slipway.core.quota.quotas import MOST, UNLIMITED, Quota
from slipway.errors import InvalidInput

HOST = Defaults(100 << 20, 0.5, 64, 30.0, 10.0, 30.0, 10.0, 600.0)


@pytest.mark.parametrize("value", [0, 1, MOST, 2.0, UNLIMITED])
def test_whole_numbers_and_unlimited_are_quotas(value: Any) -> None:
    assert quotas.checked({"apps": value}) == {"apps": value}


@pytest.mark.parametrize("value", [-1, 0.5, MOST + 1, float("nan"), float("inf"), True, None, "1", [1]])
def test_other_values_are_not(value: Any) -> None:
    with pytest.raises(InvalidInput):
        quotas.checked({"apps": value})


@pytest.mark.parametrize(("said", "amount"), [(0.001, 1), (0.1, 100), (2.5, 2500), (0.29, 290), (12, 12000)])
def test_cpus_are_said_in_thousandths_and_shown_as_said(said: float, amount: int) -> None:
    assert quotas.in_force([{"cpus": said}])[Quota.CPUS] == amount
    assert quotas.shown(Quota.CPUS, amount) == said


def test_finer_cpus_are_refused() -> None:
    with pytest.raises(InvalidInput, match="too fine"):
        quotas.checked({"cpus": 0.0015})


def test_a_merge_patch_changes_what_it_names() -> None:
    said = quotas.merged({"apps": 1, "cpus": 2}, {"cpus": None, "volumes": UNLIMITED})
    assert said == {"apps": 1, "volumes": UNLIMITED}
    with pytest.raises(InvalidInput, match="there is no quota 'disks'"):
        quotas.merged(said, {"disks": None})


def test_the_first_layer_that_says_something_is_in_force() -> None:
    found = quotas.in_force([None, {"apps": UNLIMITED}, {"apps": 1, "volumes": 0}])
    assert (found[Quota.APPS], found[Quota.VOLUMES], found[Quota.CPUS]) == (None, 0, None)


@pytest.mark.parametrize(
    ("limit", "used", "needed", "is_refused"),
    [(5, 4, 1, False), (5, 5, 1, True), (5, 9, 0, False), (0, 0, 1, True), (0, 0, 0, False), (None, 9, 9, False)],
)
def test_growth_beyond_the_limit_is_refused_and_nothing_else(
    limit: int | None, used: int, needed: int, is_refused: bool
) -> None:
    found = quotas.excesses({Quota.APPS: limit}, {Quota.APPS: used}, {Quota.APPS: needed})
    assert bool(found) is is_refused


def test_a_refusal_names_every_quota_that_is_exceeded() -> None:
    limits = {Quota.CPUS: 1000, Quota.MEMORY: 512, Quota.APPS: None}
    found = quotas.excesses(
        limits, {Quota.CPUS: 900, Quota.MEMORY: 600, Quota.APPS: 1}, {Quota.CPUS: 250, Quota.MEMORY: 1, Quota.APPS: 1}
    )
    problem = quotas.exceeded(found).problem()
    assert problem["detail"] == (
        "Your quota does not allow it: CPUs: 0.25 more needed, 0.1 of 1 left; "
        "MB of memory: 1 more needed, 0 of 512 left."
    )
    assert (problem["status"], problem["code"], problem["quota"]) == (403, "quota-exceeded", "cpus")
    assert (problem["used"], problem["limit"], problem["left"], problem["needed"]) == (0.9, 1, 0.1, 0.25)
    assert [each["quota"] for each in problem["exceeded"]] == ["cpus", "memory_mb"]
    assert problem["remedy"].splitlines() == [
        "scale something down: slipway scale 1 -a APP",
        "or ask who runs the platform for more; what is used: slipway quota",
    ]


def test_a_process_that_may_run_once_counts_once() -> None:
    settings = parse({"volumes": [{"path": "/data", "shared": False, "processes": ["web"]}]})
    frozen = snapshot(settings, HOST, variables={}, exposed_port=None)
    assert demand_of(frozen, {"web": 5, "gone": 7}).replicas == 1
    assert demand_of(frozen, {"web": 0}).replicas == 0


@pytest.mark.parametrize("seed", range(5))
def test_an_app_needs_as_much_as_its_largest_release_whichever_it_ends_with(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(30):
        scales = {"web": dice.randint(0, 5), "work": dice.randint(0, 5)}
        frozen = [
            snapshot(
                parse(
                    {
                        "resources": {"cpus": dice.randint(1, 400) / 100, "memory_mb": dice.randint(16, 999)},
                        "processes": {"work": {"command": "w"}} if dice.random() < 0.5 else {},
                    }
                ),
                HOST,
                variables={},
                exposed_port=None,
            )
            for _ in range(dice.randint(0, 3))
        ]
        found = AppUse(tuple(frozen), scales).demand()
        counts = [sum(scales[process] for process in each.commands) for each in frozen]
        assert found.replicas == max(counts, default=0)
        hundredths = [count * round(each.cpus * 100) for count, each in zip(counts, frozen, strict=True)]
        assert found.millicpus == 10 * max(hundredths, default=0)
        sizes = [count * (each.memory_bytes >> 20) for count, each in zip(counts, frozen, strict=True)]
        assert found.memory_mb == max(sizes, default=0)


@pytest.mark.parametrize(
    ("moment", "start", "end"),
    [
        ("2026-11-30T23:59:59+00:00", "2026-11-01", "2026-12-01"),
        ("2026-12-01T00:00:00+00:00", "2026-12-01", "2027-01-01"),
        ("2026-12-31T23:30:00-02:00", "2027-01-01", "2027-02-01"),
        ("2028-02-29T12:00:00+00:00", "2028-02-01", "2028-03-01"),
    ],
)
def test_a_month_is_one_of_utc(moment: str, start: str, end: str) -> None:
    found = Month.of(datetime.fromisoformat(moment))
    assert (found.start.isoformat()[:10], found.end.isoformat()[:10]) == (start, end)
    assert found.start.tzinfo is UTC


def test_builds_count_in_the_month_that_they_lie_in_and_add_up_over_both() -> None:
    turn = datetime(2026, 12, 1, tzinfo=UTC)
    hour = timedelta(hours=1)
    builds = [(turn - hour, turn + hour), (turn - 3 * hour, turn - 2 * hour), (turn + hour, None)]
    now = turn + 2 * hour
    assert built_s(builds, Month.of(turn - hour), now) == 2 * 3600
    assert built_s(builds, Month.of(now), now) == 2 * 3600


def test_a_clock_that_was_set_back_takes_no_time_from_others() -> None:
    at = datetime(2026, 12, 10, tzinfo=UTC)
    builds = [(at, at - timedelta(hours=1)), (at, at + timedelta(seconds=1.2))]
    assert built_s(builds, Month.of(at), at) == 2

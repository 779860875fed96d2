"""Limits of apps and of tenants: what can be one, and how a list of them changes."""

from __future__ import annotations

import math
from typing import Any

import pytest

from slipway.core.app_settings import limits
from slipway.core.app_settings.limits import DAY_S, MOST_OF_ONE, Limit
from slipway.core.app_settings.model import parse, traffic
from slipway.core.routing.route_entries import Service, entry
from slipway.errors import InvalidInput

CALLS = {"name": "calls", "requests": 100, "per_s": 60}
PARALLEL = {"name": "parallel", "at_once": 10, "by": "all", "dry_run": True}


def test_a_limit_is_of_requests_in_a_time_or_at_one_time() -> None:
    found = parse({"limits": [CALLS, PARALLEL]}).limits
    assert [(each.requests, each.per_s, each.at_once) for each in found] == [(100, 60, None), (None, None, 10)]
    assert [(each.by, each.dry_run) for each in found] == [("caller", False), ("all", True)]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"requests": 5}, "say either requests and per_s, or at_once"),
        ({"per_s": 5}, "say either requests and per_s, or at_once"),
        ({}, "say either requests and per_s, or at_once"),
        ({"requests": 5, "per_s": 5, "at_once": 5}, "say either requests and per_s, or at_once"),
        ({"requests": 5, "at_once": 5}, "say either requests and per_s, or at_once"),
        ({"requests": 200_000, "per_s": DAY_S}, "too large to be counted"),
        ({"at_once": 5, "by": "mood"}, "by must be"),
        ({"at_once": 5, "burst": 7}, "burst is not a setting"),
    ],
)
def test_what_is_no_limit_is_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        limits.parse({"name": "calls"} | wrong)
    with pytest.raises(InvalidInput, match=why):
        parse({"limits": [{"name": "calls"} | wrong]})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1, 0, 0.5, 1e300, 10**400])
@pytest.mark.parametrize("name", ["requests", "per_s", "at_once"])
def test_no_number_is_without_bounds(name: str, value: float) -> None:
    with pytest.raises(InvalidInput, match=name):
        limits.parse({"name": "calls", name: value})


@pytest.mark.parametrize("name", ["", "Calls", "a b", 'a"', "a/b", "-a", "a-", "a" * 41, "\u00e4"])
def test_a_name_can_stand_in_a_header(name: str) -> None:
    with pytest.raises(InvalidInput, match="name"):
        limits.parse({"name": name, "at_once": 5})


def test_two_of_one_name_are_refused_and_so_are_too_many() -> None:
    with pytest.raises(InvalidInput, match="two of them have the name calls"):
        parse({"limits": [CALLS, CALLS]})
    with pytest.raises(InvalidInput, match="limits"):
        parse({"limits": [{"name": f"l{number}", "at_once": 1} for number in range(MOST_OF_ONE + 1)]})


def test_one_takes_the_place_of_the_one_of_its_name() -> None:
    first = limits.with_limit([], Limit(**CALLS))
    both = limits.with_limit(first, Limit(**PARALLEL))
    assert both == [CALLS, PARALLEL]
    assert limits.with_limit(both, Limit(name="calls", at_once=3)) == [{"name": "calls", "at_once": 3}, PARALLEL]
    full = [{"name": f"l{number}", "at_once": 1} for number in range(MOST_OF_ONE)]
    with pytest.raises(InvalidInput, match="at most"):
        limits.with_limit(full, Limit(**CALLS))


def test_what_is_kept_reads_back() -> None:
    assert limits.read([CALLS, PARALLEL]) == (Limit(**CALLS), Limit(**PARALLEL))
    assert [limits.kept(each) for each in limits.read([CALLS, PARALLEL])] == [CALLS, PARALLEL]


def test_an_entry_has_those_of_the_app_and_of_its_tenant() -> None:
    """What is counted apart has another id; what clients see has another name."""
    chosen = traffic({"limits": [CALLS]}, {})
    service = Service(
        42, "shop", "acme", traffic=chosen, tenant_id=7, tenant_limits=(Limit(**PARALLEL), Limit(**CALLS))
    )
    assert entry(service, 1)["limits"] == [
        {**CALLS, "id": "app-42/calls"},
        {**PARALLEL, "id": "tenant-7/parallel", "name": "tenant/parallel"},
        {**CALLS, "id": "tenant-7/calls", "name": "tenant/calls"},
    ]
    assert "limits" not in entry(Service(42, "shop", "acme"), 1)


def test_the_files_list_takes_the_place_of_the_apps() -> None:
    assert [each.name for each in traffic({"limits": [CALLS]}, {"limits": [PARALLEL]}).limits] == ["parallel"]
    assert traffic({"limits": [CALLS]}, {"limits": []}).limits == ()

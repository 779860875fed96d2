"""The route table's entries, and what of it has to be published."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from slipway.core.app_settings.difference import difference
from slipway.core.app_settings.model import Traffic, traffic
from slipway.core.routing.route_entries import (
    NOT_DEPLOYED,
    SCALED_TO_ZERO,
    Backend,
    Publication,
    Service,
    confirmed_by_all,
    entry,
    publication,
)


def test_an_entry_is_as_the_protocol_says() -> None:
    service = Service(42, "shop", "acme", (Backend("r-2", "10.0.0.3", 8000), Backend("r-1", "10.0.0.2", 8000)))
    assert entry(service, 412) == {
        "app": "42",
        "name": "shop",
        "tenant": "acme",
        "generation": 412,
        "targets": [
            {"id": "r-1", "address": "10.0.0.2", "port": 8000},
            {"id": "r-2", "address": "10.0.0.3", "port": 8000},
        ],
        "timeouts": {"connect_s": 2, "read_s": 60},
        "max_body_bytes": 104857600,
    }


def test_what_stands_by_is_named_apart() -> None:
    standby = (Backend("r-0", "10.0.0.9", 5000),)
    made = entry(Service(42, "shop", "acme", (Backend("r-1", "10.0.0.2", 8000),), standby), 1)
    assert [target["id"] for target in made["targets"]] == ["r-1"]
    assert made["standby"] == [{"id": "r-0", "address": "10.0.0.9", "port": 5000}]


def test_an_app_without_a_ready_replica_has_an_entry_without_targets() -> None:
    assert entry(Service(1, "shop", "acme"), 1)["targets"] == []


def targets_and_choices(chosen: Traffic) -> tuple[list[object], dict[str, object]]:
    backends = tuple(Backend(f"r-{slot}", f"10.0.0.{slot}", 8000, slot) for slot in (1, 2, 3))
    made = entry(Service(1, "shop", "acme", backends, traffic=chosen), 1)
    plain = entry(Service(1, "shop", "acme"), 1)
    weights = [target.get("weight") for target in made["targets"]]
    return weights, {key: value for key, value in made.items() if key not in plain}


@pytest.mark.parametrize(
    ("settings", "weights", "choices"),
    [
        ({}, [None, None, None], {}),
        ({"weights": [3]}, [None, None, None], {}),
        ({"balancing": "weighted", "weights": [3, 0]}, [3, 0, None], {"balancing": "weighted"}),
        ({"balancing": "least_load"}, [None, None, None], {"balancing": "least_load"}),
        ({"max_concurrency": 8}, [None, None, None], {"max_concurrency": 8}),
        ({"waiting": {"mb": 1, "timeout_s": 3}}, [None] * 3, {"waiting": {"bytes": 1 << 20, "timeout_s": 3}}),
        ({"ejection": {"failures": 0}}, [None] * 3, {"ejection": {"failures": 0}}),
        ({"breaker": {"failures": 3, "pause_s": 5}}, [None] * 3, {"breaker": {"failures": 3}}),
    ],
)
def test_an_entry_carries_what_was_chosen(
    settings: dict[str, object], weights: list[object], choices: dict[str, object]
) -> None:
    assert targets_and_choices(traffic(settings, {})) == (weights, choices)


@pytest.mark.parametrize("why", [NOT_DEPLOYED, SCALED_TO_ZERO])
def test_an_app_that_shall_not_run_says_why(why: str) -> None:
    assert entry(Service(1, "shop", "acme", stopped=why), 1)["stopped"] == why


def test_an_entry_has_the_apps_time_outs_and_largest_body() -> None:
    chosen = traffic({"timeouts": {"connect_s": 7, "drain_s": 3}, "max_body_mb": 1}, {"timeouts": {"read_s": 9}})
    made = entry(Service(1, "shop", "acme", traffic=chosen), 1)
    assert (made["timeouts"], made["max_body_bytes"]) == ({"connect_s": 7, "read_s": 9}, 1 << 20)


def test_the_files_choice_goes_before_the_apps() -> None:
    chosen = traffic({"balancing": "weighted", "max_concurrency": 4, "port": 80}, {"balancing": "least_load"})
    assert (chosen.balancing, chosen.max_concurrency) == ("least_load", 4)


def test_the_edge_has_the_same_defaults() -> None:
    """An entry leaves them out."""
    source = (Path(__file__).parents[4] / "nginx/lua/slipway/routes/entry.lua").read_text()
    plain = Traffic()
    for name, row in (
        ("WAITING", plain.waiting.model_dump(exclude={"mb"}) | {"bytes": plain.waiting.mb << 20}),
        ("EJECTION", plain.ejection.model_dump()),
        ("BREAKER", plain.breaker.model_dump()),
    ):
        [said] = re.findall(rf"^local {name} = {{ (.*) }}$", source, re.MULTILINE)
        numbers = {
            key: math.prod(map(float, value.split("*"))) for key, value in re.findall(r"(\w+) = ([\d *]+)", said)
        }
        assert {key: numbers[key] for key in row} == row


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"port": 80}, {"port": 80, "balancing": "weighted"}, True),
        ({"waiting": {"mb": 1}}, {}, True),
        ({"port": 80}, {"port": 81, "balancing": "weighted"}, False),
        ({}, {"timeouts": {"read_s": 5, "connect_s": 1}, "max_body_mb": 5}, True),
        ({}, {"access": {"allow": "tenant"}}, True),
        ({"timeouts": {"read_s": 5}}, {"timeouts": {"read_s": 5, "drain_s": 1}}, False),
        ({"timeouts": {"read_s": 5, "drain_s": 1}}, {"timeouts": {"drain_s": 1}}, True),
    ],
)
def test_some_settings_need_no_new_replicas(
    before: dict[str, object], after: dict[str, object], expected: bool
) -> None:
    assert (not difference(before, after, {}).replicas) is expected


def test_an_entry_says_of_access_what_is_not_public() -> None:
    plain, public = (
        Service(1, "shop", "acme"),
        Service(1, "shop", "acme", traffic=traffic({"access": {"allow": "public"}}, {})),
    )
    assert "access" not in entry(plain, 1)
    assert entry(plain, 1, sign_on=True)["access"] == {"policies": [["tenant"]], "default": 0, "paths": []}
    assert "access" not in entry(public, 1, sign_on=True)


@pytest.mark.parametrize("sign_on", [True, False])
def test_policies_that_nobody_understands_admit_nobody(sign_on: bool) -> None:
    made = entry(Service(1, "shop", "acme", access_is_readable=False), 1, sign_on=sign_on)
    assert made["access"] == "unreadable"


EVERYTHING = Publication(everything=True)


@pytest.mark.parametrize(
    ("published", "changed", "expected"),
    [
        (("e", 5), {4, 5}, Publication()),
        (("e", 3), {4, 5}, Publication((4, 5))),
        (("e", 3), {5}, EVERYTHING),
        (("e", 3), set(), EVERYTHING),
        (("e", 6), {6}, EVERYTHING),
        (("other", 5), {5}, EVERYTHING),
        (None, {5}, EVERYTHING),
    ],
    ids=["all is published", "deltas", "a gap", "trimmed", "from the future", "foreign epoch", "lost"],
)
def test_what_to_publish(published: tuple[str, int] | None, changed: set[int], expected: Publication) -> None:
    assert publication("e", 5, published, changed) == expected


@pytest.mark.parametrize(
    ("confirmed", "expected"),
    [
        ({"a": ("e", 7), "b": ("e", 5)}, 5),
        ({"a": ("e", 7)}, None),
        ({"a": ("e", 7), "b": ("old", 9)}, None),
        ({"a": ("e", 7), "b": ("e", 6), "stranger": ("e", 1)}, 6),
    ],
    ids=["the slowest counts", "one is silent", "one is in another epoch", "strangers do not count"],
)
def test_only_what_every_registered_edge_confirmed_counts(
    confirmed: dict[str, tuple[str, int]], expected: int | None
) -> None:
    assert confirmed_by_all(["a", "b"], confirmed, "e") == expected

"""What an edge writes, and what it never would."""

from __future__ import annotations

import json
from typing import Any

import pytest

from slipway.core.usage.records import NOBODY, Position, UnreadableRecord, parse, position_of

HERE = Position("edge-1", "6756f0001a2b3c", 412)
APPS = {"42": [0, 31, 2, 1, 0, 18722, 903311, 411], "": [0, 0, 0, 3, 0, 411, 1560, 0]}


def text(**values: Any) -> str:
    return json.dumps({"sequence": 412, "from": 1767225600.104, "to": 1767225601.105, "apps": APPS} | values)


def test_what_each_app_used_and_what_belongs_to_none() -> None:
    found = parse(HERE, text())
    assert found.apps[42] == {
        "requests_2xx": 31,
        "requests_3xx": 2,
        "requests_4xx": 1,
        "bytes_in": 18722,
        "bytes_out": 903311,
        "duration_ms": 411,
    }
    assert found.apps[NOBODY] == {"requests_4xx": 3, "bytes_in": 411, "bytes_out": 1560}


def test_how_long_requests_took_may_follow() -> None:
    found = parse(HERE, text(apps={"7": [0, 3, 0, 0, 0, 1, 1, 20, 1, *[0] * 13, 2]}))
    assert (found.apps[7]["latency_1"], found.apps[7]["latency_15"]) == (1, 2)


@pytest.mark.parametrize(
    "apps",
    [
        *({"x": APPS["42"]}, {"-1": APPS["42"]}, {str(1 << 31): APPS["42"]}, {"1": [1] * 9}, {"1": []}, {"1": None}),
        *({"1": [-1] * 8}, {"1": [1.5] * 8}, {"1": [1 << 60] * 8}, {"1": ["1"] * 8}, {"1": [True] * 8}, [], None),
    ],
)
def test_apps_that_no_edge_writes_are_not_counted(apps: Any) -> None:
    with pytest.raises(UnreadableRecord):
        parse(HERE, text(apps=apps))


@pytest.mark.parametrize(
    "bad",
    [
        *("", "{", "null", "[]", "{}", "9" * 5000, "[" * 100_000, text(to=1.0), text(**{"from": -1, "to": 1})),
        *(text(to="now"), text(to=float("nan")), text(to=float("inf")), text(to=None)),
    ],
)
def test_a_text_that_no_edge_writes_is_not_counted(bad: str) -> None:
    with pytest.raises(UnreadableRecord):
        parse(HERE, bad)


@pytest.mark.parametrize(
    "fields",
    [
        *({}, {"edge": "e", "boot": "b"}, {"edge": "e", "boot": "b", "sequence": "0"}),
        *({"edge": "e", "boot": "b", "sequence": "-1"}, {"edge": "e", "boot": "b", "sequence": "1.5"}),
        *({"edge": "e", "boot": "b", "sequence": "9" * 30}, {"edge": "e", "boot": "b", "sequence": "²"}),
        *({"edge": "e" * 41, "boot": "b", "sequence": "1"}, {"edge": "e", "boot": "", "sequence": "1"}),
    ],
)
def test_an_entry_without_a_place_is_no_record(fields: dict[str, str]) -> None:
    with pytest.raises(UnreadableRecord):
        position_of(fields)

from __future__ import annotations

from typing import Any

import pytest

from slipway.core.identity.differences import Difference, differences, merged, missing


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "c", "d": "e"}}),
        ({"a": ""}, {}),
        ({"a": []}, {"a": None}),
    ],
)
def test_what_is_there_beside_is_nobodys_concern(wanted: dict[str, Any], found: dict[str, Any]) -> None:
    assert differences("it", wanted, found) == []


@pytest.mark.parametrize(
    ("wanted", "found", "sentence"),
    [
        ({"on": True}, {"on": False}, "it: on is off, not on"),
        ({"on": False}, {}, "it: on is not set, not off"),
        ({"a": {"b": "c"}}, {"a": {"b": "x"}}, "it: a.b is x, not c"),
        ({"a": {"b": "c"}}, {}, "it: a.b is not set, not c"),
        ({"a": ["x"]}, {"a": ["x", "y"]}, "it: a is x, y, not x"),
        ({"a": []}, {"a": ["x"]}, "it: a is x, not empty"),
        ({"a": 0}, {"a": 60}, "it: a is 60, not 0"),
        ({"secret": "wanted"}, {"secret": "found"}, "it: secret is (hidden), not (hidden)"),
    ],
)
def test_what_differs_is_a_sentence(wanted: dict[str, Any], found: dict[str, Any], sentence: str) -> None:
    assert [each.sentence for each in differences("it", wanted, found)] == [sentence]


def test_what_is_missing_or_left_is_a_sentence() -> None:
    assert missing("client x").sentence == "client x: missing"
    assert Difference("group y", "", None, None, "somebody has to decide").sentence == "group y: somebody has to decide"


def test_a_repair_keeps_what_is_there_beside() -> None:
    found = {"a": {"b": "x", "theirs": 1}, "list": ["old"], "theirs": 2}
    repaired = merged({"a": {"b": "c"}, "list": ["new"]}, found)
    assert repaired == {"a": {"b": "c", "theirs": 1}, "list": ["new"], "theirs": 2}
    assert found["a"] == {"b": "x", "theirs": 1}

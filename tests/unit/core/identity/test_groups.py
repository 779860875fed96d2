from __future__ import annotations

from typing import Any

from slipway.core.identity.groups import MARK, Found, find


def group(name: str, mark: str = "") -> dict[str, Any]:
    return {"name": name, "attributes": {MARK: [mark]} if mark else {}}


def test_none_is_there() -> None:
    assert find("acme", "1.1", [group("other", "2.2"), group("mine")]) == Found(None)


def test_the_marked_one_is_it_under_whatever_name() -> None:
    renamed = group("acme-old", "1.1")
    assert find("acme", "1.1", [group("other"), renamed]).group is renamed


def test_one_without_a_mark_is_taken_by_its_name() -> None:
    made_by_hand = group("acme")
    assert find("acme", "1.1", [made_by_hand]) == Found(made_by_hand)


def test_one_of_another_tenant_is_never_taken() -> None:
    found = find("acme", "7.7", [group("acme", "1.1")])
    assert found.group is None
    assert "another tenant of that name" in found.left


def test_two_that_could_be_it_are_a_persons_to_decide() -> None:
    found = find("acme", "1.1", [group("acme-old", "1.1"), group("acme")])
    assert found.group is None
    assert "renamed to acme-old" in found.left

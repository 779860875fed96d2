"""The route table's entries, and what of it has to be published."""

from __future__ import annotations

import pytest

from slipway.core.routing import Backend, Publication, Service, confirmed_by_all, entry, publication


def test_an_entry_is_as_the_protocol_says() -> None:
    service = Service(42, "shop", "acme", (Backend("r-2", "10.0.0.3", 8000), Backend("r-1", "10.0.0.2", 8000)), 2, 60)
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


def test_an_app_without_a_ready_replica_has_an_entry_without_targets() -> None:
    assert entry(Service(1, "shop", "acme"), 1)["targets"] == []


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

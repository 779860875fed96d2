"""Who has to act on changed settings."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.core.app_settings.difference import difference


@pytest.mark.parametrize(
    ("processes", "needs_replicas", "first_scales"),
    [
        ({"web": {"replicas": 3}}, False, {"web": 3}),
        ({"web": {"command": "serve", "replicas": 3}}, True, {"web": 3}),
        ({"clock": {"command": "tick", "replicas": 2}}, False, {"clock": 2}),
        ({"clock": {"command": "tick"}, "mail": {"replicas": 1}}, True, {"mail": 1}),
        ({"clock": {"command": "tick", "replicas": None}}, False, {}),
        ({"clock": {"command": "tock"}}, True, {}),
        ({}, True, {}),
    ],
)
def test_how_many_replicas_a_process_begins_with_changes_no_replica(
    processes: dict[str, Any], needs_replicas: bool, first_scales: dict[str, int]
) -> None:
    before = {"processes": {"clock": {"command": "tick"}}}
    changed = difference(before, {"processes": before["processes"] | processes} if processes else {})
    assert (changed.replicas, changed.first_scales) == (needs_replicas, first_scales)

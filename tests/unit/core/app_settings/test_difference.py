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
    changed = difference(before, {"processes": before["processes"] | processes} if processes else {}, {})
    assert (changed.replicas, changed.first_scales) == (needs_replicas, first_scales)


FILE = {"health_path": "/health", "balancing": "weighted", "timeouts": {"probe_s": 5}, "resources": {"pids": 64}}


@pytest.mark.parametrize(
    ("after", "edges", "replicas", "behind"),
    [
        ({"health_path": "/nothere"}, False, False, ("health_path",)),
        ({"balancing": "least_load"}, False, False, ("balancing",)),
        ({"timeouts": {"probe_s": 9}}, False, False, ("timeouts.probe_s",)),
        ({"timeouts": {"probe_s": 9, "stop_s": 1}}, False, True, ("timeouts.probe_s",)),
        ({"resources": {"memory_mb": 64}}, False, True, ()),
        ({"health_path": "/nothere", "port": 9000}, False, True, ("health_path",)),
        ({"balancing": "least_load", "timeouts": {"connect_s": 9}}, True, False, ("balancing",)),
        ({}, False, False, ()),
    ],
)
def test_what_the_live_commits_file_goes_before_is_nobodys_to_act_on(
    after: dict[str, Any], behind: tuple[str, ...], *, edges: bool, replicas: bool
) -> None:
    for changed in (difference({}, after, FILE), difference(after, {}, FILE)):
        assert (changed.edges, changed.replicas, changed.behind_file) == (edges, replicas, behind)

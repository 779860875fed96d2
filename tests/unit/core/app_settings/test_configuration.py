"""The configuration snapshot of a release."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from slipway.core.app_settings.configuration import DEFAULT_PORT, WEB, Configuration, Defaults, snapshot
from slipway.core.app_settings.model import parse
from slipway.core.app_settings.volumes import Mount

DEFAULTS = Defaults(
    memory_bytes=512 << 20,
    cpus=1,
    pids=256,
    probe_timeout_s=30,
    watch_s=10,
    drain_grace_s=30,
    stop_grace_s=10,
    pre_deploy_timeout_s=600,
)

OLDEST: dict[str, Any] = {
    "port": 5000,
    "health_path": None,
    "commands": {"web": None, "worker": ["work", "--fast"]},
    "variables": {"A": "sealed"},
    "memory_bytes": 64 << 20,
    "cpus": 0.5,
    "pids": 16,
    "read_only": True,
    "strategy": "rolling",
    "pre_deploy": ["migrate"],
    "probe_timeout_s": 30,
    "connect_timeout_s": 2,
    "read_timeout_s": 60,
    "drain_grace_s": 5,
    "stop_grace_s": 10,
    "pre_deploy_timeout_s": 600,
    "max_body_bytes": 1 << 20,
    "volumes": {},
}
"""As the first version of Slipway stored what a release froze. It never changes: rows like it are in databases."""


def made(settings: dict[str, Any] | None = None, *, exposed: int | None = None, **variables: str) -> Configuration:
    return snapshot(parse(settings or {}), DEFAULTS, variables=variables, exposed_port=exposed)


@pytest.mark.parametrize(
    ("settings", "exposed", "port"),
    [({}, None, DEFAULT_PORT), ({}, 5000, 5000), ({"port": 3000}, 5000, 3000), ({"port": 3000}, None, 3000)],
)
def test_the_port_is_the_settings_else_the_images_else_the_default(
    settings: dict[str, Any], exposed: int | None, port: int
) -> None:
    assert made(settings, exposed=exposed).port == port


def test_an_app_that_says_nothing_gets_the_hosts_defaults() -> None:
    found = made()
    assert (found.memory_bytes, found.cpus, found.pids) == (512 << 20, 1, 256)
    assert (found.probe_timeout_s, found.drain_grace_s, found.stop_grace_s) == (30, 30, 10)
    assert (found.health_path, found.pre_deploy, found.read_only, found.strategy) == (None, None, True, "rolling")
    assert found.commands == {WEB: None}


def test_what_an_app_says_goes_before_the_defaults() -> None:
    found = made(
        {
            "resources": {"memory_mb": 64, "cpus": 0.5, "pids": 16, "read_only": False},
            "timeouts": {"drain_s": 0, "stop_s": 0, "probe_s": 5, "pre_deploy_s": 7},
        }
    )
    assert (found.memory_bytes, found.cpus, found.pids, found.read_only) == (64 << 20, 0.5, 16, False)
    assert (found.drain_grace_s, found.stop_grace_s, found.probe_timeout_s) == (0, 0, 5), "zero is a value"
    assert found.pre_deploy_timeout_s == 7


def test_commands_are_split_like_a_shell_splits_words_and_run_by_none() -> None:
    found = made({"processes": {"web": {"command": "run --name 'a b' $HOME;id"}, "worker": {}}, "pre_deploy": "m x"})
    assert found.commands == {"web": ("run", "--name", "a b", "$HOME;id"), "worker": None}
    assert found.pre_deploy == ("m", "x")


@pytest.mark.parametrize(
    "settings", [{}, {"processes": {"web": {"command": "a b"}, "worker": {"command": "c"}}, "pre_deploy": "d e"}]
)
def test_a_snapshot_comes_back_from_json_as_it_was(settings: dict[str, Any]) -> None:
    found = replace(made(settings, A="sealed"), volumes=(Mount("data", "/data", ("web",), shared=False),))
    assert Configuration.from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize(
    ("settings", "probe"), [({}, "http"), ({"health": "tcp"}, "tcp"), ({"health_path": "/health"}, "path")]
)
def test_ready_is_an_answer_unless_the_app_says_that_it_gives_none(settings: dict[str, Any], probe: str) -> None:
    assert made(settings).probe == probe


@pytest.mark.parametrize(("path", "probe"), [(None, "tcp"), ("/health", "path")])
def test_a_release_frozen_before_there_was_a_choice_runs_as_it_ran(path: str | None, probe: str) -> None:
    older = {name: value for name, value in made().to_json().items() if name not in ("health", "watch_s")}
    found = Configuration.from_json(older | {"health_path": path})
    assert (found.probe, found.watch_s) == (probe, 0)


@pytest.mark.parametrize(("timeouts", "watch_s"), [({}, 10), ({"watch_s": 0}, 0), ({"watch_s": 60}, 60)])
def test_how_long_a_release_is_watched_is_frozen_with_it(timeouts: dict[str, Any], watch_s: float) -> None:
    assert made({"timeouts": timeouts}).watch_s == watch_s


def test_what_releases_no_longer_freeze_is_left_out() -> None:
    found = made()
    older = found.to_json() | {"connect_timeout_s": 2, "max_body_bytes": 1 << 20}
    assert Configuration.from_json(older) == found


def test_a_release_of_the_first_version_can_be_read_so_every_newer_field_has_a_default() -> None:
    found = Configuration.from_json(OLDEST)
    assert (found.port, found.memory_bytes, found.cpus, found.pids) == (5000, 64 << 20, 0.5, 16)
    assert (found.commands, found.pre_deploy) == ({"web": None, "worker": ("work", "--fast")}, ("migrate",))
    assert (found.volumes, found.stream_grace_s, found.probe, found.watch_s) == ((), 0, "tcp", 0)


def test_later_changes_of_the_variables_leave_the_snapshot_alone() -> None:
    variables = {"A": "sealed"}
    found = snapshot(parse({}), DEFAULTS, variables=variables, exposed_port=None)
    variables["A"] = "changed"
    assert found.variables == {"A": "sealed"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 300),
        ({"timeouts": {"websocket_drain_s": 20}}, 20),
        ({"strategy": "recreate"}, 0),  # nothing serves meanwhile
    ],
)
def test_streams_have_a_grace_of_their_own(settings: dict[str, Any], expected: float) -> None:
    found = snapshot(parse(settings), DEFAULTS, variables={}, exposed_port=None)
    assert found.stream_grace_s == expected

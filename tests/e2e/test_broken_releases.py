"""A release that can't answer takes no request, and one that stops answering gives way: nobody notices, and its
deployment says what happened."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.servers import CASES, REQUIREMENTS, Case
from tests.fixtures.load.clients import Crowd
from tests.fixtures.load.crowds import Tally, crowds
from tests.fixtures.stack import Checkout, Stack
from tests.fixtures.waiting import eventually

SLOW_IMPORT_S = 8.0
INSTALLED_S = 300.0
"""What the servers' installation and eight builds may take on a busy host."""


def test_no_request_fails_whatever_is_wrong_with_a_new_release(stack: Stack, tmp_path: Any) -> None:
    checkouts = {case.name: stack.app(case.name, source=tmp_path) for case in CASES}
    for deployment in _push(stack, checkouts, "v1"):
        assert deployment["state"] == "live", json.dumps(deployment, indent=1)
    visitors = [Crowd(f"{case.name}.localhost", getters=2, pause_s=0.05) for case in CASES]
    with crowds(stack.port, *visitors) as load:
        deployments = dict(zip(checkouts, _push(stack, checkouts, "v2"), strict=True))
        for case in CASES:
            if case.watch_s:
                deployments[case.name] = _gave_way(stack, case, deployments[case.name])
        tallies = load.stop_all()
    for case in CASES:
        _check(stack, case, deployments[case.name], tallies[f"{case.name}.localhost"])
    _started_slowly(deployments["slow"])
    _speaks_its_own_protocol(stack, checkouts["nohttp"])


def _push(stack: Stack, checkouts: dict[str, Checkout], version: str) -> list[dict[str, Any]]:
    """All apps at once; their deployments when the outcome of each is known."""
    commits = {}
    for case in CASES:
        source = case.good if version == "v1" else case.bad
        files = {
            "VERSION": version,
            "app__py": source,
            "slipway__toml": case.settings(),
            "requirements__txt": REQUIREMENTS,
        }
        commits[case.name] = checkouts[case.name].commit(version, **files)
        checkouts[case.name].push()
    found = {name: stack.deployment_of(name, commit)["id"] for name, commit in commits.items()}
    return [stack.ended(number, within_s=INSTALLED_S) for number in found.values()]


def _gave_way(stack: Stack, case: Case, deployment: dict[str, Any]) -> dict[str, Any]:
    """It answers before it fails, so it may have gone live first. The command says how it ended either way."""
    assert deployment["state"] in ("live", "failed")
    seen = stack.cli("deployments", "show", str(deployment["id"]), "-a", case.name, "--watch", check=False)
    assert f"Error {case.reason}" in seen, seen
    return stack.reaches(deployment["id"], "failed")


def _check(stack: Stack, case: Case, deployment: dict[str, Any], tally: Tally) -> None:
    assert tally.failures == [], case.name
    assert (deployment["state"], deployment["reason"]) == (case.ends, case.reason), json.dumps(deployment, indent=1)
    everything = "\n".join([deployment["detail"], deployment["remedy"], deployment["tail"]])
    for words in case.mentions:
        assert words in everything, json.dumps(deployment, indent=1)
    serves = "v2" if case.ends == "live" else "v1"
    assert stack.get(case.name).text == serves
    assert set(tally.versions) <= {"v1", "v2"}
    if "switch" not in [step["name"] for step in deployment["steps"]]:
        assert set(tally.versions) == {"v1"}, f"{case.name}: what never was ready answered"
    eventually(lambda: _ready(stack, case.name) == [True], what=f"one replica of {case.name}, which is ready")


def _ready(stack: Stack, app: str) -> list[bool]:
    return [each["state"] == "ready" for each in stack.call("GET", f"/apps/{app}/replicas")["replicas"]]


def _started_slowly(deployment: dict[str, Any]) -> None:
    [start] = [step for step in deployment["steps"] if step["name"] == "start"]
    assert start["seconds"] >= SLOW_IMPORT_S, "it was taken for ready while it was imported"
    assert start["note"] == "1 replica, answered GET /"


def _speaks_its_own_protocol(stack: Stack, checkout: Checkout) -> None:
    """What speaks no HTTP and says so is ready when it takes a connection."""
    [case] = [each for each in CASES if each.name == "nohttp"]
    commit = checkout.commit("v3", VERSION="v3", slipway__toml=f'health = "tcp"\n{case.settings()}')
    checkout.push()
    deployment = stack.ended(stack.deployment_of("nohttp", commit)["id"])
    assert deployment["state"] == "live", json.dumps(deployment, indent=1)

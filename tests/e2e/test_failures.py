"""A deployment that fails leaves the old release serving and says what happened, what it means and what to do."""

from __future__ import annotations

import json

import pytest

from tests.fixtures.stack import Stack

BROKEN = "FROM python:3.11-slim\nRUN echo about to fail && false\n"
HASTY = 'health_path = "/health"\n[timeouts]\nprobe_s = 3\n'
CASES = {
    "badbuild": ({"Dockerfile": BROKEN}, "build-failed", "about to fail"),
    "badprobe": ({"BEHAVIOUR": "unhealthy\n", "slipway__toml": HASTY}, "start-probe-failed", "500"),
    "badstart": ({"BEHAVIOUR": "crash\n"}, "start-crashed", "DATABASE_URL"),
}


@pytest.mark.parametrize("app", CASES)
def test_a_failed_deployment_explains_itself_and_the_old_release_serves(stack: Stack, app: str) -> None:
    files, reason, expected = CASES[app]
    checkout = stack.app(app)
    good = stack.deploy(app, checkout, "good")
    failed = stack.deploy(app, checkout, "bad", expect="failed", **files)
    assert failed["reason"] == reason
    assert failed["remedy"]
    assert expected in failed["detail"] + failed["tail"]
    assert failed["serving"]["id"] == good["id"]
    assert stack.get(app).text == "good"
    shown = stack.cli("deployments", "show", str(failed["id"]), "-a", app)
    for part in (reason, failed["remedy"].splitlines()[0], expected):
        assert part in shown
    assert "Traceback (most recent call last)" not in failed["detail"]
    assert len(stack.call("GET", f"/apps/{app}/replicas")["replicas"]) == 1


def test_a_start_that_misses_a_variable_names_it(stack: Stack) -> None:
    checkout = stack.app("nodatabase")
    failed = stack.deploy("nodatabase", checkout, "1", expect="failed", BEHAVIOUR="crash\n")
    assert "slipway env set -a nodatabase DATABASE_URL" in failed["remedy"], json.dumps(failed, indent=1)


def test_what_can_not_be_built_is_reported_with_what_was_looked_for(stack: Stack) -> None:
    checkout = stack.app("nothing")
    checkout.folder.joinpath("Dockerfile").unlink()
    failed = stack.deploy("nothing", checkout, "1", expect="failed")
    assert "Dockerfile" in failed["detail"] + failed["remedy"]

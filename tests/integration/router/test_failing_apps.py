"""What is said of each failing app of the two tables, as the API answers it and as the command shows it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest

from slipway.cli.streams import transcript
from slipway.domain import lifecycle
from slipway.errors import DeploymentFailed
from slipway.models import Deployment
from tests.fixtures.api import Api, Caller

_TABLES = Path(__file__).parents[2] / "vectors"
_TAKES_AN_APP = re.compile(r"slipway (?:env set|apps set|domains|deploy|logs)\b(?![^\n]* -a hello)")


@pytest.fixture(autouse=True)
def app(owner: Caller) -> None:
    owner.create_app()


@pytest.mark.parametrize("table", ["failing_starts", "failing_builds"])
def test_api_and_command_say_the_sentence_and_commands_that_can_be_copied(
    api: Api, developer: Caller, table: str
) -> None:
    number = developer.post("/api/apps/hello/deployments")["id"]
    for app in tomllib.loads((_TABLES / f"{table}.toml").read_text())["app"]:
        document = failed(api, developer, number, app)
        assert document["detail"] == said(app), app["name"]
        assert not _TAKES_AN_APP.search(document["remedy"]), app["name"]
        shown = click.unstyle("\n".join(transcript.whole(document)))
        assert transcript.safe(said(app)) in shown, app["name"]
        for line in document["remedy"].splitlines():
            command = line[line.find("slipway ") :] if ": slipway " in line else line
            assert command in shown, app["name"]


def said(app: dict[str, Any]) -> str:
    """The whole of it: the sentence of a start that failed completes the agent's own."""
    begins = "`" in app["sentence"] or not app["sentence"]
    return str(app["sentence"] or "it failed") if begins else f"replica web.1 ended with exit code 1: {app['sentence']}"


def failed(api: Api, developer: Caller, number: int, app: dict[str, Any]) -> dict[str, Any]:
    message, _, cause = said(app).rpartition(": ") if ": " in said(app) else (said(app), "", "")
    with api.services.db.write(platform="a test's worker") as session:
        row = session.get_one(Deployment, number)
        row.state = "queued"
        error = DeploymentFailed(
            "start-crashed", message, cause=cause, remedy=app["remedy"], tail=app["printed"].strip()
        )
        lifecycle.fail(row, error)
    return developer.get(f"/api/deployments/{number}")

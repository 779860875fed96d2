"""Pull requests of each forge that names whole commits are read from their events."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from slipway.core.push import forges, pull_request
from slipway.core.push.pull_request import PullRequest
from slipway.errors import InvalidInput
from tests.fixtures import forge_deliveries as made
from tests.fixtures.forge_deliveries import AFTER, MESSAGE, PERSON

VECTORS = Path(__file__).parents[3] / "vectors/github_pull_requests.json"
AT = datetime(2026, 11, 30, 8, tzinfo=UTC)
EVENTS: Mapping[str, tuple[Callable[..., dict[str, Any]], str, str]] = {
    "GitHub": (made.github_pull, "pull_request", "refs/pull/12/head"),
    "Forgejo": (made.github_pull, "pull_request", "refs/pull/12/head"),
    "Gitea": (made.github_pull, "pull_request", "refs/pull/12/head"),
    "Gogs": (made.github_pull, "pull_request", "refs/pull/12/head"),
    "GitLab": (made.gitlab_pull, "Merge Request Hook", "refs/merge-requests/12/head"),
    "Bitbucket Data Center": (made.data_center_pull, "pr:opened", "refs/pull-requests/12/from"),
}
NAMES = pytest.mark.parametrize("name", EVENTS)


def forge(name: str) -> forges.Forge:
    return next(each for each in forges.FORGES if each.name == name)


def test_every_forge_with_such_events_is_tried() -> None:
    assert {each.name for each in forges.FORGES if each.pull_events} == {*EVENTS}


@NAMES
def test_an_event_is_read(name: str) -> None:
    make, event, ref = EVENTS[name]
    assert event in forge(name).pull_events
    read = forge(name).pull(make("acme/hello"))
    assert read == PullRequest(
        "acme/hello", 12, True, AFTER, "cart", "main", False, ref, title=MESSAGE, author=PERSON, changed_at=AT
    )


@NAMES
def test_a_fork_is_another_repository(name: str) -> None:
    make, _, _ = EVENTS[name]
    assert forge(name).pull(make("acme/hello", fork=True)).is_fork


def test_a_repository_that_is_gone_was_a_fork() -> None:
    payload = made.github_pull("acme/hello")
    payload["pull_request"]["head"]["repo"] = None
    assert pull_request.of_github(payload).is_fork
    payload["pull_request"]["base"]["repo"] = None
    assert pull_request.of_github(payload).is_fork


def test_a_closed_one_is_not_open() -> None:
    assert not pull_request.of_github(made.github_pull("acme/hello", state="closed")).is_open


def test_a_time_that_is_none_is_not_known() -> None:
    for said in ("yesterday", None, True, 10**30, {}):
        payload = made.github_pull("acme/hello")
        payload["pull_request"]["updated_at"] = said
        assert pull_request.of_github(payload).changed_at is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("number",), "12"),
        (("number",), True),
        (("number",), 0),
        (("number",), 1 << 31),
        (("head", "sha"), "2222222"),
        (("head", "sha"), None),
        (("head",), None),
        (("head", "ref"), "a b"),
        (("head", "ref"), "\0"),
        (("head", "ref"), "x" * 300),
        (("base", "ref"), None),
    ],
)
def test_what_has_another_shape_is_refused_by_name(path: tuple[str, ...], value: object) -> None:
    payload = made.github_pull("acme/hello")
    inner = payload["pull_request"]
    for each in path[:-1]:
        inner = inner[each]
    inner[path[-1]] = value
    with pytest.raises(InvalidInput):
        pull_request.of_github(payload)


def test_a_merge_request_is_read_from_the_api() -> None:
    event = made.gitlab_pull("acme/hello")["object_attributes"]
    answer = {**event, "sha": AFTER, "author": {"username": PERSON}, "updated_at": "2026-11-30T08:00:00.000Z"}
    read = pull_request.from_gitlab(answer)
    assert (read.number, read.head, read.is_open, read.author, read.changed_at) == (12, AFTER, True, PERSON, AT)


@pytest.mark.parametrize(("action", "is_open"), [("opened", True), ("synchronize", True), ("closed", False)])
def test_githubs_published_examples_are_read(action: str, is_open: bool) -> None:
    payload = json.loads(VECTORS.read_text())[action]
    read = pull_request.of_github(payload)
    said = payload["pull_request"]
    assert (read.is_open, read.is_fork, read.head) == (is_open, False, said["head"]["sha"])
    assert (read.repository, read.number) == (payload["repository"]["full_name"], payload["number"])
    assert (read.branch, read.base, read.author) == (said["head"]["ref"], said["base"]["ref"], said["user"]["login"])
    assert read.changed_at == datetime.fromisoformat(said["updated_at"].replace("Z", "+00:00"))

"""What a pull tells, in words."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.core.build import image_names
from slipway.core.build.image_pulls import MOST_LINES, Asked, Progress, failure, runs_on, wrong_platform

ASKED = Asked(image_names.parse("registry.example/shop:1.4"), has_credential=False)
WITH_CREDENTIAL = Asked(ASKED.name, has_credential=True)
GET = 'Get "https://registry.example/v2/denied/unauthorized-x509/": '


def test_a_layer_is_shown_when_it_begins_and_when_it_is_complete() -> None:
    progress = Progress()
    events: list[dict[str, Any]] = [
        {"status": "Pulling from shop", "id": "shop@sha256:1"},
        {"status": "Already exists", "progressDetail": {}, "id": "aa"},
        {"status": "Pulling fs layer", "progressDetail": {}, "id": "bb"},
        {"status": "Downloading", "progressDetail": {"current": 1, "total": 2_500_000}, "id": "bb"},
        {"status": "Downloading", "progressDetail": {"current": 9, "total": 2_500_000}, "id": "bb"},
        {"status": "Download complete", "progressDetail": {}, "id": "bb"},
        {"status": "Extracting", "progressDetail": {"current": 1, "total": 9}, "id": "bb"},
        {"status": "Pull complete", "progressDetail": {}, "id": "bb"},
        {"status": "Digest: sha256:1"},
    ]
    shown = [line for event in events if (line := progress.add(event))]
    assert shown == ["layer aa is here already", "layer bb: 2.5 MB", "layer bb is here"]
    assert progress.note() == "pulled 2.5 MB, 1 of 2 layers were here"
    assert Progress().note() == "all of it was here"


def test_a_registry_can_not_fill_the_log() -> None:
    progress = Progress()
    shown = [progress.add({"status": "Already exists", "id": str(number)}) for number in range(MOST_LINES * 2)]
    assert len([line for line in shown if line]) == MOST_LINES


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        ("manifest unknown: manifest unknown", 404, "image-missing"),
        ("something else", 404, "image-missing"),
        ("unauthorized: authentication required", 401, "image-refused"),
        (f"{GET}no basic auth credentials", 500, "image-refused"),
        ("pull access denied for shop, repository does not exist or may require 'docker login'", 404, "image-refused"),
        ("toomanyrequests: You have reached your pull rate limit.", 429, "image-refused"),
        (f"{GET}dial tcp 192.0.2.1:443: connect: connection refused", 500, "registry-unreachable"),
        (f"{GET}dial tcp: lookup registry.example: no such host", 500, "registry-unreachable"),
        (f"{GET}x509: certificate signed by unknown authority", 500, "registry-unreachable"),
        (f"{GET}http: server gave HTTP response to HTTPS client", 500, "registry-unreachable"),
        ("timeout: no answer within 60 s", 0, "registry-unreachable"),
        ("no matching manifest for linux/amd64 in the manifest list entries", 0, "image-platform"),
        ("write /var/lib/docker/tmp/x: no space left on device", 0, "image-too-large"),
        (f"{GET}received unexpected HTTP status: 500 Internal Server Error", 500, "pull-failed"),
    ],
)
def test_a_failure_has_a_reason_a_sentence_and_a_remedy(said: str, status: int, reason: str) -> None:
    failed = failure(ASKED, said, status=status)
    assert failed.reason == reason
    assert "registry.example" in failed.message
    assert failed.remedy


def test_what_a_registry_says_can_not_drive_a_terminal() -> None:
    failed = failure(ASKED, "boo\x1b]0;x\x07m" + "x" * 1000)
    assert "\x1b" not in failed.message
    assert len(failed.message) < 400


@pytest.mark.parametrize("status", [0, 401, 403, 404, 429, 500])
@pytest.mark.parametrize(
    "said",
    [
        "error parsing HTTP 500 response body: invalid character 'T' looking for beginning of value: \"TOP-SECRET 7\"",
        'error parsing HTTP 404 response body: ...: "TOP-SECRET \\"denied\\" TOP-SECRET not found"',
        "unauthorized: TOP-SECRET",
        "toomanyrequests: TOP-SECRET",
        "TOP-SECRET",
    ],
)
def test_nothing_of_what_answered_is_repeated(said: str, status: int) -> None:
    failed = failure(ASKED, said, status=status)
    assert "TOP-SECRET" not in f"{failed.message} {failed.remedy} {failed.tail}"


def test_a_refusal_says_whether_a_credential_was_shown() -> None:
    without, with_one = (failure(asked, "denied", status=403) for asked in (ASKED, WITH_CREDENTIAL))
    assert "user:password" in without.remedy
    assert "the app's credential" in with_one.message


@pytest.mark.parametrize(
    ("platforms", "runs"),
    [
        ([("linux", "amd64")], True),
        ([("linux", "arm64"), ("linux", "amd64"), ("unknown", "unknown")], True),
        ([("linux", "386")], True),
        ([("linux", "arm64")], False),
        ([("windows", "amd64")], False),
        ([], True),
    ],
)
def test_an_image_runs_where_one_of_its_platforms_does(platforms: list[tuple[str, str]], runs: bool) -> None:
    listed = [{"os": os, "architecture": architecture} for os, architecture in platforms]
    assert runs_on(listed, "linux", "amd64") is runs


def test_a_wrong_platform_names_those_that_there_are() -> None:
    listed = [{"os": "linux", "architecture": "arm64"}, {"os": "unknown", "architecture": "unknown"}]
    failed = wrong_platform(ASKED, listed, "linux", "amd64")
    assert "made for linux/arm64" in failed.message
    assert "linux/amd64" in failed.remedy

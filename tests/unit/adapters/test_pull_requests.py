"""Comments and lists of pull requests, as GitHub and GitLab have them."""

from __future__ import annotations

import httpx
import pytest

from slipway.adapters.pull_requests import client
from slipway.adapters.pull_requests.calls import MOST_BYTES, ForgeRefused
from slipway.adapters.pull_requests.client import PAGE_SIZE, ForgeAccess, PullRequests
from slipway.errors import DependencyUnavailable
from slipway.settings import ForgeToken
from tests.fixtures import forge_deliveries as made
from tests.fixtures.forge_deliveries import AFTER
from tests.fixtures.pull_request_forge import PullRequestForge, pull_request_forge

__all__ = ["pull_request_forge"]
FORGES = PullRequests(
    [
        ForgeToken("github", "https://api.github.com", "token"),
        ForgeToken("gitlab", "https://gitlab.example", "lab"),
        ForgeToken("bitbucket", "https://api.bitbucket.org", "user:pass"),
    ],
    ["github.com/acme", "gitlab.example/acme", "bitbucket.org/acme", "other.example/acme"],
)
GITHUB, GITLAB = "git@github.com:acme/hello.git", "https://gitlab.example/acme/hello.git"
BOTH = pytest.mark.parametrize("repository", [GITHUB, GITLAB])


def access(repository: str = GITHUB) -> ForgeAccess:
    found = FORGES.access(repository)
    assert found is not None
    return found


def methods(forge: PullRequestForge) -> list[str]:
    return [each.method for each in forge.requests]


@pytest.mark.parametrize("repository", ["https://other.example/acme/hello.git", "https://bitbucket.org/acme/hello.git"])
def test_a_forge_without_a_token_or_such_an_api_is_not_called(repository: str) -> None:
    assert FORGES.access(repository) is None


@pytest.mark.parametrize(
    "repository", ["https://github.com/stranger/hello", "https://github.com/acme-two/hello", "git@github.com:a/acme/x"]
)
def test_owners_that_the_host_does_not_list_are_not_written_to(repository: str) -> None:
    assert FORGES.access(repository) is None


@BOTH
def test_a_comment_is_made_once_and_edited_afterwards(pull_request_forge: PullRequestForge, repository: str) -> None:
    number = client.comment(access(repository), 12, "", "<!-- k -->", "<!-- k --> first")
    assert client.comment(access(repository), 12, number, "<!-- k -->", "<!-- k --> second") == number
    assert pull_request_forge.bodies() == ["<!-- k --> second"]


@BOTH
def test_one_that_the_last_try_made_is_found_by_its_mark(pull_request_forge: PullRequestForge, repository: str) -> None:
    others = {number: {"id": number, "of": 12, "body": "somebody's"} for number in range(PAGE_SIZE)}
    pull_request_forge.comments = others
    first = client.comment(access(repository), 12, "", "<!-- k -->", "<!-- k --> first")
    assert client.comment(access(repository), 12, "", "<!-- k -->", "<!-- k --> again") == first
    assert pull_request_forge.bodies()[PAGE_SIZE:] == ["<!-- k --> again"]


def test_one_that_somebody_removed_stays_so(pull_request_forge: PullRequestForge) -> None:
    number = client.comment(access(), 12, "", "<!-- k -->", "<!-- k --> first")
    pull_request_forge.comments.clear()
    assert client.comment(access(), 12, number, "<!-- k -->", "<!-- k --> second") == number
    assert pull_request_forge.bodies() == []


def test_githubs_addresses_and_headers(pull_request_forge: PullRequestForge) -> None:
    number = client.comment(access(), 12, "", "k", "first")
    client.comment(access(), 12, number, "k", "second")
    assert [(each.method, str(each.url).partition("?")[0]) for each in pull_request_forge.requests] == [
        ("GET", "https://api.github.com/repos/acme/hello/issues/12/comments"),
        ("POST", "https://api.github.com/repos/acme/hello/issues/12/comments"),
        ("PATCH", f"https://api.github.com/repos/acme/hello/issues/comments/{number}"),
    ]
    assert pull_request_forge.requests[0].headers["authorization"] == "Bearer token"
    assert pull_request_forge.requests[0].headers["accept"] == "application/vnd.github+json"


def test_gitlabs_addresses_and_headers(pull_request_forge: PullRequestForge) -> None:
    number = client.comment(access(GITLAB), 12, "", "k", "first")
    client.comment(access(GITLAB), 12, number, "k", "second")
    notes = "https://gitlab.example/api/v4/projects/acme%2Fhello/merge_requests/12/notes"
    assert [(each.method, str(each.url).partition("?")[0]) for each in pull_request_forge.requests] == [
        ("GET", notes),
        ("POST", notes),
        ("PUT", f"{notes}/{number}"),
    ]
    assert pull_request_forge.requests[0].headers["private-token"] == "lab"


def test_all_pages_of_open_pull_requests_are_read(pull_request_forge: PullRequestForge) -> None:
    many = range(1, PAGE_SIZE + 2)
    pull_request_forge.pulls = {number: made.github_pull_request("acme/hello", number) for number in many}
    pull_request_forge.pulls[3]["state"] = "closed"
    pull_request_forge.pulls[4]["head"] = None
    found = client.open_pulls(access())
    assert {each.number for each in found} == {*many} - {3, 4}


def test_a_merge_request_is_read(pull_request_forge: PullRequestForge) -> None:
    of_event = made.gitlab_pull("acme/hello")["object_attributes"]
    pull_request_forge.pulls[12] = {**of_event, "sha": AFTER, "author": {"username": "ada"}}
    [listed] = client.open_pulls(access(GITLAB))
    assert client.pull_numbered(access(GITLAB), 12) == listed
    assert (listed.head, listed.ref) == (AFTER, "refs/merge-requests/12/head")


def test_one_that_is_gone_is_none(pull_request_forge: PullRequestForge) -> None:
    assert client.pull_numbered(access(), 12) is None
    assert methods(pull_request_forge) == ["GET"]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.Response(500),
        httpx.Response(429),
        httpx.Response(403, headers={"Retry-After": "60"}),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, content=b"[" + b" " * MOST_BYTES + b"]"),
    ],
)
def test_a_forge_that_does_not_answer_is_asked_later(
    pull_request_forge: PullRequestForge, answer: httpx.Response | httpx.HTTPError
) -> None:
    pull_request_forge.answers = [answer]
    with pytest.raises(DependencyUnavailable):
        client.open_pulls(access())


@pytest.mark.parametrize("status", [301, 401, 403, 422])
def test_a_refusal_is_one(pull_request_forge: PullRequestForge, status: int) -> None:
    pull_request_forge.answers = [httpx.Response(status, headers={"Location": "https://evil.example"})]
    with pytest.raises(ForgeRefused):
        client.open_pulls(access())
    assert len(pull_request_forge.requests) == 1

"""What forges are sent about a commit, without a forge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from slipway.adapters.git.commit_status import CommitStatuses, forge_tokens
from slipway.adapters.git.status_apis import STATUS_APIS, CommitStatus
from slipway.errors import DependencyUnavailable, SettingsError
from slipway.settings import FORGE_KINDS, ForgeToken, load

SHA = "9" * 40
FORGES = (
    ForgeToken("github", "https://api.github.com", "token"),
    ForgeToken("gitea", "http://git.example:3000", "tea"),
    ForgeToken("forgejo", "https://code.example/forge/", "jo"),
    ForgeToken("gitlab", "https://gitlab.example", "lab"),
    ForgeToken("bitbucket", "https://api.bitbucket.org", "user:pass"),
    ForgeToken("bitbucket-data-center", "https://bitbucket.example", "dc"),
)


def status(repository: str = "https://github.com/acme/shop.git", tenant: str = "acme") -> CommitStatus:
    return CommitStatus(repository, SHA, "success", tenant, "shop", "shop is live", "https://x.example")


class Forge:
    """Answers each status with `answer`, and keeps what it was sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[dict[str, Any]] = []
        self.answer: httpx.Response | httpx.HTTPError = httpx.Response(201)
        self.requests: list[httpx.Request] = []
        self.statuses = CommitStatuses(FORGES)
        monkeypatch.setattr(httpx.HTTPTransport, "handle_request", self._handle)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.sent.append(json.loads(request.content))
        if isinstance(self.answer, httpx.HTTPError):
            raise self.answer
        return self.answer


class EndlessBody(httpx.SyncByteStream):
    """A byte comes before each timeout, and the end never does."""

    def __init__(self) -> None:
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        raise AssertionError("the body is being read")

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Forge:
    return Forge(monkeypatch)


def test_two_tenants_apps_of_the_same_name_on_one_repository_have_a_status_each(forge: Forge) -> None:
    for tenant in ("acme", "globex"):
        forge.statuses.send(status(tenant=tenant))
    assert [each["context"] for each in forge.sent] == ["slipway/acme/shop", "slipway/globex/shop"]


@pytest.mark.parametrize(
    "repository",
    [
        "https://other.example/acme/shop.git",
        "http://git.example:3001/acme/shop.git",
        "https://github.com.evil.example/acme/shop.git",
        "https://github.com/acme/team/shop.git",
        "https://gitlab.example/shop.git",
        "https://gitlab.example/a%2F..%2Fb/shop.git",
    ],
)
def test_another_host_gets_no_status_and_no_token(forge: Forge, repository: str) -> None:
    forge.statuses.send(status(repository))
    assert forge.sent == []


@pytest.mark.parametrize(
    ("repository", "url", "headers", "document"),
    [
        (
            "git@github.com:acme/shop.git",
            f"https://api.github.com/repos/acme/shop/statuses/{SHA}",
            {"authorization": "Bearer token", "accept": "application/vnd.github+json"},
            {"state": "success", "context": "slipway/acme/shop", "target_url": "https://x.example"},
        ),
        (
            "ssh://git@git.example:2222/acme/shop.git",
            f"http://git.example:3000/api/v1/repos/acme/shop/statuses/{SHA}",
            {"authorization": "token tea"},
            {"state": "success", "context": "slipway/acme/shop", "target_url": "https://x.example"},
        ),
        (
            "https://code.example/forge/acme/shop.git",
            f"https://code.example/forge/api/v1/repos/acme/shop/statuses/{SHA}",
            {"authorization": "token jo"},
            {"state": "success", "context": "slipway/acme/shop", "target_url": "https://x.example"},
        ),
        (
            "https://gitlab.example/acme/team/shop.git",
            f"https://gitlab.example/api/v4/projects/acme%2Fteam%2Fshop/statuses/{SHA}",
            {"private-token": "lab"},
            {"state": "success", "name": "slipway/acme/shop", "target_url": "https://x.example"},
        ),
        (
            "https://bitbucket.org/acme/shop.git",
            f"https://api.bitbucket.org/2.0/repositories/acme/shop/commit/{SHA}/statuses/build",
            {"authorization": "Basic dXNlcjpwYXNz"},
            {"state": "SUCCESSFUL", "key": "slipway/acme/shop", "url": "https://x.example"},
        ),
        (
            "https://bitbucket.example/scm/acme/shop.git",
            f"https://bitbucket.example/rest/api/latest/projects/acme/repos/shop/commits/{SHA}/builds",
            {"authorization": "Bearer dc"},
            {"state": "SUCCESSFUL", "key": "slipway/acme/shop", "url": "https://x.example"},
        ),
    ],
)
def test_each_forge_is_asked_as_its_api_says(
    forge: Forge, repository: str, url: str, headers: dict[str, str], document: dict[str, str]
) -> None:
    forge.statuses.send(status(repository))
    [request] = forge.requests
    assert (request.method, str(request.url)) == ("POST", url)
    assert headers.items() <= dict(request.headers).items()
    assert document.items() <= forge.sent[0].items()
    assert forge.sent[0]["description"] == "shop is live"


def test_every_kind_of_the_settings_has_an_api() -> None:
    assert set(STATUS_APIS) == set(FORGE_KINDS)


def test_a_context_that_is_too_long_for_a_key_has_a_key_of_its_own(forge: Forge) -> None:
    keys = set()
    for tenant in ("a" * 40, "a" * 41):
        forge.statuses.send(status("https://bitbucket.org/acme/shop.git", tenant))
        keys.add(forge.sent[-1]["key"])
    assert [len(key) for key in keys] == [40, 40]


def test_a_redirect_is_a_refusal_and_is_not_followed(forge: Forge, caplog: pytest.LogCaptureFixture) -> None:
    forge.answer = httpx.Response(301, headers={"location": "https://elsewhere.example/"})
    forge.statuses.send(status())
    assert len(forge.sent) == 1
    assert "commit status refused" in caplog.text


def test_the_settings_name_forges_with_their_tokens() -> None:
    found = load(
        {
            "SLIPWAY_GITHUB_TOKEN": "ghp",
            "SLIPWAY_FORGE_TOKENS": "gitea http://git.example:3000 tea, gitlab https://gitlab.com lab",
        }
    )
    assert [(each.kind, each.url, each.token) for each in forge_tokens(found)] == [
        ("github", "https://api.github.com", "ghp"),
        ("gitea", "http://git.example:3000", "tea"),
        ("gitlab", "https://gitlab.com", "lab"),
    ]
    assert found.tokens_of_forges == ("ghp", "tea", "lab")
    assert forge_tokens(load({})) == ()


@pytest.mark.parametrize(
    "value",
    [
        "gitea https://git.example",
        "tea https://git.example s3cret",
        "gitea git.example s3cret",
        "gitea ssh://git.example s3cret",
        "gitea https://me:s3cret@git.example s3cret",
        "gitea https://git.example s3crét",
    ],
)
def test_a_forge_that_is_written_in_another_way_is_refused_without_its_token(value: str) -> None:
    with pytest.raises(SettingsError, match="SLIPWAY_FORGE_TOKENS") as refused:
        load({"SLIPWAY_FORGE_TOKENS": value})
    assert "s3cr" not in refused.value.message + refused.value.remedy


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502),
        httpx.Response(429),
        httpx.Response(403, headers={"retry-after": "60"}),
        httpx.ConnectTimeout("slow"),
    ],
)
def test_a_forge_that_can_not_take_a_status_now_is_unavailable(
    forge: Forge, answer: httpx.Response | httpx.HTTPError
) -> None:
    forge.answer = answer
    with pytest.raises(DependencyUnavailable):
        forge.statuses.send(status())


def test_a_status_that_the_forge_refuses_is_given_up(forge: Forge, caplog: pytest.LogCaptureFixture) -> None:
    forge.answer = httpx.Response(404)
    forge.statuses.send(status())
    assert "commit status refused" in caplog.text


def test_a_body_that_never_ends_is_not_read(forge: Forge) -> None:
    body = EndlessBody()
    forge.answer = httpx.Response(201, stream=body)
    forge.statuses.send(status())
    assert body.is_closed

"""What a forge is sent about a commit, without a forge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from slipway.adapters.git.commit_status import CommitStatus, CommitStatuses
from slipway.errors import DependencyUnavailable

SHA = "9" * 40


def status(repository: str = "https://github.com/acme/shop.git", tenant: str = "acme") -> CommitStatus:
    return CommitStatus(repository, SHA, "success", tenant, "shop", "shop is live", "https://x.example")


class Forge:
    """Answers each status with `answer`, and keeps what it was sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[dict[str, Any]] = []
        self.answer: httpx.Response | httpx.HTTPError = httpx.Response(201)
        self.statuses = CommitStatuses("https://api.github.com", "token")
        monkeypatch.setattr(httpx.HTTPTransport, "handle_request", self._handle)

    def _handle(self, request: httpx.Request) -> httpx.Response:
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


def test_another_host_gets_no_status_and_no_token(forge: Forge) -> None:
    forge.statuses.send(status("https://git.example/acme/shop.git"))
    assert forge.sent == []


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

"""Commit statuses, sent to what is no forge: nothing is raised but that it can't be had now, and no token goes on."""

from __future__ import annotations

import socket

import pytest

from slipway.adapters.git import commit_status
from slipway.adapters.git.commit_status import CommitStatuses
from slipway.adapters.git.status_apis import CommitStatus
from slipway.errors import DependencyUnavailable
from slipway.settings import ForgeToken
from tests.integration.git.conftest import listening

TOKEN = "tea-5b1c"


def send(url: str) -> None:
    status = CommitStatus(f"{url}/acme/shop.git", "9" * 40, "success", "acme", "shop", "live", "https://x.example")
    CommitStatuses([ForgeToken("gitea", url, TOKEN)]).send(status)


def test_a_forge_that_does_not_run_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(DependencyUnavailable):
        send(f"http://127.0.0.1:{port}")


def test_a_forge_that_never_answers_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_status, "TIMEOUT_S", 0.2)
    with listening() as silent, pytest.raises(DependencyUnavailable):
        send(silent.url)


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\xff\xfe garbage\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 9999999 What\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"",
        b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_forge_that_answers_with_garbage_is_unavailable(answer: bytes) -> None:
    with listening(answer) as forge, pytest.raises(DependencyUnavailable):
        send(forge.url)


def test_a_redirect_takes_the_token_nowhere() -> None:
    with listening() as elsewhere:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {elsewhere.url}/\r\nContent-Length: 0\r\n\r\n"
        with listening(moved.encode()) as forge:
            send(forge.url)
            assert TOKEN.encode() in forge.received[0]
        assert elsewhere.received == []

"""The real server: one gunicorn on a unix socket."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from slipway.settings import DELIVERY_SLACK_BYTES, Settings
from tests.fixtures.processes import children
from tests.fixtures.services.webhook_server import UnixConnection, WebhookServer, running_webhook
from tests.fixtures.waiting import eventually
from tests.integration.webhook.sender import Hooked, Sent, delivery, push

Make = Callable[..., Hooked]
LIMIT = 3 << 20


BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLite, unless a test asks for both."""
    return str(request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url"))


@pytest.fixture
def server(configured: Settings) -> Iterator[WebhookServer]:
    environ = {
        "SLIPWAY_STATE_DIR": str(configured.state_dir),
        "SLIPWAY_DATABASE_URL": configured.database_url,
        "SLIPWAY_REDIS_URL": configured.redis_url,
        "SLIPWAY_DELIVERY_MAX_BYTES": str(configured.delivery_max_bytes),
    }
    with running_webhook(configured, environ) as running:
        yield running


@pytest.fixture
def served(server: WebhookServer) -> Path:
    """Its socket."""
    return server.socket


def ask(served: Path, sent: Sent, body: Any = None) -> tuple[int, dict[str, Any]]:
    """Status and document. An iterable `body` goes out in chunks, without a Content-Length."""
    with closing(UnixConnection(served)) as connection:
        connection.request("POST", sent.path, sent.body if body is None else body, sent.headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def test_a_delivery_is_taken_whole_or_in_chunks(served: Path, hooked: Make) -> None:
    acme = hooked()
    sent = delivery(acme.hook_id, delivery_id="d-1")
    pieces = (sent.body[at : at + 1000] for at in range(0, len(sent.body), 1000))
    assert ask(served, sent)[0] == 202
    assert ask(served, sent, pieces)[0] == 202
    assert len(acme.deployments()) == 1


def test_a_body_that_is_said_to_be_too_large_is_not_read(served: Path) -> None:
    with closing(UnixConnection(served)) as connection:
        connection.putrequest("POST", "/webhooks/github/x")
        connection.putheader("Content-Length", str(1 << 40))
        connection.endheaders(b"only the beginning")
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["code"]) == (413, "payload-too-large")


def test_a_body_that_is_a_little_too_large_is_taken_whole_and_refused(served: Path, hooked: Make) -> None:
    """nginx sends it on, and answers 502 when it can't send all of it."""
    sent = delivery(hooked().hook_id)
    for more in (1, DELIVERY_SLACK_BYTES):
        status, document = ask(served, sent, sent.body + b" " * (LIMIT + more - len(sent.body)))
        assert (status, document["code"]) == (413, "payload-too-large")


def test_an_endless_body_is_cut_off_at_the_limit(served: Path) -> None:
    taken = 0
    with closing(UnixConnection(served)) as connection:
        connection.putrequest("POST", "/webhooks/github/x")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        try:
            while taken < 1 << 30:
                connection.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                taken += 0x10000
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            answer = connection.getresponse()
            assert (answer.status, json.loads(answer.read())["code"]) == (413, "payload-too-large")
        except (OSError, HTTPException):
            pass  # a sender that never stops may not get to see the answer
    assert taken < 16 << 20, "it was read without end"


def test_one_byte_more_than_the_limit_in_chunks_is_refused(served: Path, hooked: Make) -> None:
    acme = hooked()
    body = delivery(acme.hook_id).body
    for size, status in ((LIMIT, 202), (LIMIT + 1, 413)):
        sent = delivery(acme.hook_id, body + b" " * (size - len(body)))
        pieces = (sent.body[at : at + 50_000] for at in range(0, size, 50_000))
        assert ask(served, sent, pieces)[0] == status


@BOTH
def test_ten_at_once_make_one_deployment(served: Path, hooked: Make) -> None:
    acme = hooked()
    sent = delivery(acme.hook_id, delivery_id="d-1")
    together = threading.Barrier(10)

    def send(_: int) -> tuple[int, dict[str, Any]]:
        together.wait(timeout=20)
        return ask(served, sent)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(send, range(10)))
    assert [status for status, _ in answers] == [202] * 10
    assert {json.dumps(document["deployments"]) for _, document in answers} == {
        json.dumps(answers[0][1]["deployments"])
    }
    assert len(acme.deployments()) == 1


@BOTH
def test_a_burst_of_pushes_loses_none(served: Path, hooked: Make) -> None:
    acme = hooked()
    commits = [f"{number:040x}" for number in range(1, 101)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda sha: ask(served, delivery(acme.hook_id, push(after=sha)))[0], commits))
    assert answers == [202] * 100
    assert sorted(each.commit_sha for each in acme.deployments()) == commits


def test_its_log_is_json_with_a_line_for_every_request(served: Path, hooked: Make, configured: Settings) -> None:
    sent = delivery(hooked().hook_id, delivery_id="d-1")
    ask(served, sent)
    log = configured.state_dir / "webhook.log"
    lines = eventually(lambda: [line for line in log.read_text().splitlines() if '"answered"' in line])
    (line,) = [json.loads(each) for each in lines if '"POST"' in each]
    assert (line["service"], line["delivery"], line["status"]) == ("webhook", "d-1", 202)
    assert line["duration_ms"] > 0


@BOTH
def test_a_worker_that_is_killed_is_replaced_and_takes_deliveries(
    server: WebhookServer, served: Path, hooked: Make
) -> None:
    acme = hooked()
    assert ask(served, delivery(acme.hook_id))[0] == 202
    workers = children(server.process.pid)
    assert workers
    for worker in workers:
        os.kill(worker, signal.SIGKILL)

    def taken_again() -> bool:
        try:
            return ask(served, delivery(acme.hook_id))[0] == 202
        except (OSError, HTTPException):
            return False

    assert eventually(taken_again)

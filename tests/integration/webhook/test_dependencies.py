"""What happens when Redis or the database does not answer."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from redis import Redis

from slipway import migrations
from slipway.adapters.redis.work_queue import WorkQueue, connect
from slipway.adapters.vault import Vault
from slipway.db import Database
from slipway.domain import intents
from slipway.logs import JsonFormatter
from slipway.settings import Settings
from tests.fixtures.services.redis_server import RedisServer
from tests.integration.webhook.sender import Hooked, TestClientSender, problem
from webhook.app import create_app

Make = Callable[..., Hooked]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Which database it is makes no difference here."""
    return sqlite_url


@pytest.fixture
def redis_url(own_redis: RedisServer) -> str:
    return own_redis.url


def jobs(redis: RedisServer) -> list[str]:
    with Redis.from_url(redis.url, decode_responses=True) as client:
        return [str(each) for each in client.lrange("rq:queue:builds", 0, -1)]


def test_without_redis_a_push_is_taken_and_can_be_enqueued_later(
    sender: TestClientSender, hooked: Make, own_redis: RedisServer, configured: Settings
) -> None:
    acme = hooked()
    own_redis.stop()
    assert sender.send(acme.hook_id).status_code == 202

    own_redis.start()
    (deployment,) = acme.deployments()
    with connect(configured.redis_url) as redis:
        intents.enqueue(WorkQueue(redis, job_timeout_s=60), [deployment])
    assert jobs(own_redis) == [f"deployment-{deployment.id}-0"]


def test_a_redelivery_enqueues_what_redis_missed(
    sender: TestClientSender, hooked: Make, own_redis: RedisServer
) -> None:
    acme = hooked()
    own_redis.stop()
    first = sender.send(acme.hook_id, delivery_id="d-1")
    own_redis.start()
    second = sender.send(acme.hook_id, delivery_id="d-1")
    assert first.json == second.json
    assert jobs(own_redis) == [f"deployment-{acme.deployments()[0].id}-0"]


def test_after_a_restart_of_redis_the_first_push_is_enqueued(
    sender: TestClientSender, hooked: Make, own_redis: RedisServer
) -> None:
    acme = hooked()
    sender.send(acme.hook_id)
    own_redis.stop()
    own_redis.start()
    sender.send(acme.hook_id)
    assert jobs(own_redis) == [f"deployment-{acme.deployments()[1].id}-0"]


@pytest.fixture
def silent_redis(tmp_path: Path) -> Iterator[str]:
    """Takes connections and never answers."""
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(str(tmp_path / "silent.sock"))
        server.listen(50)
        yield f"unix://{tmp_path}/silent.sock"


def test_a_silent_redis_is_waited_for_once_whatever_has_to_be_enqueued(
    configured: Settings, database: Database, hooked: Make, silent_redis: str
) -> None:
    acme = hooked(app="one")
    for name in ("two", "three", "four"):
        acme.add_app(name)
    queue = WorkQueue(connect(silent_redis, timeout_s=1), job_timeout_s=60)
    sender = TestClientSender(create_app(configured, database, queue))
    began = time.monotonic()
    answer = sender.send(acme.hook_id)
    assert time.monotonic() - began < 3, "it was waited for again and again"
    assert answer.status_code == 202
    assert len(acme.deployments()) == 4


def without_sql(configured: Settings, tmp_path: Path) -> TestClientSender:
    nowhere = Database(f"postgresql+psycopg://postgres@/x?host={tmp_path}/no-such-folder")
    return TestClientSender(create_app(configured, nowhere, WorkQueue(connect(configured.redis_url), job_timeout_s=60)))


def test_without_the_database_the_sender_is_asked_to_try_again(configured: Settings, tmp_path: Path) -> None:
    answer = without_sql(configured, tmp_path).send("A" * 43)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert problem(answer)["code"] == "dependency-unavailable"


def test_a_database_that_is_lost_halfway_leaves_nothing_behind(
    sender: TestClientSender, hooked: Make, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = hooked()

    def lost(session: object, *_: object, **__: object) -> None:
        session.connection().exec_driver_sql("SELECT * FROM no_such_table")  # type: ignore[attr-defined]

    monkeypatch.setattr("slipway.domain.intents.push", lost)
    assert sender.send(acme.hook_id).status_code == 503
    assert (acme.deliveries(), acme.deployments(), jobs(own_redis)) == ([], [], [])


def test_the_process_is_healthy_without_its_database_but_not_ready(configured: Settings, tmp_path: Path) -> None:
    sender = without_sql(configured, tmp_path)
    assert (sender.get("/healthz").status_code, sender.get("/readyz").status_code) == (200, 503)


def test_it_is_ready_without_redis(sender: TestClientSender, own_redis: RedisServer) -> None:
    own_redis.stop()
    assert sender.get("/readyz").json == {"ready": True, "schema": migrations.newest()}


@pytest.mark.parametrize("statement", ["DROP TABLE alembic_version", "UPDATE alembic_version SET version_num = '0000'"])
def test_it_is_not_ready_on_another_schema(sender: TestClientSender, database: Database, statement: str) -> None:
    with database.write(platform="a test") as session:
        session.connection().exec_driver_sql(statement)
    answer = sender.get("/readyz")
    assert answer.status_code == 503
    assert f"{migrations.newest()} is needed" in problem(answer)["detail"]


def test_log_lines_carry_the_ids_of_the_work(
    sender: TestClientSender, hooked: Make, vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    acme = hooked()
    caplog.set_level(logging.INFO)
    sender.send(acme.hook_id, delivery_id="d-1", headers={"X-Request-Id": "0123456789abcdef"})
    (line,) = [record for record in caplog.records if record.getMessage() == "answered"]
    logged = json.loads(JsonFormatter("webhook").format(line))
    expected = {
        "hook": acme.hook_id,
        "delivery": "d-1",
        "deployments": [acme.deployments()[0].id],
        "status": 202,
        "method": "POST",
    }
    assert logged.items() >= expected.items()


@pytest.mark.parametrize("given", ["0123456789abcdef", "01234567-89ab"])
def test_the_edges_request_id_is_on_every_line(
    sender: TestClientSender, hooked: Make, own_redis: RedisServer, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    assert request_ids(sender, hooked(), own_redis, capsys, given) == {given}


@pytest.mark.parametrize("given", ["x y z x y z", "short", "é" * 10, "x" * 65, "", None])
def test_a_request_id_that_is_not_well_formed_is_replaced(
    sender: TestClientSender,
    hooked: Make,
    own_redis: RedisServer,
    capsys: pytest.CaptureFixture[str],
    given: str | None,
) -> None:
    (found,) = request_ids(sender, hooked(), own_redis, capsys, given)
    assert found != given
    assert len(found) == 32


def request_ids(
    sender: TestClientSender,
    acme: Hooked,
    redis: RedisServer,
    capsys: pytest.CaptureFixture[str],
    given: str | None,
) -> set[str]:
    """The ids on the lines of one request, some of which are logged deep inside: Redis does not answer."""
    redis.stop()
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter("webhook"))
    logging.getLogger().addHandler(handler)
    try:
        sender.send(acme.hook_id, headers={"X-Request-Id": given})
    finally:
        logging.getLogger().removeHandler(handler)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert "not enqueued, the agent will" in {line["event"] for line in lines}
    return {line["request_id"] for line in lines}

"""Replicas' output and what they use, over the agent's unix socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from builder.agent.api import internal_api
from slipway.errors import DeploymentFailed, NotFound, Overloaded
from slipway.models import App, Replica
from slipway.ports.runtime import ResourceUse
from tests.fakes import FakeContainer
from tests.fixtures.waiting import eventually
from tests.integration.agent.output_rig import calls, client_of, crash, line, serving_short_calls
from tests.integration.agent.rig import Rig


@pytest.fixture
def status() -> dict[str, Any]:
    return {"apps": 1, "failing": {}}


HEADS = {1: "a" * 40, 2: None}
GONE = 4


def head_of(app_id: int) -> str | None:
    """As of the repositories of three apps; the third one's can't be read."""
    if app_id == 3:
        raise DeploymentFailed("clone-failed", "the repository can't be read", remedy="give a credential")
    if app_id == GONE:
        raise NotFound("no such app")
    return HEADS[app_id]


@pytest.fixture
def client(rig: Rig, status: dict[str, Any]) -> Iterator[httpx.Client]:
    transport = httpx.HTTPTransport(uds=str(rig.settings.agent_socket))
    with (
        serving_short_calls(rig, calls(rig, lambda: status, head_of)),
        httpx.Client(transport=transport, base_url="http://agent", timeout=10) as made,
    ):
        yield made


def test_volumes_have_sizes(rig: Rig, client: httpx.Client) -> None:
    rig.runtime.volumes["shop-production-data-1"] = {"note": "four"}
    assert client.get("/volumes").json() == {"sizes": {"shop-production-data-1": 4}}


def test_volumes_have_no_sizes_while_the_runtime_does_not_answer(rig: Rig, client: httpx.Client) -> None:
    rig.runtime.go_away()
    assert client.get("/volumes").status_code == 503


def test_repositories_that_do_not_answer_leave_the_short_calls_their_threads(rig: Rig, replica: Replica) -> None:
    asked, may_end = threading.Semaphore(0), threading.Event()

    def hang(_app_id: int) -> None:
        asked.release()
        may_end.wait(timeout=60)

    agent = client_of(rig)
    with serving_short_calls(rig, calls(rig, head_of=hang)), ThreadPoolExecutor(internal_api.THREADS) as pool:
        try:
            heads = [pool.submit(agent.head, 1) for _ in range(internal_api.THREADS)]
            assert all(asked.acquire(timeout=20) for _ in range(internal_api.HEADS_AT_ONCE))
            refused = internal_api.THREADS - internal_api.HEADS_AT_ONCE
            eventually(lambda: sum(each.done() for each in heads) == refused, what="the others are refused")
            assert {type(each.exception()) for each in heads if each.done()} == {Overloaded}
            assert agent.stats(replica.id)["processes"] == 2
        finally:
            may_end.set()


def test_the_whole_output_or_its_end(client: httpx.Client, replica: Replica, container: FakeContainer) -> None:
    assert client.get(f"/replicas/{replica.id}/output").content == b"".join(container.output)
    assert client.get(f"/replicas/{replica.id}/output", params={"tail": 2}).content == line(3) + line(4)


@pytest.mark.usefixtures("container")
def test_the_kept_output_of_one_that_is_gone(rig: Rig, client: httpx.Client, replica: Replica) -> None:
    rig.live(rig.all(App)[0], "b" * 40)
    answer = client.get(f"/replicas/{replica.id}/output", params={"tail": 1})
    assert (answer.status_code, answer.content) == (200, line(4))


def test_what_was_printed_before_a_restart_comes_first(
    rig: Rig, client: httpx.Client, replica: Replica, container: FakeContainer
) -> None:
    ended = crash(rig, replica, second=5)
    rig.settle(rig.all(App)[0])
    again = rig.replicas(rig.all(App)[0])[0]
    assert again.container_id != container.observed.container_id
    rig.runtime.containers[str(again.container_id)].output.append(line(7))
    for more in ({}, {"tail": 100}):
        lines = client.get(f"/replicas/{replica.id}/output", params=more).text.splitlines(keepends=True)
        assert "".join(lines[:5]) == b"".join(container.output).decode()
        assert lines[5].startswith(f"{ended}exit code 1; started again after ")
        assert lines[6:] == [line(7).decode()]
    assert client.get(f"/replicas/{replica.id}/output", params={"tail": 2}).text.splitlines()[1:] == [
        "2026-01-01T00:00:07Z 7"
    ]


def test_a_replica_that_waits_to_be_started_again_says_how_it_ended(
    rig: Rig, client: httpx.Client, replica: Replica, container: FakeContainer
) -> None:
    rig.change(replica, restarts=5)
    ended = crash(rig, replica, second=5, exit_code=137, oom=True)
    assert client.get(f"/replicas/{replica.id}/output").text.splitlines()[-1] == f"{ended}out of memory (512 MB)"
    rig.settle(rig.all(App)[0])
    text = client.get(f"/replicas/{replica.id}/output").text
    assert text.startswith(b"".join(container.output).decode())
    assert f"{ended}out of memory (512 MB); started again in " in text.splitlines()[-1]


def test_a_process_that_lacked_memory_stands_among_the_lines_of_its_moment(
    rig: Rig, client: httpx.Client, replica: Replica, container: FakeContainer
) -> None:
    began = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    rig.change(replica, started_at=began, out_of_memory_at=began + timedelta(seconds=2.5))
    container.output[:] = [f"2026-01-01T00:00:0{second}.000000000Z {second}\n".encode() for second in range(5)]
    lines = client.get(f"/replicas/{replica.id}/output").text.splitlines()
    assert lines[3] == "2026-01-01T00:00:02.500000000Z [slipway] a process was killed: out of memory (512 MB)"
    assert len(lines) == len(container.output) + 1


def test_an_unknown_replica_and_a_wrong_number_are_problems(client: httpx.Client, replica: Replica) -> None:
    answer = client.get("/replicas/r-none/output")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert client.get(f"/replicas/{replica.id}/output", params={"tail": "x"}).status_code == 422


def test_it_is_not_ready_while_something_it_needs_does_not_answer(client: httpx.Client, status: dict[str, Any]) -> None:
    assert (client.get("/readyz").status_code, client.get("/readyz").json()) == (200, {"ready": True})
    status["failing"] = {"reconcile": 3, "publish": 1}
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "dependency-unavailable")
    assert "publish, reconcile" in answer.json()["detail"]
    assert client.get("/healthz").status_code == 200


def test_status_and_health(client: httpx.Client) -> None:
    assert client.get("/status").json() == {"apps": 1, "failing": {}}
    assert client.get("/healthz").json() == {"ok": True}


def test_the_head_of_an_apps_branch(rig: Rig, client: httpx.Client) -> None:
    agent = client_of(rig)
    assert [agent.head(app_id) for app_id in (1, 2)] == ["a" * 40, None]
    with pytest.raises(DeploymentFailed, match="can't be read") as unreadable:
        agent.head(3)
    assert unreadable.value.remedy == "give a credential"
    with pytest.raises(NotFound, match="is gone"):
        agent.head(GONE)
    assert client.get("/apps/one/head").status_code == 404


def test_what_a_running_replica_uses(client: httpx.Client, replica: Replica, container: FakeContainer) -> None:
    found = client.get(f"/replicas/{replica.id}/stats").json()
    assert found["cpus"] == pytest.approx(container.spec.cpus / 2)
    assert (found["cpus_limit"], found["memory_limit_bytes"]) == (container.spec.cpus, container.spec.memory_bytes)
    assert found.keys() == {"cpus", *(field.name for field in fields(ResourceUse))}


def test_one_that_does_not_run_uses_nothing(rig: Rig, client: httpx.Client, replica: Replica) -> None:
    rig.runtime.die(str(replica.container_id))
    assert client.get(f"/replicas/{replica.id}/stats").status_code == 404
    assert client.get("/replicas/r-never/stats").status_code == 404

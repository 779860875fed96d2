"""A new release is watched after its switch, and gives way to the one before when it does not hold."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from builder.agent.maintenance import polling
from builder.agent.rollout.probing import NetworkProber, Question
from builder.agent.rollout.replica_actions import probes
from builder.lease import claim
from builder.sources.git_source import GitSource
from slipway.adapters.redis.work_queue import WorkQueue
from slipway.core.deployment.ordering import Verdict
from slipway.core.rollout.failure import ProbeError
from slipway.core.rollout.probe_pace import NOT_PROBED, ProbePace
from slipway.domain import intents
from slipway.errors import Conflict
from slipway.models import App, Deployment
from tests.fakes import FakeSources
from tests.integration.agent.rig import REFUSED, Rig
from tests.integration.agent.rollouts.test_crashes import through_crashes


def watched_app(rig: Rig, **values: Any) -> App:
    return rig.add_app(**({"timeouts": {"watch_s": 10}} | values))


def two_releases(rig: Rig, app: App) -> tuple[Deployment, Deployment]:
    """One that held, and a second one that is live and watched."""
    first = rig.live(app)
    rig.ahead_s += 11
    rig.settle(app)
    return first, rig.live(app, "b" * 40)


def container_of(rig: Rig, app: App, row: Deployment) -> str:
    [replica] = [each for each in rig.replicas(app) if each.release_id == row.release_id]
    assert replica.container_id is not None
    return replica.container_id


def crash(rig: Rig, app: App, row: Deployment, code: int = 3) -> None:
    container_id = container_of(rig, app, row)
    rig.runtime.containers[container_id].output.append(
        b"2026-01-01T00:00:00Z ModuleNotFoundError: No module named 'x'\n"
    )
    rig.runtime.die(container_id, exit_code=code)


def standby(rig: Rig, app: App) -> set[str]:
    entry = rig.entry(app) or {}
    return {target["address"] for target in entry.get("standby", ())}


def address_of(rig: Rig, app: App, row: Deployment) -> set[str]:
    return {str(each.address) for each in rig.replicas(app) if each.release_id == row.release_id}


def states(rig: Rig, *rows: Deployment) -> list[str]:
    return [rig.deployment(row).state for row in rows]


def step(rig: Rig, row: Deployment, name: str) -> dict[str, Any]:
    return next(each for each in rig.deployment(row).steps if each["name"] == name)


def test_a_release_that_holds_is_live_at_once_and_the_one_before_leaves_when_the_watch_is_over(rig: Rig) -> None:
    app = watched_app(rig)
    first, second = two_releases(rig, app)
    assert states(rig, first, second) == ["retired", "live"]
    assert rig.addresses(app) == address_of(rig, app, second)
    assert standby(rig, app) == address_of(rig, app, first)
    assert step(rig, second, "watch")["note"] == "for 10 s; v1 stands by"
    rig.ahead_s += 11
    rig.settle(app)
    assert standby(rig, app) == set()
    assert [each.release_id for each in rig.replicas(app)] == [second.release_id]
    assert [(each["name"], each["ok"]) for each in rig.deployment(second).steps][-2:] == [
        ("watch", True),
        ("drain", True),
    ]


def test_a_release_that_ends_gives_way_in_one_step_and_says_so(rig: Rig) -> None:
    app = watched_app(rig)
    first, second = two_releases(rig, app)
    old = address_of(rig, app, first)
    crash(rig, app, second)
    rig.settle(app)
    assert states(rig, first, second) == ["live", "failed"]
    assert rig.addresses(app) == old
    failed = rig.deployment(second)
    assert failed.reason == "start-crashed"
    assert failed.detail.startswith("replica web.1 ended with exit code 3, ")
    assert failed.detail.endswith("s after it went live; v1 serves again: x is imported but not installed")
    assert failed.remedy.startswith("list its package in requirements.txt")
    assert "slipway logs --replica" in failed.remedy
    assert "ModuleNotFoundError" in failed.tail
    assert (failed.steps[-1]["name"], failed.steps[-1]["ok"]) == ("watch", False)
    assert rig.deployment(first).ended_at is None
    assert [each.release_id for each in rig.replicas(app)] == [first.release_id]


def test_a_release_that_stops_answering_gives_way(rig: Rig) -> None:
    app = watched_app(rig)
    first, second = two_releases(rig, app)
    rig.prober.errors[next(iter(address_of(rig, app, second)))] = REFUSED
    for _ in range(3):
        assert states(rig, first, second) == ["retired", "live"]
        rig.ahead_s += 1.1
        rig.settle(app)
    assert states(rig, first, second) == ["live", "failed"]
    assert rig.deployment(second).reason == "stopped-answering"
    assert f"stopped answering: {REFUSED.message} (3 tries in a row)" in rig.deployment(second).detail


class Local:
    """Asks what listens here, whatever the replica's address."""

    def ask(
        self, question: Question, *, for_s: float, pace: ProbePace = NOT_PROBED
    ) -> tuple[ProbePace, ProbeError | None]:
        return NetworkProber().ask(replace(question, address="127.0.0.1"), for_s=for_s, pace=pace)


@contextmanager
def app_that_hangs_when(hangs: threading.Event) -> Iterator[int]:
    """Answers every request until then; takes connections afterwards, too. Gives the port."""
    taken: list[socket.socket] = []

    def run() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                taken.append(connection)  # kept open
                connection.recv(4096)
                if not hangs.is_set():
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=run, daemon=True).start()
        yield listener.getsockname()[1]
    for each in taken:
        each.close()


def test_a_release_that_hangs_gives_way(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "ANSWER_S", 0.2)
    rig.prober = Local()  # type: ignore[assignment]
    rig.restart()
    hangs = threading.Event()
    with app_that_hangs_when(hangs) as port:
        app = watched_app(rig, port=port)
        first, second = two_releases(rig, app)
        hangs.set()
        for _ in range(3):
            assert states(rig, first, second) == ["retired", "live"]
            rig.ahead_s += 1.1
            rig.settle(app)
    assert states(rig, first, second) == ["live", "failed"]
    asked = f"GET :{port}/ was accepted, but not answered within 0.2 s (3 tries in a row)"
    assert f"replica web.1 stopped answering: {asked}" in rig.deployment(second).detail


def test_a_first_release_that_ends_is_started_again_and_its_deployment_says_so(rig: Rig) -> None:
    app = watched_app(rig)
    row = rig.live(app)
    crash(rig, app, row)
    rig.settle(app)
    assert states(rig, row) == ["live"]
    watch = step(rig, row, "watch")
    assert watch["ok"] is False
    assert watch["note"].startswith("replica web.1 ended with exit code 3; no release before it could take over")
    [replica] = rig.replicas(app)
    assert (replica.state, replica.restarts, replica.last_crash["exit_code"]) == ("ready", 1, 3)


def test_when_the_engine_restarts_every_replica_comes_back_and_nothing_gives_way(rig: Rig) -> None:
    app = watched_app(rig)
    first, second = two_releases(rig, app)
    crash(rig, app, first, 137)
    crash(rig, app, second, 137)
    rig.settle(app)
    assert states(rig, first, second) == ["retired", "live"]
    rig.ahead_s += 2
    rig.settle(app)
    assert rig.addresses(app) == address_of(rig, app, second)
    assert [each.release_id for each in rig.replicas(app)] == [second.release_id]


def test_an_app_that_can_not_run_twice_gives_way_at_its_second_end(rig: Rig) -> None:
    app = watched_app(rig, strategy="recreate")
    first, second = two_releases(rig, app)
    crash(rig, app, second)
    rig.settle(app)
    assert states(rig, first, second) == ["retired", "live"]
    rig.ahead_s += 2
    rig.settle(app)
    crash(rig, app, second)
    rig.settle(app)
    assert states(rig, first, second) == ["live", "failed"]
    rig.settle(app)
    assert [each.release_id for each in rig.replicas(app)] == [first.release_id]
    assert len(rig.running(app)) == 1


def test_a_push_meanwhile_is_rolled_out_over_whatever_is_live_by_then(rig: Rig) -> None:
    app = watched_app(rig)
    first, second = two_releases(rig, app)
    third = rig.built(app, "c" * 40)
    crash(rig, app, second)
    rig.settle(app)
    assert states(rig, first, second, third) == ["retired", "failed", "live"]
    assert rig.deployment(third).previous_id == first.id
    assert standby(rig, app) == address_of(rig, app, first)


def test_each_new_release_has_only_the_one_before_it_on_standby(rig: Rig) -> None:
    app = watched_app(rig)
    _, second = two_releases(rig, app)
    third = rig.live(app, "c" * 40)
    rig.settle(app)
    assert standby(rig, app) == address_of(rig, app, second)
    assert {each.release_id for each in rig.replicas(app)} == {second.release_id, third.release_id}
    crash(rig, app, third)
    rig.settle(app)
    assert states(rig, second, third) == ["live", "failed"]


def test_a_configuration_change_meanwhile_takes_the_image_that_serves(rig: Rig) -> None:
    app = watched_app(rig)
    first, second = two_releases(rig, app)
    changed = rig.intend(app, intents.reconfigure, actor="a test", what="env")
    crash(rig, app, second)
    rig.settle(app)
    assert states(rig, first, second, changed) == ["retired", "failed", "live"]
    assert rig.deployment(changed).commit_sha == first.commit_sha


def test_a_rollback_meanwhile_goes_to_the_release_before_without_a_start(rig: Rig) -> None:
    app = watched_app(rig)
    first, second = two_releases(rig, app)
    before = container_of(rig, app, first)
    back = rig.intend(app, intents.rollback, actor="a test")
    rig.settle(app)
    assert states(rig, first, second, back) == ["retired", "retired", "live"]
    assert rig.deployment(back).release_id == first.release_id
    assert container_of(rig, app, first) == before


def test_after_giving_way_a_rollback_goes_past_what_failed(rig: Rig) -> None:
    app = watched_app(rig)
    first = rig.live(app)
    rig.ahead_s += 11
    rig.settle(app)
    second = rig.live(app, "b" * 40)
    rig.ahead_s += 11
    rig.settle(app)
    third = rig.live(app, "c" * 40)
    crash(rig, app, third)
    rig.settle(app)
    assert states(rig, second, third) == ["live", "failed"]
    back = rig.intend(app, intents.rollback, actor="a test")
    assert back.release_id == first.release_id


def test_after_giving_way_to_the_first_release_there_is_nothing_to_go_back_to(rig: Rig) -> None:
    app = watched_app(rig)
    _, second = two_releases(rig, app)
    crash(rig, app, second)
    rig.settle(app)
    with pytest.raises((Conflict, intents.NotFound)):
        rig.intend(app, intents.rollback, actor="a test")


def test_scaling_meanwhile_changes_the_new_release_and_what_it_gives_way_to(rig: Rig) -> None:
    app = watched_app(rig)
    first, second = two_releases(rig, app)
    rig.intend(app, intents.scale, replicas=2)
    rig.settle(app)
    assert len(rig.addresses(app)) == 2
    [replica, _] = [each for each in rig.replicas(app) if each.release_id == second.release_id]
    rig.runtime.die(str(replica.container_id), exit_code=1)
    rig.settle(app)
    assert states(rig, first, second) == ["live", "failed"]
    assert len(address_of(rig, app, first)) == 2
    assert rig.addresses(app) == address_of(rig, app, first)


def test_an_app_that_is_scaled_to_nothing_meanwhile_runs_nothing(rig: Rig) -> None:
    app = watched_app(rig)
    _, second = two_releases(rig, app)
    rig.intend(app, intents.scale, replicas=0)
    rig.settle(app)
    assert rig.running(app) == {}
    assert states(rig, second) == ["live"]


def test_an_app_that_is_scaled_to_nothing_before_has_nothing_to_watch(rig: Rig) -> None:
    app = watched_app(rig)
    rig.live(app)
    rig.intend(app, intents.scale, replicas=0)
    rig.settle(app)
    released = rig.deployment(rig.live(app, "b" * 40))
    assert (released.state, "watch" in {step["name"] for step in released.steps}) == ("live", False)


def gave_way(rig: Rig, app: App, kind: str) -> Deployment:
    """A deployment of the branch's head, which did not hold."""
    rig.live(app)
    rig.ahead_s += 11
    rig.settle(app)
    second = rig.built(app, "b" * 40)
    rig.change(second, kind=kind)
    rig.settle(app)
    crash(rig, app, rig.deployment(second))
    rig.settle(app)
    assert rig.deployment(second).state == "failed"
    return rig.deployment(second)


def verdict_on_push(rig: Rig, app: App, commit: str) -> Verdict:
    """As a worker finds it, of a push under a delivery id of its own. The push stays queued."""
    pushed = intents.Pushed("refs/heads/main", commit)
    key = f"delivery:{commit}:{len(rig.all(Deployment))}"
    row = rig.intend(app, intents.push, pushed=pushed, idempotency_key=key, actor="a test")
    hold = claim(rig.db, row.id, row.attempt)
    assert hold
    sources = FakeSources()
    sources.heads[app.repository, pushed.ref] = commit
    dependencies = SimpleNamespace(db=rig.db, sources=sources, settings=rig.settings)
    attempt = cast(Any, SimpleNamespace(dependencies=dependencies, work=hold.work, credential=None))
    return GitSource(attempt).is_stale()


@pytest.mark.parametrize("kind", ["push", "manual"])
def test_the_head_that_gave_way_is_not_deployed_by_another_delivery_until_the_branch_moves(rig: Rig, kind: str) -> None:
    app = watched_app(rig)
    failed = gave_way(rig, app, kind)
    again = verdict_on_push(rig, app, failed.commit_sha)
    assert (again.goes_on, again.end) == (False, "skipped")
    assert f"gave way (deployment {failed.id})" in again.why
    assert verdict_on_push(rig, app, "c" * 40).goes_on
    assert verdict_on_push(rig, app, failed.commit_sha).goes_on, "the branch was set back"


@pytest.mark.parametrize("kind", ["push", "manual"])
def test_the_head_that_failed_is_not_deployed_again_by_comparing_heads(rig: Rig, kind: str) -> None:
    app = watched_app(rig)
    second = gave_way(rig, app, kind)
    sources = FakeSources()
    sources.heads[app.repository, f"refs/heads/{app.branch}"] = second.commit_sha
    rig.change(app, head="a" * 40)
    polls = polling.Polling(rig.db, _no_queue(), sources, rig.vault, every_s=0)
    assert [polls.check() for _ in range(3)] == [0, 0, 0]


def _no_queue() -> WorkQueue:
    return None  # type: ignore[return-value]  # nothing is enqueued


@pytest.mark.parametrize("dies_after", range(1, 12))
def test_giving_way_survives_any_crash_of_the_agent(rig: Rig, dies_after: int) -> None:
    app = watched_app(rig)
    first, second = two_releases(rig, app)
    crash(rig, app, second)
    through_crashes(rig, app, dies_after)
    assert states(rig, first, second) == ["live", "failed"]
    assert rig.addresses(app) == address_of(rig, app, first)
    assert [each.release_id for each in rig.replicas(app)] == [first.release_id]


def test_an_image_named_by_hand_is_the_apps_no_longer_when_it_gives_way(rig: Rig) -> None:
    app = watched_app(rig, health_path="/health")
    rig.change(app, source="image", image="registry.example/shop:1")
    rig.live(app)
    second = rig.built(app, "b" * 40)
    rig.change(second, kind="manual", source="image", ref="registry.example/shop:2")
    rig.settle(app)
    assert rig.all(App, id=app.id)[0].image == "registry.example/shop:2"
    crash(rig, app, rig.deployment(second))
    rig.settle(app)
    assert rig.all(App, id=app.id)[0].image == "registry.example/shop:1"

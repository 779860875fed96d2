"""How a worker takes a deployment to `starting`, and every other end."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from builder import attempt
from slipway.core.deployment.states import Kind, State
from slipway.domain import intents, lifecycle
from slipway.errors import DeploymentFailed
from slipway.models import App, Variable, now
from slipway.ports.building import BuildSpec
from tests.building_fakes import DIGEST
from tests.fixtures.rows import add_app, add_tenant
from tests.unit.builder.conftest import MAIN, Rig, sha


def test_a_push_becomes_an_image_and_the_agent_is_woken(rig: Rig) -> None:
    rig.sources.files["slipway.toml"] = "port = 9000\n"
    deployment = rig.push()
    assert rig.work(deployment) == "starting"
    [build] = rig.builds()
    [spec] = rig.images.built
    assert (build.deployment_id, build.digest, build.image) == (deployment.id, DIGEST, spec.image)
    assert build.file_settings == {"port": 9000}
    row = rig.row(deployment)
    assert [(step["name"], step["note"]) for step in row.steps] == [
        ("fetch", ""),
        ("build", "3 of 4 steps from cache"),
        ("start", ""),
    ]
    assert row.heartbeat_at is not None
    assert rig.queue.woken == [rig.app_id]
    assert rig.leftovers() == []
    assert rig.images.forgotten == 1


def test_labels_tag_and_cache_namespace_belong_to_the_build(rig: Rig) -> None:
    first, second = rig.push(), rig.push()
    rig.work(second)
    rig.sources.heads[MAIN] = first.commit_sha
    rig.work(first)
    one, two = rig.images.built
    assert one.image != two.image
    assert len(one.image.split("/")[1].split(":")[0]) == 32
    assert one.labels["slipway.deployment"] == str(second.id)
    assert one.labels["org.opencontainers.image.revision"] == second.commit_sha
    assert one.arguments["BUILDKIT_CACHE_MOUNT_NS"].endswith(f"tenant-{rig.tenant_id}")


def test_steps_are_shared_within_a_tenant_by_builds_with_the_same_secrets(rig: Rig) -> None:
    def shares() -> str:
        assert rig.work(rig.push()) == "starting"
        return rig.images.built[-1].shares

    plain = shares()
    assert shares() == plain
    rig.variable("TOKEN", "a-secret-value")
    with_secret = shares()
    assert shares() == with_secret != plain
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        session.query(Variable).one().sealed = rig.vault.seal(
            "changed-value", rig.tenant_id, rig.app_id, "production", "TOKEN"
        )
    assert shares() not in (plain, with_secret)
    rig.tenant_id = add_tenant(rig.db, "another")
    rig.app_id = add_app(rig.db, rig.tenant_id).id
    assert shares() != plain
    assert len({spec.shares for spec in rig.images.built}) == 4
    assert all(re.fullmatch("[0-9a-f]{40}", spec.shares) for spec in rig.images.built)


def test_the_same_job_twice_builds_once(rig: Rig) -> None:
    deployment = rig.push()
    assert rig.work(deployment) == "starting"
    assert rig.work(deployment) is None
    assert len(rig.builds()) == 1


@pytest.mark.parametrize("attempt", [-1, 1])
def test_a_job_of_another_attempt_does_nothing(rig: Rig, attempt: int) -> None:
    deployment = rig.push()
    assert rig.work(deployment, attempt) is None
    assert rig.row(deployment).state == "queued"


def test_a_rollback_is_no_work_for_a_worker(rig: Rig) -> None:
    deployment = rig.push()
    rig.change(deployment, kind=str(Kind.ROLLBACK))
    assert rig.work(deployment) is None


@pytest.mark.parametrize(("head", "state"), [("f" * 40, "superseded"), (None, "skipped")])
def test_a_push_that_is_not_its_branchs_head_is_not_built(rig: Rig, head: str | None, state: str) -> None:
    deployment = rig.push(head=head)
    assert rig.work(deployment) == state
    assert rig.images.built == []
    assert rig.leftovers() == []
    assert rig.row(deployment).detail


def test_a_commit_that_is_live_already_is_skipped(rig: Rig) -> None:
    commit = sha()
    rig.live(commit=commit)
    assert rig.work(rig.push(commit)) == "skipped"


def test_a_fetch_that_fails_because_the_branch_moved_on_is_superseded(rig: Rig) -> None:
    rig.sources.failure = DeploymentFailed("commit-missing", "gone")
    assert rig.work(rig.push(head="f" * 40)) == "superseded"


@pytest.mark.parametrize("ref", ["main", "v1.0"])
def test_a_manual_deployment_is_resolved_and_described(rig: Rig, ref: str) -> None:
    commit = sha()
    rig.sources.heads[ref] = commit
    deployment = rig.deploy(ref)
    assert rig.work(deployment) == "starting"
    row = rig.row(deployment)
    assert (row.commit_sha, row.message, row.pushed_by) == (commit, "A message", "Ada")


def test_a_manual_deployment_of_nothing_fails_with_the_ref(rig: Rig) -> None:
    rig.sources.heads["refs/heads/main"] = "b" * 40
    deployment = rig.deploy("nowhere")
    assert rig.work(deployment) == "failed"
    row = rig.row(deployment)
    assert (row.reason, "nowhere" in row.detail) == ("commit-missing", True)
    assert row.remedy == "name one that is there: slipway deploy --ref main"


@pytest.mark.parametrize("ref", ["main", "refs/heads/main"])
def test_an_app_whose_own_branch_is_missing_is_set_to_another_one(rig: Rig, ref: str) -> None:
    rig.sources.heads["refs/heads/master"] = "b" * 40
    deployment = rig.deploy(ref)
    assert rig.work(deployment) == "failed"
    row = rig.row(deployment)
    assert (row.reason, row.detail) == ("commit-missing", "the repository has no branch main; it has master")
    assert row.remedy.startswith("have the app follow one that is there: slipway apps set branch=master\n")


def test_a_repository_to_which_nothing_was_pushed_says_so(rig: Rig) -> None:
    deployment = rig.deploy("main")
    assert rig.work(deployment) == "failed"
    row = rig.row(deployment)
    assert (row.reason, row.detail) == ("commit-missing", "the repository is empty: nothing was ever pushed to it")
    assert row.remedy == "commit something and push it: git push origin HEAD:main"


def test_a_failed_build_keeps_reason_sentence_remedy_and_tail_redacted(rig: Rig) -> None:
    rig.variable("TOKEN", "very-secret-value")

    def fail(_spec: BuildSpec, output: Any) -> None:
        output("#5 0.1 using very-secret-value")
        said = "very-secret-value"
        raise DeploymentFailed(
            "build-failed", f"it broke at {said}", cause=f"see {said}", remedy=f"take {said} out", tail=f"a\n{said}\nb"
        )

    rig.images.during = fail
    deployment = rig.push()
    assert rig.work(deployment) == "failed"
    row = rig.row(deployment)
    assert (row.reason, row.tail) == ("build-failed", "a\n•••\nb")
    assert (row.detail, row.remedy) == ("it broke at •••: see •••", "take ••• out")
    assert "very-secret-value" not in "\n".join(rig.log.lines)
    assert rig.log.lines[-1] == "build-failed: it broke at •••: see •••"
    assert rig.queue.woken == [rig.app_id], "the agent reports the end"
    assert rig.images.built[0].secrets == {"TOKEN": "very-secret-value"}
    assert "very-secret-value" not in repr(rig.images.built[0])


def test_a_fault_of_ours_is_called_that_and_shows_no_traceback(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    def burst(_spec: BuildSpec, _output: Any) -> None:
        raise ZeroDivisionError("our own secret doings")

    rig.images.during = burst
    deployment = rig.push()
    assert rig.work(deployment) == "failed"
    row = rig.row(deployment)
    assert row.reason == "internal"
    assert "our own secret doings" not in row.detail + row.tail + "\n".join(rig.log.lines)
    assert "our own secret doings" in caplog.text


def test_steps_of_a_recognised_project_get_the_build_variables(rig: Rig) -> None:
    rig.variable("PIP_INDEX_URL", "")
    rig.sources.files = {"requirements.txt": "flask\n", "Procfile": "web: python app.py\n"}
    assert rig.work(rig.push()) == "starting"
    assert rig.images.built[0].secrets == {"PIP_INDEX_URL": ""}
    [step] = [line for line in rig.log.lines if "pip install -r" in line]
    assert "--mount=type=secret,id=PIP_INDEX_URL " in step


def test_a_secret_that_does_not_open_fails_the_deployment(rig: Rig) -> None:
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        app = session.get_one(App, rig.app_id)
        app.credential = rig.vault.seal("token", "another", "place")
    deployment = rig.push()
    assert rig.work(deployment) == "failed"
    assert rig.row(deployment).reason == "secret-unreadable"


def test_the_credential_reaches_the_fetcher_and_nothing_else(rig: Rig) -> None:
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        app = session.get_one(App, rig.app_id)
        app.credential = rig.vault.seal("the-token-itself", rig.tenant_id, rig.app_id, "credential")
    rig.work(rig.push())
    assert rig.sources.repositories[0].credential == "the-token-itself"
    assert "the-token-itself" not in repr(rig.sources.repositories[0]) + "\n".join(rig.log.lines)


def test_a_fault_before_the_work_begins_fails_the_deployment_too(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.attempt.Output", lambda *_: burst_with(ZeroDivisionError()))
    deployment = rig.push()
    assert rig.work(deployment) == "failed"
    assert rig.row(deployment).reason == "internal"


def test_a_deployment_of_a_deleted_app_is_not_begun(rig: Rig) -> None:
    deployment = rig.push()
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        session.get_one(App, rig.app_id).deleted_at = now()
    assert rig.work(deployment) is None
    assert rig.row(deployment).state == "cancelled"


def test_a_step_that_prints_without_end_is_cut(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.output.LOGGED_BYTES", 1000)
    rig.images.during = lambda _spec, output: [output("x" * 99) for _ in range(50)]
    assert rig.work(rig.push()) == "starting"
    assert len([line for line in rig.log.lines if line.startswith("xxx")]) < 11
    assert rig.log.lines[-1].endswith("cut here")


# while it builds


def test_a_heartbeat_with_a_fault_goes_on_until_the_lease_lapses(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_session: object, _row: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("builder.lease.heartbeat._newer_push", fail)
    rig.settings = replace(rig.settings, lapse_s=0.1)
    rig.images.waits_for_stop = True
    assert rig.work(rig.push()) is None
    assert rig.builds() == []


def test_a_cancel_stops_the_build_and_nothing_remains(rig: Rig) -> None:
    deployment = rig.push()

    def cancel(_spec: BuildSpec, _output: Any) -> None:
        with rig.db.write(tenant_id=rig.tenant_id) as session:
            intents.cancel(rig_row(session, deployment.id), actor="ada")

    rig.images.during, rig.images.waits_for_stop = cancel, True
    assert rig.work(deployment) == "cancelled"
    assert rig.row(deployment).detail == "cancelled by ada"
    assert rig.leftovers() == []
    assert rig.builds() == []
    assert rig.images.forgotten == 1


def test_a_newer_push_supersedes_once_the_branch_has_moved_on(rig: Rig) -> None:
    older = rig.push()
    rig.images.during, rig.images.waits_for_stop = lambda *_: void(rig.push()), True
    assert rig.work(older) == "superseded"
    assert "moved on" in rig.row(older).detail


def test_a_replayed_push_does_not_stop_the_branchs_head(rig: Rig) -> None:
    head = rig.push()
    looked = len(rig.sources.asked)

    def replay(_spec: BuildSpec, _output: Any) -> None:
        rig.push(sha(), head=head.commit_sha)
        wait_for(lambda: len(rig.sources.asked) >= looked + 2)

    rig.images.during = replay
    assert rig.work(head) == "starting"


def test_a_newer_push_of_another_branch_stops_nothing(rig: Rig) -> None:
    deployment = rig.push()

    def other(_spec: BuildSpec, _output: Any) -> None:
        rig.push(sha(), head=deployment.commit_sha, ref="refs/heads/other")
        rig.sources.heads[MAIN] = "f" * 40
        beat = rig.row(deployment).heartbeat_at
        wait_for(lambda: rig.row(deployment).heartbeat_at != beat)

    rig.images.during = other
    assert rig.work(deployment) == "starting"


@pytest.mark.parametrize(("kind", "state"), [(Kind.ROLLBACK, "cancelled"), (Kind.MANUAL, "superseded")])
def test_what_went_live_after_it_ends_it(rig: Rig, kind: Kind, state: str) -> None:
    deployment = rig.push()
    rig.images.during, rig.images.waits_for_stop = lambda *_: void(rig.live(kind=kind)), True
    assert rig.work(deployment) == state


def test_a_configuration_change_that_goes_live_stops_nothing(rig: Rig) -> None:
    deployment = rig.push()

    def reconfigure(_spec: BuildSpec, _output: Any) -> None:
        rig.live(kind=Kind.CONFIGURATION, image_sequence=0)
        beat = rig.row(deployment).heartbeat_at
        wait_for(lambda: rig.row(deployment).heartbeat_at != beat)

    rig.images.during = reconfigure
    assert rig.work(deployment) == "starting"


def test_a_deleted_app_stops_its_build(rig: Rig) -> None:
    deployment = rig.push()

    def delete(_spec: BuildSpec, _output: Any) -> None:
        with rig.db.write(tenant_id=rig.tenant_id) as session:
            session.get_one(App, rig.app_id).deleted_at = now()

    rig.images.during, rig.images.waits_for_stop = delete, True
    assert rig.work(deployment) == "cancelled"


def test_a_worker_whose_deployment_was_requeued_writes_nothing(rig: Rig) -> None:
    deployment = rig.push()

    def requeue(_spec: BuildSpec, _output: Any) -> None:
        with rig.db.write(tenant_id=rig.tenant_id) as session:
            row = rig_row(session, deployment.id)
            lifecycle.advance(row, State.QUEUED)
            row.attempt += 1

    rig.images.during, rig.images.waits_for_stop = requeue, True
    assert rig.work(deployment) is None
    row = rig.row(deployment)
    assert (row.state, row.attempt, row.detail) == ("queued", 1, "")
    rig.images.during, rig.images.waits_for_stop = (lambda *_: None), False
    assert rig.work(deployment, 1) == "starting"
    assert len(rig.builds()) == 1


def test_an_image_that_nobody_waits_for_any_more_is_removed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = rig.push()
    # requeued between two beats: only the write itself can notice
    monkeypatch.setattr("builder.lease.heartbeat.Heartbeat.beat", lambda _self: None)
    rig.images.during = lambda *_: rig.change(deployment, attempt=1)
    assert rig.work(deployment) is None
    assert rig.images.removed == [rig.images.built[0].image]
    assert rig.builds() == []


def test_a_worker_that_ends_hands_its_work_back_at_once(rig: Rig) -> None:
    deployment = rig.push()
    rig.images.during = lambda *_: attempt.shutdown_requested.set()
    try:
        assert rig.work(deployment) is None
    finally:
        attempt.shutdown_requested.clear()
    row = rig.row(deployment)
    assert (row.state, row.attempt, row.heartbeat_at) == ("queued", 1, None)
    assert rig.queue.enqueued == [(deployment.id, 1)]
    rig.images.during = lambda *_: None
    assert rig.work(deployment, 1) == "starting"


def test_the_last_line_is_written_before_the_row(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the row has ended the agent closes the log, and another line would open it again."""
    deployment = rig.push()
    states: dict[str, str] = {}

    def append(_deployment_id: int, line: str) -> None:
        states[line] = rig.row(deployment).state

    monkeypatch.setattr(rig.log, "append", append)
    rig.images.during = lambda *_: attempt.shutdown_requested.set()
    try:
        assert rig.work(deployment) is None
    finally:
        attempt.shutdown_requested.clear()
    assert states["the worker was restarted; another worker takes over"] == "building"
    del rig.sources.heads[MAIN]
    assert rig.work(deployment, 1) == "skipped"
    [(last, state)] = [(line, state) for line, state in states.items() if line.startswith("skipped: ")]
    assert (state, last) == ("fetching", f"skipped: {rig.row(deployment).detail}")


def rig_row(session: Any, deployment_id: int) -> Any:
    from slipway.models import Deployment

    return session.get_one(Deployment, deployment_id)


def void(_: object) -> None: ...


def burst_with(error: Exception) -> None:
    raise error


def wait_for(condition: Any) -> None:
    from tests.fixtures.waiting import eventually

    eventually(condition, within_s=10, every_s=0.005)

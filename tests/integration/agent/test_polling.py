"""Branch heads that are read by the clock: which pushes were missed."""

from __future__ import annotations

import pytest

from builder.agent.maintenance.polling import Polling
from slipway.adapters.redis.work_queue import WorkQueue
from slipway.core.deployment.states import State
from slipway.domain import intents
from slipway.errors import DeploymentFailed, NotFound
from slipway.models import App, AuditRecord, Deployment
from slipway.ports.building import Repository
from tests.fakes import FakeSources
from tests.integration.agent.rig import Rig

OLD, NEW = "a" * 40, "b" * 40


@pytest.fixture
def sources() -> FakeSources:
    return FakeSources()


@pytest.fixture
def polling(rig: Rig, queue: WorkQueue, sources: FakeSources) -> Polling:
    return Polling(rig.db, queue, sources, rig.vault, every_s=300)


def head(sources: FakeSources, app: App, commit: str) -> None:
    sources.heads[app.repository, "refs/heads/main"] = commit


def test_a_push_without_a_delivery_is_deployed(rig: Rig, polling: Polling, sources: FakeSources) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.change(app, head=OLD)
    head(sources, app, NEW)
    assert polling.check() == 0  # its delivery may be on the way
    assert polling.check() == 1
    row = rig.all(Deployment)[-1]
    assert (row.commit_sha, row.ref, row.state) == (NEW, "refs/heads/main", "queued")
    assert rig.all(App)[0].head == NEW
    assert polling.check() == 0


def test_a_missed_push_that_is_deployed_is_in_the_audit_log(rig: Rig, polling: Polling, sources: FakeSources) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.change(app, head=OLD)
    head(sources, app, NEW)
    assert polled(polling) == 1
    [record] = rig.all(AuditRecord)
    made = rig.all(Deployment)[-1]
    assert (record.tenant_id, record.actor, record.action) == (app.tenant_id, made.actor, "deployment.create")
    assert (record.subject, record.detail) == (app.name, {"deployment": made.id, "commit": NEW})


def test_a_push_whose_delivery_arrived_meanwhile_is_deployed_once(
    rig: Rig, polling: Polling, sources: FakeSources
) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.change(app, head=OLD)
    head(sources, app, NEW)
    polling.check()
    rig.built(app, NEW)
    assert polling.check() == 0
    assert len(rig.all(Deployment)) == 2


def test_one_app_that_fails_does_not_end_the_look_at_the_others(
    rig: Rig, polling: Polling, sources: FakeSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = rig.add_app("broken"), rig.add_app("sound")
    for app in (broken, sound):
        rig.live(app)
        rig.change(app, head=OLD, repository=f"https://github.com/acme/{app.name}")
        sources.heads[f"https://github.com/acme/{app.name}", "refs/heads/main"] = NEW
    resolve = sources.resolve

    def failing(repository: Repository, ref: str) -> str | None:
        if repository.url.endswith("broken"):
            raise OSError(7, "Argument list too long")
        return resolve(repository, ref)

    monkeypatch.setattr(sources, "resolve", failing)
    assert polled(polling) == 1
    assert rig.all(Deployment)[-1].app_id == sound.id


def polled(polling: Polling) -> int:
    """As often as it takes for a head that stays."""
    polling.forget_times()
    return polling.check() + polling.check()


@pytest.mark.parametrize(
    ("state", "reason", "made"),
    [
        (State.SUPERSEDED, "superseded", 1),  # the branch had moved on, and came back
        (State.SKIPPED, "branch-gone", 1),
        (State.SKIPPED, "skipped", 0),  # it changes nothing of what is live
        (State.FAILED, "build-failed", 0),
        (State.CANCELLED, "cancelled", 0),
        (State.BUILDING, "", 0),
    ],
)
def test_what_became_of_the_heads_own_push_says_whether_it_was_missed(
    rig: Rig, polling: Polling, sources: FakeSources, state: State, reason: str, made: int
) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.change(rig.building(app, NEW), state=str(state), reason=reason)
    rig.change(app, head=NEW)
    head(sources, app, NEW)
    assert polled(polling) == made


def test_a_head_that_came_back_without_a_delivery_is_deployed_each_time(
    rig: Rig, polling: Polling, sources: FakeSources
) -> None:
    app = rig.add_app()
    rig.live(app, OLD)
    rig.live(app, NEW)
    for commit in (OLD, NEW, OLD):
        head(sources, app, commit)
        assert polled(polling) == 1
        row = rig.all(Deployment)[-1]
        assert (row.commit_sha, row.state) == (commit, "queued")
        assert polled(polling) == 0
        rig.change(row, state="failed")


def test_a_push_that_no_worker_has_claimed_may_yet_be_superseded(
    rig: Rig, polling: Polling, sources: FakeSources
) -> None:
    app = rig.add_app()
    rig.live(app)
    waits = rig.building(app, NEW)
    head(sources, app, OLD)
    for state in (State.QUEUED, State.FETCHING):
        rig.change(waits, state=str(state))
        assert polled(polling) == 0
    rig.change(waits, state="building")
    assert polled(polling) == 1


@pytest.mark.parametrize(("state", "made"), [("retired", 0), ("building", 0), ("failed", 1), ("cancelled", 1)])
def test_the_branch_deployed_by_hand_was_not_missed_unless_that_came_to_nothing(
    rig: Rig, polling: Polling, sources: FakeSources, state: str, made: int
) -> None:
    app = rig.add_app()
    rig.live(app)
    by_hand = rig.intend(app, intents.deploy, ref="main", commit_sha=NEW, actor="a test")
    rig.change(by_hand, state=state)
    head(sources, app, NEW)
    assert polled(polling) == made


def test_what_was_deployed_of_another_branch_says_nothing_of_the_new_one(
    rig: Rig, polling: Polling, sources: FakeSources
) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.change(app, head=None, branch_sequence=rig.all(App)[0].next_sequence)
    head(sources, app, NEW)
    assert polled(polling) == 0
    head(sources, app, OLD)
    assert polled(polling) == 1


def test_of_an_app_that_was_never_deployed_only_the_head_is_remembered(
    rig: Rig, polling: Polling, sources: FakeSources
) -> None:
    app = rig.add_app()
    head(sources, app, NEW)
    assert polling.check() == polling.check() == 0
    assert rig.all(App)[0].head == NEW
    assert rig.all(Deployment) == []


def test_the_head_of_an_apps_branch_is_as_the_repository_has_it_now(
    rig: Rig, polling: Polling, sources: FakeSources
) -> None:
    app = rig.add_app()
    assert polling.head_of(app.id) is None
    head(sources, app, NEW)
    assert polling.head_of(app.id) == NEW
    sources.failure = DeploymentFailed("clone-failed", "no")
    with pytest.raises(DeploymentFailed):
        polling.head_of(app.id)
    rig.change(app, source="image")
    for number in (app.id, 4711):
        with pytest.raises(NotFound):
            polling.head_of(number)


def test_a_repository_that_does_not_answer_delays_no_other(rig: Rig, polling: Polling, sources: FakeSources) -> None:
    rig.add_app()
    sources.failure = DeploymentFailed("clone-failed", "no answer")
    assert polling.check() == 0
    assert rig.all(App)[0].polled_at is not None


def test_an_app_is_asked_for_once_in_its_time(rig: Rig, polling: Polling, sources: FakeSources) -> None:
    app = rig.add_app()
    head(sources, app, NEW)
    polling.check()
    polling.check()
    assert len(sources.asked) == 1
    polling.forget_times()
    polling.check()
    assert len(sources.asked) == 2


def test_the_credential_is_opened_for_the_fetch(rig: Rig, polling: Polling, sources: FakeSources) -> None:
    app = rig.add_app()
    rig.change(app, credential=rig.vault.seal("token", rig.tenant_id, app.id, "credential"))
    polling.check()
    assert sources.asked[0].credential == "token"

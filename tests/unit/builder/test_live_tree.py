"""A push of an app with a filter is compared with what is live, and skipped only while that stays so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from slipway.core.deployment.ordering import BRANCH_GONE, CHANGES_NOTHING
from slipway.core.deployment.states import Kind, State
from slipway.domain import intents, lifecycle
from slipway.models import App, Build, Deployment, Release, now
from tests.unit.builder.conftest import MAIN, Rig

LIVE, DOCS, API, REVERT = "a" * 40, "b" * 40, "c" * 40, "d" * 40
TREES = {
    LIVE: {"api/app.py": "1", "docs/a.md": "1", "slipway.toml": "1"},
    DOCS: {"api/app.py": "1", "docs/a.md": "2", "slipway.toml": "1"},
    API: {"api/app.py": "2", "docs/a.md": "2", "slipway.toml": "1"},
    REVERT: {"api/app.py": "1", "docs/a.md": "3", "slipway.toml": "1"},
}


@pytest.fixture(autouse=True)
def live(rig: Rig) -> Deployment:
    """LIVE serves, of an app that is made of its api."""
    rig.sources.trees = dict(TREES)
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        session.get_one(App, rig.app_id).settings = {"paths": ["api/**"]}
    deployment = rig.live(commit=LIVE)
    released(rig, deployment)
    return deployment


def released(rig: Rig, deployment: Deployment) -> None:
    own = {"tenant_id": rig.tenant_id, "app_id": rig.app_id}
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        row = session.get_one(Deployment, deployment.id)
        build = Build(**own, deployment_id=row.id, image="i", digest="d")
        session.add(build)
        session.flush()
        release = Release(**own, number=row.id, image="i", digest="d", commit_sha=row.commit_sha, build_id=build.id)
        session.add(release)
        session.flush()
        row.release_id, row.started_at = release.id, now()


def on_its_way(rig: Rig, commit: str, kind: Kind = Kind.PUSH, state: State = State.STARTING) -> Deployment:
    deployment = rig.push(commit)
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        row = session.get_one(Deployment, deployment.id)
        row.kind = str(kind)
        for each in (State.FETCHING, State.BUILDING, State.STARTING):
            if row.state != state:
                lifecycle.advance(row, each)
    return deployment


def goes_live(rig: Rig, deployment: Deployment) -> None:
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        serving = intents.live_deployment(session, rig.app_id)
        assert serving
        lifecycle.advance(serving, State.RETIRED)
        session.flush()
        lifecycle.advance(session.get_one(Deployment, deployment.id), State.LIVE)
    released(rig, deployment)


def test_a_push_that_changes_nothing_of_the_app_is_skipped_without_being_fetched(rig: Rig) -> None:
    push = rig.push(DOCS)
    assert rig.work(push) == "skipped"
    row = rig.row(push)
    assert row.detail == "nothing under api/** differs from what is live (aaaaaaa)"
    assert row.reason == CHANGES_NOTHING
    assert row.remedy == "to deploy it all the same: slipway deploy --ref main"
    assert (rig.sources.repositories, rig.images.built) == ([], [])
    assert rig.leftovers() == []


def test_a_push_that_brings_what_an_earlier_one_changed_is_built(rig: Rig) -> None:
    rig.sources.trees["e" * 40] = TREES[API] | {"docs/a.md": "4"}  # API's own delivery never came
    assert rig.work(rig.push("e" * 40)) == "starting"


@pytest.mark.parametrize("changed", ["slipway.toml", "api/new/file"])
def test_a_push_that_changes_the_settings_or_adds_a_file_is_built(rig: Rig, changed: str) -> None:
    rig.sources.trees[DOCS] = TREES[DOCS] | {changed: "2"}
    assert rig.work(rig.push(DOCS)) == "starting"


def test_the_filter_of_the_live_slipway_toml_goes_before_the_apps(rig: Rig, live: Deployment) -> None:
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        session.query(Build).filter_by(deployment_id=live.id).one().file_settings = {"paths": ["docs/**"]}
    assert rig.work(rig.push(DOCS)) == "starting"


@pytest.mark.parametrize(("later", "state"), [(timedelta(), "starting"), (timedelta(microseconds=-1), "skipped")])
def test_what_is_live_is_not_compared_with_once_its_build_took_something_else(
    rig: Rig, live: Deployment, later: timedelta, state: str
) -> None:
    began = rig.row(live).started_at
    assert began
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        session.get_one(App, rig.app_id).build_inputs_changed_at = began + later
    assert rig.work(rig.push(DOCS)) == state


def test_without_a_filter_nothing_is_compared(rig: Rig) -> None:
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        session.get_one(App, rig.app_id).settings = {}
    assert rig.work(rig.push(DOCS)) == "starting"
    assert rig.sources.compared == []


def test_a_deployment_by_hand_is_not_compared(rig: Rig) -> None:
    rig.sources.heads["main"] = DOCS
    assert rig.work(rig.deploy("main")) == "starting"


def test_what_can_not_be_compared_is_built_and_the_log_says_why(rig: Rig) -> None:
    del rig.sources.trees[LIVE]
    assert rig.work(rig.push(DOCS)) == "starting"
    [line] = [line for line in rig.log.lines if "compared" in line]
    assert line == (
        "bbbbbbb can't be compared with what is live (aaaaaaa), so it is built: "
        "the repository does not have that commit (any more)"
    )


def test_a_filtered_push_that_is_not_the_head_is_not_compared(rig: Rig) -> None:
    assert rig.work(rig.push(DOCS, head=API)) == "superseded"
    assert rig.sources.compared == []


def test_a_push_that_is_skipped_stops_the_older_one_that_is_starting(rig: Rig) -> None:
    older = on_its_way(rig, API)
    assert rig.work(rig.push(REVERT)) == "skipped"
    row = rig.row(older)
    assert (row.state, row.stop_requested) == ("starting", "superseded")
    assert row.stop_why == "the branch has moved on to ddddddd, which changes nothing of what is live"
    assert rig.queue.woken == [rig.app_id]


def test_the_branch_set_back_to_what_is_live_stops_the_older_one_too(rig: Rig) -> None:
    older = on_its_way(rig, API)
    queued = rig.push(DOCS)
    assert rig.work(rig.push(LIVE)) == "skipped"
    assert rig.row(older).stop_requested == "superseded"
    assert rig.row(queued).state == "superseded"


@pytest.mark.parametrize("kind", [Kind.MANUAL, Kind.ROLLBACK])
def test_a_push_after_a_choice_that_has_not_ended_is_built(rig: Rig, kind: Kind) -> None:
    on_its_way(rig, API, kind)
    assert rig.work(rig.push(DOCS)) == "starting"
    assert rig.sources.compared == []


def test_a_configuration_change_on_its_way_keeps_what_is_live(rig: Rig) -> None:
    change = on_its_way(rig, LIVE, Kind.CONFIGURATION)
    assert rig.work(rig.push(DOCS)) == "skipped"
    assert rig.row(change).stop_requested is None


def during(rig: Rig, monkeypatch: pytest.MonkeyPatch, what: Callable[[], object]) -> None:
    """`what` happens once, between the comparison and what is written of it."""
    compare, happened = rig.sources.changed, []

    def compared(*arguments: Any, **named: Any) -> frozenset[str]:
        found = compare(*arguments, **named)
        if not happened:
            happened.append(what())
        return found

    monkeypatch.setattr(rig.sources, "changed", compared)


def test_what_goes_live_meanwhile_is_compared_with_again(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    older = on_its_way(rig, API)
    push = rig.push(REVERT)
    during(rig, monkeypatch, lambda: goes_live(rig, older))
    assert rig.work(push) is None
    assert (rig.row(push).state, rig.queue.enqueued) == ("queued", [(push.id, 1)])
    assert not [line for line in rig.log.lines if line.startswith("skipped")]
    assert rig.work(push, 1) == "starting"
    assert rig.sources.compared == [(LIVE, REVERT), (API, REVERT)]


def test_a_filter_that_is_changed_meanwhile_holds(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def change() -> None:
        with rig.db.write(tenant_id=rig.tenant_id) as session:
            session.get_one(App, rig.app_id).settings = {"paths": ["docs/**"]}

    push = rig.push(DOCS)
    during(rig, monkeypatch, change)
    assert rig.work(push) is None
    assert rig.work(push, 1) == "starting"


def test_a_branch_that_is_gone_says_so_in_a_code(rig: Rig) -> None:
    push = rig.push(DOCS, head=None)
    assert rig.work(push) == "skipped"
    assert rig.row(push).reason == BRANCH_GONE


def test_what_was_not_built_from_a_commit_is_not_compared(rig: Rig, live: Deployment) -> None:
    rig.change(live, source="image")
    assert rig.work(rig.push(DOCS)) == "starting"
    assert rig.sources.compared == []
    assert rig.sources.heads[MAIN] == DOCS

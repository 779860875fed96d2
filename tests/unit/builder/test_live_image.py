"""What is asked for by hand while it serves already: skipped, but only where making it anew would change nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from slipway.core.deployment.states import Kind
from slipway.domain import audit, intents
from slipway.domain.audit import Action
from slipway.models import App, Build, Deployment, Release, Replica, now
from tests.building_fakes import REGISTRY_DIGEST
from tests.unit.builder.conftest import Rig, sha

Change = Callable[[Rig, Deployment], None]


def serving(rig: Rig, commit: str, **values: Any) -> Deployment:
    """A live deployment that was built, and whose replica answers."""
    live = rig.live(commit=commit, **values)
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        row = session.get_one(Deployment, live.id)
        own = {"tenant_id": rig.tenant_id, "app_id": rig.app_id}
        build = Build(**own, deployment_id=row.id, image="i", digest="sha256:1")
        session.add(build)
        session.flush()
        release = Release(**own, number=4, image="i", digest="sha256:1", commit_sha=commit, build_id=build.id)
        session.add(release)
        session.flush()
        row.release_id, row.started_at = release.id, now()
        replica = Replica(**own, id="r1", release_id=release.id, deployment_id=row.id, slot=0, state="ready")
        session.add(replica)
    return live


def asked_for(rig: Rig, commit: str, *, rebuild: bool = False) -> Deployment:
    rig.sources.heads["main"] = commit
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        app = session.get_one(App, rig.app_id)
        return intents.deploy(session, app, ref="main", actor="test", rebuild=rebuild)


def build_inputs_changed(when: Callable[[Deployment], datetime]) -> Change:
    def change(rig: Rig, live: Deployment) -> None:
        began = rig.row(live)
        with rig.db.write(tenant_id=rig.tenant_id) as session:
            session.get_one(App, rig.app_id).build_inputs_changed_at = when(began)

    return change


def before(live: Deployment) -> datetime:
    assert live.started_at
    return live.started_at - timedelta(microseconds=1)


def since(live: Deployment) -> datetime:
    assert live.started_at
    return live.started_at


def replica_is(state: str) -> Change:
    def change(rig: Rig, _live: Deployment) -> None:
        with rig.db.write(tenant_id=rig.tenant_id) as session:
            session.get_one(Replica, "r1").state = state

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda _rig, _live: None,
        build_inputs_changed(before),
    ],
)
def test_what_serves_already_is_skipped_and_nothing_is_built(rig: Rig, change: Change) -> None:
    commit = sha()
    change(rig, serving(rig, commit))
    again = asked_for(rig, commit)
    assert rig.work(again) == "skipped"
    row = rig.row(again)
    assert (row.message, row.detail) == ("Pushed", f"{commit[:7]} is live already (v4)")
    assert row.remedy == "build it anew all the same: slipway deploy --rebuild"
    assert [(step["name"], step["ok"]) for step in row.steps] == [("fetch", True)]
    assert rig.images.built == []


@pytest.mark.parametrize(
    "change",
    [
        build_inputs_changed(since),
        replica_is("crashed"),
        lambda rig, live: rig.change(live, kind=str(Kind.ROLLBACK)),
        lambda rig, live: rig.change(live, kind=str(Kind.PROMOTION)),
    ],
)
def test_what_would_come_out_otherwise_or_does_not_serve_is_built(rig: Rig, change: Change) -> None:
    commit = sha()
    change(rig, serving(rig, commit))
    assert rig.work(asked_for(rig, commit)) == "starting"


@pytest.mark.parametrize(
    ("other", "state"),
    [
        ({"kind": "manual", "ref": "v1", "commit_sha": "b" * 40}, "starting"),
        ({"kind": "manual", "ref": "v1"}, "starting"),
        ({"kind": "rollback", "commit_sha": "b" * 40}, "starting"),
        ({"kind": "push", "commit_sha": "b" * 40, "state": "starting"}, "starting"),
        ({"kind": "push", "commit_sha": "b" * 40}, "skipped"),
        ({"kind": "manual", "ref": "main"}, "skipped"),
        ({"kind": "configuration", "commit_sha": "b" * 40}, "skipped"),
        ({"kind": "manual", "ref": "v1", "stop_requested": "cancelled"}, "skipped"),
    ],
)
def test_what_something_else_is_about_to_replace_is_not_said_to_be_live(
    rig: Rig, other: dict[str, str], state: str
) -> None:
    commit = sha()
    serving(rig, commit)
    rig.change(rig.deploy("v1"), **{"commit_sha": "", **other})
    assert rig.work(asked_for(rig, commit)) == state


def test_a_rebuild_is_built(rig: Rig) -> None:
    commit = sha()
    serving(rig, commit)
    again = asked_for(rig, commit, rebuild=True)
    assert rig.work(again) == "starting"
    assert rig.row(again).kind == "rebuild"


def test_an_image_whose_tag_has_not_moved_is_skipped_but_not_under_another_name(rig: Rig) -> None:
    image = "registry.example/shop:1.4"
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        app = session.get_one(App, rig.app_id)
        app.source, app.image = "image", image
    serving(rig, REGISTRY_DIGEST.removeprefix("sha256:"))
    assert rig.work(rig.deploy(image)) == "skipped"
    assert rig.work(rig.deploy("registry.example/shop:stable")) == "starting"


def test_what_the_audit_log_says_decides_nothing(rig: Rig) -> None:
    commit = sha()
    serving(rig, commit)
    with rig.db.write(tenant_id=rig.tenant_id) as session:
        what = {"fields": ["repository", "settings"], "settings": ["build"]}
        audit.record(session, rig.tenant_id, audit.HOST, Action.APP_CHANGE, "hello", **what)
    assert rig.work(asked_for(rig, commit)) == "skipped"

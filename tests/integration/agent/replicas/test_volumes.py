"""Apps' data over deployments, changes, rollbacks and deletions, as the agent hands it to containers."""

from __future__ import annotations

from typing import Any

import pytest

from builder.agent.maintenance import volumes
from slipway.core.deployment.states import State
from slipway.domain import intents
from slipway.models import App, Deployment, Release, Volume, now
from tests.fakes import FakeBuilder, FakeLog
from tests.integration.agent.rig import Rig

DATA = {"path": "/data"}
ALONE = DATA | {"shared": False}
PUSHED, NEXT = "a" * 40, "b" * 40


def mounted(rig: Rig, app: App) -> set[tuple[str, str]]:
    """What the containers that run have: volume and path."""
    return {(each.id, each.path) for one in rig.running(app).values() for each in one.spec.volumes}


def rows(rig: Rig, **values: Any) -> list[Volume]:
    return sorted(rig.all(Volume, **values), key=lambda row: row.created_at)


def delete(rig: Rig, app: App) -> None:
    rig.change(app, deleted_at=now())
    rig.settle(app)
    rig.delete_apps(FakeBuilder, FakeLog())
    rig.settle(app)
    rig.report_ends()
    rig.delete_apps(FakeBuilder, FakeLog())
    assert rig.all(App, id=app.id) == []


def test_an_images_volume_is_one_and_the_same_over_every_deployment(rig: Rig) -> None:
    app = rig.add_app()
    rig.runtime.declared_volumes = {f"sha256:{PUSHED[:7]}": ("/data",), f"sha256:{NEXT[:7]}": ("/data/",)}
    first = rig.live(app, PUSHED)
    (row,) = rows(rig)
    assert row.id.startswith("hello-production-data-")
    assert mounted(rig, app) == {(row.id, "/data")}
    rig.live(app, NEXT)
    changed = rig.intend(app, intents.reconfigure, actor="a test", what="A set")
    rig.settle(app)
    back = rig.intend(app, intents.rollback, actor="a test", to=1)
    rig.settle(app)
    assert [rig.deployment(each).state for each in (first, changed, back)] == ["retired", "retired", "live"]
    assert mounted(rig, app) == {(row.id, "/data")}
    assert [each.id for each in rows(rig)] == [row.id]


def test_a_crashed_replica_has_its_volume_again(rig: Rig) -> None:
    app = rig.add_app(volumes=[DATA])
    rig.live(app)
    before = mounted(rig, app)
    (replica,) = rig.replicas(app)
    rig.runtime.die(replica.container_id)
    rig.settle(app)
    rig.ahead_s = 60
    rig.settle(app)
    assert mounted(rig, app) == before != set()


def test_a_release_from_before_volumes_mounts_its_images_when_it_is_gone_back_to(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app, PUSHED)
    (release,) = rig.all(Release)
    rig.change(release, configuration=release.configuration | {"volumes": {}})
    rig.runtime.declared_volumes = {release.digest: ("/data",)}
    rig.live(app, NEXT)
    rig.intend(app, intents.rollback, actor="a test", to=1)
    rig.settle(app)
    assert [path for _, path in mounted(rig, app)] == ["/data"]


def test_processes_mount_what_names_them_and_the_pre_deploy_command_everything(rig: Rig) -> None:
    both = [DATA | {"processes": ["worker"]}, {"path": "/site", "processes": ["web"], "read_only": True}]
    app = rig.add_app(volumes=both, processes={"worker": {}}, pre_deploy="migrate")
    given: list[set[str]] = []
    run_task = rig.runtime.run_task
    rig.runtime.run_task = lambda spec, *a, **k: (  # type: ignore[method-assign]
        given.append({each.path for each in spec.volumes}) or run_task(spec, *a, **k)
    )
    rig.built(app)
    rig.settle(app)
    rig.ahead_s = 5
    rig.settle(app)
    assert given == [{"/data", "/site"}]
    of = {c.spec.process: [(v.path, v.read_only) for v in c.spec.volumes] for c in rig.running(app).values()}
    assert of == {"worker": [("/data", False)], "web": [("/site", True)]}


def test_a_deployment_says_that_releases_and_replicas_share_a_volume(rig: Rig) -> None:
    app = rig.add_app(volumes=[DATA], replicas=2)
    (notice,) = rig.live(app).notices or []
    assert "the old and the new release write to it" in notice
    assert "2 replicas" in notice
    rig.change(app, settings={"volumes": [DATA | {"shared": True}]})
    assert rig.live(app, NEXT).notices == []
    rig.change(app, settings={})
    (notice,) = rig.live(app, "c" * 40).notices or []
    assert "no longer mounted" in notice


def test_what_is_not_shared_is_never_in_two_containers(rig: Rig) -> None:
    """Nor in that of the pre-deploy command beside the old replica's."""
    app = rig.add_app(volumes=[ALONE], pre_deploy="migrate")
    start, run_task = rig.runtime.start, rig.runtime.run_task
    beside: list[int] = []

    def counted(work: Any) -> Any:
        def run(spec: Any, *arguments: Any, **values: Any) -> Any:
            beside.append(sum(bool(each.spec.volumes) for each in rig.runtime.containers.values()))
            return work(spec, *arguments, **values)

        return run

    rig.runtime.start, rig.runtime.run_task = counted(start), counted(run_task)  # type: ignore[method-assign]
    rig.live(app, PUSHED)
    rig.live(app, NEXT)
    rig.intend(app, intents.reconfigure, actor="a test", what="A set")
    rig.settle(app)
    rig.intend(app, intents.rollback, actor="a test", to=1)
    rig.settle(app)
    assert len(mounted(rig, app)) == 1
    assert beside == [0] * 6
    (release, *_) = rig.all(Release)
    assert release.configuration["strategy"] == "recreate"


def test_one_that_shares_waits_for_one_that_did_not(rig: Rig) -> None:
    app = rig.add_app(volumes=[ALONE])
    rig.live(app, PUSHED)
    rig.change(app, settings={"volumes": [DATA]})
    start, seen = rig.runtime.start, []
    rig.runtime.start = lambda spec: seen.append(len(rig.runtime.containers)) or start(spec)  # type: ignore
    rig.live(app, NEXT)
    assert seen == [0]


def watched(rig: Rig, app: App, commit: str, *mounts: dict[str, Any], **more: Any) -> Deployment:
    """Live, with the watch open."""
    rig.change(app, settings={"volumes": list(mounts), "timeouts": {"watch_s": 60}} | more)
    row = rig.built(app, commit)
    rig.settle(app)
    rig.ahead_s += 2  # a process without a port has run for long enough
    rig.settle(app)
    assert rig.deployment(row).state == State.LIVE
    return rig.deployment(row)


def crash_twice(rig: Rig, app: App) -> None:
    """Its web replica, which is started again in between. What then has to be stopped or started is not, until
    `resume`."""
    for is_last in (False, True):
        rig.executor.held = is_last
        [web] = rig.replicas(app, process="web")
        rig.runtime.die(str(web.container_id), exit_code=1)
        rig.settle(app)


def test_a_release_that_gives_way_takes_its_volume_along_before_the_one_before_starts(rig: Rig) -> None:
    app = rig.add_app()
    more = {"processes": {"worker": {}}}
    first = watched(rig, app, PUSHED, DATA, **more)
    second = watched(rig, app, NEXT, ALONE | {"processes": ["worker"]}, **more)
    crash_twice(rig, app)
    assert rig.deployment(first).state == State.LIVE
    assert {each.release_id for each in rig.replicas(app)} == {second.release_id}, "none has /data beside the worker"
    rig.executor.resume()
    rig.settle(app)
    assert sorted((each.release_id, each.process) for each in rig.replicas(app)) == [
        (first.release_id, "web"),
        (first.release_id, "worker"),
    ]


def test_one_that_shares_gives_way_to_one_that_did_not_when_it_ends_again(rig: Rig) -> None:
    app = rig.add_app()
    first = watched(rig, app, PUSHED, ALONE)
    second = watched(rig, app, NEXT, DATA)
    crash_twice(rig, app)
    assert [rig.deployment(each).state for each in (first, second)] == [State.LIVE, State.FAILED]
    rig.executor.resume()
    rig.settle(app)
    assert [each.release_id for each in rig.replicas(app)] == [first.release_id]


def test_more_replicas_than_may_share_are_refused_and_never_run(rig: Rig) -> None:
    app = rig.add_app(volumes=[ALONE], replicas=3)
    refused = rig.built(app)
    rig.settle(app)
    refused = rig.deployment(refused)
    assert (refused.state, refused.reason) == (State.FAILED, "settings-invalid")
    assert "3 replicas of web are wanted, but the volume data is not shared" in refused.detail
    assert "slipway scale 1" in refused.remedy
    rig.intend(app, intents.scale, replicas=1)
    rig.live(app, NEXT)
    rig.intend(app, intents.scale, replicas=3)  # behind the API's back
    rig.settle(app)
    assert len(rig.running(app)) == 1


def test_a_stopped_replica_is_gone_before_the_next_has_its_volume(rig: Rig) -> None:
    app = rig.add_app(volumes=[ALONE])
    rig.live(app)
    (replica,) = rig.replicas(app)
    rig.change(replica, state="draining", ended_at=now())  # its SIGTERM was sent, then the agent was killed
    rig.settle(app)
    assert [each.id for each in rig.replicas(app)] != [replica.id]
    assert len(rig.running(app)) == 1


@pytest.mark.parametrize("named", ["hello", "other"])
def test_a_deleted_apps_volume_stays_and_no_later_app_gets_it(rig: Rig, named: str) -> None:
    app = rig.add_app(volumes=[DATA])
    rig.live(app)
    (row,) = rows(rig)
    rig.runtime.volumes[row.id]["note"] = "mine"
    delete(rig, app)
    (kept,) = rows(rig)
    assert (kept.id, kept.app_id, kept.app_name) == (row.id, None, "hello")
    assert rig.runtime.volumes[row.id] == {"note": "mine"}

    again = rig.add_app(named, volumes=[DATA])
    rig.live(again)
    assert row.id not in {volume for volume, _ in mounted(rig, again)}
    assert len(rows(rig)) == 2


def test_a_volume_goes_when_it_was_asked_for_and_nothing_has_it(rig: Rig) -> None:
    app = rig.add_app(volumes=[DATA])
    rig.live(app)
    (row,) = rows(rig)
    rig.change(row, removal_requested_at=now())
    assert volumes.remove_requested(rig.db, rig.runtime) == 0
    assert row.id in rig.runtime.volumes
    delete(rig, app)
    assert volumes.remove_requested(rig.db, rig.runtime) == 1
    assert (rows(rig), rig.runtime.volumes) == ([], {})


def test_a_new_replica_gets_another_volume_when_its_own_is_to_be_removed(rig: Rig) -> None:
    app = rig.add_app(volumes=[DATA])
    rig.live(app)
    rig.intend(app, intents.scale, replicas=0)
    rig.settle(app)
    (row,) = rows(rig)
    rig.change(row, removal_requested_at=now(), app_id=None)
    rig.intend(app, intents.scale, replicas=1)
    rig.settle(app)
    assert row.id not in {volume for volume, _ in mounted(rig, app)}
    assert volumes.remove_requested(rig.db, rig.runtime) == 1
    assert [each.app_id for each in rows(rig)] == [app.id]


def test_a_volume_over_the_images_program_is_said_until_somebody_declares_it(rig: Rig) -> None:
    app = rig.add_app()
    digests = [f"sha256:{commit[:7]}" for commit in (PUSHED, NEXT, "c" * 40)]
    rig.runtime.declared_volumes = dict.fromkeys(digests, ("/app/", "/data", "/var/lib/My Data"))
    rig.runtime.hiding_volumes = dict.fromkeys(digests, ("/app/",))
    said = [each for each in rig.live(app, PUSHED).notices or [] if "is shared" not in each]
    assert len(said) == 2
    assert said[0].startswith("The image's files at /app are hidden by the volume app from the second deployment on")
    assert said[1].startswith("VOLUME '/var/lib/My Data' can't be kept")
    changed = rig.intend(app, intents.reconfigure, actor="a test", what="A set")
    rig.settle(app)
    assert set(said) <= set(rig.deployment(changed).notices or [])
    rig.change(app, settings={"volumes": [{"path": "/app", "shared": True}]})
    assert not any("hidden" in each for each in rig.live(app, NEXT).notices or [])


def test_an_image_that_is_gone_fails_the_deployment(rig: Rig) -> None:
    app = rig.add_app()
    row: Deployment = rig.built(app)
    rig.runtime.images = set()
    rig.settle(app)
    assert rig.deployment(row).reason == "image-missing"

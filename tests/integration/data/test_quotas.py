"""What counts against a tenant's quota, and that two at once can't take the same rest: on both databases."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from builder.agent.rollout.releases.snapshot import make_release
from slipway.core.app_settings.configuration import Defaults
from slipway.core.deployment.states import State
from slipway.core.quota.quotas import Quota, shown
from slipway.db import Database
from slipway.domain import intents, lifecycle
from slipway.domain.audit import HOST
from slipway.domain.quota.enforcement import require_app, require_build
from slipway.domain.quota.plans import Plans, host_quotas
from slipway.domain.quota.usage import use_of
from slipway.errors import QuotaExceeded, SlipwayError
from slipway.models import App, Build, BuildTime, Deployment, Release, Volume, now
from tests.fixtures.quotas import RAISING_SETTINGS
from tests.fixtures.rows import add_app, add_tenant

WHY = "a test"
HOST_DEFAULTS = Defaults(128 << 20, 1.0, 64, 30.0, 10.0, 30.0, 10.0, 600.0)


@pytest.fixture
def tenant_id(database: Database) -> int:
    return add_tenant(database)


@pytest.fixture
def plans(database: Database) -> Plans:
    return Plans(database, HOST, lambda _app_id: None)


def used(database: Database, tenant_id: int) -> dict[Quota, int]:
    with database.read(tenant_id=tenant_id) as session:
        return use_of(session, tenant_id)


def start(database: Database, app: App, settings: dict[str, Any], image_volumes: tuple[str, ...] = ()) -> int:
    """A deployment of a commit with this slipway.toml, whose release was frozen. Returns its id."""
    with database.write(tenant_id=app.tenant_id) as session:
        row = _built(session, app, settings)
        made = row.id
    freeze(database, app, made, image_volumes)
    return made


def _built(session: Any, app: App, settings: dict[str, Any]) -> Deployment:
    row = intents.deploy(session, session.get_one(App, app.id), ref="main", actor=WHY, rebuild=True)
    for state in (State.FETCHING, State.BUILDING, State.STARTING):
        lifecycle.advance(row, state)
    of_app = {"tenant_id": app.tenant_id, "app_id": app.id, "deployment_id": row.id}
    session.add(Build(**of_app, image="i", digest="d", file_settings=settings))
    session.flush()
    return row


def freeze(database: Database, app: App, deployment_id: int, image_volumes: tuple[str, ...] = ()) -> None:
    """As the agent does, under the app's lock."""
    with database.write(platform=WHY) as session:
        intents._lock(session, session.get_one(App, app.id))
        make_release(session, session.get_one(Deployment, deployment_id), HOST_DEFAULTS, image_volumes)


def go_live(database: Database, deployment_id: int) -> None:
    with database.write(platform=WHY) as session:
        row = session.get_one(Deployment, deployment_id)
        before = intents.live_deployment(session, row.app_id)
        if before is not None:
            lifecycle.advance(before, State.RETIRED)
            session.flush()
            row.previous_id = before.id
        lifecycle.advance(row, State.LIVE)


def fail(database: Database, deployment_id: int) -> None:
    with database.write(platform=WHY) as session:
        lifecycle.stop(session.get_one(Deployment, deployment_id), State.CANCELLED, WHY)


def scale(database: Database, app: App, replicas: int, process: str = "web") -> None:
    with database.write(tenant_id=app.tenant_id) as session:
        intents.scale(session, session.get_one(App, app.id), replicas=replicas, process=process)


def at_once(*works: Callable[[], object]) -> list[object]:
    """What each raised; None where it was done."""
    ready = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        ready.wait(10)
        try:
            work()
        except SlipwayError as error:
            return error.code
        return None

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


# what counts


def test_replicas_count_by_what_their_release_froze(database: Database, tenant_id: int) -> None:
    app = add_app(database, tenant_id)
    assert set(used(database, tenant_id).values()) == {0, 1}, "the app alone: it runs nothing"
    file = {"resources": {"cpus": 0.1, "memory_mb": 100}, "processes": {"work": {"command": "w", "replicas": 2}}}
    go_live(database, start(database, app, file))
    found = used(database, tenant_id)
    assert (found[Quota.REPLICAS], found[Quota.CPUS], found[Quota.MEMORY]) == (3, 300, 300)
    scale(database, app, 5, "work")
    assert used(database, tenant_id)[Quota.REPLICAS] == 6
    scale(database, app, 0, "work")
    scale(database, app, 0)
    assert used(database, tenant_id)[Quota.CPUS] == 0


def test_a_rollout_counts_once_as_the_larger_of_the_two_releases(database: Database, tenant_id: int) -> None:
    app = add_app(database, tenant_id)
    go_live(database, start(database, app, {"resources": {"memory_mb": 300}}))
    smaller = start(database, app, {"resources": {"memory_mb": 200, "cpus": 2}})
    assert (used(database, tenant_id)[Quota.MEMORY], used(database, tenant_id)[Quota.CPUS]) == (300, 2000)
    go_live(database, smaller)
    assert used(database, tenant_id)[Quota.MEMORY] == 200


def test_what_a_watched_release_may_give_way_to_counts_until_the_watch_is_over(
    database: Database, tenant_id: int
) -> None:
    app = add_app(database, tenant_id)
    go_live(database, start(database, app, {"resources": {"memory_mb": 300}}))
    deployment = start(database, app, {"resources": {"memory_mb": 200}})
    go_live(database, deployment)
    with database.write(platform=WHY) as session:
        lifecycle.begin_step(session.get_one(Deployment, deployment), "watch", until=0.0)
    assert used(database, tenant_id)[Quota.MEMORY] == 300
    with database.write(platform=WHY) as session:
        lifecycle.end_step(session.get_one(Deployment, deployment), ok=True)
    assert used(database, tenant_id)[Quota.MEMORY] == 200


def test_a_deployment_that_ends_gives_back_what_it_would_have_had(database: Database, tenant_id: int) -> None:
    app = add_app(database, tenant_id)
    go_live(database, start(database, app, {}))
    fail(database, start(database, app, {"resources": {"memory_mb": 300}}))
    assert used(database, tenant_id)[Quota.MEMORY] == 128


def test_a_deleted_app_counts_no_more_and_its_volumes_do(database: Database, tenant_id: int) -> None:
    app = add_app(database, tenant_id)
    go_live(database, start(database, app, {}, ("/data",)))
    with database.write(tenant_id=tenant_id) as session:
        of_app = {"tenant_id": tenant_id, "app_id": app.id, "app_name": app.name}
        session.add_all(Volume(id=each, name=each, mount_path=f"/{each}", **of_app) for each in ("data", "left"))
    assert used(database, tenant_id)[Quota.VOLUMES] == 2, "the one that is declared exists"
    with database.write(tenant_id=tenant_id) as session:
        session.get_one(App, app.id).deleted_at = now()
        session.get_one(Volume, "left").removal_requested_at = now()
    found = used(database, tenant_id)
    assert (found[Quota.APPS], found[Quota.REPLICAS], found[Quota.VOLUMES]) == (0, 0, 1)


def test_another_tenant_counts_for_itself(database: Database, tenant_id: int) -> None:
    other = add_tenant(database, "globex")
    go_live(database, start(database, add_app(database, other), {}, ("/data",)))
    assert set(used(database, tenant_id).values()) == {0}


# what is refused


def test_a_release_that_needs_too_much_is_not_frozen_and_what_serves_stays(
    database: Database, tenant_id: int, plans: Plans
) -> None:
    app = add_app(database, tenant_id)
    go_live(database, start(database, app, {}))
    plans.change_quota("acme", {"memory_mb": 200, "cpus": 1.5})
    with pytest.raises(QuotaExceeded, match=r"MB of memory: 172 more needed, 72 of 200 left") as refused:
        start(database, app, {"resources": {"memory_mb": 300}})
    assert refused.value.details["quota"] == "memory_mb"
    with database.read(platform=WHY) as session:
        assert len(session.scalars(select(Release)).all()) == 1
    start(database, app, {"resources": {"memory_mb": 200, "cpus": 1.5}})


@pytest.mark.parametrize("setting", RAISING_SETTINGS)
def test_a_slipway_toml_that_needs_more_is_refused_at_the_next_deployment(
    database: Database, tenant_id: int, plans: Plans, setting: str
) -> None:
    limited, file = RAISING_SETTINGS[setting]
    app = add_app(database, tenant_id)
    go_live(database, start(database, app, {}))
    plans.change_quota("acme", {limited: shown(limited, used(database, tenant_id)[limited])})
    with pytest.raises(QuotaExceeded) as refused:
        start(database, app, file)
    assert refused.value.details["quota"] == limited


def test_below_what_is_used_all_goes_on_and_nothing_more_is_allowed(
    database: Database, tenant_id: int, plans: Plans
) -> None:
    app = add_app(database, tenant_id)
    go_live(database, start(database, app, {"resources": {"memory_mb": 300}}))
    scale(database, app, 3)
    plans.change_quota("acme", {"memory_mb": 100, "replicas": 1})
    go_live(database, start(database, app, {"resources": {"memory_mb": 300}}))
    with pytest.raises(QuotaExceeded, match="replicas: 1 more needed, 0 of 1 left"):
        scale(database, app, 4)
    scale(database, app, 2)
    with pytest.raises(QuotaExceeded):
        scale(database, app, 3)


def test_a_rollback_to_a_larger_release_is_refused(database: Database, tenant_id: int, plans: Plans) -> None:
    app = add_app(database, tenant_id)
    go_live(database, start(database, app, {"resources": {"memory_mb": 300}}))
    go_live(database, start(database, app, {}))
    plans.change_quota("acme", {"memory_mb": 200})
    with pytest.raises(QuotaExceeded), database.write(tenant_id=tenant_id) as session:
        intents.rollback(session, session.get_one(App, app.id), actor=WHY)
    plans.change_quota("acme", {"memory_mb": 300})
    with database.write(tenant_id=tenant_id) as session:
        made = intents.rollback(session, session.get_one(App, app.id), actor=WHY).id
    plans.change_quota("acme", {"memory_mb": 299})
    with pytest.raises(QuotaExceeded):
        freeze(database, app, made)


def test_volumes_count_from_when_a_release_declares_them(database: Database, tenant_id: int, plans: Plans) -> None:
    app = add_app(database, tenant_id)
    plans.change_quota("acme", {"volumes": 2})
    go_live(database, start(database, app, {"volumes": [{"path": "/a"}]}, ("/b",)))
    with pytest.raises(QuotaExceeded, match="volumes: 1 more needed, 0 of 2 left"):
        start(database, app, {"volumes": [{"path": "/a"}, {"path": "/c"}]}, ("/b",))


def test_of_an_app_without_a_deployment_all_replicas_have_to_fit(
    database: Database, tenant_id: int, plans: Plans
) -> None:
    app = add_app(database, tenant_id)
    plans.change_quota("acme", {"replicas": 3})
    scale(database, app, 2, "work")
    with pytest.raises(QuotaExceeded):
        scale(database, app, 2)
    scale(database, app, 0, "work")


def test_zero_allows_nothing_and_what_is_not_said_allows_everything(
    database: Database, tenant_id: int, plans: Plans
) -> None:
    app = add_app(database, tenant_id)
    scale(database, app, 100)
    plans.change_quota("acme", {"cpus": 0, "build_minutes": 0})
    with pytest.raises(QuotaExceeded), database.write(tenant_id=tenant_id) as session:
        require_build(session, tenant_id)
    plans.change_quota("acme", {"build_minutes": None})
    with pytest.raises(QuotaExceeded):
        start(database, app, {})
    scale(database, app, 0)
    start(database, app, {})


def test_fractions_of_a_cpu_are_added_exactly(database: Database, tenant_id: int, plans: Plans) -> None:
    app = add_app(database, tenant_id)
    plans.change_quota("acme", {"cpus": 0.3})
    go_live(database, start(database, app, {"resources": {"cpus": 0.1}}))
    scale(database, app, 3)
    with pytest.raises(QuotaExceeded, match=r"CPUs: 0\.1 more needed, 0 of 0\.3 left"):
        scale(database, app, 4)


# at once


def test_of_two_releases_that_fit_alone_one_is_frozen(database: Database, tenant_id: int, plans: Plans) -> None:
    plans.change_quota("acme", {"memory_mb": 500})
    apps = [add_app(database, tenant_id, name) for name in ("one", "two")]
    rows = []
    for app in apps:
        with database.write(tenant_id=tenant_id) as session:
            rows.append((app, _built(session, app, {"resources": {"memory_mb": 300}}).id))
    ended = at_once(*(lambda app=app, row=row: freeze(database, app, row) for app, row in rows))
    assert sorted(ended, key=str) == [None, "quota-exceeded"]
    assert used(database, tenant_id)[Quota.MEMORY] == 300


def test_a_scale_and_a_rollout_of_the_same_app_do_not_both_take_the_rest(
    database: Database, tenant_id: int, plans: Plans
) -> None:
    app = add_app(database, tenant_id)
    go_live(database, start(database, app, {"resources": {"memory_mb": 100}}))
    plans.change_quota("acme", {"memory_mb": 250})
    with database.write(tenant_id=tenant_id) as session:
        row = _built(session, app, {"resources": {"memory_mb": 200}}).id
    ended = at_once(lambda: freeze(database, app, row), lambda: scale(database, app, 2))
    assert sorted(ended, key=str) == [None, "quota-exceeded"], "200 for one, or two of 100, and not 400"
    assert used(database, tenant_id)[Quota.MEMORY] == 200


def test_of_many_scales_at_once_as_many_pass_as_fit(database: Database, tenant_id: int, plans: Plans) -> None:
    apps = [add_app(database, tenant_id, f"app-{number}") for number in range(6)]
    for app in apps:
        go_live(database, start(database, app, {}))
    plans.change_quota("acme", {"replicas": 10})
    ended = at_once(*(lambda app=app: scale(database, app, 3) for app in apps))
    assert ended.count(None) == 2
    assert used(database, tenant_id)[Quota.REPLICAS] == 10


def test_apps_that_are_made_at_once_are_no_more_than_allowed(database: Database, tenant_id: int, plans: Plans) -> None:
    plans.change_quota("acme", {"apps": 3})

    def make(number: int) -> None:
        with database.write(tenant_id=tenant_id) as session:
            require_app(session, tenant_id, replicas=1)
            session.add(App(tenant_id=tenant_id, name=f"app-{number}"))

    ended = at_once(*(lambda number=number: make(number) for number in range(8)))
    assert (ended.count(None), used(database, tenant_id)[Quota.APPS]) == (3, 3)


# plans


def test_the_nearest_word_is_in_force(database: Database, tenant_id: int, plans: Plans) -> None:
    def in_force() -> list[float | None]:
        found = {each.name: each.limit for each in plans.quota_of("acme").quotas}
        return [found[name] for name in ("apps", "replicas", "cpus")]

    assert in_force() == [None, None, None]
    with database.write(platform=WHY) as session:
        host_quotas(session, {"apps": 5, "replicas": 50})
    assert in_force() == [5, 50, None]
    plans.change("default", {"replicas": 40, "cpus": 8})
    assert in_force() == [5, 40, 8]
    plans.create("team", {"apps": "unlimited", "cpus": 2.5})
    plans.assign("team", "acme")
    assert in_force() == [None, 40, 2.5]
    plans.change_quota("acme", {"apps": 0, "cpus": "unlimited"})
    assert in_force() == [0, 40, None]
    plans.change_quota("acme", {"apps": None, "cpus": None})
    plans.assign("default", "acme")
    with database.write(platform=WHY) as session:
        host_quotas(session, {})
    assert in_force() == [None, 40, 8]


# build minutes


def test_builds_count_by_their_recorded_times_in_the_month_that_they_lie_in(
    database: Database, tenant_id: int, plans: Plans
) -> None:
    start_of_month = now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    minute = timedelta(minutes=1)
    with database.write(tenant_id=tenant_id) as session:
        times = [
            (start_of_month - 9 * minute, start_of_month - 8 * minute),
            (start_of_month - minute, start_of_month + minute / 2),
            (start_of_month - 2 * minute, start_of_month),
        ]
        for started_at, ended_at in times:
            session.add(BuildTime(tenant_id=tenant_id, app_id=1, started_at=started_at, ended_at=ended_at))
    assert used(database, tenant_id)[Quota.BUILD_MINUTES] == 30
    plans.change_quota("acme", {"build_minutes": 1})
    with database.write(tenant_id=tenant_id) as session:
        require_build(session, tenant_id)
        session.add(
            BuildTime(tenant_id=tenant_id, app_id=1, started_at=start_of_month, ended_at=start_of_month + minute)
        )
    used_up = r"all build minutes of this month are used \(1\)"
    with pytest.raises(QuotaExceeded, match=used_up) as refused, database.write(tenant_id=tenant_id) as session:
        require_build(session, tenant_id)
    assert "00:00 UTC" in refused.value.remedy


@pytest.mark.parametrize("end", ["starting", "failed", "cancelled", "queued"])
def test_every_end_of_a_build_ends_its_time(database: Database, tenant_id: int, end: str) -> None:
    app = add_app(database, tenant_id)
    with database.write(tenant_id=tenant_id) as session:
        row = intents.deploy(session, session.get_one(App, app.id), ref="main", actor=WHY)
        lifecycle.advance(row, State.FETCHING)
        lifecycle.advance(row, State.BUILDING)
        session.flush()
        open_ones = session.scalars(select(BuildTime).filter_by(ended_at=None)).all()
        assert [each.deployment_id for each in open_ones] == [row.id]
        if end == "queued":
            lifecycle.end_step(row, ok=False)
        lifecycle.advance(row, State(end))
        session.flush()
        found = session.scalars(select(BuildTime)).one()
        step = next(each for each in row.steps if each["name"] == "build")
        assert found.ended_at is not None
        assert (found.started_at.timestamp(), found.ended_at.timestamp()) == (step["started_at"], step["ended_at"])


def test_a_builds_time_outlives_its_app(database: Database, tenant_id: int) -> None:
    app = add_app(database, tenant_id)
    start(database, app, {})
    with database.write(platform=WHY) as session:
        session.delete(session.get_one(App, app.id))
    with database.read(platform=WHY) as session:
        found = session.scalars(select(BuildTime)).one()
        assert (found.deployment_id, found.app_id, found.tenant_id) == (None, app.id, tenant_id)


# any history


@dataclass
class Model:
    """The rules once more, in the simplest way that one can write them down."""

    limit_mb: int
    live: dict[int, int] = field(default_factory=dict)
    starting: dict[int, tuple[int, int]] = field(default_factory=dict)
    """App → deployment, MB of a replica."""
    replicas: dict[int, int] = field(default_factory=dict)

    def mb(self) -> int:
        return sum(self.of(app) for app in self.replicas)

    def of(self, app: int, *, replicas: int | None = None, starting: int = 0) -> int:
        count = self.replicas[app] if replicas is None else replicas
        frozen = self.starting.get(app, (0, 0))[1]
        return count * max(self.live.get(app, 0), frozen, starting)

    def allows(self, app: int, after: int) -> bool:
        return after <= self.of(app) or self.mb() - self.of(app) + after <= self.limit_mb


@pytest.mark.parametrize("seed", range(2))
def test_no_history_of_scales_and_rollouts_gets_beyond_the_quota(
    database: Database, tenant_id: int, plans: Plans, seed: int
) -> None:
    dice = random.Random(seed)
    plans.change_quota("acme", {"memory_mb": 1000})
    apps = [add_app(database, tenant_id, f"app-{number}") for number in range(3)]
    model = Model(1000, replicas={app.id: 1 for app in apps})
    for _ in range(25):
        _step(dice, database, dice.choice(apps), model)
        assert used(database, tenant_id)[Quota.MEMORY] == model.mb() <= model.limit_mb


def _step(dice: random.Random, database: Database, app: App, model: Model) -> None:
    frozen = model.starting.get(app.id)
    if frozen and dice.random() < 0.6:
        del model.starting[app.id]
        if dice.random() < 0.5:
            fail(database, frozen[0])
        else:
            go_live(database, frozen[0])
            model.live[app.id] = frozen[1]
    elif frozen or dice.random() < 0.4:
        count = dice.randint(0, 4)
        allowed = app.id not in model.live | model.starting or model.allows(app.id, model.of(app.id, replicas=count))
        assert _done(lambda: scale(database, app, count)) is allowed
        if allowed:
            model.replicas[app.id] = count
    else:
        mb = dice.choice([100, 200, 400])
        allowed = model.allows(app.id, max(model.of(app.id), model.of(app.id, starting=mb)))
        made: list[int] = []
        assert _done(lambda: made.append(start(database, app, {"resources": {"memory_mb": mb}}))) is allowed
        if allowed:
            model.starting[app.id] = (made[0], mb)
        else:
            _end_unfrozen(database)


def _end_unfrozen(database: Database) -> None:
    with database.write(platform=WHY) as session:
        for row in session.scalars(select(Deployment).filter_by(state="starting", release_id=None)):
            lifecycle.stop(row, State.CANCELLED, WHY)


def _done(work: Callable[[], object]) -> bool:
    try:
        work()
    except QuotaExceeded:
        return False
    return True

"""The route table in Redis follows SQL, whatever happened to Redis."""

from __future__ import annotations

from slipway.domain import intents
from slipway.domain.route_table import touch_routes
from slipway.models import App, Domain, RouteChange, RouteTable, now
from tests.integration.agent.rig import WHY, Rig


def touch(rig: Rig, *hosts: str) -> int:
    with rig.db.write(platform=WHY) as session:
        return touch_routes(session, hosts)


def epoch(rig: Rig) -> str:
    return str(rig.all(RouteTable)[0].epoch)


def test_a_lost_table_is_published_whole_under_a_new_epoch(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    before = epoch(rig)
    table = dict(rig.publisher.table)
    rig.publisher.lose()
    rig.agent.routes.sync()
    assert epoch(rig) != before
    assert {host: entry["targets"] for host, entry in rig.publisher.table.items()} == {
        host: entry["targets"] for host, entry in table.items()
    }


def test_only_the_changed_host_is_published(rig: Rig) -> None:
    for name in ("one", "two"):
        rig.live(rig.add_app(name), "abcdef"[len(name)] * 40)
    generation = touch(rig, "one.localhost")
    rig.agent.routes.sync()
    assert rig.publisher.table["one.localhost"]["generation"] == generation
    assert rig.publisher.table["two.localhost"]["generation"] < generation


def test_generations_are_published_one_by_one(rig: Rig) -> None:
    rig.live(rig.add_app())
    rig.publisher.published.clear()
    last = [touch(rig, "hello.localhost") for _ in range(3)]
    rig.agent.routes.sync()
    assert [position.generation for position in rig.publisher.published] == last


def test_a_change_that_was_trimmed_before_redis_went_back_in_time_is_published_whole(rig: Rig) -> None:
    rig.live(rig.add_app())
    held = rig.publisher.position()
    touch(rig, "hello.localhost")
    rig.agent.routes.sync()
    rig.agent.routes.trim()
    assert rig.all(RouteChange) == []
    before = epoch(rig)
    rig.publisher._position = held
    rig.agent.routes.sync()
    assert epoch(rig) != before


def test_nothing_is_trimmed_that_is_not_published(rig: Rig) -> None:
    rig.live(rig.add_app())
    generation = touch(rig, "hello.localhost")
    rig.agent.routes.trim()
    assert [row.generation for row in rig.all(RouteChange)] == [generation]


def test_without_redis_a_rollout_waits_and_goes_on_later(rig: Rig) -> None:
    app = rig.add_app()
    first = rig.live(app)
    rig.publisher.away = True
    second = rig.built(app, "b" * 40)
    rig.settle(app)
    assert rig.deployment(second).state == "starting"
    assert rig.deployment(first).state == "live"
    assert len(rig.running(app)) == 2
    rig.publisher.away = False
    rig.agent.routes.sync()
    rig.settle(app)
    assert rig.deployment(second).state == "live"


def test_an_edge_in_an_old_epoch_has_confirmed_nothing(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.publisher.confirm_at_once = False
    rig.publisher.lose()
    rig.agent.routes.sync()
    assert rig.agent.routes.confirmed() is None


def test_a_new_domain_is_published_and_a_removed_one_leaves(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    with rig.db.write(platform=WHY) as session:
        session.add(Domain(tenant_id=rig.tenant_id, app_id=app.id, host="shop.example.org"))
        touch_routes(session, ["shop.example.org"])
    rig.agent.routes.sync()
    assert rig.publisher.table["shop.example.org"]["targets"] == rig.publisher.table["hello.localhost"]["targets"]
    with rig.db.write(platform=WHY) as session:
        session.delete(session.get_one(Domain, rig.all(Domain, host="shop.example.org")[0].id))
        touch_routes(session, ["shop.example.org"])
    rig.agent.routes.sync()
    assert "shop.example.org" not in rig.publisher.table


def test_an_app_that_is_being_deleted_has_no_route(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.change(app, deleted_at=now())
    touch(rig, "hello.localhost")
    rig.agent.routes.sync()
    assert rig.publisher.table == {}


def set_traffic(rig: Rig, app: App, **settings: object) -> None:
    with rig.db.write(platform=WHY) as session:
        session.get_one(App, app.id).settings = settings
    touch(rig, "hello.localhost")
    rig.agent.routes.sync()


def test_how_an_app_is_balanced_is_in_its_entry(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    set_traffic(rig, app, balancing="least_load", max_concurrency=3)
    entry = rig.publisher.table["hello.localhost"]
    assert entry is not None
    assert (entry["balancing"], entry["max_concurrency"]) == ("least_load", 3)


def test_settings_that_nobody_understands_keep_no_route_from_being_published(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    set_traffic(rig, app, balancing="of another version")
    entry = rig.publisher.table["hello.localhost"]
    assert entry is not None
    assert "balancing" not in entry
    assert len(entry["targets"]) == 1


def test_an_entry_says_whether_its_app_is_meant_to_run(rig: Rig) -> None:
    """The edges wait for an app that starts, not for one that shall not run."""
    app = rig.add_app()
    touch(rig, "hello.localhost")
    rig.agent.routes.sync()
    assert stopped(rig) == "not-deployed"
    rig.live(app)
    assert not stopped(rig)
    scale(rig, app, 0)
    assert stopped(rig) == "scaled-to-zero"
    scale(rig, app, 1, settled=False)
    assert not stopped(rig), "it starts"


def scale(rig: Rig, app: App, replicas: int, *, settled: bool = True) -> None:
    with rig.db.write(platform=WHY) as session:
        intents.scale(session, session.get_one(App, app.id), replicas=replicas)
    if settled:
        rig.settle(app)
    rig.agent.routes.sync()


def stopped(rig: Rig) -> str:
    entry = rig.publisher.table["hello.localhost"]
    return str(entry.get("stopped", "")) if entry else ""


def test_time_outs_and_the_largest_body_are_the_routes_own(rig: Rig) -> None:
    """As set now, under what the commit's file says; not as they were when the release was made."""
    app = rig.add_app(timeouts={"connect_s": 1, "read_s": 2}, max_body_mb=1)
    rig.live(app, file_settings={"timeouts": {"read_s": 20}})
    set_traffic(rig, app, timeouts={"connect_s": 5, "read_s": 6}, max_body_mb=7)
    entry = rig.publisher.table["hello.localhost"]
    assert entry is not None
    assert entry["timeouts"] == {"connect_s": 5, "read_s": 20}
    assert entry["max_body_bytes"] == 7 << 20

"""The copy of the route table, and what keeps it right."""

from __future__ import annotations

import concurrent.futures
import os
import socket
import time
from contextlib import ExitStack, closing

import pytest
from edge_publisher import CONFIRMED, DELTAS, META, TABLE, Publisher, entry, hosts, target
from edge_rig import Edge, running

from tests.fixtures.waiting import eventually


@pytest.fixture
def shop(rig, backend):
    app = backend()
    rig.route("shop.localhost", target(app.port))
    return app


def test_a_generation_is_confirmed_and_announced(rig, shop):
    listener = rig.redis.client.pubsub()
    listener.subscribe(CONFIRMED)
    eventually(lambda: listener.get_message(timeout=1))  # the subscription itself

    rig.route("shop.localhost", target(shop.port))

    message = eventually(lambda: listener.get_message(timeout=1))
    assert message["data"] == b"edge-1"
    assert rig.publisher.confirmed() == (rig.publisher.epoch, rig.publisher.generation)
    listener.close()


def test_generations_come_in_order_and_all_of_them(rig, shop):
    for number in range(200):
        rig.publisher.publish({f"a{number}.localhost": entry(target(shop.port)), f"b{number}.localhost": entry()})
    eventually(rig.publisher.is_in_force)

    assert rig.edge.status["routes"] == 401
    assert rig.edge.ask("a199.localhost").status == 200
    assert rig.edge.ask("b0.localhost").status == 503


def test_the_status_says_what_the_edge_holds(rig, shop):
    status = eventually(lambda: len((now := rig.edge.status)["workers"]) == 2 and now)

    assert status["edge"] == "edge-1"
    assert (status["epoch"], status["generation"]) == (rig.publisher.epoch, rig.publisher.generation)
    assert (status["synced"], status["routes"], status["redis"]) == (True, 1, "connected")
    assert status["leader"] in status["workers"]


def test_a_new_epoch_replaces_everything(rig, shop):
    rig.publisher.start({"other.localhost": entry(target(shop.port))})
    eventually(rig.publisher.is_in_force)

    assert rig.edge.ask("other.localhost").status == 200
    assert rig.edge.ask("shop.localhost").json["code"] == "unknown-host"


def test_a_new_epoch_without_a_single_host_is_confirmed(rig, shop):
    rig.publisher.start()

    eventually(rig.publisher.is_in_force)
    assert rig.edge.ask("shop.localhost").status == 404


def test_a_generation_without_changes_is_confirmed(rig, shop):
    rig.publisher.publish({})

    eventually(rig.publisher.is_in_force, within_s=0.4)
    assert rig.edge.status["routes"] == 1


def test_a_table_that_moved_without_a_word_in_the_stream_is_noticed(rig, shop):
    publisher = rig.publisher
    publisher.generation += 1
    rig.redis.client.hset(TABLE, "quiet.localhost", publisher._json(entry(target(shop.port))))
    rig.redis.client.hset(META, "generation", publisher.generation)

    eventually(publisher.is_in_force, within_s=2)
    assert rig.edge.ask("quiet.localhost").status == 200


def test_a_generation_that_is_published_again_changes_nothing(rig, shop):
    rig.publisher.generation -= 1
    rig.publisher.route("shop.localhost", target(shop.port))
    rig.route("other.localhost", target(shop.port))

    assert rig.edge.ask("shop.localhost").status == 200


def test_a_gap_in_the_stream_leads_to_a_full_read(rig, shop):
    """The stream lost a generation, as trimming does to a reader that was disconnected."""
    publisher = rig.publisher
    with rig.redis.client.pipeline(transaction=True) as pipe:
        publisher.generation += 1
        pipe.hset(TABLE, "lost.localhost", publisher._json(entry(target(shop.port))))
        publisher.generation += 1
        raw = publisher._json(entry(target(shop.port)))
        pipe.hset(TABLE, "next.localhost", raw)
        pipe.xadd(DELTAS, publisher._record("next.localhost", raw, 1, 1))
        pipe.hset(META, mapping={"epoch": publisher.epoch, "generation": publisher.generation})
        pipe.execute()
    eventually(publisher.is_in_force)

    assert {rig.edge.ask(host).status for host in ("lost.localhost", "next.localhost")} == {200}


def test_a_generation_that_lost_records_leads_to_a_full_read(rig, shop):
    """Trimming may cut into a generation: `count` shows it."""
    publisher = rig.publisher
    publisher.generation += 1
    with rig.redis.client.pipeline(transaction=True) as pipe:
        for number, host in enumerate(("cut.localhost", "kept.localhost"), start=1):
            raw = publisher._json(entry(target(shop.port)))
            pipe.hset(TABLE, host, raw)
            if host.startswith("kept"):
                pipe.xadd(DELTAS, publisher._record(host, raw, number, 2))
        pipe.hset(META, mapping={"epoch": publisher.epoch, "generation": publisher.generation})
        pipe.execute()
    eventually(publisher.is_in_force)

    assert {rig.edge.ask(host).status for host in ("cut.localhost", "kept.localhost")} == {200}


def test_half_a_generation_is_not_confirmed(rig, shop):
    publisher, before = rig.publisher, rig.publisher.confirmed()
    publisher.generation += 1
    raws = {host: publisher._json(entry(target(shop.port))) for host in ("first.localhost", "second.localhost")}

    def add(number, host):
        rig.redis.client.hset(TABLE, host, raws[host])
        rig.redis.client.xadd(DELTAS, publisher._record(host, raws[host], number, 2))

    add(1, "first.localhost")
    eventually(lambda: rig.edge.ask("first.localhost").status == 200)
    assert publisher.confirmed() == before

    add(2, "second.localhost")
    rig.redis.client.hset(META, mapping={"generation": publisher.generation})
    eventually(publisher.is_in_force)


class TestWithoutRedis:
    def test_the_edge_serves_on_and_takes_the_new_epoch_of_an_empty_redis(self, rig, shop):
        rig.redis.stop()
        assert rig.edge.ask("shop.localhost").status == 200

        rig.redis.start()  # empty
        eventually(lambda: rig.edge.status["redis"] == "connected")
        assert rig.edge.ask("shop.localhost").status == 200
        assert rig.edge.ask("nobody.localhost").status == 404
        assert rig.publisher.confirmed() is None

        rig.publisher.start({"shop.localhost": entry(target(shop.port)), "new.localhost": entry(target(shop.port))})
        eventually(rig.publisher.is_in_force)
        assert rig.edge.ask("new.localhost").status == 200

    def test_an_emptied_redis_is_noticed_without_a_lost_connection(self, rig, shop):
        rig.redis.client.flushall()
        assert rig.edge.ask("shop.localhost").status == 200

        rig.publisher.start({"new.localhost": entry(target(shop.port))})
        eventually(rig.publisher.is_in_force)
        assert rig.edge.ask("new.localhost").status == 200

    def test_an_older_table_of_the_same_epoch_is_not_taken(self, rig, shop):
        """Redis came back from an older dump."""
        rig.redis.client.hdel(TABLE, "shop.localhost")
        rig.redis.client.hset(META, "generation", rig.publisher.generation - 1)
        eventually(lambda: rig.edge.status["redis"] == "connected")
        started = time.monotonic()
        while time.monotonic() < started + 1.2:  # longer than it takes to look at Redis again
            assert rig.edge.ask("shop.localhost").status == 200

        rig.publisher.start({"new.localhost": entry(target(shop.port))})
        eventually(rig.publisher.is_in_force)

    def test_before_the_first_table_no_host_is_unknown(self, redis_server, edge, backend):
        redis_server.stop()
        edge.start()
        answer = edge.ask("shop.localhost")
        assert (answer.status, answer.json["code"], answer.json["fault"]) == (503, "edge-starting", "platform")
        assert "retry-after" in answer.headers
        assert edge.status["synced"] is False
        assert (edge.private("/healthz").status, edge.private("/readyz").status) == (200, 503)

        redis_server.start()
        eventually(lambda: edge.status["redis"] == "connected")
        assert edge.status["synced"] is False  # nothing is published yet

        publisher = Publisher(redis_server.client)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            early = pool.submit(edge.ask, "shop.localhost")  # waits for the table
            publisher.start({"shop.localhost": entry(target(backend().port))})
            assert early.result().status == 200
        eventually(publisher.is_in_force)
        assert edge.ask("shop.localhost").status == 200
        assert edge.ask("nobody.localhost").status == 404
        assert edge.private("/readyz").status == 200


class TestWorkers:
    def test_a_killed_leader_is_replaced_and_the_route_stays(self, rig, shop):
        for _ in range(3):
            leader = rig.edge.leader()
            rig.edge.kill(leader)
            eventually(lambda gone=leader: rig.edge.status["leader"] not in (gone, None))
            assert rig.edge.ask("shop.localhost").status == 200
            rig.route("shop.localhost", target(shop.port))

    def test_all_workers_killed_at_once_lose_nothing(self, rig, shop):
        rig.edge.replace(*rig.edge.status["workers"])

        assert rig.edge.ask("shop.localhost").status == 200
        rig.route("shop.localhost", target(shop.port))

    def test_a_reload_hands_over_and_the_route_stays(self, rig, shop):
        for _ in range(3):
            old = set(rig.edge.status["workers"])
            rig.edge.reload()
            eventually(lambda gone=old: len(set(rig.edge.status["workers"]) - gone) == 2)
            assert rig.edge.ask("shop.localhost").status == 200
            rig.route("shop.localhost", target(shop.port))
            eventually(lambda gone=old: rig.edge.status["leader"] not in (*gone, None))

    def test_a_killed_edge_starts_again_on_its_port(self, rig, shop):  # noqa: ARG002
        orphans = rig.edge.status["workers"]
        rig.edge.process.kill()
        rig.edge.process.wait()

        rig.edge.start()
        eventually(lambda: (now := rig.edge.status)["synced"] and not set(orphans) & set(now["workers"]))
        assert rig.edge.process.poll() is None

        assert rig.edge.ask("shop.localhost").status == 200


class TestOneWorker:
    @pytest.fixture
    def rig(self):
        with running({"SLIPWAY_EDGE_WORKERS": "1"}) as rig:
            yield rig

    def test_an_exiting_leader_with_an_open_stream_hands_over(self, rig, shop):
        stream = rig.edge.raw(b"GET /stream HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
        eventually(lambda: rig.edge.status["inflight"] == {f"r-{shop.port}": 1})
        old = set(rig.edge.status["workers"])
        rig.edge.reload()

        eventually(lambda: rig.edge.status["leader"] not in (None, *old), within_s=3)
        rig.route("shop.localhost", target(shop.port, "r-new"))
        assert old <= set(rig.edge.status["workers"])
        stream.close()


def test_ten_thousand_routes_are_taken_and_one_of_them_changed(rig, shop):
    rig.publisher.start(hosts(10_000, target(shop.port)))
    eventually(rig.publisher.is_in_force)
    assert rig.edge.status["routes"] == 10_000
    assert rig.edge.ask("host-9999.localhost").status == 200

    rig.route("host-5000.localhost")
    assert rig.edge.ask("host-5000.localhost").status == 503
    assert rig.edge.ask("host-5001.localhost").status == 200


def test_a_table_that_does_not_fit_raises_an_alarm_and_is_not_confirmed(rig, shop):
    huge = {f"{n}.localhost": entry(padding=os.urandom(200_000).hex()) for n in range(200)}
    rig.publisher.start(huge | {"shop.localhost": entry(target(shop.port))})

    eventually(lambda: "ALARM" in rig.edge.errors.read_text())
    assert not rig.publisher.is_in_force()
    assert rig.edge.status["synced"] is False
    assert rig.edge.ask("nobody.localhost").json["code"] == "edge-starting"

    rig.publisher.start({"shop.localhost": entry(target(shop.port))})
    eventually(rig.publisher.is_in_force)
    assert rig.edge.ask("shop.localhost").status == 200


def test_who_lost_its_master_soon_sends_nothing_to_a_target_that_may_have_left(backend):
    def is_deaf():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", rig.edge.port)) != 0

    def end_of(upload):
        upload.sendall(b"lf")
        return upload.makefile("rb").readline().split()[1]

    app = backend()
    with running({"SLIPWAY_EDGE_WORKERS": "1"}) as rig, ExitStack() as open_ones:
        rig.route("shop.localhost", target(app.port))
        head = b"POST /late HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 4\r\nConnection: close\r\n\r\n"
        uploads = [open_ones.enter_context(closing(rig.edge.raw(head + b"ha"))) for _ in range(100)]
        eventually(lambda: rig.edge.ask("shop.localhost").status == 200)  # their heads were read before this one's
        rig.edge.process.kill()
        rig.edge.process.wait()
        eventually(is_deaf)

        eventually(lambda: end_of(uploads.pop()) == b"503")
        sent = app.record.counts()["/late"]
        assert end_of(uploads.pop()) == b"503"
        assert app.record.counts()["/late"] == sent
        rig.edge.start()


def test_edges_confirm_each_for_itself(rig, shop):
    folder = rig.edge.settings.state_dir / "other"
    folder.mkdir()
    folder.chmod(0o755)
    other = Edge(folder, {"SLIPWAY_REDIS_URL": f"unix://{rig.redis.socket}", "SLIPWAY_EDGE_ID": "edge-2"})
    other.start()
    try:
        eventually(lambda: rig.publisher.confirmed("edge-2") == rig.publisher.confirmed("edge-1"))
        assert other.ask("shop.localhost").status == 200
    finally:
        other.stop()

"""Counters in memory that workers share: over a reload, and when what they counted for is forgotten."""

from __future__ import annotations

from edge_clients import open_socket
from edge_metrics import Page, classes
from edge_publisher import target
from edge_rig import running

from tests.fixtures.waiting import eventually


def page(rig) -> Page:
    return Page(rig.edge.private("/metrics").body.decode())


def ask(rig, times):
    for _ in range(times):
        assert rig.edge.ask("shop.localhost").status == 200


def test_a_reload_loses_no_count_and_old_workers_count_on(backend):
    with running({}, {"usage_every_s": 0.05}) as rig:
        rig.route("shop.localhost", target(backend().port, "r-1"))
        ask(rig, 7)
        connections = [open_socket(rig) for _ in range(4)]
        before = set(rig.edge.status["workers"])
        rig.edge.reload()
        eventually(lambda: len(set(rig.edge.status["workers"]) - before) == 2)
        eventually(lambda: rig.edge.status["leader"] not in before)
        ask(rig, 5)
        for connection in connections:
            connection.close()
        eventually(lambda: classes(page(rig), app="app1") == {"1xx": 4, "2xx": 12})


def test_who_comes_after_a_forgotten_replica_begins_at_zero(backend):
    app = backend()
    with running({}, {"usage_every_s": 0.05, "metrics_look_s": 0.05, "metrics_idle_s": 0.1}) as rig:
        for app_id, times in (("1", 9), ("2", 3), ("3", 5)):
            rig.route("shop.localhost", target(app.port, f"r-{app_id}"), app=app_id)
            ask(rig, times)
            eventually(lambda n=app_id, t=times: classes(page(rig), app=f"app{n}") == {"2xx": t})
            rig.unroute("shop.localhost")
            eventually(lambda n=app_id: classes(page(rig), app=f"app{n}") == {})

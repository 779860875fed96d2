"""A deploy never fails a request: targets change under load."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import closing

import pytest
from edge_clients import Load
from edge_publisher import HOST, target

from tests.fixtures.waiting import eventually


def switch(rig, backend, old, name):
    """What the agent does: new beside old, publish, confirmed, drained by the count, old gone."""
    new = backend(name)
    rig.route(HOST, target(new.port, name))
    confirmed_at = rig.publisher.confirmed_at()
    eventually(lambda: rig.publisher.counted_at() > confirmed_at)
    eventually(lambda: old.name not in rig.publisher.inflight())
    old.stop()
    return new


def test_twenty_switches_under_load_fail_no_request(rig, backend):
    app = backend("v0")
    apps = [app]
    rig.route(HOST, target(app.port, "v0"))

    with Load(rig.edge) as load:
        for number in range(1, 21):
            load.more()
            app = switch(rig, backend, app, f"v{number}")
            apps.append(app)
        load.more()

    assert load.trouble == []
    received = sum((version.record.counts() for version in apps), Counter())
    assert {path: received[path] for path in load.posts} == dict.fromkeys(load.posts, 1)
    assert apps[-1].record.requests


@pytest.mark.parametrize("disturbance", ["reload", "killed follower"])
def test_switches_go_on_through_a(rig, backend, disturbance):
    """A killed worker takes its connections with it; everything after goes right."""
    app = backend("v0")
    rig.route(HOST, target(app.port, "v0"))

    for number in range(1, 4):
        with Load(rig.edge, keep=False) as load:
            load.more()
            if disturbance == "reload":
                rig.edge.reload()
            else:
                rig.edge.kill(rig.edge.leader())
            app = switch(rig, backend, app, f"v{number}")
            load.more()
        if disturbance == "reload":
            assert load.trouble == []
        assert rig.edge.ask(HOST).json["backend"] == f"v{number}"


def test_an_open_stream_ends_on_the_target_it_began_on(rig, backend):
    old, new = backend("old"), backend("new")
    rig.route(HOST, target(old.port, "old"))
    with closing(rig.edge.raw(b"GET /stream HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")) as connection:
        stream = connection.makefile("rb")
        eventually(lambda: stream.readline() == b"data: old 0\n")

        rig.route(HOST, target(new.port, "new"))

        assert rig.edge.ask(HOST).json["backend"] == "new"
        eventually(lambda: stream.readline().startswith(b"data: old "))
        eventually(lambda: rig.publisher.inflight() == {"old": 1})
        old.release.set()
        eventually(lambda: stream.readline() == b"data: end\n")
    eventually(lambda: rig.publisher.inflight() == {})


def test_an_upload_that_outlasts_its_target_goes_to_the_new_one(rig, backend):
    old = backend("old")
    rig.route(HOST, target(old.port, "old"))
    head = b"POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 10\r\nConnection: close\r\n\r\n"

    with closing(rig.edge.raw(head + b"01234")) as connection:
        switch(rig, backend, old, "new")
        connection.sendall(b"56789")
        answer = connection.makefile("rb").read()

    assert b'"backend": "new"' in answer
    assert b'"length": 10' in answer


def test_a_target_that_dies_between_choice_and_connection_costs_nothing(rig, backend, black_hole):
    """Its successor stands in the table by then."""
    rig.route(HOST, target(black_hole.port), timeouts={"connect_s": 0.5, "read_s": 60})
    app = backend("new")
    answers = []
    asking = threading.Thread(target=lambda: answers.append(rig.edge.ask(HOST, method="POST")))
    asking.start()
    eventually(lambda: rig.edge.status["inflight"])

    rig.route(HOST, target(app.port, "new"))
    asking.join()

    assert answers[0].json["backend"] == "new"

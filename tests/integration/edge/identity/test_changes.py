"""Somebody's identity changes: the next request is asked about anew, on every worker of every edge."""

from __future__ import annotations

import pytest
from edge_people import ENVIRON, Person, learns
from edge_publisher import HOST, target
from edge_rig import running
from edge_router import PATIENT, TENANT, Caller, changed, stub_router

from slipway.adapters.redis import keys
from tests.fixtures.waiting import eventually

MANY = 16
"""Requests on connections of their own: every worker gets some of them."""


def holds(person, edge=None):
    """Every worker of the edge has the person's verdict."""
    edge = edge or person.rig.edge
    assert {edge.ask(HOST, headers=person.headers).status for _ in range(MANY)} == {200}


def forget(router, person):
    """What the router knows no longer."""
    del router.callers[person.value]


def test_who_is_nobody_any_more_is_refused_by_every_worker_of_two_edges(app, router, person, other_edge):
    people = ada, bob, eve = person("ada"), person("bob"), person("eve")
    edges = ada.rig.edge, other_edge
    for edge in edges:
        for each in people:
            holds(each, edge)
    asked = len(router.questions)

    for each, subject in ((ada, "person"), (eve, "session")):
        forget(router, each)
        each.change(subject)

    learns(ada.rig, other_edge)
    for edge in edges:
        for each in (ada, eve):
            assert all(each.is_refused(edge) for _ in range(MANY))
        holds(bob, edge)
    assert bob.value not in [each["cookie"] for each in router.questions[asked:]]


def test_a_role_that_is_taken_away_or_given_counts_at_the_next_request(app, router, person):
    ada = person()
    holds(ada)
    ada.caller.meets = ("signed-in",)
    ada.change()
    assert {ada.ask().status for _ in range(MANY)} == {403}

    ada.caller.meets = ("tenant", "signed-in")
    ada.change()
    holds(ada)


def test_a_token_that_is_revoked_is_refused(rig, app, router, person):
    ci = person("ci", kind="token", more={"subjects": ["token:4711"]})
    headers = {"Authorization": f"Bearer {ci.token}"}
    assert {rig.edge.ask(HOST, headers=headers).status for _ in range(MANY)} == {200}

    del router.callers[ci.token]
    changed(rig.redis.client, "token:4711")

    learns(rig)
    assert {rig.edge.ask(HOST, headers=headers).status for _ in range(MANY)} == {401}


@pytest.mark.parametrize("record", [{"subject": "all"}, {"subject": "everybody"}, {"who": "ada"}])
def test_what_is_about_all_or_can_not_be_understood_ends_every_verdict(rig, app, router, person, record):
    ada = person()
    holds(ada)
    forget(router, ada)
    rig.redis.client.xadd(keys.IDENTITY_CHANGES, record)
    learns(rig)
    assert ada.is_refused()


def test_a_change_while_the_router_is_asked_is_not_missed(app, router, person, pool):
    ada = person()
    router.may_answer.clear()
    asked = pool.submit(ada.ask)
    eventually(lambda: len(router.questions) == 1)
    ada.change()
    router.may_answer.set()

    assert asked.result().status == 200
    assert len(router.questions) == 2


def test_redis_emptied_ends_every_verdict(rig, app, router, person):
    ada = person()
    ada.change()
    holds(ada)
    forget(router, ada)
    rig.redis.client.delete(keys.IDENTITY_CHANGES)
    eventually(lambda: rig.edge.status["identity_position"] == "0-0")
    assert ada.is_refused()


def test_a_stream_that_was_cut_ends_every_verdict(rig, app, router, person):
    ada = person()
    ada.change()
    holds(ada)
    forget(router, ada)
    with rig.redis.client.pipeline(transaction=True) as pipe:
        for number in range(20):
            pipe.xadd(keys.IDENTITY_CHANGES, {"subject": f"person:{number}"})
        pipe.xtrim(keys.IDENTITY_CHANGES, maxlen=3, approximate=False)
        pipe.execute()
    learns(rig)
    assert ada.is_refused()


def test_an_edge_that_lost_redis_goes_on_where_it_was(rig, app, router, person):
    ada, bob = person(), person("bob")
    ada.change()
    holds(ada)
    holds(bob)
    forget(router, ada)
    with rig.redis.client.pipeline(transaction=True) as pipe:
        pipe.client_kill_filter(_type="normal", skipme=True)
        pipe.xadd(keys.IDENTITY_CHANGES, {"subject": f"person:{ada.caller.sub}"})
        pipe.execute()
    learns(rig)
    assert ada.is_refused()
    asked = len(router.questions)
    holds(bob)
    assert len(router.questions) == asked


@pytest.fixture(scope="module")
def own():
    """For tests that harm what they use."""
    with running(ENVIRON, PATIENT) as rig, stub_router(rig.edge.settings.router_internal_socket) as router:
        eventually(lambda: rig.edge.status["identity_changes"] == "followed")
        yield rig, router


@pytest.fixture
def owns(own, backend, app_id):
    """Signs somebody in at an app there."""
    rig, router = own
    router.reset()
    rig.route(HOST, target(backend().port), app=app_id, access=TENANT)

    def sign_in(name, **more):
        router.callers[name * 43] = Caller(f"{app_id}-{name}", **more)
        return Person(rig, router.callers[name * 43], name * 43)

    return sign_in


def test_the_next_leader_goes_on_where_the_last_one_was(own, owns):
    (rig, router), ada, bob = own, owns("a"), owns("b")
    ada.change()
    holds(ada)
    holds(bob)
    forget(router, ada)
    rig.edge.kill(rig.edge.leader())
    changed(rig.redis.client, f"person:{ada.caller.sub}")
    [(last, _)] = rig.redis.client.xrevrange(keys.IDENTITY_CHANGES, count=1)
    eventually(lambda: without_reset(lambda: rig.edge.status["identity_position"] == last.decode()))
    assert eventually(lambda: without_reset(ada.ask)).status == 401
    asked = len(router.questions)
    assert eventually(lambda: without_reset(bob.ask)).status == 200
    assert len(router.questions) == asked


def without_reset(ask):
    """A killed worker's connections are reset."""
    try:
        return ask()
    except OSError:
        return False


def test_without_redis_a_verdict_ends_all_the_same(own, owns):
    """What an edge can't learn of must not leave an old verdict beyond its time."""
    (rig, router), ada = own, owns("c", more={"lasts_s": 0.5})
    assert ada.ask().status == 200
    rig.redis.stop()
    forget(router, ada)
    eventually(ada.is_refused)
    eventually(lambda: rig.edge.status["identity_changes"] != "followed")

    rig.redis.start()
    eventually(lambda: rig.edge.status["identity_changes"] == "followed")
    router.callers[ada.value] = ada.caller
    eventually(lambda: ada.ask().status == 200)

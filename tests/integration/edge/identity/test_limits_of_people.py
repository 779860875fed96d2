"""Limits count signed-in people by who they are, wherever they come from."""

from __future__ import annotations

import re
from collections import Counter

from edge_clients import Burst
from edge_limits import ITEM, calls, check_headers, of_client, parallel, statuses
from edge_publisher import HOST, target
from edge_router import TENANT

from slipway.core.access import tokens
from tests.fixtures.waiting import eventually

PART_PUBLIC = {"policies": [["tenant"], ["public"]], "default": 0, "paths": [{"path": "/public/", "policy": 1}]}


def ask(person, address, path="/", **more):
    return person.ask(path, headers=of_client(address)["headers"], **more)


def test_a_person_has_one_quota_at_every_address_and_two_at_one_address_have_two(rig, router, backend, person, app_id):
    rig.route(HOST, target(backend().port), app=app_id, access=TENANT, limits=[calls(app_id, 2)])
    ada, bob = person(), person("bob")

    found = [ask(ada, f"192.0.2.{number}") for number in range(4)]
    others = [ask(bob, "192.0.2.0") for _ in range(3)]

    assert [answer.status for answer in found] == [200, 200, 429, 429]
    assert [answer.status for answer in others] == [200, 200, 429]
    for answer in (*found, *others):
        check_headers(answer)
        assert ada.caller.sub not in str(answer.headers) + answer.body.decode()
    keys = {ITEM.fullmatch(answer.headers["ratelimit"]).group(4) for answer in found}
    assert len(keys) == 1


def test_cached_verdicts_and_every_method_count(rig, router, backend, person, app_id):
    rig.route(HOST, target(backend().port), app=app_id, access=TENANT, limits=[calls(app_id, 5)])
    ada = person()
    found = [ada.ask(method=method) for method in ("GET", "HEAD", "OPTIONS", "GET", "HEAD", "OPTIONS", "HEAD")]
    assert [answer.status for answer in found] == [200] * 5 + [429] * 2
    assert len(router.questions) == 1


def test_whom_the_gate_of_access_refuses_uses_nothing_up(rig, router, backend, person, app_id):
    rig.route(HOST, target(backend().port), app=app_id, access=TENANT, limits=[calls(app_id, 1, by="all")])
    assert statuses(rig.edge.ask(HOST) for _ in range(3)) == {401: 3}
    assert person("bob", meets=()).ask().status == 403
    assert person().ask().status == 200


def test_a_limit_by_user_concerns_nobody_else(rig, router, backend, person, app_id):
    app, limits = backend(), [calls(app_id, 1, by="user")]
    rig.route(HOST, target(app.port), app=app_id, access=PART_PUBLIC, limits=limits)
    ada = person()
    ci = person("ci", kind="token", more={"id": "token:7"})
    rig.redis.client.hset("slipway:limits:tokens", tokens.hashed(ci.token), "acme|0")

    assert [ada.ask().status for _ in range(2)] == [200, 429]
    assert statuses(rig.edge.ask(HOST, "/public/") for _ in range(3)) == {200: 3}
    assert statuses(ada.ask("/public/") for _ in range(3)) == {200: 3}  # nobody has to be known there
    header = {"Authorization": f"Bearer {ci.token}"}
    answers = [rig.edge.ask(HOST, headers=header) for _ in range(3)]
    assert statuses(answers) == {200: 3}
    assert "ratelimit" not in answers[0].headers


def test_requests_under_way_count_by_person_too(rig, router, backend, person, pool, app_id):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, access=TENANT, limits=[parallel(app_id, 1)])
    ada, bob = person(), person("bob")
    first = pool.submit(ask, ada, "192.0.2.1", "/slow")
    eventually(lambda: app.record.counts()["/slow"] == 1)

    assert ask(ada, "192.0.2.2").status == 429
    assert ask(bob, "192.0.2.1").status == 200
    app.release.set()
    assert first.result().status == 200
    eventually(lambda: ask(ada, "192.0.2.2").status == 200)


def test_who_is_refused_most_is_counted_by_person(rig, router, backend, person, app_id):
    rig.route(HOST, target(backend().port), app=app_id, access=TENANT, limits=[calls(app_id, 1)])
    ada = person()
    for _ in range(3):
        ada.ask()
    [hits] = rig.redis.client.keys(f"slipway:limits:hits:{app_id}:*")
    [(member, count)] = rig.redis.client.zrange(hits, 0, -1, withscores=True)
    assert (member.decode(), count) == (f"slipway:limits:state:{app_id}/calls|user {ada.caller.sub}", 2)


def test_without_redis_people_are_kept_apart_all_the_same(rig, router, backend, person, app_id):
    """An error that concerns one caller has the edge count alone, and allow its part."""
    rig.route(HOST, target(backend().port), app=app_id, access=TENANT, limits=[calls(app_id, 2)])
    ada, bob = person(), person("bob")
    for each in (ada, bob):
        key = f"slipway:limits:state:{app_id}/calls:user {each.caller.sub}"
        rig.redis.client.rpush(key, "no text")
    of_ada = statuses(ask(ada, f"192.0.2.{number}") for number in range(4))
    of_bob = statuses(ask(bob, "192.0.2.1") for _ in range(4))
    assert of_ada == of_bob
    assert 1 <= of_ada[200] <= 2


def ahead(rig, app_id: str) -> int:
    page = rig.edge.private("/metrics").body.decode()
    found = re.search(rf'slipway_edge_limits_ahead_total\{{app="app{app_id}"[^}}]*\}} (\d+)', page)
    return int(found[1]) if found else 0


def test_people_who_send_often_are_counted_ahead_each_by_themselves(rig, router, backend, person, pool, app_id):
    """Over two sessions of one of them. Who is signed out has no part in what is left of a portion."""
    rig.route(HOST, target(backend().port), app=app_id, access=TENANT, limits=[calls(app_id, 300, 86_400)])
    ada, bob = person(), person("bob")
    at_home = person("ada at home", more={"id": ada.caller.sub})

    asked = [pool.submit(Burst(rig.edge, who.headers).send, 40) for who in (ada, at_home, bob) * 5]
    found = [Counter(each.result()) for each in asked]

    assert sum((found[number] for number in range(15) if number % 3 < 2), Counter()) == {200: 300, 429: 100}
    assert sum(found[2::3], Counter()) == {200: 200}
    assert ahead(rig, app_id) > 0
    router.callers.pop(bob.value)
    bob.change()
    assert Burst(rig.edge, bob.headers).send(40) == [401] * 40

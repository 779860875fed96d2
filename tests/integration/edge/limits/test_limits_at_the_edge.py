"""Limits of an app: who is refused, and what every answer says of them."""

from __future__ import annotations

import re
from contextlib import ExitStack, closing

import pytest
from edge_clients import echo, open_socket
from edge_limits import HEADERS, ITEM, SLOW_HOST, calls, check_headers, of_client, parallel, statuses
from edge_publisher import HOST, target
from edge_rig import running

from slipway.core.access import tokens
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually


def test_who_sent_as_many_as_the_limit_allows_is_refused(rig, backend, app_id):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, limits=[calls(app_id)])

    answers = [rig.edge.ask(HOST) for _ in range(5)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0", "0"]
    problem = answers[-1].json
    assert problem["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert (problem["code"], problem["violated-policies"], problem["status"]) == ("limit-reached", ["calls"], 429)
    assert answers[-1].headers["content-type"] == "application/problem+json"
    assert len(app.record.requests) == 3


def test_a_browser_gets_a_page(rig, backend, app_id):
    rig.route(HOST, target(backend().port), app=app_id, limits=[calls(app_id, 1)])
    answers = [rig.edge.ask(HOST, headers={"Accept": "text/html"}) for _ in range(2)]
    assert answers[1].headers["content-type"] == "text/html; charset=utf-8"
    assert b"calls" in answers[1].body
    check_headers(answers[1])


def test_callers_are_their_addresses_and_of_ipv6_their_networks(rig, backend, app_id):
    rig.route(HOST, target(backend().port), app=app_id, limits=[calls(app_id, 1)])
    addresses = ["192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"]
    found = [rig.edge.ask(HOST, **of_client(address)) for address in addresses]
    assert [answer.status for answer in found] == [200, 200, 429, 200, 429, 200]
    keys = [ITEM.fullmatch(answer.headers["ratelimit"]).group(4) for answer in found]
    assert (keys[0] == keys[2], keys[3] == keys[4], len(set(keys))) == (True, True, 4)
    assert not any(b"192.0.2" in answer.body + str(answer.headers).encode() for answer in found)


def test_an_ipv4_address_is_the_same_caller_however_a_proxy_writes_it(rig, backend, app_id):
    rig.route(HOST, target(backend().port), app=app_id, limits=[calls(app_id, 1)])
    addresses = ["192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.2", "64:ff9b::192.0.2.2", "64:ff9b::192.0.2.3"]
    assert [rig.edge.ask(HOST, **of_client(address)).status for address in addresses] == [200, 429, 200, 429, 200]


TOKEN = "slw_" + "a" * 43


def test_a_token_that_is_known_is_a_caller_and_an_invented_one_is_not(rig, backend, app_id):
    rig.redis.client.hset("slipway:limits:tokens", tokens.hashed(TOKEN), "acme|0")
    rig.route(HOST, target(backend().port), app=app_id, limits=[calls(app_id, 1)])

    def asked(token: str) -> int:
        return rig.edge.ask(HOST, headers={"Authorization": f"Bearer {token}"} if token else {}).status

    assert [asked(token) for token in ("", TOKEN, TOKEN, "slw_" + "b" * 43, "slw_" + "c" * 43)] == [
        200, 200, 429, 429, 429,
    ]  # fmt: skip


def test_all_callers_together_may_have_one_limit(rig, backend, app_id):
    rig.route(HOST, target(backend().port), app=app_id, limits=[calls(app_id, 2, by="all")])
    found = [rig.edge.ask(HOST, **of_client(f"192.0.2.{number}")) for number in range(3)]
    assert [answer.status for answer in found] == [200, 200, 429]
    assert ";pk=" not in found[0].headers["ratelimit"] + found[0].headers["ratelimit-policy"]


def test_exactly_as_many_pass_over_all_workers_of_two_edges(rig, other_edge, backend, pool, app_id):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, limits=[calls(app_id, 50)])
    eventually(lambda: rig.publisher.confirmed("edge-2") == rig.publisher.confirmed())
    asked = [pool.submit((rig.edge, other_edge)[number % 2].ask, HOST) for number in range(80)]
    assert statuses(each.result() for each in asked) == {200: 50, 429: 30}
    assert len(app.record.requests) == 50


def test_exactly_as_many_are_under_way_over_all_workers_of_two_edges(rig, other_edge, backend, pool, app_id):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, limits=[parallel(app_id, 12)])
    eventually(lambda: rig.publisher.confirmed("edge-2") == rig.publisher.confirmed())
    asked = [pool.submit((rig.edge, other_edge)[number % 2].ask, HOST, "/slow") for number in range(30)]
    eventually(lambda: sum(each.done() for each in asked) == 18)
    app.release.set()
    answers = [each.result() for each in asked]
    assert statuses(answers) == {200: 12, 429: 18}
    for answer in answers:
        check_headers(answer)


def test_a_client_that_sends_one_after_the_other_is_never_two_at_once(rig, backend, app_id):
    rig.route(HOST, target(backend().port), app=app_id, limits=[parallel(app_id, 1)])
    assert statuses(rig.edge.ask(HOST) for _ in range(40)) == {200: 40}


def leases(rig, app_id: str) -> dict[bytes, float]:
    return dict(
        rig.redis.client.zrange(f"slipway:limits:state:{app_id}/parallel:at once 127.0.0.1", 0, -1, withscores=True)
    )


def test_a_websocket_is_under_way_until_it_closes_however_long_that_is(rig, backend, app_id):
    rig.route(HOST, target(backend().port), app=app_id, limits=[parallel(app_id, 1)])
    with closing(open_socket(rig)) as connection:
        first = leases(rig, app_id)
        eventually(lambda: min(leases(rig, app_id).values()) > max(first.values()) + 2_000_000)
        assert echo(connection, b"still there") == b"still there"
        assert rig.edge.ask(HOST).status == 429
    eventually(lambda: rig.edge.ask(HOST).status == 200)


def test_a_killed_worker_leaves_no_request_under_way(backend, app_id):
    with running({"SLIPWAY_EDGE_WORKERS": "4"}, {**SLOW_HOST, "limits_lease_s": 5}) as rig:
        rig.route(HOST, target(backend().port), app=app_id, limits=[parallel(app_id, 1)])
        with closing(open_socket(rig)):
            assert len(leases(rig, app_id)) == 1
            rig.edge.replace(*rig.edge.status["workers"])
            eventually(lambda: rig.edge.ask(HOST).status == 200)


def test_a_client_that_leaves_is_not_under_way(rig, backend, app_id):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, limits=[parallel(app_id, 1)])
    with closing(rig.edge.raw(f"GET /slow HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())):
        eventually(lambda: app.record.requests)
    eventually(lambda: leases(rig, app_id) == {})
    assert rig.edge.ask(HOST).status == 200


def test_a_request_that_is_requeued_counts_once(rig, backend, pool, app_id):
    rig.route(
        HOST, target(free_port()), app=app_id, waiting={"timeout_s": 60}, limits=[calls(app_id), parallel(app_id, 1)]
    )
    asked = pool.submit(rig.edge.ask, HOST)
    rig.waits(app_id, 1)
    assert len(leases(rig, app_id)) == 1
    more = {"app": app_id, "waiting": {"timeout_s": 60}, "limits": [calls(app_id), parallel(app_id, 1)]}
    rig.route(HOST, target(backend().port), **more)

    assert asked.result().status == 200
    check_headers(asked.result())
    assert asked.result().headers["ratelimit-policy"].startswith('"calls";q=3')
    eventually(lambda: leases(rig, app_id) == {})
    assert rig.edge.ask(HOST).headers["x-ratelimit-remaining"] in "01"
    rig.route(HOST, target(backend().port), app=app_id, limits=[calls(app_id)])
    assert rig.edge.ask(HOST).headers["x-ratelimit-remaining"] == "0"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT"])
def test_every_method_counts(rig, backend, app_id, method):
    rig.route(HOST, target(backend().port), app=app_id, limits=[calls(app_id, 1)])
    assert [rig.edge.ask(HOST, method=method).status for _ in range(2)] == [200, 429]


def test_an_app_without_limits_passes_at_once_and_says_nothing_of_them(rig, backend, app_id):
    rig.route(HOST, target(backend().port), app=app_id)
    assert HEADERS[0] not in rig.edge.ask(HOST).headers
    assert [*rig.redis.client.scan_iter(f"slipway:limits:state:{app_id}*")] == []


def test_changed_limits_are_in_force_at_once_and_give_no_fresh_quota(rig, backend, app_id):
    port = backend().port
    rig.route(HOST, target(port), app=app_id, limits=[calls(app_id, 4)])
    assert [rig.edge.ask(HOST).status for _ in range(2)] == [200, 200]
    rig.route(HOST, target(port), app=app_id, limits=[calls(app_id, 2)])
    assert [rig.edge.ask(HOST).status for _ in range(2)] == [200, 429]
    rig.route(HOST, target(port), app=app_id, limits=[calls(app_id, 8)])
    assert rig.edge.ask(HOST).status == 429
    rig.route(HOST, target(port), app=app_id)
    assert rig.edge.ask(HOST).status == 200


def metric(rig, name: str, app_id: str) -> float:
    found = re.search(
        rf'slipway_edge_{name}\{{app="app{app_id}"[^}}]*policy="calls"\}} (\d+)',
        rig.edge.private("/metrics").body.decode(),
    )
    return float(found.group(1)) if found else 0


def test_a_limit_that_only_reports_refuses_nobody_and_is_counted(rig, backend, app_id):
    rig.route(HOST, target(backend().port), app=app_id, limits=[calls(app_id, 2, dry_run=True)])
    answers = [rig.edge.ask(HOST) for _ in range(5)]
    assert statuses(answers) == {200: 5}
    assert not any(name in answer.headers for answer in answers for name in HEADERS)
    eventually(lambda: metric(rig, "limit_would_refuse_total", app_id) == 3)
    assert metric(rig, "limit_refusals_total", app_id) == 0
    eventually(lambda: f"limit calls of app app{app_id} would have refused" in rig.edge.errors.read_text())


def test_refusals_are_counted_by_policy(rig, backend, app_id):
    rig.route(HOST, target(backend().port), app=app_id, limits=[calls(app_id, 2)])
    assert statuses(rig.edge.ask(HOST) for _ in range(5)) == {200: 2, 429: 3}
    eventually(lambda: metric(rig, "limit_refusals_total", app_id) == 3)


def test_the_scripts_are_loaded_again_when_redis_has_forgotten_them(rig, backend, app_id):
    rig.route(HOST, target(backend().port), app=app_id, limits=[calls(app_id)])
    assert rig.edge.ask(HOST).headers["x-ratelimit-remaining"] == "2"
    rig.redis.client.script_flush()
    assert rig.edge.ask(HOST).headers["x-ratelimit-remaining"] == "1"


@pytest.mark.parametrize(
    "limit",
    [
        {"id": "x", "name": "x", "requests": 0, "per_s": 1},
        {"id": "x", "name": "x", "requests": 1},
        {"id": "x", "name": "x", "at_once": "7"},
        {"id": "x", "name": "x", "at_once": 7, "by": "mood"},
        {"id": "x", "name": "x", "at_once": 7, "paths": ["/login"]},
        {"id": "x", "name": "x", "at_once": 7, "requests": 5, "per_s": 1},
        {"id": "x", "name": 'x"', "at_once": 7},
        {"name": "x", "at_once": 7},
    ],
)
def test_limits_that_can_not_be_understood_let_nobody_in(rig, backend, app_id, limit):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, limits=[limit])
    assert rig.edge.ask(HOST).json["code"] == "broken-route"
    assert app.record.requests == []


def test_a_request_under_way_ends_with_an_exiting_worker_too(rig, backend, app_id):
    rig.route(HOST, target(backend().port), app=app_id, limits=[parallel(app_id, 1)])
    with ExitStack() as stack:
        connection = stack.enter_context(closing(open_socket(rig)))
        first = leases(rig, app_id)
        rig.edge.reload()
        eventually(lambda: min(leases(rig, app_id).values()) > max(first.values()) + 3_000_000)
        assert echo(connection, b"still there") == b"still there"
        assert rig.edge.ask(HOST).status == 429
    eventually(lambda: rig.edge.ask(HOST).status == 200)

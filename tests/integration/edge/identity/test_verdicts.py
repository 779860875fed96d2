"""How often the router is asked who calls, and what a verdict is good for."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path

import pytest
from edge_clients import echo, open_socket
from edge_publisher import HOST, entry, target
from edge_router import TENANT, Caller
from edge_wire import exchange, wire_app

from tests.fixtures.waiting import eventually

VECTORS = json.loads((Path(__file__).parents[3] / "vectors/access_paths.json").read_text())
OTHER = "blog.localhost"


def test_requests_that_come_at_once_ask_one_question(app, router, person, pool):
    ada, bob = person(), person("bob")
    router.may_answer.clear()
    asked = [pool.submit(each.ask, f"/{number}") for number in range(10) for each in (ada, bob)]
    eventually(lambda: len(router.questions) == 2)
    router.may_answer.set()

    assert {each.result().status for each in asked} == {200}
    assert sorted(each["cookie"] for each in router.questions) == sorted([ada.value, bob.value])


def test_when_the_one_that_asks_is_left_by_its_client_another_asks(rig, app, router, person, pool):
    ada = person()
    router.may_answer.clear()
    request = f"GET / HTTP/1.1\r\nHost: {HOST}\r\nCookie: slipway-session={ada.value}\r\n\r\n"
    first = rig.edge.raw(request.encode())
    eventually(lambda: len(router.questions) == 1)
    others = [pool.submit(ada.ask) for _ in range(8)]
    first.close()
    eventually(lambda: len(router.questions) == 2)
    router.may_answer.set()

    assert {each.result().status for each in others} == {200}
    assert len(router.questions) == 2


def test_a_verdict_is_used_for_every_method_and_protocol(rig, app, router, person):
    ada = person()
    for method in ("GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT"):
        assert ada.ask(method=method, body=b"x" if method[0] == "P" else None).status == 200
    chunked = ada.ask(method="POST", body=iter([b"x"]), encode_chunked=True)
    with closing(open_socket(rig, headers=ada.headers)) as connection:
        assert echo(connection, b"hello") == b"hello"

    assert (chunked.status, chunked.json["length"], len(router.questions)) == (200, 1, 1)


def test_a_verdict_lasts_as_long_as_the_router_says(app, router, person):
    ada, began = person(more={"lasts_s": 0.5}), time.time()
    assert ada.ask().status == 200
    ada.caller.meets = ()
    eventually(lambda: ada.ask().status == 403)

    assert time.time() - began > 0.45  # the clock of nginx stands still while it works
    assert len(router.questions) >= 2


def test_one_that_lasts_no_time_at_all_is_asked_for_each_time(app, router, person):
    ada = person(more={"lasts_s": 0})
    assert [ada.ask().status for _ in range(3)] == [200] * 3
    assert len(router.questions) == 3


def test_none_lasts_longer_than_the_session(app, router, person):
    ada = person(more={"expires_at": time.time() + 0.5})
    assert ada.ask().status == 200
    ada.caller.more["expires_at"] = None
    eventually(lambda: len(router.questions) == 2 or (ada.ask() and False))


def test_one_that_has_ended_is_no_session_whatever_the_router_says(app, router, person):
    assert person(more={"expires_at": time.time() - 1}).ask().status == 401


def test_a_verdict_holds_on_one_host_for_one_policy_and_one_credential(rig, router, backend, person, app_id):
    app, ada = backend(), person(meets=("tenant",))
    entries = {HOST: entry(target(app.port), app=app_id, access=TENANT)}
    rig.publisher.publish({**entries, OTHER: entry(target(app.port), app=app_id, access=TENANT)})
    eventually(rig.publisher.is_in_force)

    assert [ada.ask().status, ada.ask(host=OTHER).status] == [200, 200]
    assert [asked["host"] for asked in router.questions] == [HOST, OTHER]
    rig.route(HOST, target(app.port), app=app_id, access={**TENANT, "policies": [["role:owner"]]})
    assert ada.ask().status == 403
    other = ada.value[::-1]
    assert rig.edge.ask(OTHER, headers={"Cookie": f"slipway-session={other}"}).status == 401
    assert rig.edge.ask(OTHER, headers={"Authorization": f"Bearer {other}"}).status == 401
    assert len(router.questions) == 5
    rig.unroute(OTHER)


def test_a_verdict_holds_on_one_host_below_a_wildcard(rig, router, backend, person, app_id):
    """The router is asked about the host that the client asked for: sessions belong to one."""
    rig.route("*.shop.localhost", target(backend().port), app=app_id, access=TENANT)
    ada = person(meets=("tenant",))

    for host in ("a.shop.localhost", "b.shop.localhost", "a.shop.localhost", "b.shop.localhost"):
        assert ada.ask(host=host).status == 200
    assert [asked["host"] for asked in router.questions] == ["a.shop.localhost", "b.shop.localhost"]
    rig.unroute("*.shop.localhost")


def test_a_new_target_costs_no_question(rig, app, router, backend, person, app_id):
    ada = person()
    assert ada.ask().status == 200
    rig.route(HOST, target(backend("two").port), app=app_id, access=TENANT)
    assert ada.ask().json["backend"] == "two"
    assert len(router.questions) == 1


def test_cookies_of_others_beside_the_session_make_no_other_question(rig, app, router, person):
    ada = person()
    for number in range(5):
        header = {"Cookie": f"a={number}; slipway-session={ada.value}; b={number}"}
        assert rig.edge.ask(HOST, headers=header).status == 200
    assert len(router.questions) == 1


def test_a_cookie_that_the_router_does_not_know_is_asked_about_once(rig, app, router):
    headers = {"Cookie": f"slipway-session={'b' * 43}"}
    assert {rig.edge.ask(HOST, headers=headers).status for _ in range(5)} == {401}
    assert len(router.questions) == 1


@pytest.fixture
def wire(rig):
    with wire_app() as made:
        yield made


def test_what_a_path_has_to_meet_is_the_same_through_nginx(rig, router, wire, app_id):
    """Each vector is asked for once by somebody who meets all that it needs, and once by somebody who lacks one of it.
    What nginx itself refuses reaches no app in any case."""
    passed = 0
    for name, access in VECTORS["tables"].items():
        rig.route(HOST, target(wire.port), app=app_id, access=access)
        for vector in (each for each in VECTORS["vectors"] if each["table"] == name):
            needed = [access["policies"][number] for number in vector["meets"]]
            assert is_served(rig, router, vector["path"], needed) in (expected(needed), None), vector
            for lacking in needed:
                rest = [policy for policy in needed if policy != lacking]
                if lacking != ["public"]:
                    assert is_served(rig, router, vector["path"], rest) is not True, (vector, lacking)
            passed += 1
    assert passed == len(VECTORS["vectors"])


def expected(needed):
    """Nobody meets `nobody`."""
    return ["nobody"] not in needed


def is_served(rig, router, path, policies):
    """Whether somebody who meets these policies gets an answer of the app; None: nginx refused the request itself."""
    value = "c" * 20 + str(len(router.callers))
    router.callers[value] = Caller(value, meets=tuple(term for policy in policies for term in policy))
    head = f"Host: {HOST}\r\nCookie: slipway-session={value}\r\nConnection: close\r\n\r\n"
    answer = exchange(rig.edge, f"GET {path} HTTP/1.1\r\n{head}".encode())
    status = int(answer.split(b" ", 2)[1])
    if status in (400, 404, 405):
        return None
    assert status in (200, 401, 403), answer
    return status == 200


def test_a_verdict_on_an_app_is_none_on_another_that_gets_its_host(rig, router, backend, person, app_id):
    server = backend()
    rig.route(HOST, target(server.port), app=app_id, access=TENANT, tenant="acme")
    ada = person()
    assert ada.ask().status == 200

    ada.caller.meets = ()
    rig.route(HOST, target(server.port), app=f"{app_id}9", access=TENANT, tenant="evil", name="other")

    assert ada.ask().status == 403
    assert [asked["tenant"] for asked in router.questions] == ["acme", "evil"]

"""What fails is left out for a while: single targets (ejection), and apps that give no answer at all (circuit)."""

from __future__ import annotations

import concurrent.futures
import itertools
import time
from collections import Counter
from contextlib import closing, suppress

import pytest
from edge_publisher import target
from edge_rig import free_port, running
from test_inflight import open_socket

from tests.fixtures.waiting import eventually

HOST = "shop.localhost"
LONG = {"failures": 3, "pause_s": 600}
QUICK = {"connect_s": 0.3, "read_s": 0.3}


@pytest.fixture
def rig(shared_rig):
    shared_rig.unroute(HOST)
    return shared_rig


@pytest.fixture(scope="module")
def hasty_rig():
    with running({}, {"trial_patience_s": 0.1, "in_vain_s": 0.2}) as made:
        yield made


@pytest.fixture
def app_id(request):
    return f"app-{abs(hash(request.node.name))}"


class Fleet:
    """Three targets with ids that no other test uses."""

    def __init__(self, rig, backend, app_id):
        self.rig = rig
        self.app_id = app_id
        self.apps = [backend(name) for name in ("one", "two", "three")]

    def route(self, *more_targets, **more):
        targets = [target(app.port, f"{self.app_id}-{app.name}") for app in self.apps]
        self.rig.route(HOST, *targets, *more_targets, app=self.app_id, **{"timeouts": QUICK, **more})

    def is_ejected(self, name):
        return f"target:{self.app_id}-{name}" in self.rig.edge.status["pauses"]

    def pause_end(self, name):
        return self.rig.edge.status["pauses"][f"target:{self.app_id}-{name}"]

    def received(self):
        return sum((app.record.counts() for app in self.apps), Counter())


@pytest.fixture
def fleet(rig, backend, app_id):
    return Fleet(rig, backend, app_id)


def kill(app):
    app.stop()


def hang(app):
    app.behaviour = "slow"


def answer_500(app):
    app.behaviour = "fail"


def reset(app):
    app.behaviour = "die"


@pytest.mark.parametrize("happens", [kill, hang, answer_500, reset])
def test_after_the_first_ejection_no_idempotent_request_fails(rig, fleet, happens):
    fleet.route(ejection=LONG)
    happens(fleet.apps[1])
    eventually(lambda: rig.edge.ask(HOST) and fleet.is_ejected("two"), within_s=20)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        # every worker knows within 50 ms
        eventually(lambda: {answer.status for answer in pool.map(lambda _: rig.edge.ask(HOST), range(40))} == {200})
        answers = list(pool.map(lambda _: rig.edge.ask(HOST), range(100)))

    assert Counter(answer.status for answer in answers) == {200: 100}
    assert {answer.json["backend"] for answer in answers} == {"one", "three"}


@pytest.mark.parametrize("happens", [kill, hang, answer_500, reset])
def test_pauses_that_end_without_a_success_cost_no_idempotent_request(rig, fleet, happens):
    """One request in all tries the target then, and goes on elsewhere."""
    fleet.route(ejection={"failures": 3, "pause_s": 0.2, "most_s": 0.4})
    happens(fleet.apps[1])
    eventually(lambda: rig.edge.ask(HOST) and fleet.is_ejected("two"), within_s=20)
    ends: set[float] = set()

    with concurrent.futures.ThreadPoolExecutor(6) as pool:

        def ask():
            return Counter(answer.status for answer in pool.map(lambda _: rig.edge.ask(HOST), range(24)))

        eventually(lambda: set(ask()) == {200})  # every worker knows, and what was on its way there is over
        ends.add(fleet.pause_end("two"))
        received_before = len(fleet.apps[1].record.requests)

        def ask_until_five_more_pauses_began():
            assert set(ask()) == {200}
            ends.add(fleet.pause_end("two"))
            return len(ends) >= 6

        eventually(ask_until_five_more_pauses_began, within_s=20)

    tried = len(fleet.apps[1].record.requests) - received_before
    assert tried == 0 if happens is kill else 5 <= tried <= 7


@pytest.mark.parametrize("happens", [kill, hang, answer_500, reset])
def test_a_post_that_was_received_is_never_sent_twice(rig, fleet, happens):
    fleet.route(ejection=LONG)
    happens(fleet.apps[1])
    paths = (f"/post/{number}" for number in itertools.count())

    with concurrent.futures.ThreadPoolExecutor(4) as pool:

        def post(several):
            asked = list(itertools.islice(paths, several))
            answers = pool.map(lambda path: rig.edge.ask(HOST, path, "POST", body=b"x").status, asked)
            return dict(zip(asked, answers, strict=True))

        statuses = post(60)
        eventually(lambda: rig.edge.ask(HOST) and fleet.is_ejected("two"), within_s=20)

        def all_succeed():
            later = post(20)
            statuses.update(later)
            return set(later.values()) == {200}

        eventually(all_succeed, within_s=20)  # every worker knows, and what was on its way there is over

    received = fleet.received()
    assert {received[path] for path in statuses} <= {0, 1}
    assert {received[path] for path, status in statuses.items() if status == 200} == {1}


def answers_by_backend(rig, requests=30):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda _: rig.edge.ask(HOST), range(requests))
        return Counter(answer.json.get("backend") for answer in answers)


def test_the_others_share_evenly_what_an_ejected_target_would_have_got(rig, fleet):
    fleet.route(ejection=LONG)
    answer_500(fleet.apps[1])
    eventually(lambda: rig.edge.ask(HOST) and fleet.is_ejected("two"))

    eventually(lambda: answers_by_backend(rig) == {"one": 15, "three": 15})  # every worker knows within 50 ms


def test_a_target_that_was_away_is_asked_as_soon_as_it_is_back(rig, fleet):
    fleet.route(ejection=LONG)
    answer_500(fleet.apps[1])
    eventually(lambda: rig.edge.ask(HOST) and fleet.is_ejected("two"))

    back = fleet.apps.pop(1)
    fleet.route(ejection=LONG)
    back.behaviour = ""
    fleet.apps.insert(1, back)
    fleet.route(ejection=LONG)

    eventually(lambda: answers_by_backend(rig) == {"one": 10, "two": 10, "three": 10})


def test_the_last_target_is_never_ejected(rig, fleet):
    """All fail, so all are asked: what they say reaches the client."""
    fleet.route(ejection=LONG)
    for app in fleet.apps:
        answer_500(app)

    answers = [rig.edge.ask(HOST) for _ in range(30)]

    assert all(fleet.is_ejected(app.name) for app in fleet.apps)
    assert {answer.json.get("backend") for answer in answers[-9:]} == {"one", "two", "three"}


def test_successes_in_between_keep_a_target(rig, fleet):
    fleet.route(ejection=LONG)
    for number in range(30):
        fleet.apps[1].behaviour = "fail" if number % 6 < 3 else ""
        rig.edge.ask(HOST)

    assert not fleet.is_ejected("two")


def test_an_ejected_target_comes_back_and_a_success_ends_it(rig, fleet):
    fleet.route(ejection={"failures": 3, "pause_s": 0.3})
    answer_500(fleet.apps[1])
    eventually(lambda: rig.edge.ask(HOST) and fleet.is_ejected("two"))
    fleet.apps[1].behaviour = ""

    eventually(lambda: rig.edge.ask(HOST).json["backend"] == "two")

    eventually(lambda: not fleet.is_ejected("two"))
    assert Counter(rig.edge.ask(HOST).json["backend"] for _ in range(30)) == {"one": 10, "two": 10, "three": 10}


def eject(rig, fleet, **more):
    """With a pause that is soon over; every worker knows of it by then."""
    fleet.route(ejection={"failures": 3, "pause_s": 0.2, "most_s": 0.2}, **more)
    answer_500(fleet.apps[1])
    eventually(lambda: rig.edge.ask(HOST, method="POST") and fleet.is_ejected("two"))
    eventually(lambda: time.time() > fleet.pause_end("two"))
    fleet.apps[1].record.requests.clear()


def test_a_trial_that_hangs_costs_one_client_little_and_the_others_nothing(rig, fleet):
    eject(rig, fleet, timeouts={"connect_s": 1, "read_s": 60})
    hang(fleet.apps[1])

    def ask(_):
        began = time.monotonic()
        answer = rig.edge.ask(HOST)
        return answer.status, answer.json["backend"], time.monotonic() - began

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, range(60)))

    assert {status for status, _, _ in answers} == {200}
    assert {backend for _, backend, _ in answers} == {"one", "three"}
    waited = [seconds for _, _, seconds in answers if seconds > 1.5]
    assert len(waited) == 1
    assert waited[0] < 5


def test_a_client_that_does_not_wait_for_a_trial_is_not_followed_by_the_next(rig, fleet):
    """Else each impatient client in turn would be sent to a target that hangs."""
    eject(rig, fleet, timeouts={"connect_s": 1, "read_s": 60})
    hang(fleet.apps[1])
    end = fleet.pause_end("two")

    with closing(rig.edge.raw(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())):
        eventually(lambda: fleet.apps[1].record.requests)

    eventually(lambda: fleet.pause_end("two") > end)


def test_the_first_answer_ends_a_trial_however_long_the_rest_takes(rig, fleet):
    eject(rig, fleet)
    fleet.apps[1].behaviour = "stream"

    with closing(rig.edge.raw(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        eventually(lambda: not fleet.is_ejected("two"))
        fleet.apps[1].release.set()


def test_a_request_that_may_not_be_repeated_goes_elsewhere_while_others_can_try(rig, fleet):
    eject(rig, fleet)
    fleet.apps[1].behaviour = ""

    assert {rig.edge.ask(HOST, method="POST").json["backend"] for _ in range(12)} == {"one", "three"}
    assert rig.edge.ask(HOST).json["backend"] == "two"


def test_clients_that_gave_up_on_a_target_that_hangs_eject_it(hasty_rig, backend, app_id):
    """Most have less patience than the edge."""
    fleet = Fleet(hasty_rig, backend, app_id)
    fleet.route(ejection=LONG, timeouts={"connect_s": 1, "read_s": 60})
    hang(fleet.apps[1])

    def ask_for_a_moment():
        with closing(hasty_rig.edge.raw(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())) as connection:
            connection.settimeout(0.3)
            with suppress(TimeoutError):
                connection.recv(4096)
        return fleet.is_ejected("two")

    eventually(ask_for_a_moment)


def test_a_request_that_was_on_its_way_when_the_pause_began_begins_no_other(rig, fleet):
    two = fleet.apps[1]
    fleet.route(ejection={"failures": 3, "pause_s": 0.2}, timeouts={"connect_s": 1, "read_s": 60})
    two.behaviour, two.delay_s = "fail", 1.0
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        slow = [pool.submit(rig.edge.ask, HOST, method="POST") for _ in range(3)]
        eventually(lambda: two.record.requests)
        two.delay_s = 0
        eventually(lambda: rig.edge.ask(HOST, method="POST") and fleet.is_ejected("two"))
        end = fleet.pause_end("two")
        assert end < time.time() + 0.3

        assert sorted(each.result().status for each in slow) == [200, 200, 500]

    eventually(lambda: rig.edge.status["inflight"] == {})
    assert fleet.pause_end("two") == end


class TestWithoutARequestThatIsSafeToTryWith:
    @pytest.fixture
    def fleet(self, hasty_rig, backend, app_id):
        made = Fleet(hasty_rig, backend, app_id)
        eject(hasty_rig, made)
        made.apps[1].behaviour = ""
        return made

    def test_any_other_tries_at_last(self, hasty_rig, fleet):
        eventually(lambda: hasty_rig.edge.ask(HOST, method="POST").json["backend"] == "two")

        eventually(lambda: not fleet.is_ejected("two"))

    def test_a_websocket_tries_as_soon_as_it_is_open(self, hasty_rig, fleet):
        sockets = [open_socket(hasty_rig, HOST)]
        try:
            while fleet.is_ejected("two"):
                assert len(sockets) < 100
                sockets.append(open_socket(hasty_rig, HOST))
        finally:
            for connection in sockets:
                connection.close()
        assert any(seen.path == "/socket" for seen in fleet.apps[1].record.requests)


def test_each_ejection_lasts_longer(rig, fleet):
    fleet.route(ejection={"failures": 2, "pause_s": 0.2, "most_s": 0.8})
    answer_500(fleet.apps[1])
    name = f"target:{fleet.app_id}-two"
    ends = []

    def four_pauses():
        rig.edge.ask(HOST)
        end = rig.edge.status["pauses"].get(name)
        if end and end not in ends:
            ends.append(end)
        return len(ends) == 4

    eventually(four_pauses)
    lengths = [later - earlier for earlier, later in itertools.pairwise(ends)]
    assert lengths[0] >= 0.4
    assert lengths[1] >= 0.8
    assert 0.8 <= lengths[2] < 1.5  # no longer than it may


def test_kept_connections_that_all_close_at_once_eject_nobody(rig, fleet):
    fleet.route(ejection={"failures": 3, "pause_s": 600})
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for _ in range(5):
            assert {each.status for each in pool.map(lambda _: rig.edge.ask(HOST), range(64))} == {200}
            for app in fleet.apps:
                app.close_kept()

    assert not any(fleet.is_ejected(app.name) for app in fleet.apps)


def test_ejection_can_be_off(rig, fleet):
    fleet.route(ejection={"failures": 0})
    answer_500(fleet.apps[1])

    statuses = Counter(rig.edge.ask(HOST).status for _ in range(60))

    assert statuses == {200: 40, 500: 20}


def circuit_ends(rig, app_id):
    return max(end for name, end in rig.edge.status["pauses"].items() if name.startswith(f"app:{app_id}:"))


class TestCircuit:
    @pytest.fixture
    def route(self, rig, app_id):
        def publish(*targets, pause_s=600.0, timeouts=QUICK):
            limits = {"ejection": {"failures": 0}, "breaker": {"failures": 4, "pause_s": pause_s}}
            limits["waiting"] = {"timeout_s": 0.1}  # for a target that refuses
            rig.route(HOST, *targets, app=app_id, timeouts=timeouts, **limits)

        return publish

    @pytest.mark.parametrize("behaviour", ["refused", "die", "slow"])
    def test_no_answer_time_after_time_opens_it(self, rig, backend, route, behaviour):
        app = backend()
        if behaviour == "refused":
            app.stop()
        app.behaviour = behaviour
        route(target(app.port))

        answers = [rig.edge.ask(HOST, method="POST") for _ in range(4)]
        refused = eventually(lambda: (answer := rig.edge.ask(HOST)).status == 503 and answer)

        assert {answer.status for answer in answers} == {504 if behaviour == "slow" else 502}
        assert (refused.status, refused.json["code"], refused.json["fault"]) == (503, "circuit-open", "app")
        assert "retry-after" in refused.headers

    def test_it_is_open_in_every_worker_soon(self, rig, route):
        route(target(free_port()))
        eventually(lambda: rig.edge.ask(HOST).status == 503)

        def all_refused():
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                return {each.status for each in pool.map(lambda _: rig.edge.ask(HOST), range(40))} == {503}

        eventually(all_refused)

    def test_an_app_that_answers_5xx_is_left_alone(self, rig, backend, route):
        app = backend()
        app.behaviour = "fail"
        route(target(app.port))

        assert {rig.edge.ask(HOST).json.get("backend") for _ in range(20)} == {"one"}

    def test_after_the_pause_one_request_tries(self, rig, backend, route, app_id):
        """While it tries all others are refused."""
        app = backend()
        app.behaviour = "die"
        route(target(app.port), pause_s=1, timeouts={"connect_s": 1, "read_s": 10})
        eventually(lambda: rig.edge.ask(HOST, method="POST").status == 503)
        eventually(lambda: circuit_ends(rig, app_id) - time.time() < 0.8)  # every worker knows by now
        app.behaviour = "slow"
        with concurrent.futures.ThreadPoolExecutor(1) as pool:

            def trial():
                asked = pool.submit(rig.edge.ask, HOST)
                eventually(lambda: asked.done() or rig.edge.status["inflight"])
                return None if asked.done() else asked

            trying = eventually(trial)
            assert {rig.edge.ask(HOST).json["code"] for _ in range(10)} == {"circuit-open"}
            app.release.set()

            assert trying.result().status == 200
        eventually(lambda: {rig.edge.ask(HOST).status for _ in range(10)} == {200})

    def test_a_failed_trial_opens_it_again(self, rig, backend, route, app_id):
        app = backend()
        app.behaviour = "die"
        route(target(app.port), pause_s=1)
        eventually(lambda: rig.edge.ask(HOST, method="POST").status == 503)
        eventually(lambda: circuit_ends(rig, app_id) - time.time() < 0.8)  # every worker knows by now
        before = len(app.record.requests)

        eventually(lambda: rig.edge.ask(HOST, method="POST").status == 502)

        assert {rig.edge.ask(HOST, method="POST").status for _ in range(5)} == {503}
        assert len(app.record.requests) == before + 1

    def test_new_targets_are_a_new_start(self, rig, backend, route):
        route(target(free_port()))
        eventually(lambda: rig.edge.ask(HOST).status == 503)

        route(target(backend().port))

        assert {rig.edge.ask(HOST).status for _ in range(10)} == {200}

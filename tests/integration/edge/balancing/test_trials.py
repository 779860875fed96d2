"""After its pause an ejected target is tried by one request."""

from __future__ import annotations

import concurrent.futures
import time
from collections import Counter
from contextlib import closing, suppress

import pytest
from edge_clients import open_socket
from edge_fleet import LONG, Fleet, answer_500, eject, hang, kill, reset, timeouts_for
from edge_publisher import HOST
from edge_rig import running

from tests.fixtures.waiting import eventually


@pytest.fixture
def rig(emptied_rig):
    return emptied_rig


@pytest.fixture(scope="module")
def hasty_rig():
    with running({}, {"trial_timeout_s": 0.1, "in_vain_s": 0.2}) as made:
        yield made


@pytest.fixture
def fleet(rig, backend, app_id):
    return Fleet(rig, backend, app_id)


@pytest.mark.parametrize("happens", [kill, hang, answer_500, reset])
def test_pauses_that_end_without_a_success_cost_no_idempotent_request(rig, fleet, happens):
    """One request in all tries the target then, and goes on elsewhere."""
    fleet.route(ejection={"failures": 3, "pause_s": 0.2, "most_s": 0.4}, timeouts=timeouts_for(happens))
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


def test_a_trial_that_hangs_costs_one_client_little_and_the_others_nothing(rig, fleet):
    eject(rig, fleet, timeouts={"connect_s": 1, "read_s": 60})
    hang(fleet.apps[1])

    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: rig.edge.ask(HOST), range(60)))

    assert {answer.status for answer in answers} == {200}
    assert {answer.json["backend"] for answer in answers} == {"one", "three"}
    assert len(fleet.apps[1].record.requests) == 1
    assert time.monotonic() - began < 60, "the trial took the app's own time-out"


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
    """Most give up before the edge does."""
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

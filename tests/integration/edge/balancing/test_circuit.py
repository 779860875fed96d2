"""An app that gives no response at all gets no request for a while."""

from __future__ import annotations

import concurrent.futures
import time

import pytest
from edge_fleet import QUICK
from edge_publisher import HOST, target

from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually


@pytest.fixture
def rig(emptied_rig):
    return emptied_rig


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

        def looked_at_while_open():
            before = len(app.record.requests)
            eventually(lambda: rig.edge.ask(HOST, method="POST").status == 502)
            ends = circuit_ends(rig, app_id)
            statuses = {rig.edge.ask(HOST, method="POST").status for _ in range(5)}
            tried = len(app.record.requests) - before
            return (statuses, tried) if time.time() < ends else None  # else the next trial was due

        assert eventually(looked_at_while_open) == ({503}, 1)

    def test_new_targets_are_a_new_start(self, rig, backend, route):
        route(target(free_port()))
        eventually(lambda: rig.edge.ask(HOST).status == 503)

        route(target(backend().port))

        assert {rig.edge.ask(HOST).status for _ in range(10)} == {200}

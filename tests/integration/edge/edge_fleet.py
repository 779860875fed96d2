"""Three apps behind one route, of which one fails in a way that a test chooses."""

from __future__ import annotations

import time
from collections import Counter

from edge_publisher import HOST, target

from tests.fixtures.waiting import eventually

LONG = {"failures": 3, "pause_s": 600}
QUICK = {"connect_s": 1, "read_s": 1}
PATIENT = {"connect_s": 10, "read_s": 60}


class Fleet:
    """Three targets with ids that no other test uses."""

    def __init__(self, rig, backend, app_id):
        self.rig = rig
        self.app_id = app_id
        self.apps = [backend(name) for name in ("one", "two", "three")]

    def route(self, *more_targets, **more):
        targets = [target(app.port, f"{self.app_id}-{app.name}") for app in self.apps]
        self.rig.route(HOST, *targets, *more_targets, app=self.app_id, **{"timeouts": PATIENT, **more})

    def is_ejected(self, name):
        return f"target:{self.app_id}-{name}" in self.rig.edge.status["pauses"]

    def pause_end(self, name):
        return self.rig.edge.status["pauses"][f"target:{self.app_id}-{name}"]

    def received(self):
        return sum((app.record.counts() for app in self.apps), Counter())


def kill(app):
    app.stop()


def hang(app):
    app.behaviour = "slow"


def timeouts_for(happens):
    """Only what hangs needs short ones: a busy host is slow everywhere."""
    return QUICK if happens is hang else PATIENT


def answer_500(app):
    app.behaviour = "fail"


def reset(app):
    app.behaviour = "die"


def eject(rig, fleet, **more):
    """With a pause that is soon over; every worker knows of it by then."""
    fleet.route(ejection={"failures": 3, "pause_s": 0.2, "most_s": 0.2}, **more)
    answer_500(fleet.apps[1])
    eventually(lambda: rig.edge.ask(HOST, method="POST") and fleet.is_ejected("two"))
    eventually(lambda: time.time() > fleet.pause_end("two"))
    fleet.apps[1].record.requests.clear()

"""A push becomes a live app, once, in the right order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.fixtures.processes import own_seconds, running_command
from tests.fixtures.stack import Checkout, Stack
from tests.fixtures.waiting import eventually

SLOW_BUILD = """FROM python:3.11-slim
RUN python -c "import asyncio, base64, hashlib, signal"
WORKDIR /app
COPY app.py VERSION BEHAVIOUR* ./
RUN sleep {seconds}
USER 10001
EXPOSE 8000
CMD ["python", "-u", "app.py"]
"""

PATIENT = """health_path = "/health"
[timeouts]
probe_s = 120
"""


def slow(seconds: float | str, version: str) -> str:
    """A Dockerfile whose build takes its time, anew for each version."""
    return SLOW_BUILD.format(seconds=seconds) + f"LABEL version={version}\n"


def test_a_push_is_served_and_the_next_push_replaces_it(stack: Stack) -> None:
    checkout = stack.app("first")
    eventually(lambda: stack.get("first").status == 503, what="an app without a version is a 503")
    stack.deploy("first", checkout, "one")
    assert stack.get("first").text == "one"
    deployment = stack.deploy("first", checkout, "two")
    assert stack.get("first").text == "two"
    names = dict.fromkeys(step["name"] for step in deployment["steps"])  # a busy host may have begun anew
    assert list(names)[:4] == ["fetch", "build", "start", "switch"]
    assert all(step["ok"] for step in deployment["steps"] if step["ended_at"])


def test_the_delivery_is_answered_with_the_deployments_address(stack: Stack) -> None:
    checkout = stack.app("answered")
    commit = checkout.commit("First", VERSION="1\n")
    checkout.push()
    delivery = [each for each in stack.forge.pushes() if each.repository == "acme/answered"][-1]
    assert delivery.status == 202, delivery.answer
    deployment = stack.deployment_of("answered", commit)
    assert str(deployment["id"]).encode() in delivery.answer
    stack.ended(deployment["id"])


def test_two_apps_on_one_repository_both_deploy(stack: Stack) -> None:
    checkout = stack.app("left")
    stack.app("right", repository="acme/left", hook=False)
    commit = checkout.commit("Both", VERSION="both\n")
    checkout.push()
    for app in ("left", "right"):
        assert stack.ended(stack.deployment_of(app, commit)["id"])["state"] == "live"
        assert stack.get(app).text == "both"


def test_one_delivery_sent_eleven_times_makes_one_deployment(stack: Stack) -> None:
    checkout = stack.app("again")
    stack.deploy("again", checkout, "1")
    delivery = [each for each in stack.forge.pushes() if each.repository == "acme/again"][-1]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(stack.forge.redeliver, [delivery] * 10))
    assert {each.status for each in stack.forge.settle() if each.id == delivery.id} == {202}
    assert len(stack.deployments("again")) == 1


def test_an_old_body_under_a_new_delivery_id_does_not_downgrade(stack: Stack) -> None:
    checkout = stack.app("replayed")
    stack.deploy("replayed", checkout, "old")
    body = [each for each in stack.forge.pushes() if each.repository == "acme/replayed"][-1].body
    live = stack.deploy("replayed", checkout, "new")
    stack.forge.send("acme/replayed", "push", body)
    replay = eventually(lambda: next(iter(d for d in stack.deployments("replayed") if d["id"] > live["id"]), None))
    assert stack.ended(replay["id"])["state"] == "superseded"
    assert stack.get("replayed").text == "new"


def test_the_heads_body_under_a_new_delivery_id_does_not_undo_a_rollback(stack: Stack) -> None:
    checkout = stack.app("undone")
    stack.deploy("undone", checkout, "good")
    stack.deploy("undone", checkout, "bad")
    body = [each for each in stack.forge.pushes() if each.repository == "acme/undone"][-1].body
    rollback = stack.call("POST", "/apps/undone/rollback", {})
    assert stack.ended(rollback["id"])["state"] == "live"
    stack.forge.send("acme/undone", "push", body)
    replay = eventually(lambda: next(iter(d for d in stack.deployments("undone") if d["id"] > rollback["id"]), None))
    ended = stack.ended(replay["id"])
    assert (ended["state"], ended["kind"]) == ("skipped", "push")
    assert "no new push" in ended["detail"]
    assert stack.get("undone").text == "good"
    stack.deploy("undone", checkout, "fixed")
    assert stack.get("undone").text == "fixed"


def test_of_three_quick_pushes_the_newest_goes_live_and_nothing_of_the_others_remains(stack: Stack) -> None:
    own, older, old = (own_seconds(60) for _ in range(3))
    neighbour = builds_for_long(stack, stack.app("neighbour"), "neighbour", own)
    checkout = stack.app("quick")
    first = builds_for_long(stack, checkout, "quick", older)
    commits = []
    for version, seconds in (("b", old), ("c", "0")):
        commits.append(checkout.commit(version, VERSION=f"{version}\n", Dockerfile=slow(seconds, version)))
        checkout.push()
    second, third = (stack.deployment_of("quick", commit)["id"] for commit in commits)
    scratch = stack.settings.scratch_dir / f"slipway-{stack.instance}"
    for deployment, step in ((first, f"sleep {older}"), (second, f"sleep {old}")):
        assert stack.reaches(deployment, "superseded")["detail"]
        assert running_command(step) == [], "its step runs on"
        assert running_command(f"{scratch}/{deployment}-") == [], "what the worker started for it runs on"
        assert not list(scratch.glob(f"{deployment}-*"))
    assert stack.ended(third)["state"] == "live"
    assert stack.get("quick").text == "c"
    assert len(stack.containers("name=-quick-")) == len(stack.images("slipway.app=quick")) == 1
    assert stack.call("GET", f"/deployments/{neighbour}")["state"] == "building"
    stack.call("POST", f"/deployments/{neighbour}/cancel")
    assert stack.ended(neighbour)["state"] == "cancelled"
    assert running_command(f"sleep {own}") == []


def builds_for_long(stack: Stack, checkout: Checkout, app: str, seconds: str) -> int:
    """A deployment whose build is at a step of so many seconds."""
    commit = checkout.commit("Slow", VERSION="slow\n", Dockerfile=slow(seconds, seconds))
    checkout.push()
    deployment = stack.deployment_of(app, commit)["id"]
    eventually(lambda: running_command(f"sleep {seconds}"), every_s=0.1, what="the step runs")
    return int(deployment)


def test_a_rollback_during_a_slow_build_does_not_wait_for_it_serves_the_old_digest_and_stays(stack: Stack) -> None:
    checkout = stack.app("rolled")
    digests = {version: stack.deploy("rolled", checkout, version)["release"]["digest"] for version in ("one", "two")}
    building = builds_for_long(stack, checkout, "rolled", own_seconds(3600))
    rollback = stack.cli_json("rollback", "-a", "rolled", "--no-watch")["id"]
    eventually(lambda: stack.get("rolled").text == "one", what="the old version serves")
    ended = stack.ended(rollback)
    assert (ended["state"], ended["release"]["digest"]) == ("live", digests["one"])
    assert stack.ended(building)["state"] == "cancelled"
    assert stack.get("rolled").text == "one"


def test_a_rollback_goes_back_to_digest_and_configuration_together(stack: Stack) -> None:
    checkout = stack.app("pair")
    stack.call("PATCH", "/apps/pair/variables", {"set": {"COLOUR": "red"}})
    first = stack.deploy("pair", checkout, "one")
    changed = stack.call("PATCH", "/apps/pair/variables", {"set": {"COLOUR": "blue"}})["deployment"]
    stack.ended(changed["id"])
    stack.deploy("pair", checkout, "two")
    assert (stack.get("pair").text, stack.get("pair", "/env/COLOUR").text) == ("two", "blue")
    rollback = stack.call("POST", "/apps/pair/rollback", {"to": first["release"]["number"]})
    ended = stack.ended(rollback["id"])
    assert ended["release"]["digest"] == first["release"]["digest"]
    assert (stack.get("pair").text, stack.get("pair", "/env/COLOUR").text) == ("one", "red")


def test_a_configuration_change_during_a_build_and_the_build_are_both_kept(stack: Stack) -> None:
    checkout = stack.app("both")
    stack.deploy("both", checkout, "one", slipway__toml=PATIENT)
    commit = checkout.commit("Slow", VERSION="two\n", Dockerfile=slow(2, "two"))
    checkout.push()
    building = stack.reaches(stack.deployment_of("both", commit)["id"], "building")
    variables = {"COLOUR": "green", "SLEEPY": "one"}  # the old version starts so slowly that the build ends meanwhile
    changed = stack.call("PATCH", "/apps/both/variables", {"set": variables})["deployment"]
    stack.reaches(building["id"], "starting")
    assert stack.call("GET", f"/deployments/{changed['id']}")["state"] == "starting"
    assert stack.ended(changed["id"])["state"] in ("live", "retired")
    assert stack.ended(building["id"])["state"] == "live"
    assert (stack.get("both").text, stack.get("both", "/env/COLOUR").text) == ("two", "green")


def test_scale_starts_and_stops_replicas_and_zero_is_a_503_that_says_so(stack: Stack) -> None:
    checkout = stack.app("scaled")
    stack.deploy("scaled", checkout, "1")
    stack.call("PUT", "/apps/scaled/scale", {"replicas": 3})
    eventually(lambda: stack.call("GET", "/apps/scaled")["replicas"]["ready"] == 3)
    stack.call("PUT", "/apps/scaled/scale", {"replicas": 0})
    answer = eventually(lambda: (a := stack.get("scaled")).status == 503 and a)
    assert "request" in answer.text.lower()
    stack.call("PUT", "/apps/scaled/scale", {"replicas": 1})
    eventually(lambda: stack.get("scaled").status == 200)

"""A push becomes a live app, once, in the right order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.fixtures.stack import Stack
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


def slow(seconds: float, version: str) -> str:
    """A Dockerfile whose build takes its time, anew for each version."""
    return SLOW_BUILD.format(seconds=seconds) + f"LABEL version={version}\n"


def test_a_push_is_served_and_the_next_push_replaces_it(stack: Stack) -> None:
    checkout = stack.app("first")
    eventually(lambda: stack.get("first").status == 503, what="an app without a version is a 503")
    stack.deploy("first", checkout, "one")
    assert stack.get("first").text == "one"
    deployment = stack.deploy("first", checkout, "two")
    assert stack.get("first").text == "two"
    assert [step["name"] for step in deployment["steps"]][:4] == ["fetch", "build", "start", "switch"]
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


def test_of_three_quick_pushes_the_newest_goes_live_and_nothing_of_the_others_remains(stack: Stack) -> None:
    checkout = stack.app("quick")
    commits = []
    for version in ("a", "b", "c"):
        commits.append(checkout.commit(version, VERSION=f"{version}\n", Dockerfile=slow(3, version)))
        checkout.push()
    first, second, third = (stack.deployment_of("quick", commit)["id"] for commit in commits)
    assert stack.ended(third)["state"] == "live"
    assert [stack.ended(each)["state"] for each in (first, second)] == ["superseded", "superseded"]
    assert stack.get("quick").text == "c"
    releases = {each["release"] for each in stack.call("GET", "/apps/quick/replicas")["replicas"]}
    assert len(releases) == 1
    assert len(stack.containers("label=slipway.task=", "name=quick")) <= 1
    assert not list((stack.settings.scratch_dir / f"slipway-{stack.instance}").glob(f"{first}-*"))


def test_a_rollback_during_a_slow_build_stays(stack: Stack) -> None:
    checkout = stack.app("rolled")
    stack.deploy("rolled", checkout, "one")
    stack.deploy("rolled", checkout, "two")
    commit = checkout.commit("Slow", VERSION="three\n", Dockerfile=slow(8, "three"))
    checkout.push()
    building = stack.reaches(stack.deployment_of("rolled", commit)["id"], "building")
    rollback = stack.call("POST", "/apps/rolled/rollback", {})
    assert stack.ended(rollback["id"])["state"] == "live"
    assert stack.get("rolled").text == "one"
    assert stack.ended(building["id"])["state"] == "cancelled"
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
    stack.deploy("both", checkout, "one")
    commit = checkout.commit("Slow", VERSION="two\n", Dockerfile=slow(3, "two"))
    checkout.push()
    building = stack.reaches(stack.deployment_of("both", commit)["id"], "building")
    changed = stack.call("PATCH", "/apps/both/variables", {"set": {"COLOUR": "green"}})["deployment"]
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

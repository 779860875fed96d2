from __future__ import annotations

import pytest
from sqlalchemy import select

from slipway.core.deployment.states import State
from slipway.domain import intents, lifecycle
from slipway.errors import DeploymentFailed
from slipway.models import App, Deployment, Release, Replica, now
from tests.fixtures.api import REPOSITORY, Api, Caller
from tests.fixtures.releases import make_live
from tests.fixtures.services.agent_server import running_agent


@pytest.fixture(autouse=True)
def app(owner: Caller) -> None:
    owner.create_app()


def test_a_manual_deployment_of_the_branch(api: Api, developer: Caller) -> None:
    made = developer.post("/api/apps/hello/deployments")
    assert (made["app"], made["kind"], made["state"], made["ref"]) == ("hello", "manual", "queued", "refs/heads/main")
    assert (made["actor"], made["sequence"], made["environment"]) == ("token:acme-developer", 1, "production")
    assert made["url"] == f"http://slipway.localhost:8080/deployments/{made['id']}"
    assert made["log_url"] == f"http://slipway.localhost:8080/api/deployments/{made['id']}/log"
    assert made["steps"] == []
    assert made["release"] is made["previous"] is made["serving"] is made["ended_at"] is None
    assert developer.get(f"/api/deployments/{made['id']}") == made
    assert developer.get("/api/apps/hello")["latest"] == made
    assert api.services.redis.exists(f"rq:job:deployment-{made['id']}-0"), "it was handed to a worker"


def test_a_ref_or_a_commit_may_be_named(developer: Caller) -> None:
    assert developer.post("/api/apps/hello/deployments", {"ref": "v1.2"})["ref"] == "v1.2"
    assert developer.post("/api/apps/hello/deployments", {"commit": "b" * 40})["commit"] == "b" * 40
    for body in ({"ref": "--upload-pack=x"}, {"commit": "abc"}, {"ref": "a b"}, {"refs": "main"}):
        developer.problem(422, "POST", "/api/apps/hello/deployments", body)


def test_a_short_commit_is_one_of_the_apps_deployments(api: Api, developer: Caller) -> None:
    make_live(api.services.db, "hello", commit="2d77f22" + "a" * 33)
    for commit in ("b", "c"):
        make_live(api.services.db, "hello", commit="5e88f33" + commit * 33)
    deployments = "/api/apps/hello/deployments"
    assert developer.post(deployments, {"ref": "2d77f22"})["ref"] == "2d77f22" + "a" * 33
    assert "several" in developer.problem(422, "POST", deployments, {"ref": "5e88f33"})["detail"]
    unknown = developer.problem(422, "POST", deployments, {"ref": "0c0ffee"})
    assert "0c0ffee" in unknown["detail"]
    assert "such as main;" in unknown["remedy"]
    for branch in ("20261124", "refs/heads/0c0ffee"):
        assert developer.post(deployments, {"ref": branch})["ref"] == branch


def test_the_same_idempotency_key_is_the_same_deployment(developer: Caller) -> None:
    first = developer.post("/api/apps/hello/deployments", Idempotency_Key="once")
    assert developer.post("/api/apps/hello/deployments", Idempotency_Key="once")["id"] == first["id"]
    assert developer.post("/api/apps/hello/deployments", Idempotency_Key="twice")["id"] != first["id"]
    assert developer.post("/api/apps/hello/deployments")["id"] != first["id"]
    for key in ("x" * 129, "a b"):
        developer.problem(422, "POST", "/api/apps/hello/deployments", Idempotency_Key=key)


def test_a_key_that_was_used_for_something_else_is_refused(developer: Caller) -> None:
    path = "/api/apps/hello/deployments"
    first = developer.post(path, {"commit": "a" * 40}, Idempotency_Key="once")["id"]
    assert developer.post(path, {"commit": "a" * 40}, Idempotency_Key="once")["id"] == first
    for body in ({"commit": "b" * 40}, {"ref": "other"}, {"commit": "a" * 40, "rebuild": True}):
        assert str(first) in developer.problem(409, "POST", path, body, Idempotency_Key="once")["detail"]


def test_a_number_given_with_an_app_has_to_be_one_of_its(owner: Caller, stranger: Caller) -> None:
    owner.create_app("other")
    number = owner.post("/api/apps/hello/deployments")["id"]
    paths = [("GET", "", 200), ("GET", "/log", 200), ("GET", "/events", 200), ("POST", "/cancel", 202)]
    for method, rest, _ in paths:
        wrong = owner.problem(404, method, f"/api/deployments/{number}{rest}?app=other")
        assert wrong["detail"] == f"other has no deployment {number}: it is one of hello."
        owner.problem(404, method, f"/api/deployments/{number}{rest}?app=none")
        assert "hello" not in stranger.problem(404, method, f"/api/deployments/{number}{rest}?app=hello")["detail"]
    assert owner.get(f"/api/deployments/{number}")["state"] == "queued", "no wrong one was cancelled"
    for method, rest, status in (paths[0], paths[1], paths[3]):
        assert owner.call(method, f"/api/deployments/{number}{rest}?app=hello").status_code == status


def test_the_branchs_head_is_asked_of_the_repository(api: Api, owner: Caller, viewer: Caller) -> None:
    with running_agent(api.services.settings.agent_socket) as agent:
        agent.head = "a" * 40
        head = owner.get("/api/apps/hello/head")
        assert head == {"ref": "refs/heads/main", "commit": "a" * 40, "delivered": False, "hook": None}
        hook = owner.post("/api/hooks", {"repository": REPOSITORY}, status=201)["id"]
        pushed(api, "a" * 40)
        assert owner.get("/api/apps/hello/head") == head | {"delivered": True, "hook": hook}
        pushed(api, "b" * 40)
        assert owner.get("/api/apps/hello/head")["delivered"] is False, "the branch came back to it"
        with api.services.db.write(platform="a test's comparison") as session:
            app = session.scalars(select(App)).one()
            app.head, app.polled_at = "a" * 40, now()
        assert owner.get("/api/apps/hello/head")["delivered"] is True
        owner.patch("/api/apps/hello", {"branch": "prod"})
        owner.patch("/api/apps/hello", {"branch": "main"})
        assert owner.get("/api/apps/hello/head")["delivered"] is False, "what was before says nothing of it"
        agent.unreadable = "it wants a credential"
        assert "wants a credential" in owner.problem(422, "GET", "/api/apps/hello/head")["detail"]
        owner.create_app("pulled", image="registry.example/shop:1")
        owner.problem(422, "GET", "/api/apps/pulled/head")
        viewer.problem(403, "GET", "/api/apps/hello/head")
    owner.problem(503, "GET", "/api/apps/hello/head")


def pushed(api: Api, commit: str) -> None:
    with api.services.db.write(platform="a test's delivery") as session:
        app = session.scalars(select(App)).one()
        what = intents.Pushed("refs/heads/main", commit)
        intents.push(session, app, what, idempotency_key=f"delivery:{commit}", actor="a test")


def test_what_a_worker_was_asked_to_stop_is_shown_as_stopping(api: Api, developer: Caller) -> None:
    number = developer.post("/api/apps/hello/deployments")["id"]
    with api.services.db.write(platform="a test's worker") as session:
        row = session.get_one(Deployment, number)
        for state in (State.FETCHING, State.BUILDING):
            lifecycle.advance(row, state)
    assert developer.get(f"/api/deployments/{number}")["stopping"] is False
    assert developer.post(f"/api/deployments/{number}/cancel", status=202)["stopping"] is True
    with api.services.db.write(platform="a test's worker") as session:
        lifecycle.stop(session.get_one(Deployment, number), State.CANCELLED, "cancelled")
    assert developer.get(f"/api/deployments/{number}")["stopping"] is False


def test_deployments_come_newest_first_page_by_page(developer: Caller) -> None:
    made = [developer.post("/api/apps/hello/deployments")["id"] for _ in range(5)]
    first = developer.get("/api/apps/hello/deployments?limit=2")["deployments"]
    assert [each["id"] for each in first] == [made[4], made[3]]
    then = developer.get(f"/api/apps/hello/deployments?limit=2&before={first[-1]['id']}")["deployments"]
    assert [each["id"] for each in then] == [made[2], made[1]]
    for query in ("limit=0", "limit=101", "before=x", f"before={1 << 40}", "after=1"):
        developer.problem(422, "GET", f"/api/apps/hello/deployments?{query}")


def test_a_failure_says_what_serves_now_and_not_what_served_when_it_failed(api: Api, developer: Caller) -> None:
    make_live(api.services.db, "hello", commit="a" * 40, ready=1)
    failed = developer.post("/api/apps/hello/deployments")["id"]
    remedy = "slipway env set KEY=…"
    with api.services.db.write(platform="a test's worker") as session:
        row = session.get_one(Deployment, failed)
        lifecycle.fail(row, DeploymentFailed("build-failed", "no", remedy=remedy))

    def meaning() -> str:
        return str(developer.get(f"/api/deployments/{failed}")["meaning"])

    assert meaning() == "v1 (aaaaaaa) serves on."
    assert developer.get(f"/api/deployments/{failed}")["remedy"] == "slipway env set -a hello KEY=…"
    with api.services.db.write(platform="a test's agent") as session:
        session.query(Replica).one().ended_at = now()
    assert meaning() == "Nothing serves: no replica of v1 (aaaaaaa) is ready (slipway ps --all -a hello)."
    developer.put("/api/apps/hello/scale", {"replicas": 0})
    assert meaning() == "Nothing serves: v1 (aaaaaaa) is scaled to 0 (slipway scale 1 -a hello)."


def test_a_remedy_repeats_what_was_asked_for(api: Api, developer: Caller) -> None:
    for ref, again in ("v1", "slipway deploy -a hello --ref v1"), (None, "slipway deploy -a hello"):
        failed = developer.post("/api/apps/hello/deployments", {"ref": ref} if ref else {})["id"]
        with api.services.db.write(platform="a test's worker") as session:
            row = session.get_one(Deployment, failed)
            lifecycle.fail(row, DeploymentFailed("clone-failed", "no", remedy="try again: slipway deploy"))
        assert developer.get(f"/api/deployments/{failed}")["remedy"] == f"try again: {again}"


def test_a_problems_remedy_names_the_app_of_its_address(developer: Caller) -> None:
    problem = developer.problem(404, "POST", "/api/apps/hello/rollback", {"to": 9})
    assert problem["remedy"] == "slipway deployments -a hello"
    assert "-a hello" in developer.problem(404, "GET", "/api/apps/hello/logs?replica=x")["remedy"]


def test_a_deployment_says_what_serves_and_what_served_before(api: Api, developer: Caller) -> None:
    old = make_live(api.services.db, "hello", commit="a" * 40)
    live = make_live(api.services.db, "hello", commit="b" * 40, ready=1)
    shown = developer.get(f"/api/deployments/{live}")
    assert shown["state"] == "live"
    assert shown["release"] == {"number": 2, "digest": "sha256:2"}
    assert shown["previous"] == {"id": old, "release": 1, "commit": "a" * 40, "digest": ""}
    assert shown["serving"] == {"id": live, "release": 2, "commit": "b" * 40, "digest": ""}
    assert [step["name"] for step in shown["steps"]] == ["fetch", "build", "start"]
    assert all(step["ok"] and step["seconds"] >= 0 and step["started_at"].endswith("Z") for step in shown["steps"])
    assert developer.get(f"/api/deployments/{old}")["serving"]["id"] == live
    app = developer.get("/api/apps/hello")
    assert (app["live"]["id"], app["latest"]["id"], app["state"]) == (live, live, "running")
    assert app["replicas"] == {"wanted": 1, "ready": 1}


def test_a_failure_is_shown_whole_and_the_app_serves_on(api: Api, developer: Caller) -> None:
    from slipway.errors import DeploymentFailed

    make_live(api.services.db, "hello", ready=1)
    number = developer.post("/api/apps/hello/deployments")["id"]
    with api.services.db.write(platform="a test's worker") as session:
        row = session.get_one(Deployment, number)
        lifecycle.advance(row, State.FETCHING)
        lifecycle.fail(row, DeploymentFailed("clone-failed", "no", remedy="do", tail="last words"))
    shown = developer.get(f"/api/deployments/{number}")
    found = {key: shown[key] for key in ("state", "reason", "detail", "remedy", "tail")}
    assert found == {"state": "failed", "reason": "clone-failed", "detail": "no", "remedy": "do", "tail": "last words"}
    assert (shown["steps"][0]["ok"], shown["steps"][0]["note"]) == (False, "no")
    assert developer.get("/api/apps/hello")["state"] == "running"


def test_an_app_whose_first_deployment_failed_has_failed(api: Api, developer: Caller) -> None:
    from slipway.errors import DeploymentFailed

    number = developer.post("/api/apps/hello/deployments")["id"]
    with api.services.db.write(platform="a test's worker") as session:
        lifecycle.fail(session.get_one(Deployment, number), DeploymentFailed("build-failed", "no"))
    assert developer.get("/api/apps/hello")["state"] == "failed"


def test_rolling_back(api: Api, developer: Caller) -> None:
    for commit in "abc":
        make_live(api.services.db, "hello", commit=commit * 40)
    building = developer.post("/api/apps/hello/deployments")
    back = developer.post("/api/apps/hello/rollback")
    assert (back["kind"], back["state"], back["release"]["number"]) == ("rollback", "queued", 2)
    assert developer.get(f"/api/deployments/{building['id']}")["state"] == "cancelled"
    assert developer.post("/api/apps/hello/rollback", {"to": 1})["release"]["number"] == 1
    assert developer.problem(404, "POST", "/api/apps/hello/rollback", {"to": 9})["remedy"]
    assert developer.problem(409, "POST", "/api/apps/hello/rollback", {"to": 3})["code"] == "conflict"
    developer.problem(422, "POST", "/api/apps/hello/rollback", {"to": "v1"})
    with api.services.db.write(platform="a test's agent") as session:
        session.scalars(select(Release).filter_by(number=1)).one().collected_at = now()
    developer.problem(409, "POST", "/api/apps/hello/rollback", {"to": 1})


def test_rolling_back_without_a_release(developer: Caller) -> None:
    assert "no earlier release" in developer.problem(404, "POST", "/api/apps/hello/rollback")["detail"]


def test_cancelling(api: Api, developer: Caller) -> None:
    queued = developer.post("/api/apps/hello/deployments")["id"]
    cancelled = developer.post(f"/api/deployments/{queued}/cancel")
    assert (cancelled["state"], cancelled["detail"]) == ("cancelled", "cancelled by token:acme-developer")
    developer.problem(409, "POST", f"/api/deployments/{queued}/cancel")
    building = developer.post("/api/apps/hello/deployments")["id"]
    with api.services.db.write(platform="a test's worker") as session:
        lifecycle.advance(session.get_one(Deployment, building), State.FETCHING)
    assert developer.post(f"/api/deployments/{building}/cancel")["state"] == "fetching", "its worker ends it"
    with api.services.db.read(platform="a test looks") as session:
        assert session.get_one(Deployment, building).stop_requested == State.CANCELLED


def test_the_log_so_far_is_text(api: Api, viewer: Caller) -> None:
    number = make_live(api.services.db, "hello")
    for line in ("fetching", "done ✔"):
        api.services.log.append(number, line)
    answer = viewer.call("GET", f"/api/deployments/{number}/log")
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    assert answer.text == "fetching\ndone ✔\n"


def test_numbers_that_no_row_has(viewer: Caller) -> None:
    for number in (999, 1 << 31, 1 << 70):
        viewer.problem(404, "GET", f"/api/deployments/{number}")
    viewer.problem(404, "GET", "/api/deployments/x")

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from slipway.adapters.redis import keys
from slipway.core.deployment.states import State
from slipway.domain.route_table import route_table
from slipway.models import App, AuditRecord, Deployment, Domain, RouteChange, Scale, now
from tests.fixtures.api import REPOSITORY, Api, Caller
from tests.fixtures.releases import make_live

OF_THE_ROUTE = {"max_concurrency": 4, "timeouts": {"connect_s": 5, "read_s": 300}, "max_body_mb": 1}


def test_a_new_app_has_its_first_host_and_is_empty(api: Api, owner: Caller) -> None:
    app = owner.create_app(settings={"port": 9000}, replicas=2)
    assert app["urls"] == ["http://hello.localhost:8080/"]
    assert (app["tenant"], app["source"], app["state"], app["branch"]) == ("acme", "git", "empty", "main")
    assert app["replicas"] == {"wanted": 2, "ready": 0}
    assert app["live"] is app["latest"] is app["hook"] is None
    shown = owner.get("/api/apps/hello")
    assert shown == {key: value for key, value in app.items() if key not in ("hook", "notices")}
    assert owner.get("/api/apps") == {"apps": [shown]}
    with api.services.db.read(platform="a test looks") as session:
        assert session.scalars(select(RouteChange.host)).all() == ["hello.localhost"]
        assert session.scalars(select(Scale.replicas)).all() == [2]


def test_an_app_of_an_image(owner: Caller) -> None:
    app = owner.create_app("web", image="nginx:1.27")
    assert (app["source"], app["image"], app["repository"]) == ("image", "nginx:1.27", "")
    assert owner.post("/api/apps/web/deployments")["ref"] == "nginx:1.27"


def test_the_same_name_in_another_tenant_gets_another_host(owner: Caller, stranger: Caller) -> None:
    owner.create_app("shop")
    assert stranger.create_app("shop")["urls"] == ["http://shop-globex.localhost:8080/"]


def test_a_name_is_taken_once(owner: Caller) -> None:
    owner.create_app()
    problem = owner.problem(409, "POST", "/api/apps", {"name": "hello", "repository": REPOSITORY})
    assert problem["code"] == "conflict"
    assert "hello" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"name": "hello"}, "a repository or from an image"),
        ({"name": "hello", "repository": REPOSITORY, "image": "nginx"}, "a repository or from an image"),
        ({"name": "Hello", "repository": REPOSITORY}, "'Hello'"),
        ({"name": "api", "repository": REPOSITORY}, "kept for the platform"),
        ({"name": "hello", "repository": "file:///etc"}, "not a repository's address"),
        ({"name": "hello", "repository": "http://127.0.0.1/x"}, "inside this host"),
        ({"name": "hello", "repository": "https://u:p@github.example/x"}, "credential"),
        ({"name": "hello", "repository": REPOSITORY, "branch": "-x"}, "branch"),
        ({"name": "hello", "repository": REPOSITORY, "settings": {"port": 0}}, "port"),
        ({"name": "hello", "repository": REPOSITORY, "settings": {"prot": 80}}, "prot"),
        ({"name": "hello", "repository": REPOSITORY, "settings": {"port": "9000"}}, "port"),
        ({"name": "hello", "repository": REPOSITORY, "settings": {"pre_deploy": "cd a && b"}}, "is a shell's"),
        ({"name": "hello", "repository": REPOSITORY, "replicas": 101}, "replicas"),
        ({"name": "hello", "image": "../x"}, "image"),
        ({"name": "hello", "image": "nginx", "hook": True}, "pushes"),
        ({"name": "hello", "repository": REPOSITORY, "brunch": "main"}, "brunch is no field here"),
        ({"repository": REPOSITORY}, "name is missing"),
        ({"name": "a\0b", "repository": REPOSITORY}, "can't be stored"),
        ({"name": "hello", "repository": REPOSITORY, "settings": {"pre_deploy": "\ud800"}}, "can't be stored"),
    ],
)
def test_what_breaks_a_rule_is_refused_and_leaves_nothing(api: Api, owner: Caller, body: object, sentence: str) -> None:
    problem = owner.problem(422, "POST", "/api/apps", body)
    assert sentence in problem["detail"]
    assert problem["code"] == "invalid-input"
    with api.services.db.read(platform="a test looks") as session:
        assert session.scalars(select(App)).all() == []
        assert session.scalars(select(Domain)).all() == []


def test_a_credential_is_sealed_for_its_place_and_never_shown(api: Api, owner: Caller) -> None:
    app = owner.create_app(credential="ghp_secret")
    assert "ghp_secret" not in str(app) + str(owner.get("/api/apps/hello"))
    with api.services.db.read(platform="a test looks") as session:
        row = session.scalars(select(App)).one()
        assert row.credential is not None
        assert "ghp_secret" not in row.credential
        assert api.services.values.open(row.credential, row.tenant_id, row.id, "credential") == "ghp_secret"
    owner.patch("/api/apps/hello", {"credential": None})
    with api.services.db.read(platform="a test looks") as session:
        assert session.scalars(select(App.credential)).one() is None


def test_changed_settings_are_merged_and_rolled_out(api: Api, owner: Caller) -> None:
    owner.create_app(settings={"port": 9000, "resources": {"memory_mb": 64, "pids": 32}})
    make_live(api.services.db, "hello")
    patch = {"settings": {"resources": {"memory_mb": 128}, "port": None}}
    changed = owner.patch("/api/apps/hello", patch)
    assert changed["app"]["settings"] == {"resources": {"memory_mb": 128, "pids": 32}}
    assert changed["deployment"]["kind"] == "configuration"
    assert changed["app"]["state"] == "deploying"
    assert owner.patch("/api/apps/hello", patch)["deployment"] is None, "nothing changed the second time"


def test_what_only_the_edges_do_is_a_change_of_the_route(api: Api, owner: Caller) -> None:
    """Balancing needs no new replicas."""
    owner.create_app(settings={"port": 9000})
    make_live(api.services.db, "hello")
    with api.services.db.read(platform="a test looks") as session:
        before = route_table(session).generation

    changed = owner.patch("/api/apps/hello", {"settings": {"balancing": "least_load"} | OF_THE_ROUTE})

    assert (changed["deployment"], changed["at_the_edge"]) == (None, True)
    assert changed["app"]["settings"] == {"port": 9000, "balancing": "least_load"} | OF_THE_ROUTE
    with api.services.db.read(platform="a test looks") as session:
        assert route_table(session).generation == before + 1
        assert session.scalars(select(RouteChange.host).filter_by(generation=before + 1)).all() == ["hello.localhost"]


def test_what_the_live_file_sets_is_kept_said_and_rolled_out_for_nobody(api: Api, owner: Caller) -> None:
    owner.create_app(settings={"port": 9000})
    make_live(api.services.db, "hello", file={"health_path": "/health"})

    alone = owner.patch("/api/apps/hello", {"settings": {"health_path": "/nothere"}})
    assert (alone["deployment"], alone["at_the_edge"], alone["behind_file"]) == (None, False, ["health_path"])
    assert alone["notices"] == [
        "health_path: not in force, as slipway.toml of the live commit goes before: slipway apps show hello"
    ]
    shown = owner.get("/api/apps/hello")
    assert shown["settings"] == {"port": 9000, "health_path": "/nothere"}
    assert shown["file_settings"] == {"health_path": "/health"}

    mixed = owner.patch("/api/apps/hello", {"settings": {"health_path": "/there", "port": 9001}})
    assert (mixed["deployment"]["kind"], mixed["behind_file"]) == ("configuration", ["health_path"])


def test_while_another_deployment_is_under_way_every_change_is_rolled_out(api: Api, owner: Caller) -> None:
    """It may be of a commit whose slipway.toml does not set the same, and may have frozen its configuration."""
    owner.create_app()
    make_live(api.services.db, "hello", file={"health_path": "/health"})
    owner.post("/api/apps/hello/deployments", {"ref": "other"})
    changed = owner.patch("/api/apps/hello", {"settings": {"health_path": "/nothere"}})
    assert (changed["deployment"]["kind"], changed["behind_file"]) == ("configuration", [])


def test_what_only_builds_read_waits_for_the_next_build(api: Api, owner: Caller) -> None:
    owner.create_app()
    make_live(api.services.db, "hello")
    alone = owner.patch("/api/apps/hello", {"settings": {"build": {"target": "prod"}, "paths": ["api/**"]}})
    assert (alone["deployment"], alone["at_the_edge"], alone["notices"]) == (None, False, [])
    assert alone["with_next_build"] == ["build", "paths"]
    mixed = owner.patch("/api/apps/hello", {"settings": {"static": {"root": "site"}, "port": 9000}})
    assert mixed["deployment"]["kind"] == "configuration"
    assert mixed["notices"] == ["static: in force with the next build: slipway deploy -a hello"]


def test_a_changed_source_waits_for_the_next_push(api: Api, owner: Caller) -> None:
    owner.create_app()
    make_live(api.services.db, "hello")
    changed = owner.patch("/api/apps/hello", {"repository": "git@github.example:acme/other.git", "branch": "prod"})
    assert changed["deployment"] is None
    assert (changed["app"]["repository"], changed["app"]["branch"]) == (
        "ssh://git@github.example/acme/other.git",
        "prod",
    )
    with api.services.db.read(platform="a test looks") as session:
        app = session.scalars(select(App)).one()
    assert app.repository_identity == "github.example/acme/other"
    assert (app.head, app.branch_sequence) == (None, app.next_sequence), "what was deployed is of another branch"


def test_a_change_that_breaks_a_rule_changes_nothing(owner: Caller) -> None:
    before = owner.create_app()
    owner.problem(422, "PATCH", "/api/apps/hello", {"branch": "prod", "settings": {"port": "x"}})
    owner.problem(422, "PATCH", "/api/apps/hello", {"branch": None})
    owner.problem(422, "PATCH", "/api/apps/hello", {})
    assert owner.get("/api/apps/hello")["branch"] == before["branch"]


def test_a_deleted_app_is_gone_for_its_people_and_left_to_the_agent(api: Api, owner: Caller) -> None:
    owner.create_app()
    deployment = owner.post("/api/apps/hello/deployments")
    listener = api.services.redis.pubsub()
    listener.subscribe(keys.WAKE)
    listener.get_message(timeout=2)
    gone = {"name": "hello", "notices": [], "kept_volumes": [], "removed_volumes": []}
    assert owner.delete_app() == gone
    message = listener.get_message(timeout=2)
    listener.close()
    assert message is not None
    owner.problem(404, "GET", "/api/apps/hello")
    assert owner.get("/api/apps") == {"apps": []}
    assert (
        "still being deleted" in owner.problem(409, "POST", "/api/apps", {"name": "hello", "image": "nginx"})["detail"]
    )
    with api.services.db.read(platform="a test looks") as session:
        row = session.scalars(select(App)).one()
        assert row.deleted_at is not None
        assert message["data"] == f"changed {row.id}".encode()
        assert session.get_one(Deployment, deployment["id"]).state == State.CANCELLED
        assert session.scalars(select(RouteChange.host)).all() == ["hello.localhost"] * 2


def test_deleting_takes_the_name_in_a_header(owner: Caller) -> None:
    owner.create_app()
    for given in ({}, {"X_Slipway_Confirm": "hallo"}):
        refused = owner.problem(428, "DELETE", "/api/apps/hello", **given)
        assert (refused["code"], refused["header"]) == ("confirmation-required", "X-Slipway-Confirm")
        assert refused["remedy"].endswith("X-Slipway-Confirm: hello")
    assert owner.get("/api/apps/hello")["name"] == "hello"
    owner.problem(404, "DELETE", "/api/apps/nothing")
    owner.delete_app()


def test_scaling_makes_no_deployment(api: Api, owner: Caller) -> None:
    owner.create_app()
    assert owner.put("/api/apps/hello/scale", {"replicas": 3}) == {"process": "web", "replicas": 3}
    assert owner.put("/api/apps/hello/scale", {"process": "worker", "replicas": 1})["process"] == "worker"
    assert owner.get("/api/apps/hello")["replicas"]["wanted"] == 3
    assert owner.get("/api/apps/hello/deployments") == {"deployments": []}
    make_live(api.services.db, "hello")
    refused = owner.problem(404, "PUT", "/api/apps/hello/scale", {"process": "wroker", "replicas": 1})
    assert "it has: web, worker;" in refused["remedy"]
    owner.problem(422, "PUT", "/api/apps/hello/scale", {"replicas": -1})
    owner.problem(422, "PUT", "/api/apps/hello/scale", {"process": "No!", "replicas": 1})


def test_a_live_app_without_replicas_is_stopped(api: Api, owner: Caller) -> None:
    owner.create_app()
    make_live(api.services.db, "hello", ready=1)
    assert owner.get("/api/apps/hello")["state"] == "running"
    owner.put("/api/apps/hello/scale", {"replicas": 0})
    assert owner.get("/api/apps/hello")["state"] == "stopped"


def test_every_change_is_in_the_audit_log(api: Api, owner: Caller) -> None:
    owner.headers = {"X-Forwarded-For": "203.0.113.9", "X-Request-Id": "request-0001"}
    owner.create_app(credential="ghp_secret")
    owner.patch("/api/apps/hello", {"settings": {"port": 9000}})
    owner.patch("/api/apps/hello/variables", {"set": {"KEY": "very secret"}})
    owner.put("/api/apps/hello/scale", {"replicas": 2})
    owner.post("/api/apps/hello/domains", {"host": "shop.example.org"}, status=201)
    owner.delete("/api/apps/hello/domains/shop.example.org")
    hook = owner.post("/api/hooks", {"repository": REPOSITORY}, status=201)
    owner.post(f"/api/hooks/{hook['id']}/rotate", status=200)
    owner.delete(f"/api/hooks/{hook['id']}")
    deployment = owner.post("/api/apps/hello/deployments")
    owner.post(f"/api/deployments/{deployment['id']}/cancel")
    token = owner.post("/api/tokens", {"name": "ci"}, status=201)
    owner.delete(f"/api/tokens/{token['id']}")
    owner.delete_app()
    with api.services.db.read(platform="a test looks") as session:
        rows = session.scalars(select(AuditRecord).where(AuditRecord.actor == "token:acme-owner")).all()
        assert [row.action for row in rows] == [
            *("app.create", "app.change", "variables.change", "app.scale", "domain.add", "domain.remove"),
            *("hook.create", "hook.rotate", "hook.delete", "deployment.create", "deployment.cancel"),
            *("token.create", "token.revoke", "app.delete"),
        ]
        assert {(row.address, row.request_id, row.tenant_id) for row in rows} == {
            ("203.0.113.9", "request-0001", api.tenant_id())
        }
        everything = str([(row.subject, row.detail) for row in rows])
        for secret in ("ghp_secret", "very secret", hook["secret"], token["token"]):
            assert secret not in everything


@pytest.mark.parametrize(
    ("change", "changes_builds"),
    [
        (("PATCH", "/api/apps/hello", {"settings": {"build": {"dockerfile": "a/Dockerfile"}}}), True),
        (("PATCH", "/api/apps/hello", {"settings": {"processes": {"web": {"command": "run"}}}}), True),
        (("PATCH", "/api/apps/hello", {"repository": "https://github.example/acme/other.git"}), True),
        (("PATCH", "/api/apps/hello/variables", {"set": {"A": "1"}, "scope": "build"}), True),
        (("PATCH", "/api/apps/hello/variables", {"unset": ["B"], "scope": "build"}), True),
        (("PATCH", "/api/apps/hello/variables", {"set": {"B": "old"}, "scope": "build"}), False),
        (("PATCH", "/api/apps/hello/variables", {"set": {"A": "1"}}), False),
        (("PATCH", "/api/apps/hello", {"settings": {"port": 9000, "paths": ["api/**"]}}), False),
        (("PATCH", "/api/apps/hello", {"repository": REPOSITORY}), False),
        (("PATCH", "/api/apps/hello", {"branch": "prod"}), False),
    ],
)
def test_an_app_knows_when_something_that_its_builds_take_was_changed(
    api: Api, owner: Caller, change: tuple[str, str, Any], changes_builds: bool
) -> None:
    owner.create_app()
    owner.patch("/api/apps/hello/variables", {"set": {"B": "old"}, "scope": "build"})
    with api.services.db.write(platform="a test forgets it") as session:
        session.scalars(select(App)).one().build_inputs_changed_at = None
    began = now()
    assert owner.call(*change).status_code == 200
    with api.services.db.read(platform="a test looks") as session:
        changed_at = session.scalars(select(App)).one().build_inputs_changed_at
    assert (changed_at is not None) == changes_builds
    assert changed_at is None or changed_at >= began

"""Databases and stores over the API: who may make, attach, renew, back up and remove them, and what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from slipway.adapters.backup_files import BackupFiles
from slipway.core.attached.tasks import RUNNING
from slipway.domain.attached import tasks
from slipway.models import App, AttachedService, AuditRecord, Deployment, Domain, ServiceTask
from tests.fixtures.api import Api, Caller
from tests.fixtures.releases import make_live

NEW = {"kind": "postgres", "name": "db", "version": "16"}
DB = "/api/services/db"


@pytest.fixture(autouse=True)
def hello(owner: Caller, api: Api) -> None:
    owner.create_app()
    make_live(api.services.db, "hello")


@pytest.fixture
def db(developer: Caller) -> Any:
    return developer.post("/api/services", NEW, status=201)


def attach(caller: Caller, **values: Any) -> Any:
    return caller.post(f"{DB}/attachments", {"app": "hello"} | values, status=201)


def variables(caller: Caller, app: str = "hello") -> dict[str, Any]:
    return {each["name"]: each for each in caller.get(f"/api/apps/{app}/variables")["variables"]}


def whole_backup(api: Api, developer: Caller, content: bytes = b"a dump") -> int:
    """As the agent makes it."""
    number: int = developer.post(f"{DB}/backups")["id"]
    settings = api.services.settings
    files = BackupFiles(settings.backup_dir, api.services.values, floor_bytes=0)
    with api.services.db.write(platform="a test's agent") as session:
        row = session.get_one(ServiceTask, number)
        assert tasks.begin(row)
        written = files.write(row.file, [content], row.tenant_id, row.service_id, "backup")
        row.size_bytes, row.digest = written.size_bytes, written.digest
        tasks.succeed(row)
    return number


def test_a_service_is_an_app_that_no_host_leads_to(api: Api, db: Any, viewer: Caller) -> None:
    [deployment] = db["deployments"]
    assert (deployment["state"], deployment["ref"]) == ("queued", "postgres:16")
    shown = viewer.get(DB)
    assert (shown["kind"], shown["version"], shown["host"], shown["port"]) == ("postgres", "16", "db", 5432)
    assert (shown["url"], shown["attachments"], shown["last_backup"]) == (None, [], None)
    assert shown["schedule"].endswith("* * *")
    app = viewer.get("/api/apps/db")
    assert (app["urls"], app["source"], app["image"]) == ([], "image", "postgres:16")
    assert [each["name"] for each in viewer.get("/api/services")["services"]] == ["db"]
    with api.services.db.read(platform="a test looks") as session:
        app_id = session.scalars(select(App.id).filter_by(name="db")).one()
        assert session.scalars(select(Domain).filter_by(app_id=app_id)).all() == []


def test_only_those_who_may_read_variables_see_its_address(db: Any, developer: Caller, viewer: Caller) -> None:
    url = developer.get(DB)["url"]
    assert url.startswith("postgresql://app:")
    assert url.endswith("@db:5432/app")
    password = url.removeprefix("postgresql://app:").partition("@")[0]
    for path in (DB, "/api/services", "/api/apps/db", "/api/apps/db/variables", f"{DB}/backups"):
        assert password not in viewer.call("GET", path).text
    own = variables(developer, "db")
    assert own["POSTGRES_PASSWORD"]["value"] == password
    assert all(each["secret"] for each in own.values())


@pytest.mark.parametrize(
    ("wanted", "status"),
    [({"kind": "oracle"}, 422), ({"version": "9"}, 422), ({"name": "hello"}, 409), ({"name": "Db"}, 422),
     ({"memory_mb": 1}, 422)],
)  # fmt: skip
def test_what_can_not_be_made_is_refused(developer: Caller, wanted: dict[str, Any], status: int) -> None:
    problem = developer.problem(status, "POST", "/api/services", NEW | wanted)
    assert problem["remedy"]


def test_it_is_attached_by_a_secret_variable_and_a_deployment(
    api: Api, db: Any, developer: Caller, viewer: Caller
) -> None:
    changed = attach(developer)
    assert [each["kind"] for each in changed["deployments"]] == ["configuration"]
    assert changed["service"]["attachments"] == [{"app": "hello", "variable": "DATABASE_URL"}]
    given = variables(developer)["DATABASE_URL"]
    assert (given["value"], given["secret"]) == (developer.get(DB)["url"], True)
    assert attach(developer)["deployments"] == [], "twice is once"
    assert developer.problem(409, "POST", f"{DB}/attachments", {"app": "hello", "variable": "OTHER"})["remedy"]
    gone = developer.delete(f"{DB}/attachments/hello", status=200)
    assert (gone["service"]["attachments"], len(gone["deployments"])) == ([], 1)
    assert "DATABASE_URL" not in variables(developer)
    developer.problem(404, "DELETE", f"{DB}/attachments/hello")
    with api.services.db.read(platform="a test looks") as session:
        actions = session.scalars(select(AuditRecord.action).filter_by(subject="db").order_by(AuditRecord.id)).all()
    assert actions == ["service.create", "service.attach", "service.detach"]


def test_a_variable_that_is_set_is_not_taken_over(db: Any, developer: Caller) -> None:
    developer.patch("/api/apps/hello/variables", {"set": {"DATABASE_URL": "sqlite://"}})
    problem = developer.problem(409, "POST", f"{DB}/attachments", {"app": "hello"})
    assert "--as" in problem["remedy"]
    assert attach(developer, variable="MAIN_DB")["service"]["attachments"][0]["variable"] == "MAIN_DB"


@pytest.mark.parametrize("change", [{"set": {"DATABASE_URL": "x"}}, {"unset": ["DATABASE_URL"]},
                                    {"rename": {"DATABASE_URL": "DB"}}])  # fmt: skip
def test_what_a_service_sets_is_changed_by_it_alone(db: Any, developer: Caller, change: dict[str, Any]) -> None:
    attach(developer)
    problem = developer.problem(409, "PATCH", "/api/apps/hello/variables", change)
    assert problem["detail"] == "DATABASE_URL of hello comes from the service db"
    developer.patch("/api/apps/hello/variables", {"set": {"OTHER": "1"}})


def test_its_own_credentials_are_renewed_and_not_set(db: Any, developer: Caller) -> None:
    for change in ({"set": {"POSTGRES_PASSWORD": "x"}}, {"unset": ["POSTGRES_PASSWORD"]}):
        assert "rotate" in developer.problem(409, "PATCH", "/api/apps/db/variables", change)["remedy"]
    developer.patch("/api/apps/db/variables", {"set": {"POSTGRES_INITDB_ARGS": "--data-checksums"}})


def test_a_service_is_no_app_to_be_reached_changed_or_deleted(db: Any, owner: Caller, developer: Caller) -> None:
    developer.problem(409, "POST", "/api/apps/db/domains", {"host": "db.example.org"})
    developer.problem(409, "PATCH", "/api/apps/db", {"image": "nginx:1"})
    developer.problem(409, "PATCH", "/api/apps/db", {"settings": {"port": 80}})
    developer.problem(409, "POST", "/api/apps/db/deployments", {"image": "nginx:1"})
    developer.problem(409, "POST", f"{DB}/attachments", {"app": "db"})
    developer.problem(409, "POST", "/api/apps/hello/promote", {"to": "db"})
    developer.problem(409, "POST", "/api/apps/db/rollback", {})
    owner.problem(409, "DELETE", "/api/apps/db", X_Slipway_Confirm="db")
    assert developer.patch("/api/apps/db", {"settings": {"resources": {"memory_mb": 700}}})["app"]["settings"][
        "resources"
    ] == {"read_only": False, "memory_mb": 700}


def test_a_new_password_of_a_store_is_in_force_by_deployments(api: Api, developer: Caller) -> None:
    developer.post("/api/services", {"kind": "redis", "name": "db"}, status=201)
    make_live(api.services.db, "db")
    attach(developer)
    old = variables(developer)["REDIS_URL"]["value"]
    rotated = developer.post(f"{DB}/rotate")
    assert (rotated["task"], len(rotated["deployments"])) == (None, 2)
    new = variables(developer)["REDIS_URL"]["value"]
    assert new == developer.get(DB)["url"] != old
    assert variables(developer, "db")["REDIS_PASSWORD"]["value"] in new


def test_a_new_password_of_a_database_is_taken_by_it_first(api: Api, db: Any, developer: Caller) -> None:
    attach(developer)
    old = variables(developer)["DATABASE_URL"]["value"]
    rotated = developer.post(f"{DB}/rotate")
    assert (rotated["task"]["state"], rotated["deployments"]) == ("pending", [])
    assert variables(developer)["DATABASE_URL"]["value"] == old
    developer.problem(409, "POST", f"{DB}/rotate")
    with api.services.db.read(platform="a test looks") as session:
        sealed = session.get_one(ServiceTask, rotated["task"]["id"]).sealed
    assert sealed
    assert sealed not in developer.call("GET", f"{DB}/tasks/{rotated['task']['id']}").text


def test_it_is_removed_with_all_that_it_has_once_no_app_uses_it(
    api: Api, db: Any, owner: Caller, developer: Caller
) -> None:
    attach(developer)
    whole_backup(api, developer)
    owner.problem(428, "DELETE", DB)
    problem = owner.problem(409, "DELETE", DB, X_Slipway_Confirm="db")
    assert problem["remedy"] == "detach it first: slipway services detach db -a hello"
    developer.problem(403, "DELETE", DB, X_Slipway_Confirm="db")
    developer.delete(f"{DB}/attachments/hello", status=200)
    removed = owner.delete(DB, status=202, X_Slipway_Confirm="db")
    assert removed == {"name": "db", "removed_volumes": [], "removed_backups": 1}
    owner.problem(404, "GET", DB)
    with api.services.db.read(platform="a test looks") as session:
        assert session.scalars(select(App.deleted_at).filter_by(name="db")).one() is not None


def test_an_app_that_is_deleted_uses_nothing(db: Any, owner: Caller, developer: Caller) -> None:
    attach(developer)
    owner.delete_app()
    assert developer.get(DB)["attachments"] == []
    assert owner.delete(DB, status=202, X_Slipway_Confirm="db")["name"] == "db"


def test_only_whole_backups_are_listed(api: Api, db: Any, developer: Caller, viewer: Caller) -> None:
    task = developer.post(f"{DB}/backups")
    assert (task["kind"], task["state"]) == ("backup", "pending")
    developer.problem(409, "POST", f"{DB}/backups")
    assert viewer.get(f"{DB}/backups") == {"backups": []}
    with api.services.db.write(platform="a test's agent") as session:
        row = session.get_one(ServiceTask, task["id"])
        tasks.begin(row)
        assert row.state == RUNNING
    assert viewer.get(f"{DB}/backups") == {"backups": []}
    assert viewer.get(f"{DB}/tasks/{task['id']}")["state"] == "running"
    with api.services.db.write(platform="a test's agent") as session:
        tasks.fail(session.get_one(ServiceTask, task["id"]), "command-failed", "pg_dump ended with exit code 1: no")
    assert viewer.get(f"{DB}/backups") == {"backups": []}
    number = whole_backup(api, developer)
    assert [each["id"] for each in viewer.get(f"{DB}/backups")["backups"]] == [number]
    assert viewer.get(DB)["last_backup"]["id"] == number


def test_what_is_in_a_backup_is_given_as_its_program_wrote_it(
    api: Api, db: Any, developer: Caller, viewer: Caller
) -> None:
    number = whole_backup(api, developer, b"PGDMP" + bytes(range(256)) * 1000)
    path = f"{DB}/backups/{number}/content"
    viewer.problem(403, "GET", path)
    answer = developer.call("GET", path)
    assert answer.data == b"PGDMP" + bytes(range(256)) * 1000
    assert answer.headers["Content-Disposition"] == f"attachment; filename=db-{number}.dump"
    assert answer.content_type == "application/octet-stream"
    answer.close()  # its place is free again
    [file] = Path(api.services.settings.backup_dir).glob("*")
    file.write_bytes(file.read_bytes()[:-1])
    assert developer.problem(409, "GET", path)["code"] == "backup-damaged"
    with api.services.db.read(platform="a test looks") as session:
        found = session.scalars(select(AuditRecord).filter_by(action="backup.download")).all()
    assert [each.detail for each in found] == [{"backup": number}] * 2


def test_a_restore_takes_an_owner_and_the_services_name(api: Api, db: Any, owner: Caller, developer: Caller) -> None:
    number = whole_backup(api, developer)
    path = f"{DB}/backups/{number}/restore"
    developer.problem(403, "POST", path, X_Slipway_Confirm="db")
    owner.problem(428, "POST", path)
    owner.problem(404, "POST", f"{DB}/backups/{number + 1}/restore", X_Slipway_Confirm="db")
    made = owner.post(path, X_Slipway_Confirm="db")
    assert (made["kind"], made["state"], made["backup"]) == ("restore", "pending", number)
    owner.problem(409, "POST", path, X_Slipway_Confirm="db")
    owner.problem(404, "POST", f"{DB}/backups/{made['id']}/restore", X_Slipway_Confirm="db")


def test_when_backups_are_made_is_the_services_own(api: Api, db: Any, developer: Caller) -> None:
    changed = developer.patch(DB, {"schedule": "*/15 * * * *", "backups_kept": 3})
    assert (changed["schedule"], changed["backups_kept"]) == ("*/15 * * * *", 3)
    assert developer.patch(DB, {"schedule": ""})["schedule"] == ""
    for wrong in ({"schedule": "every day"}, {"backups_kept": 0}, {"backups_kept": 101}):
        developer.problem(422, "PATCH", DB, wrong)
    with api.services.db.read(platform="a test looks") as session:
        assert session.scalars(select(AttachedService.schedule)).one() == ""


def test_a_viewer_may_look_and_nobody_of_another_tenant(
    api: Api, db: Any, developer: Caller, viewer: Caller, stranger: Caller
) -> None:
    number = whole_backup(api, developer)
    changes: list[tuple[str, str, Any]] = [
        ("POST", "/api/services", NEW | {"name": "another"}),
        ("PATCH", DB, {"schedule": ""}),
        ("POST", f"{DB}/attachments", {"app": "hello"}),
        ("DELETE", f"{DB}/attachments/hello", None),
        ("POST", f"{DB}/rotate", None),
        ("POST", f"{DB}/backups", None),
        ("POST", f"{DB}/backups/{number}/restore", None),
        ("GET", f"{DB}/backups/{number}/content", None),
        ("DELETE", DB, None),
    ]
    for method, path, body in changes:
        viewer.problem(403, method, path, body, X_Slipway_Confirm="db")
        if path != "/api/services":
            stranger.problem(404, method, path, body, X_Slipway_Confirm="db")
    for path in (DB, f"{DB}/backups", f"{DB}/tasks/{number}"):
        viewer.get(path)
        stranger.problem(404, "GET", path)
    assert stranger.get("/api/services") == {"services": []}
    with api.services.db.read(platform="a test looks") as session:
        assert len(session.scalars(select(Deployment).filter_by(kind="manual")).all()) == 1


def test_an_app_that_is_none_has_nothing_to_attach(db: Any, developer: Caller) -> None:
    developer.problem(404, "POST", f"{DB}/attachments", {"app": "nothing"})
    developer.problem(404, "POST", "/api/services/hello/attachments", {"app": "hello"})
    developer.problem(404, "GET", "/api/services/hello")

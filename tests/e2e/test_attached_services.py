"""Databases and stores beside an app, on the whole platform: reached by name, renewed, backed up and restored, with an
agent that is killed meanwhile, and by whom."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.services.registry import Registry, running_registry
from tests.fixtures.services.service_images import CLIENT, push_service_images
from tests.fixtures.stack import ROOT, Stack
from tests.fixtures.waiting import eventually

USER = "ledger"
KINDS = {"pg": ("postgres", "15"), "cache": ("redis", "7"), "maria": ("mariadb", "10.11")}


@pytest.fixture(scope="module")
def registry(stack: Stack) -> Iterator[Registry]:
    with running_registry(stack.docker[0], stack.settings.docker_host) as registry:
        push_service_images(stack.settings, registry)
        stack.environment["SLIPWAY_SERVICE_REGISTRY"] = registry.host
        stack.host("up")
        yield registry
        stack.environment["SLIPWAY_SERVICE_REGISTRY"] = ""
        stack.host("up")


@pytest.fixture(scope="module")
def user(stack: Stack, registry: Registry) -> Iterator[str]:
    """An app with clients of all kinds, live."""
    stack.cli("apps", "create", USER, "--image", f"{registry.host}/{CLIENT}")
    live(stack, stack.cli_json("deploy", "-a", USER, "--no-watch"))
    yield USER
    stack.cli("apps", "delete", USER, "--confirm", USER, "--volumes")


@pytest.fixture(scope="module")
def services(stack: Stack, user: str) -> Iterator[dict[str, str]]:
    """One of each kind, attached; by name the variable."""
    for name, (kind, version) in KINDS.items():
        made = stack.cli_json("services", "create", kind, name, "--version", version, "--no-watch")
        live(stack, made["deployments"][0])
    variables = {"pg": "DATABASE_URL", "cache": "REDIS_URL", "maria": "MARIA_URL"}
    for name, variable in variables.items():
        made = stack.cli_json("services", "attach", name, "-a", user, "--as", variable, "--no-watch")
        live(stack, made["deployment"])
    yield variables
    for name in variables:
        stack.cli("services", "detach", name, "-a", user, "--no-watch")
        stack.cli("services", "remove", name, "--confirm", name)
    eventually(lambda: stack.cli_json("services")["services"] == [], within_s=60, what="they are gone")


def live(stack: Stack, deployment: dict[str, Any]) -> None:
    ended = stack.ended(deployment["id"])
    assert ended["state"] in ("live", "retired"), json.dumps(ended, indent=1)


SQL = {
    "pg": 'psql "$DATABASE_URL" -XAtq -v ON_ERROR_STOP=1 -c "$0"',
    "maria": 'url=${MARIA_URL#mysql://app:}; MYSQL_PWD=${url%%@*} mariadb -h maria -u app app -BN -e "$0"',
    "cache": "url=${REDIS_URL#redis://:}; REDISCLI_AUTH=${url%%@*} redis-cli -h cache -e $0",
}


def ask(stack: Stack, service: str, words: str, *, check: bool = True) -> str:
    """By the client in the app's replica, with the address that the app got."""
    said = stack.cli("exec", "-a", USER, "--", "sh", "-c", SQL[service], words, check=check)
    return said.strip()


PUT = {
    "pg": "create table if not exists t (v text); truncate t; insert into t values ('{}')",
    "maria": "create table if not exists t (v text); truncate t; insert into t values ('{}')",
    "cache": "SET v {}",
}
GET = {"pg": "select v from t", "maria": "select v from t", "cache": "GET v"}
AFTER = {"pg": "create table later (v text)", "maria": "create table later (v text)", "cache": "SET later 1"}
LATER = {
    "pg": "select count(*) from pg_tables where tablename = 'later'",
    "maria": "select count(*) from information_schema.tables where table_name = 'later'",
    "cache": "EXISTS later",
}


def backups(stack: Stack, service: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = stack.call("GET", f"/services/{service}/backups")["backups"]
    return listed


def files(stack: Stack) -> list[str]:
    return sorted(each.name for each in Path(stack.settings.backup_dir).glob("*"))


@pytest.mark.parametrize("name", KINDS)
def test_what_was_backed_up_comes_back_and_what_came_later_is_gone(
    stack: Stack, services: dict[str, str], name: str
) -> None:
    ask(stack, name, PUT[name].format("before"))
    assert ask(stack, name, GET[name]) == "before"
    made = stack.cli_json("services", "backup", name)
    assert [each["id"] for each in backups(stack, name)] == [made["id"]]
    ask(stack, name, PUT[name].format("after"))
    ask(stack, name, AFTER[name])
    stack.cli("services", "restore", name, str(made["id"]), "--confirm", name)
    assert ask(stack, name, GET[name]) == "before"
    assert ask(stack, name, LATER[name]) == "0"
    ask(stack, name, PUT[name].format("since"))
    live(stack, stack.cli_json("apps", "set", "-a", name, "resources.memory_mb=300", "--no-watch")["deployment"])
    assert ask(stack, name, GET[name]) == "since", "it is on its disk"


@pytest.mark.parametrize("name", KINDS)
def test_a_new_password_is_in_force_and_the_old_one_is_not(stack: Stack, services: dict[str, str], name: str) -> None:
    ask(stack, name, PUT[name].format("kept"))
    old = stack.cli_json("services", "show", name)["url"]
    rotated = stack.cli_json("services", "rotate", name)
    new = eventually(lambda: other_address(stack, name, old), within_s=60, what="the new password")
    for each in rotated["deployments"]:
        live(stack, each)
    eventually(
        lambda: stack.cli("exec", "-a", USER, "--", "sh", "-c", f"echo ${services[name]}", check=False).strip() == new,
        within_s=90,
        what="the app has it",
    )
    assert eventually(lambda: ask(stack, name, GET[name], check=False), within_s=30, what="it answers") == "kept"
    with_old = SQL[name].replace(f"${{{services[name]}", "${OLD").replace(f"${services[name]}", "$OLD")
    refused = stack.cli("exec", "-a", USER, "--", "sh", "-c", f"OLD='{old}'; {with_old}", GET[name], check=False)
    assert "kept" not in refused


def other_address(stack: Stack, name: str, old: str) -> str:
    """Empty while it is the old one."""
    url: str = stack.cli_json("services", "show", name)["url"]
    return "" if url == old else url


LOCKS = "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted and relation = 't'::regclass"
RELEASE = "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> "


def test_an_agent_that_is_killed_leaves_no_half_backup_and_the_next_one_makes_it(
    stack: Stack, services: dict[str, str]
) -> None:
    ask(stack, "pg", PUT["pg"].format("held"))
    before = backups(stack, "pg")
    directly(stack, "begin; lock t in access exclusive mode; select pg_sleep(600)", waits=False)
    try:
        eventually(lambda: directly(stack, LOCKS) == "1", within_s=30, what="the table is locked")
        task = stack.cli_json("services", "backup", "pg", "--no-wait")
        eventually(lambda: half_written(stack), within_s=30, what="it is being written")
        stack.kill("agent")
        assert backups(stack, "pg") == before
    finally:
        directly(stack, f"{RELEASE} pg_backend_pid()")
    made = eventually(
        lambda: next((each for each in backups(stack, "pg") if each["id"] == task["id"]), None),
        within_s=90,
        what="the next agent makes it",
    )
    assert made["state"] == "succeeded"
    assert half_written(stack) == []
    stack.cli("services", "restore", "pg", str(made["id"]), "--confirm", "pg")
    assert ask(stack, "pg", GET["pg"]) == "held"


def test_an_agent_that_is_killed_in_a_restore_is_followed_by_one_that_ends_it(
    stack: Stack, services: dict[str, str]
) -> None:
    ask(stack, "pg", "create table many as select generate_series(1, 400000) as n, repeat('x', 100) as v")
    ask(stack, "pg", PUT["pg"].format("whole"))
    made = stack.cli_json("services", "backup", "pg")
    ask(stack, "pg", PUT["pg"].format("later"))
    task = stack.cli_json("services", "restore", "pg", str(made["id"]), "--confirm", "pg", "--no-wait")

    def has_ended() -> bool:
        return bool(stack.call("GET", f"/services/pg/tasks/{task['id']}")["state"] == "succeeded")

    eventually(lambda: is_restoring(stack) or has_ended(), within_s=60, every_s=0.05, what="it is being restored")
    stack.kill("agent")
    eventually(has_ended, within_s=120, what="the next agent ends it")
    assert ask(stack, "pg", GET["pg"]) == "whole"
    assert ask(stack, "pg", "select count(*) from many") == "400000"
    assert directly(stack, "select datname from pg_database where datname like 'app%'") == "app"


def is_restoring(stack: Stack) -> bool:
    return "app_restored" in directly(stack, "select datname from pg_database")


def half_written(stack: Stack) -> list[str]:
    return [each for each in files(stack) if each.endswith(".part")]


def directly(stack: Stack, words: str, *, waits: bool = True) -> str:
    """In the database's own container, not through the agent."""
    [container] = stack.containers("name=-acme-pg-", "status=running")
    argv = ["psql", "-XAtq", "-U", "app", "-d", "app", "-c", words]
    made = stack.engine.exec_create(container, argv, user="postgres")
    said = stack.engine.exec_start(made["Id"], detach=not waits)
    return said.decode().strip() if waits else ""


def test_a_backup_that_was_cut_is_refused_and_nothing_is_changed(stack: Stack, services: dict[str, str]) -> None:
    ask(stack, "cache", PUT["cache"].format("safe"))
    before = set(files(stack))
    made = stack.cli_json("services", "backup", "cache")
    [file] = set(files(stack)) - before
    path = Path(stack.settings.backup_dir) / file
    assert b"safe" not in path.read_bytes()
    path.write_bytes(path.read_bytes()[:-20])
    said = stack.cli("services", "restore", "cache", str(made["id"]), "--confirm", "cache", check=False)
    assert said.startswith("It failed: The backup is damaged: ")
    assert ask(stack, "cache", GET["cache"]) == "safe"


def test_a_download_is_what_the_services_own_programs_read(
    stack: Stack, services: dict[str, str], tmp_path: Path
) -> None:
    made = stack.cli_json("services", "backup", "pg")
    stack.cli("services", "download", "pg", str(made["id"]), "-o", str(tmp_path / "pg.dump"))
    assert (tmp_path / "pg.dump").read_bytes().startswith(b"PGDMP")
    made = stack.cli_json("services", "backup", "cache")
    stack.cli("services", "download", "cache", str(made["id"]), "-o", str(tmp_path / "cache.rdb"))
    assert (tmp_path / "cache.rdb").read_bytes().startswith(b"REDIS")


def test_no_host_leads_to_it_and_no_other_tenant_gets_there(stack: Stack, services: dict[str, str]) -> None:
    assert stack.get("pg").status == 404
    [container] = stack.containers("name=-acme-pg-")
    inspected = stack.engine.inspect_container(container)
    assert inspected["HostConfig"]["PortBindings"] in (None, {})
    assert inspected["Config"]["User"] == "postgres"
    assert inspected["HostConfig"]["CapDrop"] == ["ALL"]


def test_a_viewer_may_look_and_no_more(stack: Stack, services: dict[str, str]) -> None:
    viewer = stack.cli_json("tokens", "create", "--tenant", "acme", "--name", "service-reader", "--role", "viewer")
    token = viewer["token"]
    number = stack.cli_json("services", "backup", "pg")["id"]
    password = stack.cli_json("services", "show", "pg")["url"].removeprefix("postgresql://app:").partition("@")[0]

    def code(*arguments: str) -> tuple[int, str]:
        done = stack_command(stack, *arguments, token=token)
        return done.returncode, done.stdout + done.stderr

    assert code("services")[0] == 0
    shown = code("services", "show", "pg")
    assert (shown[0], password in shown[1]) == (0, False)
    assert code("services", "backups", "pg")[0] == 0
    for refused in (
        ("services", "create", "redis", "mine"),
        ("services", "attach", "pg", "-a", USER, "--as", "MINE"),
        ("services", "rotate", "pg"),
        ("services", "backup", "pg"),
        ("services", "restore", "pg", str(number), "--confirm", "pg"),
        ("services", "download", "pg", str(number), "-o", "/dev/null"),
        ("services", "remove", "pg", "--confirm", "pg"),
        ("exec", "-a", "pg", "--", "true"),
    ):
        ended = code(*refused)
        assert ended[0] == 5, (refused, ended)


def stack_command(stack: Stack, *arguments: str, token: str) -> subprocess.CompletedProcess[str]:
    """The command with another token, however it ends."""
    environment = stack.environment | {"SLIPWAY_TOKEN": token, "SLIPWAY_URL": f"http://slipway.localhost:{stack.port}"}
    argv = [sys.executable, "-m", "slipway.cli", *arguments]
    return subprocess.run(argv, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

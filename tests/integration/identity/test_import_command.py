"""`slipway users import` and `add` on the host: as an administrator runs them, and an import cut off in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from slipway.db import Database
from slipway.domain.tokens import create_tenant_if_missing
from slipway.models import AuditRecord
from tests.fixtures.identity.keycloak import KeycloakServer
from tests.unit.core.identity.test_password_hashes import BCRYPT

ROOT = Path(__file__).parents[3]
PEOPLE = 150
_COMMAND = """
import os, pathlib, signal, sys
from slipway.adapters.keycloak.admin import Admin

left, offer = [int(sys.argv.pop(1))], Admin.offer

def counted(self, path, document):
    refusal = offer(self, path, document)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return refusal

Admin.offer = counted
from slipway.host import checkout
checkout.ENV_FILE = pathlib.Path("/nonexistent/.env")
from slipway.cli import main
main(["users", *sys.argv[1:]])
"""


@dataclass
class Host:
    """One that has this Keycloak."""

    keycloak: KeycloakServer
    database_url: str
    redis_url: str
    folder: Path

    def run(self, *arguments: str, killed_after: int = 0) -> tuple[int, str]:
        """With `killed_after` it is killed as soon as so many people were created."""
        return self.users("import", *arguments, killed_after=killed_after)

    def users(self, *arguments: str, killed_after: int = 0) -> tuple[int, str]:
        names = {"SLIPWAY_DATABASE_URL": self.database_url, "SLIPWAY_REDIS_URL": self.redis_url}
        names |= self.keycloak.environment
        argv = [sys.executable, "-c", _COMMAND, str(killed_after), *arguments]
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        done = subprocess.run(argv, env={**os.environ, **names}, cwd=ROOT, timeout=600, check=False, **pipes)
        return done.returncode, done.stdout

    def file(self, text: str) -> str:
        path = self.folder / "people.csv"
        path.write_text(text)
        return str(path)

    def people(self) -> list[str]:
        found = self.keycloak.in_realm("GET", "/users?max=1000&briefRepresentation=true")
        return [each["username"] for each in found]

    def recorded(self) -> list[Any]:
        database = Database(self.database_url, pool=False)
        with database.read(platform="a test looks") as session:
            rows = session.scalars(select(AuditRecord).where(AuditRecord.action == "people.import"))
            found = [(row.actor, row.detail) for row in rows]
        database.dispose()
        return found


@pytest.fixture
def host(inhabited: KeycloakServer, sqlite_url: str, redis_url: str, tmp_path: Path) -> Host:
    if os.geteuid() != 0:
        pytest.skip("the host's own command is root's")
    database = Database(sqlite_url, pool=False)
    with database.write(platform="a test's tenants") as session:
        create_tenant_if_missing(session, "acme").created_at = datetime.fromtimestamp(100, UTC)  # as its groups say
    database.dispose()
    return Host(inhabited, sqlite_url, redis_url, tmp_path)


def test_a_tenants_first_person_is_added_on_the_host(host: Host) -> None:
    sub = host.keycloak.in_realm("POST", "/users", {"username": "ada", "enabled": True})
    given = ("add", "Ada", "--role", "owner", "--tenant")
    assert host.users(*given, "acme") == (0, "ada has the role owner now.\n")
    groups = host.keycloak.in_realm("GET", f"/users/{sub}/groups")
    assert [each["path"] for each in groups] == ["/tenants/acme/owner"]
    code, output = host.users(*given, "initech")
    assert (code, output.splitlines()[0]) == (2, "✘ there is no tenant 'initech'")
    assert host.users(*given, "acme")[0] == 1, "they have a role"


def _many() -> str:
    rows = [f"person-{number},person-{number}@x.org,acme,viewer,{BCRYPT}" for number in range(PEOPLE)]
    return "\n".join(["login,email,tenant,role,password_hash", *rows])


def test_a_dry_run_shows_each_lines_fate_and_creates_nobody(host: Host) -> None:
    host.keycloak.in_realm("POST", "/users", {"username": "bob", "email": "old@x.org"})
    file = host.file(
        f"login,email,tenant,password_hash\nada,ada@x.org,acme,{BCRYPT}\nbob,bob@x.org,,\nx,,,\neve,,acme,hunter2\n"
    )
    code, output = host.run(file, "--dry-run")
    assert output.splitlines() == [
        "▲ line 3 (bob): a person of this login is there, with another e-mail address",
        "▲ line 4: a login has 3 to 255 characters",
        "▲ line 5: the password's hash is none of bcrypt, argon2 (PHC string) or pbkdf2 (Django, passlib, Werkzeug)",
        "4 lines: 1 would be created, 0 there already, 1 in conflict, 2 refused.",
    ]
    assert code == 1
    assert (host.people(), host.recorded()) == (["bob"], [])


def test_an_import_creates_people_once_and_is_recorded(host: Host) -> None:
    file, report = host.file(f"login,tenant,role,password_hash\nada,acme,owner,{BCRYPT}\n"), host.folder / "report.json"
    code, output = host.run(file, "--report", str(report))
    assert (code, output) == (0, "1 line: 1 created, 0 there already, 0 in conflict, 0 refused.\n")
    assert json.loads(report.read_text()) == {
        "dry_run": False,
        "complete": True,
        "counts": {"created": 1, "present": 0, "conflict": 0, "refused": 0},
        "lines": [{"number": 2, "login": "ada", "outcome": "created", "detail": ""}],
    }
    assert report.stat().st_mode & 0o077 == 0
    assert host.run(file) == (0, "1 line: 0 created, 1 there already, 0 in conflict, 0 refused.\n")
    assert host.recorded() == [("host", {"lines": {"created": 1}, "first": 2, "last": 2})]


@pytest.mark.parametrize("after", [1, 60, PEOPLE - 10])
def test_one_that_is_killed_is_finished_by_the_next(host: Host, after: int) -> None:
    file = host.file(_many())
    assert host.run(file, killed_after=after)[0] == -signal.SIGKILL
    made = len(host.people())
    assert after <= made < PEOPLE
    code, output = host.run(file, "--json")
    assert code == 0, output
    counts = json.loads(output)["counts"]
    assert counts["created"] + counts["present"] == PEOPLE
    assert counts["present"] >= made
    assert sorted(host.people()) == sorted(f"person-{number}" for number in range(PEOPLE))
    group = host.keycloak.in_realm("GET", "/group-by-path/tenants/acme/viewer")["id"]
    assert len(host.keycloak.in_realm("GET", f"/groups/{group}/members?max=1000")) == PEOPLE

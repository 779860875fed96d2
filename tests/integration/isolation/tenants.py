"""Two tenants on one platform: acme, every text of whose rows is a canary, and umbrella, which has apps, hooks, volumes
and all else of the same names. People and programs of umbrella are the callers.

acme has two rows of each table: one whose names are canaries, too, and one whose names are umbrella's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from slipway.core.access.roles import Role
from slipway.core.access.tokens import PREFIX, RANDOM_BYTES, hashed
from slipway.core.identity.claims import Person
from slipway.core.identity.wanted_realm import TenantGroup
from slipway.models import Base, Token, now
from tests.fakes import FakeDirectory, FakePeople
from tests.fixtures.canaries import CanaryRows
from tests.fixtures.releases import frozen

CANARY = "zq7a"
OURS = "own"
"""The same of umbrella, which every answer may have in it."""
NUMBERS, OUR_NUMBERS = 771_771_000, 900_000_000
"""Where the ids of acme's rows begin, and those of umbrella's, which more rows follow."""
ACME, UMBRELLA = f"{CANARY}-acme", "umbrella"
SHARED = {
    "apps": {"name": "hello"},
    "tokens": {"name": "laptop"},
    "volumes": {"app_name": "hello", "name": "data", "mount_path": "/data"},
    "variables": {"name": "GREETING"},
}
"""The names that both tenants have given."""
_PLACE = {"environment": "production", "process": "web"}
_NOTHING_SERVES = ("edges", "route_table")
"""Tables of the platform's own, which have no row of a tenant."""


def _understood(canary: str, number: int) -> dict[str, dict[str, Any]]:
    """What the platform has to understand of a row. Whatever it shows as it is stays a canary."""
    host = f"{canary}.example.org"
    token = {"role": "owner", "hashed": hashed(token_of(canary)), "expires_at": None, "revoked_at": None}
    ended = {"ended_at": None, "stop_requested": None, "reported_state": "live"}
    return {
        "tenants": {"limits": [limit(f"{canary}-limit")], "subnet": None},
        "apps": {
            "source": "git",
            "repository": f"https://{host}/{canary}/{canary}.git",
            "repository_identity": f"{host}/{canary}/{canary}",
            "settings": {"health_path": f"/{canary}", "limits": [limit(f"{canary}-limit")]},
            "credential": None,
            "deleted_at": None,
        },
        "scale": _PLACE,
        "variables": {"environment": "production", "scope": "run"},
        "domains": {**_PLACE, "host": host},
        "volumes": {"environment": "production", "removal_requested_at": None},
        "tokens": token,
        "hook_secrets": {"expires_at": None},
        "deliveries": {"outcome": "deployed"},
        "releases": {
            "environment": "production",
            "number": number,
            "collected_at": None,
            "configuration": frozen({"health_path": f"/{canary}"}),
        },
        "deployments": {
            **ended,
            "environment": "production",
            "kind": "push",
            "source": "git",
            "state": "live",
            "previous_id": None,
            "sequence": number,
            "image_sequence": number,
            "attempt": 0,
            "live_at": now(),
            "steps": [],
            "notices": [f"{canary}-notice"],
        },
        "builds": {"file_settings": {"health_path": f"/{canary}-file"}, "processes": {}},
        "replicas": {**_PLACE, "state": "ready", "last_crash": None, "ended_at": None, "retry_at": None},
        "targets": {**_PLACE, "port": 8080, "standby": False},
        "audit": {"detail": {}},
    }


def token_of(canary: str) -> str:
    """The text of the token whose row has this canary."""
    return PREFIX + canary.ljust((RANDOM_BYTES * 4 + 2) // 3, "a")


def limit(name: str) -> dict[str, Any]:
    return {"name": name, "requests": 600, "per_s": 60, "by": "caller", "dry_run": False}


@dataclass(frozen=True)
class Tenants:
    """What is in the database."""

    theirs: CanaryRows
    """acme's, of names that only acme has."""
    twins: CanaryRows
    """acme's, of the same names as umbrella's."""
    ours: CanaryRows
    """umbrella's."""

    def of(self, table: str, column: str) -> tuple[str, str]:
        """acme's value, and umbrella's."""
        return str(self.theirs.rows[table][column]), str(self.ours.rows[table][column])

    def of_acme(self, connection: Connection) -> dict[str, list[Any]]:
        """Every row that acme has, but for when its tokens were used."""
        return {table.name: _rows(connection, table, self.theirs.tenant_id) for table in Base.metadata.sorted_tables}


def plant(connection: Connection) -> Tenants:
    theirs = _planted(connection, CANARY, NUMBERS, {"tenants": {"name": ACME}}, {})
    shared = {name: theirs.rows[name] for name in ("tenants", "users")}
    twins = _planted(connection, f"{CANARY}2", NUMBERS + 100, SHARED, shared)
    ours = _planted(connection, OURS, OUR_NUMBERS, {**SHARED, "tenants": {"name": UMBRELLA}}, {})
    for role in (Role.DEVELOPER, Role.VIEWER):
        values = {"name": role, "role": role, "hashed": hashed(token_of(f"{OURS}-{role}")), "hint": "slw_own"}
        connection.execute(insert(Token).values(tenant_id=ours.tenant_id, **values))
    return Tenants(theirs, twins, ours)


def _planted(
    connection: Connection,
    canary: str,
    number: int,
    names: Mapping[str, Mapping[str, Any]],
    there: Mapping[str, dict[str, Any]],
) -> CanaryRows:
    understood = _understood(canary, number)
    fixed = {table: {**understood.get(table, {}), **names.get(table, {})} for table in {*understood, *names}}
    rows = {**{name: {} for name in _NOTHING_SERVES}, **there}
    return CanaryRows(canary, fixed, rows, number).plant(connection)


def _rows(connection: Connection, table: Table, tenant_id: int) -> list[Any]:
    column = table.columns.get("id" if table.name == "tenants" else "tenant_id")
    if column is None:
        return []
    shown = [each for each in table.columns if each.name != "used_at"]
    return [tuple(row) for row in connection.execute(select(*shown).where(column == tenant_id).order_by(*shown[:1]))]


def person(login: str, tenant: str, role: str = "owner", **claims: Any) -> dict[str, Any]:
    """Claims of somebody of one tenant."""
    return {"sub": f"sub-of-{login}", "preferred_username": login, "groups": [f"/tenants/{tenant}/{role}"], **claims}


THEIR_PERSON = f"{CANARY}-ada"
OUR_PERSON = "eve"


def people(tenants: Tenants) -> FakePeople:
    """One of each tenant, and one whom umbrella may still add."""
    found = FakePeople()
    for rows, login in ((tenants.theirs, THEIR_PERSON), (tenants.ours, OUR_PERSON)):
        row = rows.rows["tenants"]
        found.give_tenant(TenantGroup(row["name"], f"{row['id']}.{int(row['created_at'].timestamp())}"))
        found.give(login, f"{login}@example.org", f"/tenants/{row['name']}/owner")
    return found


def directory() -> FakeDirectory:
    made = [(THEIR_PERSON, ACME), (OUR_PERSON, UMBRELLA)]
    return FakeDirectory(
        [
            Person(f"sub-of-{login}", login, email=f"{login}@example.org", groups=(f"/tenants/{tenant}/owner",))
            for login, tenant in made
        ]
    )


def hour() -> int:
    return int(time.time() // 3600)

"""Two tenants on one platform: acme, every text of whose rows is a canary, and umbrella, which has apps, hooks, volumes
and all else of the same names. People and programs of umbrella are the callers.

acme has two rows of each table: one whose names are canaries, too, and one whose names are umbrella's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis
from sqlalchemy import Connection, Table, insert, update

from slipway.adapters.redis import keys
from slipway.adapters.vault import Vault
from slipway.core.access.roles import Role
from slipway.core.access.tokens import PREFIX, RANDOM_BYTES, hashed
from slipway.core.identity.claims import Person
from slipway.core.identity.wanted_realm import TenantGroup
from slipway.core.usage.packing import pack
from slipway.models import Base, Token, Variable, now
from slipway.ports.logs import DeploymentLog
from tests.fakes import FakeDirectory, FakePeople
from tests.fixtures.canaries import CanaryRows
from tests.fixtures.releases import frozen
from tests.fixtures.services.agent_server import Agent

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
_NOTHING_SERVES = ("edges", "route_table", "github_apps")
"""Tables of the platform's own, which have no row of a tenant."""


_COUNTS = {"requests": [0, 771, 0, 0, 0], "bytes_in": 0, "bytes_out": 0, "duration_ms": 0, "requests_per_s": 0}
_USED: dict[str, object] = {
    "at": 1_900_000_000.0,
    "cpus": 0.5,
    "cpu_s": 1.0,
    "cpus_limit": 1.0,
    "throttled_s": 0.0,
    "memory_bytes": 1,
    "memory_limit_bytes": 2,
    "processes": 2,
    "processes_limit": 3,
}


def _understood(canary: str, number: int) -> dict[str, dict[str, Any]]:
    """What the platform has to understand of a row. Whatever it shows as it is stays a canary."""
    host = f"{canary}.example.org"
    token = {"role": "owner", "hashed": hashed(token_of(canary)), "expires_at": None, "revoked_at": None}
    ended = {"ended_at": None, "stop_requested": None, "reported_state": "live"}
    return {
        "tenants": {"limits": [limit(f"{canary}-limit")], "subnet": None, "plan_id": None, "quotas": {}},
        "plans": {"quotas": {}, "host_quotas": None, "limits": None},
        "trusted_publishers": {
            "kind": "github",
            "issuer": "https://token.actions.githubusercontent.com",
            "constraints": {"repository": f"{canary}/{canary}"},
            "pinned": {},
        },
        "certificates": {
            "names": [host],
            "names_key": host,
            "source": "acme",
            "challenge": "http-01",
            "state": "issued",
            "reason": "",
            "next_attempt_at": None,
            "heartbeat_at": None,
        },
        "github_installations": {"id": number + 60, "selection": "all", "state": "active"},
        "invitations": {"role": "viewer", "revoked_at": None, "account_at": None, "accepted_at": None},
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
        "runs": {
            "state": "succeeded",
            "stop_requested": None,
            "command": [canary],
            "timeout_s": 60,
            "cron": f"{canary}-job",
        },
        "previews": {"number": number, "is_open": True, "app_id": None},
        "attached_services": {"kind": "postgres", "schedule": ""},
        "service_tasks": {"kind": "backup", "state": "succeeded", "sealed": None, "tick": None, "backup_id": None},
        "hook_secrets": {"expires_at": None},
        "deliveries": {"outcome": "deployed"},
        "releases": {
            "environment": "production",
            "number": number,
            "collected_at": None,
            "configuration": frozen(
                {
                    "health_path": f"/{canary}",
                    "cron": [{"name": f"{canary}-job", "schedule": "@daily", "command": canary}],
                }
            ),
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
        "usage_minutes": {"minute": 7},
        "usage_hours": {"hour": 3, "minutes": pack({7: {"requests_2xx": 1}})},
        "usage_days": {"day": 0},
        "usage_gaps": {"kind": "lost"},
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


def plant(connection: Connection, vault: Vault) -> Tenants:
    theirs = _planted(connection, CANARY, NUMBERS, {"tenants": {"name": ACME}}, {})
    shared = {name: theirs.rows[name] for name in ("tenants", "users")}
    twins = _planted(connection, f"{CANARY}2", NUMBERS + 100, SHARED, shared)
    ours = _planted(connection, OURS, OUR_NUMBERS, {**SHARED, "tenants": {"name": UMBRELLA}}, {})
    for role in (Role.DEVELOPER, Role.VIEWER):
        values = {"name": role, "role": role, "hashed": hashed(token_of(f"{OURS}-{role}")), "hint": "slw_own"}
        connection.execute(insert(Token).values(tenant_id=ours.tenant_id, **values))
    for rows in (theirs, twins, ours):
        _seal(connection, vault, rows)
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


def _seal(connection: Connection, vault: Vault, rows: CanaryRows) -> None:
    row = rows.rows["variables"]
    sealed = vault.seal(f"{rows.canary}-value", *(row[name] for name in ("tenant_id", "app_id", "environment", "name")))
    connection.execute(update(Variable).where(Variable.id == row["id"]).values(sealed=sealed))


def fill(redis: Redis, log: DeploymentLog, agent: Agent, tenants: Tenants) -> None:
    """What Redis, the logs' files and the agent have of both."""
    edge = {"at": str(time.time()), "since": str(time.time()), "boot": "b"}
    for rows in (tenants.theirs, tenants.twins, tenants.ours):
        app, deployment, replica, run = (rows.rows[name]["id"] for name in ("apps", "deployments", "replicas", "runs"))
        log.append(deployment, f"{rows.canary} a line of a build")
        refused = {f"{app}/{rows.canary}-limit|203.0.113.77": 5}
        redis.zadd(keys.limit_refusals(app, int(time.time() // 3600)), refused)
        edge[str(app)] = json.dumps(_COUNTS)
        agent.output[replica] = [f"2030-01-01T12:00:00.000000000Z a line of {replica}"]
        agent.output[f"run-{run}"] = [f"2030-01-01T12:00:00.000000000Z {rows.canary} a line of a run"]
        agent.ended.add(f"run-{run}")
        agent.stats[replica] = _USED
    redis.hset("slipway:edges:metrics:edge-1", mapping=edge)


def _rows(connection: Connection, table: Table, tenant_id: int) -> list[Any]:
    column = "id" if table.name == "tenants" else "tenant_id"
    if column not in table.columns:
        return []
    shown = ", ".join(each.name for each in table.columns if each.name != "used_at")
    found = connection.exec_driver_sql(f"SELECT {shown} FROM {table.name} WHERE {column} = {tenant_id} ORDER BY 1")  # noqa: S608
    return [tuple(row) for row in found]


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

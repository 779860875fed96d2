"""Which roles of PostgreSQL Slipway works as, and what each of them may."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from slipway import migrations
from slipway.db import Database
from slipway.errors import HostUnready, SettingsError, UnsafeDatabaseRole
from slipway.host import database as doctor
from slipway.migrations.__main__ import main as migrate
from slipway.settings import Settings, load
from tests.fixtures.services.postgresql import OWNER, SUPERUSER, Cluster

NEW, BEYOND = "slipway_new", "slipway_beyond"
WHY = "a test"


@pytest.fixture
def empty(postgresql_cluster: Cluster) -> Iterator[str]:
    """The name of a database without a schema. The role that a test makes is removed."""
    postgresql_cluster.create("roles")
    yield "roles"
    postgresql_cluster.drop("roles")
    postgresql_cluster.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(NEW)))


def settings_of(url: str, owner_url: str = "") -> Settings:
    return load({"SLIPWAY_DATABASE_URL": url, "SLIPWAY_DATABASE_OWNER_URL": owner_url})


def connect(url: str) -> None:
    with Database(url, pool=False).read(platform=WHY):
        pass


def test_services_do_not_work_as_a_superuser(postgresql_cluster: Cluster) -> None:
    with pytest.raises(UnsafeDatabaseRole, match="as postgres, a superuser") as refusal:
        connect(postgresql_cluster.url("postgres", SUPERUSER))
    assert "SLIPWAY_DATABASE_OWNER_URL" in refusal.value.remedy


def test_services_do_not_work_as_a_role_beyond_policies(postgresql_cluster: Cluster) -> None:
    postgresql_cluster.execute(sql.SQL("CREATE ROLE {} LOGIN BYPASSRLS").format(sql.Identifier(BEYOND)))
    with pytest.raises(UnsafeDatabaseRole, match=f"as {BEYOND}, a role with BYPASSRLS"):
        connect(postgresql_cluster.url("postgres", BEYOND))
    postgresql_cluster.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(BEYOND)))


@pytest.mark.parametrize("owner", ["", OWNER])
def test_nothing_starts_where_the_services_role_passes_policies_by(
    postgresql_cluster: Cluster, empty: str, owner: str
) -> None:
    owner_url = postgresql_cluster.url(empty, owner) if owner else ""
    with pytest.raises(UnsafeDatabaseRole):
        migrate(settings_of(postgresql_cluster.url(empty, SUPERUSER), owner_url))


def test_a_missing_role_is_made_by_an_owner_who_may(postgresql_cluster: Cluster, empty: str) -> None:
    settings = settings_of(
        postgresql_cluster.url(empty, f"{NEW}:pass%20word"), postgresql_cluster.url(empty, SUPERUSER)
    )
    assert migrate(settings) == migrate(settings) == migrations.newest()
    assert doctor.describe(settings) == f"PostgreSQL, as {NEW} (owns nothing)"
    admin = Database(settings.database_owner_url, pool=False, any_role=True)
    with admin.read(platform=WHY) as session:
        kept = session.scalar(text("SELECT rolpassword FROM pg_authid WHERE rolname = :role"), {"role": NEW})
    assert kept.startswith("SCRAM-SHA-256$")
    postgresql_cluster.drop(empty)


def test_an_owner_who_may_make_no_role_says_who_can(postgresql_cluster: Cluster, empty: str) -> None:
    with pytest.raises(SettingsError, match=f"no role '{NEW}'") as refusal:
        migrate(settings_of(postgresql_cluster.url(empty, NEW), postgresql_cluster.url(empty, OWNER)))
    assert refusal.value.remedy.startswith(f"as a superuser of PostgreSQL: CREATE ROLE {NEW} ")


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE apps DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE apps NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenant_select ON apps",
        "CREATE POLICY everyone ON apps USING (true)",
        "TRUNCATE apps CASCADE",
        "UPDATE alembic_version SET version_num = '0001'",
        "CREATE TABLE mine (id integer)",
        "SET ROLE slipway_owner",
        "CREATE ROLE mine SUPERUSER",
    ],
)
def test_the_services_role_changes_rows_and_nothing_else(postgresql_url: str, statement: str) -> None:
    database = Database(postgresql_url, pool=False)
    refusal = pytest.raises(ProgrammingError, match="InsufficientPrivilege")
    with refusal, database.write(platform=WHY) as session:
        session.execute(text(statement))


def test_one_role_that_owns_the_tables_will_do(postgresql_cluster: Cluster, empty: str) -> None:
    settings = settings_of(postgresql_cluster.url(empty, OWNER))
    migrate(settings)
    assert "the tables' owner" in doctor.describe(settings)


def test_the_doctor_names_tables_that_no_policy_protects(postgresql_cluster: Cluster, empty: str) -> None:
    settings = settings_of(postgresql_cluster.url(empty, OWNER))
    migrate(settings)
    with Database(settings.database_url, pool=False).write(platform=WHY) as session:
        session.execute(text("ALTER TABLE apps NO FORCE ROW LEVEL SECURITY"))
        session.execute(text("ALTER TABLE domains DISABLE ROW LEVEL SECURITY"))
    with pytest.raises(HostUnready, match="no row-level security on apps, domains"):
        doctor.describe(settings)

"""Row-level security on PostgreSQL: what passes the session's filter by reaches no row of another tenant. The cases are
made from the tables' definitions, so that a new table is tried without being named here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pytest
from sqlalchemy import ForeignKey, Table, Update, delete, func, insert, select, text, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ProgrammingError

from slipway.db import Database
from slipway.models import Base
from slipway.models.row_policies import RowPolicy
from tests.fixtures.canaries import CanaryRows
from tests.fixtures.databases import CopiesOfATemplate
from tests.fixtures.services.postgresql import OWNER, SERVICE

POLICIES: dict[str, RowPolicy] = {str(each.local_table): each.class_.row_policy for each in Base.registry.mappers}
TABLES = Base.metadata.sorted_tables
WITH_A_TENANT = [table for table in TABLES if POLICIES[table.name].tenant_column]
REFERENCES = [
    pytest.param(table, key, id=f"{table}.{key.parent.name}")
    for table in WITH_A_TENANT
    for key in sorted(table.foreign_keys, key=str)
    if POLICIES[key.column.table.name].tenant_column == "tenant_id"
]
each_table = pytest.mark.parametrize("table", TABLES, ids=str)
each_table_with_a_tenant = pytest.mark.parametrize("table", WITH_A_TENANT, ids=str)


@dataclass(frozen=True)
class Planted:
    """A database in which two tenants have a row of each table."""

    db: Database
    ours: CanaryRows
    theirs: CanaryRows

    @contextmanager
    def as_ours(self) -> Iterator[Connection]:
        """For statements as a query sends them that forgot its scope. What they change is undone."""
        with self.db.read(tenant_id=self.ours.tenant_id) as session:
            connection = session.connection()
            with connection.begin_nested() as savepoint:
                yield connection
                savepoint.rollback()

    def reached(self, table: Table, command: str) -> int:
        """How many rows the tenant's transaction may reach by a command, as the model declares it."""
        policy = POLICIES[table.name]
        if command not in policy.commands:
            return 0
        with self.db.read(platform="a test counts") as session:
            return 1 if policy.tenant_column else session.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture(scope="module")
def planted(postgresql_copies: CopiesOfATemplate) -> Iterator[Planted]:
    name = postgresql_copies.take()
    db = Database(postgresql_copies.cluster.url(name, SERVICE))
    with db.write(platform="a test's canaries") as session:
        ours, theirs = (CanaryRows(canary).plant(session.connection()) for canary in ("ours-aaa", "hers-bbb"))
    yield Planted(db, ours, theirs)
    db.dispose()
    postgresql_copies.give_back(name)


def refused() -> AbstractContextManager[object]:
    return pytest.raises(ProgrammingError, match="violates row-level security policy")


def unchanged(table: Table) -> Update:
    """An update that leaves each row as it is."""
    column = next(iter(table.primary_key.columns))
    return update(table).values({column.name: column})


def test_every_table_has_the_policies_that_its_model_declares(planted: Planted) -> None:
    with planted.db.engine.connect() as connection:
        found = connection.execute(text("SELECT tablename, policyname FROM pg_policies")).all()
        held = connection.scalars(
            text("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        ).all()
    for table, policy in POLICIES.items():
        declared = {"platform", *(f"tenant_{command.lower()}" for command in policy.commands)}
        remedy = f"call slipway.migrations.row_security.protect for {table} in the version that makes it"
        assert ({name for of, name in found if of == table}, table in held) == (declared, True), remedy


@each_table
def test_what_belongs_to_a_tenant_carries_the_tenant(table: Table) -> None:
    """Rows that were a tenant's by another table alone would be known to neither filter."""
    referred = [key.column.table.name for key in table.foreign_keys]
    if "tenant_id" in table.columns or any(POLICIES[name].tenant_column for name in referred):
        assert POLICIES[table.name].tenant_column, f"derive the model of {table} from TenantOwned"


def test_a_table_can_not_be_defined_without_saying_whose_its_rows_are() -> None:
    with pytest.raises(TypeError, match="derive it from TenantOwned"):
        type("Invitation", (Base,), {"__tablename__": "invitations"})


@each_table
def test_a_query_without_a_filter_reads_the_tenants_own_rows(planted: Planted, table: Table) -> None:
    with planted.as_ours() as connection:
        found = connection.execute(select(table)).mappings().all()
    assert len(found) == planted.reached(table, "SELECT")
    if POLICIES[table.name].tenant_column:
        assert planted.theirs.canary not in str(found)


@each_table
def test_an_update_without_a_filter_changes_the_tenants_own_rows(planted: Planted, table: Table) -> None:
    with planted.as_ours() as connection:
        assert connection.execute(unchanged(table)).rowcount == planted.reached(table, "UPDATE")


@each_table
def test_a_delete_without_a_filter_removes_the_tenants_own_rows(planted: Planted, table: Table) -> None:
    with planted.as_ours() as connection:
        assert connection.execute(delete(table)).rowcount == planted.reached(table, "DELETE")


@each_table_with_a_tenant
def test_a_row_is_not_inserted_for_another_tenant(planted: Planted, table: Table) -> None:
    with refused(), planted.as_ours() as connection:
        connection.execute(insert(table).values(planted.theirs.values(table)))


@each_table_with_a_tenant
def test_a_row_is_not_given_to_another_tenant(planted: Planted, table: Table) -> None:
    policy = POLICIES[table.name]
    if "UPDATE" in policy.commands:
        with refused(), planted.as_ours() as connection:
            connection.execute(update(table).values({policy.tenant_column: planted.theirs.tenant_id}))


@pytest.mark.parametrize(("table", "key"), REFERENCES)
def test_a_row_does_not_refer_to_another_tenants(planted: Planted, table: Table, key: ForeignKey) -> None:
    """The foreign key alone would let it, and tell by that which numbers there are."""
    theirs = planted.theirs.rows[key.column.table.name][key.column.name]
    with refused(), planted.as_ours() as connection:
        connection.execute(insert(table).values(planted.ours.values(table) | {key.parent.name: theirs}))
    with refused(), planted.as_ours() as connection:
        connection.execute(update(table).values({key.parent.name: theirs}))


@pytest.mark.parametrize("role", [SERVICE, OWNER])
def test_without_a_scope_nothing_is_reached(planted: Planted, role: str) -> None:
    """The policies bind the tables' owner, too."""
    stranger = Database(planted.db.engine.url.set(username=role).render_as_string(), pool=False)
    with stranger.engine.connect() as connection:
        for table in TABLES:
            assert connection.execute(select(table)).all() == []
            assert connection.execute(unchanged(table)).rowcount == 0
            assert connection.execute(delete(table)).rowcount == 0
            with refused(), connection.begin_nested():
                connection.execute(insert(table).values(planted.ours.values(table)))


def test_a_pooled_connection_keeps_no_scope_of_the_transaction_before(planted: Planted) -> None:
    db = Database(planted.db.engine.url.render_as_string())
    apps = Base.metadata.tables["apps"]
    backends = set()
    for number in range(12):  # a driver prepares what it has sent five times
        rows = planted.ours if number % 2 else planted.theirs
        with db.read(tenant_id=rows.tenant_id) as session:
            assert session.connection().scalars(select(apps.c.id)).all() == [rows.rows["apps"]["id"]]
        with db.engine.connect() as connection:
            assert connection.scalars(select(apps.c.id)).all() == []
            backends.add(connection.scalar(text("SELECT pg_backend_pid()")))
        with pytest.raises(ZeroDivisionError), db.read(platform="a test fails"):
            raise ZeroDivisionError
        with db.engine.connect() as connection:
            assert connection.scalars(select(apps.c.id)).all() == []
    assert len(backends) == 1
    db.dispose()

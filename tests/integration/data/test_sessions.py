"""Scopes, transactions, and a database that is unreachable."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from slipway import db
from slipway.db import Database, UnscopedQuery
from slipway.errors import DependencyUnavailable
from slipway.models import TO_CHANGE, App, Edge, Scale, Tenant
from tests.fixtures.waiting import eventually
from tests.integration.data.conftest import TwoTenants


def test_a_session_without_a_scope_is_a_defect(database: Database) -> None:
    for how in ({}, {"tenant_id": 1, "platform": "both"}, {"platform": ""}):
        with pytest.raises(UnscopedQuery), database.read(**how):  # type: ignore[arg-type]
            pass
        with pytest.raises(UnscopedQuery), database.write(**how):  # type: ignore[arg-type]
            pass


def test_a_query_in_a_session_that_lost_its_scope_is_a_defect(database: Database, tenants: TwoTenants) -> None:
    with database.read(tenant_id=tenants.acme) as session:
        session.info.clear()
        with pytest.raises(UnscopedQuery):
            session.scalars(select(App)).all()


def test_a_tenant_sees_its_own_rows_only(database: Database, tenants: TwoTenants) -> None:
    for _ in range(2):  # the second time statements come from the cache
        for tenant_id, app in ((tenants.acme, tenants.acmes_app), (tenants.other, tenants.others_app)):
            with database.read(tenant_id=tenant_id) as session:
                assert [each.id for each in session.scalars(select(App))] == [app.id]
                assert session.scalar(select(func.count(App.id))) == 1


def test_neither_by_key_nor_by_alias_nor_by_join_does_a_tenant_see_anothers(
    database: Database, tenants: TwoTenants
) -> None:
    theirs = tenants.others_app.id
    with database.read(tenant_id=tenants.acme) as session:
        alias = aliased(App)
        assert session.get(App, theirs) is None
        assert session.scalars(select(alias).where(alias.id == theirs)).all() == []
        assert session.execute(select(Scale).join(App, App.id == Scale.app_id).where(App.id == theirs)).all() == []
        assert session.execute(select(App.name, Scale.id).outerjoin(Scale, Scale.app_id == theirs)).all() == [
            ("hello", None)
        ]
        subquery = select(App.id).where(App.id == theirs).scalar_subquery()
        assert session.scalar(select(subquery)) is None
        assert session.scalar(select(select(App.id).where(App.id == theirs).exists())) is False


def test_an_update_touches_the_tenants_own_rows_only(database: Database, tenants: TwoTenants) -> None:
    with database.write(tenant_id=tenants.acme) as session:
        session.execute(update(App).values(branch="changed"))
    assert branches(database) == {tenants.acme: "changed", tenants.other: "main"}


def test_a_delete_touches_the_tenants_own_rows_only(database: Database, tenants: TwoTenants) -> None:
    with database.write(tenant_id=tenants.acme) as session:
        session.execute(delete(App))
    assert branches(database) == {tenants.other: "main"}


def test_a_row_cannot_be_written_for_another_tenant(database: Database, tenants: TwoTenants) -> None:
    with pytest.raises(UnscopedQuery), database.write(tenant_id=tenants.acme) as session:
        session.add(App(tenant_id=tenants.other, name="planted"))
    with pytest.raises(UnscopedQuery), database.write(tenant_id=tenants.acme) as session:
        session.get_one(App, tenants.acmes_app.id).tenant_id = tenants.other
    with pytest.raises(UnscopedQuery):
        change_anothers_app(database, tenants)
    assert branches(database) == {tenants.acme: "main", tenants.other: "main"}


def change_anothers_app(database: Database, tenants: TwoTenants) -> None:
    with database.write(tenant_id=tenants.acme) as session:
        session.add(tenants.others_app)
        tenants.others_app.branch = "changed"


def test_the_platform_sees_all_when_it_says_why(database: Database, tenants: TwoTenants) -> None:
    assert branches(database) == {tenants.acme: "main", tenants.other: "main"}


def branches(database: Database) -> dict[int, str]:
    with database.read(platform="a test looks") as session:
        return {app.tenant_id: app.branch for app in session.scalars(select(App))}


def test_a_block_that_raises_changes_nothing(database: Database) -> None:
    def write_and_raise() -> None:
        with database.write(platform="a test") as session:
            session.add(Tenant(name="acme"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_raise()
    with database.read(platform="a test looks") as session:
        assert session.scalars(select(Tenant)).all() == []


def test_a_broken_rule_is_no_unreachable_database(database: Database, tenants: TwoTenants) -> None:
    with pytest.raises(IntegrityError), database.write(platform="a test") as session:
        session.add(Tenant(name="acme"))


def test_what_was_read_stays_readable_after_the_session(tenants: TwoTenants) -> None:
    assert tenants.acmes_app.name == "hello"


def test_readers_do_not_wait_for_a_writer(database: Database, tenants: TwoTenants) -> None:
    with database.write(tenant_id=tenants.acme) as session:
        session.execute(update(App).values(branch="changed"))
        began = time.monotonic()
        assert branches(database)[tenants.acme] == "main"
        assert time.monotonic() - began < 5


def test_of_two_writers_the_second_reads_what_the_first_has_written(database: Database, tenants: TwoTenants) -> None:
    """Without BEGIN IMMEDIATE the second's transaction would fail at once on SQLite when it turns to writing."""
    inside, go = threading.Event(), threading.Event()

    def first() -> None:
        with database.write(tenant_id=tenants.acme) as session:
            count_up(session)
            inside.set()
            go.wait(timeout=20)

    def second() -> None:
        inside.wait(timeout=20)
        with database.write(tenant_id=tenants.acme) as session:
            count_up(session)

    threads = [threading.Thread(target=each) for each in (first, second)]
    for thread in threads:
        thread.start()
    inside.wait(timeout=20)
    go.set()
    for thread in threads:
        thread.join(timeout=20)
    with database.read(tenant_id=tenants.acme) as session:
        assert session.get_one(App, tenants.acmes_app.id).next_sequence == 3


def count_up(session: Session) -> None:
    app = session.scalars(select(App).with_for_update(**TO_CHANGE)).one()
    app.next_sequence += 1
    session.flush()


def test_many_writers_in_two_pools_lose_nothing(database: Database, database_url: str) -> None:
    """Two Database objects stand for two processes: threads of one queue, those of the other try."""
    other = Database(database_url)

    def write(which: Database, name: str) -> None:
        for number in range(10):
            with which.write(platform="a test") as session:
                session.add(Edge(id=f"{name}-{number}"))

    threads = [
        threading.Thread(target=write, args=(each, f"{each is other}-{n}"))
        for each in (database, other)
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    other.dispose()
    with database.read(platform="a test looks") as session:
        assert session.scalar(select(func.count(Edge.id))) == 80


def test_a_reader_cannot_be_starved_into_writing_on_sqlite(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with database.read(platform="a test") as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA synchronous")) == 2, "FULL: what was answered survives a power cut"
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
        assert session.scalar(text("PRAGMA busy_timeout")) == 15000
    database.dispose()


def test_a_writer_that_waits_too_long_gets_an_error(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "WRITER_WAIT_S", 0.2)
    one, other = Database(sqlite_url), Database(sqlite_url)
    with one.write(platform="holds it") as session:
        session.add(Edge(id="edge-1"))
        session.flush()
        for waiting in (one, other):
            with pytest.raises(DependencyUnavailable) as failure, waiting.write(platform="waits") as blocked:
                blocked.connection()
            assert failure.value.remedy
    with other.write(platform="gets it now") as session:
        session.add(Edge(id="edge-2"))
    one.dispose()
    other.dispose()


@pytest.mark.parametrize(
    "url", ["sqlite:////no/such/folder/x.db", "postgresql+psycopg://postgres@/x?host=/no/such/folder"]
)
def test_a_database_that_does_not_answer_is_unavailable(url: str) -> None:
    database = Database(url)
    with pytest.raises(DependencyUnavailable, match="does not answer") as failure, database.read(platform="a test"):
        pass
    assert failure.value.status == 503
    database.dispose()


def test_a_connection_that_is_cut_is_unavailable_and_the_next_one_works(postgresql_url: str) -> None:
    database, killer = Database(postgresql_url), Database(postgresql_url)
    with pytest.raises(DependencyUnavailable):
        write_and_be_cut(database, killer)
    with database.read(platform="a test looks") as session:
        assert session.scalars(select(Tenant)).all() == []
    database.dispose()
    killer.dispose()


def write_and_be_cut(database: Database, killer: Database) -> None:
    with database.write(platform="is cut") as session:
        session.add(Tenant(name="acme"))
        session.flush()
        number = session.scalar(text("SELECT pg_backend_pid()"))
        with killer.write(platform="cuts") as other:
            other.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})
        session.execute(text("SELECT 1"))


def test_pooled_connections_that_died_are_not_used(postgresql_url: str) -> None:
    database, killer = Database(postgresql_url), Database(postgresql_url)
    with database.read(platform="a test") as session:
        number = session.scalar(text("SELECT pg_backend_pid()"))
    with killer.write(platform="cuts") as other:
        other.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})

    def is_gone() -> bool:
        with killer.read(platform="looks") as other:
            return other.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE pid = :n"), {"n": number}) == 0

    eventually(is_gone)
    with database.read(platform="a test") as session:
        assert session.scalar(text("SELECT 1")) == 1
    database.dispose()
    killer.dispose()


def test_without_a_pool_nothing_stays_open(sqlite_url: str) -> None:
    database = Database(sqlite_url, pool=False)
    with database.write(platform="a test") as session:
        session.add(Edge(id="edge-1"))
    file = sqlite_url.removeprefix("sqlite:///")
    opened = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert not [each for each in opened if str(each).startswith(file)]

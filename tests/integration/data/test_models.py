"""Rules that the schema itself keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from slipway.core.deployment.states import Kind, State
from slipway.db import Database
from slipway.models import (
    App,
    Base,
    Certificate,
    Delivery,
    Deployment,
    Domain,
    Edge,
    Hook,
    Release,
    Scale,
    Tenant,
    TenantOwned,
    Token,
    UsageDay,
    UsageHour,
    UsageMinute,
    UsageSubject,
    Variable,
)
from tests.fixtures.databases import CopiesOfATemplate
from tests.fixtures.services.postgresql import SERVICE
from tests.integration.data.conftest import TwoTenants

Row = Callable[[TwoTenants], Base]


def deployment(tenants: TwoTenants, number: int, *, other: bool = False, **values: Any) -> Deployment:
    app = tenants.others_app if other else tenants.acmes_app
    given = {"kind": str(Kind.PUSH), "sequence": number, "image_sequence": number, "idempotency_key": f"k-{number}"}
    return Deployment(**({"tenant_id": app.tenant_id, "app_id": app.id} | given | values))


def add(database: Database, *rows: Base) -> None:
    with database.write(platform="a test") as session:
        session.add_all(rows)


def test_one_deployment_of_an_app_and_environment_is_live(database: Database, tenants: TwoTenants) -> None:
    live = {"state": str(State.LIVE)}
    add(database, deployment(tenants, 1, **live), deployment(tenants, 2), deployment(tenants, 3, state="retired"))
    add(database, deployment(tenants, 4, environment="preview", **live), deployment(tenants, 1, other=True, **live))
    with pytest.raises(IntegrityError):
        add(database, deployment(tenants, 5, **live))


def test_an_idempotency_key_is_used_once_by_an_app(database: Database, tenants: TwoTenants) -> None:
    add(database, deployment(tenants, 1, idempotency_key="k"))
    add(database, deployment(tenants, 1, other=True, idempotency_key="k"))
    with pytest.raises(IntegrityError):
        add(database, deployment(tenants, 2, idempotency_key="k"))


def test_an_idempotency_key_is_never_missing(database: Database, tenants: TwoTenants) -> None:
    with pytest.raises(IntegrityError):
        add(database, deployment(tenants, 1, idempotency_key=None))


def test_a_sequence_number_is_taken_once_by_an_app(database: Database, tenants: TwoTenants) -> None:
    add(database, deployment(tenants, 1), deployment(tenants, 1, other=True))
    with pytest.raises(IntegrityError):
        add(database, deployment(tenants, 1, idempotency_key="another"))


def hook(tenants: TwoTenants) -> Hook:
    return Hook(id="h", tenant_id=tenants.acme, repository_identity="github.example/acme/hello")


UNIQUE: dict[str, Row] = {
    "tenant's name": lambda _: Tenant(name="same"),
    "app's name": lambda both: App(tenant_id=both.acme, name="same"),
    "domain": lambda both: Domain(tenant_id=both.acme, app_id=both.acmes_app.id, host="a.example"),
    "scale of a process": lambda both: Scale(tenant_id=both.acme, app_id=both.acmes_app.id, process="worker"),
    "release's number": lambda both: Release(
        tenant_id=both.acme, app_id=both.acmes_app.id, number=1, image="i", digest="d"
    ),
    "variable": lambda both: Variable(tenant_id=both.acme, app_id=both.acmes_app.id, name="A", sealed="s"),
    "token's name": lambda both: Token(tenant_id=both.acme, name="ci", hashed=str(id(object())), hint="s"),
}


@pytest.mark.parametrize("row", UNIQUE.values(), ids=UNIQUE)
def test_there_is_one_of_each(database: Database, tenants: TwoTenants, row: Row) -> None:
    add(database, row(tenants))
    with pytest.raises(IntegrityError):
        add(database, row(tenants))


def test_two_tenants_may_use_one_name_for_their_apps(tenants: TwoTenants) -> None:
    assert tenants.acmes_app.name == tenants.others_app.name


def test_a_delivery_is_recorded_once_for_a_hook(database: Database, tenants: TwoTenants) -> None:
    add(database, hook(tenants))
    first, second = (
        Delivery(tenant_id=tenants.acme, hook_id="h", delivery_id="d", event="push", outcome="ignored")
        for _ in range(2)
    )
    add(database, first)
    with pytest.raises(IntegrityError):
        add(database, second)


def test_with_a_tenant_goes_all_that_it_owns(database: Database, tenants: TwoTenants) -> None:
    add(database, hook(tenants), deployment(tenants, 1))
    with database.write(platform="a test") as session:
        session.delete(session.get_one(Tenant, tenants.acme))
    with database.read(platform="a test looks") as session:
        left = {
            mapper.class_.__name__: session.scalars(select(mapper.class_).filter_by(tenant_id=tenants.acme)).all()
            for mapper in Base.registry.mappers
            if issubclass(mapper.class_, TenantOwned)
        }
    assert not any(left.values()), left


def test_every_row_that_a_tenant_could_own_is_bound_to_one() -> None:
    platform = {
        *("tenants", "plans", "users", "audit", "route_table", "route_changes", "edges"),
        *("former_domains", "certificate_issuances", "github_apps"),
        *("usage_positions", "usage_gaps", "usage_meters"),
    }
    owned = {mapper.class_ for mapper in Base.registry.mappers if issubclass(mapper.class_, TenantOwned)}
    assert {each.__tablename__ for each in owned} == set(Base.metadata.tables) - platform
    nullable = {each for each in owned if each.__table__.c.tenant_id.nullable}
    of_nobody = {UsageSubject, UsageMinute, UsageHour, UsageDay}
    assert nullable == {Certificate, *of_nobody}, "some are of nobody, or of the platform: no tenant sees them"


def test_a_row_of_no_known_tenant_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError):
        add(database, App(tenant_id=99, name="hello"))


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=30))])
def test_times_come_back_aware_and_in_utc(database: Database, zone: timezone) -> None:
    moment = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=zone)
    add(database, Edge(id="edge-1", registered_at=moment))
    with database.read(platform="a test looks") as session:
        found = session.scalars(select(Edge)).one().registered_at
    assert found == moment
    assert found.utcoffset() == timedelta(0)


def test_a_time_without_its_zone_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="without its zone"):
        add(database, Edge(id="edge-1", registered_at=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_times_compare_in_the_database(database: Database) -> None:
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=-11)))
    add(database, Edge(id="early", registered_at=early), Edge(id="late", registered_at=late))
    with database.read(platform="a test looks") as session:
        assert session.scalars(select(Edge.id).where(Edge.registered_at > early)).all() == ["late"]


def test_json_and_unicode_come_back_as_they_went(database: Database, tenants: TwoTenants) -> None:
    settings = {"paths": ["größe/**", "☃"], "nested": {"a": [1, None, True, 1.5]}}
    with database.write(tenant_id=tenants.acme) as session:
        session.get_one(App, tenants.acmes_app.id).settings = settings
    with database.read(tenant_id=tenants.acme) as session:
        assert session.get_one(App, tenants.acmes_app.id).settings == settings


def test_a_deployment_knows_itself_as_the_ordering_sees_it(database: Database, tenants: TwoTenants) -> None:
    add(database, deployment(tenants, 7, image_sequence=3, kind="configuration", state="starting"))
    with database.read(tenant_id=tenants.acme) as session:
        candidate = session.scalars(select(Deployment)).one().candidate()
    assert (candidate.sequence, candidate.image_sequence) == (7, 3)
    assert (candidate.kind, candidate.state) == (Kind.CONFIGURATION, State.STARTING)


def test_releases_outlive_nothing_they_need(database: Database, tenants: TwoTenants) -> None:
    release = Release(tenant_id=tenants.acme, app_id=tenants.acmes_app.id, number=1, image="i", digest="d")
    add(database, release)
    add(database, deployment(tenants, 1, release_id=release.id))
    with database.write(tenant_id=tenants.acme) as session:
        session.delete(session.get_one(Release, release.id))
    with database.read(tenant_id=tenants.acme) as session:
        assert session.scalars(select(Deployment)).one().release_id is None


@pytest.fixture
def unused_database(postgresql_copies: CopiesOfATemplate) -> Iterator[Database]:
    """What had rows once may be planned for otherwise."""
    cluster = postgresql_copies.cluster
    cluster.create("unused", postgresql_copies.template)
    database = Database(cluster.url("unused", SERVICE))
    yield database
    database.dispose()
    cluster.drop("unused")


@pytest.mark.parametrize("scope", [{"platform": "a test"}, {"tenant_id": 1}], ids=["platform", "tenant"])
def test_lookups_of_the_hot_paths_use_an_index(unused_database: Database, scope: dict[str, Any]) -> None:
    """Also behind the policies: a condition that PostgreSQL tried after them could use none."""
    plans = {
        "SELECT 1 FROM apps WHERE repository_identity = 'x'": "ix_apps_repository_identity",
        "SELECT 1 FROM deployments WHERE app_id = 1 AND sequence = 1": "uq_deployments_app_id_sequence",
        "SELECT 1 FROM tokens WHERE hashed = 'x'": "uq_tokens_hashed",
        "SELECT 1 FROM domains WHERE host = 'x'": "uq_domains_host",
        "SELECT 1 FROM deployments WHERE delivery_row = 1": "ix_deployments_delivery_row",
        "SELECT 1 FROM deployments WHERE state = 'queued'": "ix_deployments_state",
        "SELECT 1 FROM hook_secrets WHERE hook_id = 'x'": "ix_hook_secrets_hook_id",
        "SELECT 1 FROM deliveries WHERE hook_id = 'x' AND delivery_id = 'y'": "uq_deliveries_hook_id_delivery_id",
    }
    with unused_database.read(**scope) as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        for query, index in plans.items():
            plan = "\n".join(session.scalars(text(f"EXPLAIN {query}")))
            assert index in plan, plan

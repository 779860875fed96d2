"""Which network a tenant gets, and when it moves."""

from __future__ import annotations

from ipaddress import IPv4Network

from slipway.models import Tenant
from tests.integration.agent.rig import WHY, Rig

FIRST, SECOND = "10.210.0.0/24", "10.210.1.0/24"
NAME = "acme"


def subnet(rig: Rig) -> str | None:
    with rig.db.read(platform=WHY) as session:
        return session.query(Tenant).one().subnet


def test_the_first_replica_brings_the_tenant_its_network(rig: Rig) -> None:
    app = rig.add_app()
    assert subnet(rig) is None
    rig.live(app)
    assert subnet(rig) == rig.runtime.networks[NAME] == FIRST


def test_a_range_that_the_runtime_counts_as_taken_is_passed_over(rig: Rig) -> None:
    rig.runtime.networks["what an Engine remembers"] = FIRST
    app = rig.add_app()
    rig.live(app)
    assert subnet(rig) == rig.runtime.networks[NAME] == SECOND
    assert all(address.startswith("10.210.1.") for address in rig.addresses(app))


def test_a_range_that_the_host_has_a_route_to_is_passed_over(rig: Rig) -> None:
    rig.host_routes = [IPv4Network(FIRST)]
    rig.live(rig.add_app())
    assert subnet(rig) == SECOND


def test_a_tenant_without_replicas_moves_when_its_range_was_taken(rig: Rig) -> None:
    app = rig.add_app()
    with rig.db.write(platform=WHY) as session:
        session.query(Tenant).one().subnet = FIRST
    rig.runtime.networks["somebody else's"] = "10.210.0.128/25"
    rig.live(app)
    assert subnet(rig) == SECOND


def test_a_tenant_without_replicas_keeps_its_range_otherwise(rig: Rig) -> None:
    app = rig.add_app()
    with rig.db.write(platform=WHY) as session:
        session.query(Tenant).one().subnet = SECOND
    rig.live(app)
    assert subnet(rig) == SECOND


def test_a_tenant_with_replicas_stays(rig: Rig) -> None:
    app = rig.add_app()
    rig.live(app)
    rig.runtime.networks = {"somebody else's": FIRST}
    deployment = rig.built(app, "b" * 40)
    rig.settle(app)
    row = rig.deployment(deployment)
    assert (row.state, row.reason, subnet(rig)) == ("failed", "start-refused", FIRST)


def test_without_a_free_range_the_deployment_tells_what_to_set(rig: Rig) -> None:
    rig.runtime.networks["everything"] = "10.0.0.0/8"
    app = rig.add_app()
    deployment = rig.built(app)
    rig.settle(app)
    row = rig.deployment(deployment)
    assert (row.state, row.reason) == ("failed", "start-refused")
    assert "overlap" in row.detail
    assert "SLIPWAY_SUBNETS" in row.remedy

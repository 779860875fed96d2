"""Which network a tenant gets, when it moves, and which address a replica gets. On real databases, with no Engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from ipaddress import IPv4Network

import pytest
from sqlalchemy import select

from slipway.adapters.docker.address_book import AddressBook
from slipway.adapters.docker.endpoints import Endpoint, EndpointAllocator
from slipway.db import Database
from slipway.errors import DeploymentFailed, HostUnready
from slipway.models import Address, Tenant
from slipway.settings import load
from tests.fakes.networks import FakeNetworks

WHY = "a test looks"
FIRST, SECOND = "10.210.0.0/24", "10.210.1.0/24"
NAME = "acme"


class Rig:
    """A host with one tenant."""

    def __init__(self, database: Database, **settings: str) -> None:
        self.db = database
        self.settings = load({f"SLIPWAY_{name.upper()}": value for name, value in settings.items()})
        self.networks = FakeNetworks()
        self.routes: list[IPv4Network] = []
        self.restart()
        self.tenant_id = self.add_tenant(NAME)

    def restart(self) -> None:
        """As after kill -9 of the agent."""
        self.endpoints = EndpointAllocator(
            self.settings,
            AddressBook(self.db),
            self.networks,  # type: ignore[arg-type]
            lambda: self.routes,
        )

    def add_tenant(self, name: str) -> int:
        with self.db.write(platform=WHY) as session:
            tenant = Tenant(name=name)
            session.add(tenant)
            session.flush()
            return tenant.id

    def endpoint(self, replica_id: str = "r-1") -> Endpoint:
        return self.endpoints.endpoint_of(self.tenant_id, replica_id)

    def set_subnet(self, subnet: str) -> None:
        with self.db.write(platform=WHY) as session:
            session.get_one(Tenant, self.tenant_id).subnet = subnet

    @property
    def subnet(self) -> str | None:
        with self.db.read(platform=WHY) as session:
            return session.get_one(Tenant, self.tenant_id).subnet

    @property
    def holders(self) -> dict[str, str | None]:
        with self.db.read(platform=WHY) as session:
            return {row.address: row.replica_id for row in session.scalars(select(Address))}


@pytest.fixture
def rig(database: Database) -> Iterator[Rig]:
    return Rig(database)


def test_the_first_replica_brings_the_tenant_its_network(rig: Rig) -> None:
    assert rig.subnet is None
    assert rig.endpoint() == Endpoint(FIRST, "10.210.0.2")
    assert rig.subnet == rig.networks.subnets[NAME] == FIRST
    assert rig.holders == {"10.210.0.2": "r-1"}


def test_tenants_have_networks_of_their_own(rig: Rig) -> None:
    rig.endpoint()
    assert rig.endpoints.endpoint_of(rig.add_tenant("globex"), "r-2").subnet == SECOND


def test_a_range_that_the_engine_counts_as_taken_is_passed_over(rig: Rig) -> None:
    rig.networks.subnets["what an Engine remembers"] = FIRST
    assert rig.endpoint() == Endpoint(SECOND, "10.210.1.2")
    assert rig.subnet == rig.networks.subnets[NAME] == SECOND


def test_a_range_that_the_host_has_a_route_to_is_passed_over(rig: Rig) -> None:
    rig.routes = [IPv4Network(FIRST)]
    assert rig.endpoint().subnet == rig.subnet == SECOND


def test_a_tenant_without_replicas_moves_when_its_range_was_taken(rig: Rig) -> None:
    rig.set_subnet(FIRST)
    rig.networks.subnets["somebody else's"] = "10.210.0.128/25"
    assert rig.endpoint().subnet == rig.subnet == SECOND


def test_a_tenant_without_replicas_keeps_its_range_otherwise(rig: Rig) -> None:
    rig.set_subnet(SECOND)
    assert rig.endpoint().subnet == rig.subnet == SECOND


def test_a_tenant_with_replicas_stays(rig: Rig) -> None:
    rig.endpoint()
    rig.networks.subnets = {"somebody else's": FIRST}
    assert rig.endpoint("r-2").subnet == rig.subnet == FIRST


def test_without_a_free_range_the_error_says_what_to_set(rig: Rig) -> None:
    rig.networks.subnets["everything"] = "10.0.0.0/8"
    with pytest.raises(DeploymentFailed, match="overlap") as failure:
        rig.endpoint()
    assert failure.value.reason == "start-refused"
    assert "SLIPWAY_SUBNETS" in failure.value.remedy


def test_a_name_that_something_else_holds_is_a_refused_start(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def held(*_: object) -> None:
        raise HostUnready("a network of that name is in use", remedy="remove it")

    monkeypatch.setattr(rig.networks, "ensure", held)
    with pytest.raises(DeploymentFailed, match="of that name") as failure:
        rig.endpoint()
    assert (failure.value.reason, failure.value.remedy) == ("start-refused", "remove it")


def test_a_replica_has_the_same_address_also_for_the_next_agent(rig: Rig) -> None:
    first = rig.endpoint()
    rig.restart()
    assert rig.endpoint() == first
    assert rig.endpoint("r-2").address == "10.210.0.3"


def test_an_address_is_taken_until_it_is_freed_by_who_had_it_last(database: Database) -> None:
    rig = Rig(database, tenant_prefix="30")  # one address for replicas
    address = rig.endpoint().address
    with pytest.raises(DeploymentFailed, match="no free address"):
        rig.endpoint("r-2")
    for holder in (None, "r-2"):
        rig.endpoints.free(address, holder)
        assert rig.holders == {address: "r-1"}
    with rig.db.write(platform=WHY) as session:
        session.get_one(Address, address).replica_id = None
    with pytest.raises(DeploymentFailed, match="no free address"):
        rig.endpoint("r-2")
    rig.endpoints.free(address)
    assert rig.endpoint("r-2").address == address


def test_replicas_that_start_at_the_same_moment_get_different_addresses(rig: Rig) -> None:
    found: list[Endpoint] = []
    threads = [threading.Thread(target=lambda id_=f"r-{n}": found.append(rig.endpoint(id_))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.subnet for each in found} == {FIRST}
    assert len({each.address for each in found}) == 8

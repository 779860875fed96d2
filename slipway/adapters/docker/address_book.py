"""The record of tenants' networks and replicas' addresses, in SQL: an address is written down before the container that
gets it exists, so that a kill in between loses nothing.

The rows are those of the table `addresses`, whose further columns are the agent's: when the edges left an address
(`builder.agent.routes.address_quarantine`). An address is free when it has no row.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from slipway.adapters.docker.address_ranges import next_address
from slipway.db import Database
from slipway.models import Address, Replica, Tenant

_WHY = "docker: addresses of replicas"


@dataclass(frozen=True, slots=True)
class TenantEntry:
    """What is recorded of a tenant."""

    name: str
    subnet: IPv4Network | None
    has_addresses: bool
    held: str | None
    """The address that the replica in question has already."""
    others: tuple[IPv4Network, ...]
    """The networks of the other tenants."""


class AddressBook:
    """Raises `DependencyUnavailable` when SQL does not answer."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def tenant(self, tenant_id: int, replica_id: str) -> TenantEntry:
        with self._db.read(platform=_WHY) as session:
            tenant = session.get_one(Tenant, tenant_id)
            used = select(Address.address).filter_by(tenant_id=tenant_id).limit(1)
            others = select(Tenant.subnet).where(Tenant.subnet.is_not(None), Tenant.id != tenant_id)
            return TenantEntry(
                name=tenant.name,
                subnet=IPv4Network(tenant.subnet) if tenant.subnet else None,
                has_addresses=session.scalar(used) is not None,
                held=_held(session, replica_id),
                others=tuple(IPv4Network(text) for text in session.scalars(others) if text),
            )

    def set_subnet(self, tenant_id: int, subnet: IPv4Network) -> None:
        with self._db.write(platform=_WHY) as session:
            session.get_one(Tenant, tenant_id).subnet = str(subnet)

    def allocate(self, tenant_id: int, subnet: IPv4Network, replica_id: str) -> str:
        """An address for the replica, or the one that it has already.

        Raises:
            DeploymentFailed: none is free.
        """
        with self._db.write(platform=_WHY) as session:
            held = _held(session, replica_id)
            if held:
                return held
            taken = session.scalars(select(Address.address).filter_by(tenant_id=tenant_id)).all()
            address = next_address(subnet, taken=taken, last=_last(session, tenant_id, subnet))
            session.add(Address(tenant_id=tenant_id, address=address, replica_id=replica_id))
            return address

    def free(self, address: str, holder: str | None) -> None:
        """Remove the row of the address if `holder` has it; None: nobody has it any more."""
        with self._db.write(platform=_WHY) as session:
            session.execute(delete(Address).filter_by(address=address, replica_id=holder))


def _held(session: Session, replica_id: str) -> str | None:
    return session.scalar(select(Address.address).filter_by(replica_id=replica_id))


def _last(session: Session, tenant_id: int, subnet: IPv4Network) -> str | None:
    """The address of the tenant's newest replica, if it is of this network."""
    newest = select(Replica.address).where(Replica.tenant_id == tenant_id, Replica.address.is_not(None))
    last = session.scalar(newest.order_by(Replica.created_at.desc()).limit(1))
    return last if last and subnet.overlaps(IPv4Network(last)) else None

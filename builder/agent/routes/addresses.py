"""Addresses of replicas: from the tenant's own network, at rest after use, used again when no edge can send there."""

from __future__ import annotations

import logging
from ipaddress import IPv4Network

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from builder.agent.dependencies import REASON, Dependencies
from slipway.core.routing.addresses import free_subnet, next_address, no_range
from slipway.errors import DeploymentFailed, HostUnready, SubnetTaken
from slipway.models import Address, Replica, Tenant, now

log = logging.getLogger(__name__)

_RANGES_TRIED = 16
"""Each refusal costs a call of the runtime. An Engine that remembers removed networks does so of a few."""


def network_of(dependencies: Dependencies, tenant_id: int) -> IPv4Network:
    """The tenant's network, there on the runtime. While the tenant holds no address it moves out of the way of whatever
    took its range, and of a range that an Engine still counts as taken after its network is gone.

    Raises:
        DeploymentFailed: no range is left, or something else holds the network's name.
        DependencyUnavailable: SQL or the runtime does not answer.
    """
    with dependencies.network_allocation:
        with dependencies.db.read(platform=REASON) as session:
            tenant = session.get_one(Tenant, tenant_id)
            name, subnet = tenant.name, tenant.subnet and IPv4Network(tenant.subnet)
            settled = session.scalar(select(Address.address).filter_by(tenant_id=tenant_id).limit(1)) is not None
            if subnet and settled:
                return subnet
            others = select(Tenant.subnet).where(Tenant.subnet.is_not(None), Tenant.id != tenant_id)
            taken = [IPv4Network(text) for text in session.scalars(others) if text]
        given = _give(dependencies, name, subnet or None, taken)
        if given != subnet:
            with dependencies.db.write(platform=REASON) as session:
                session.get_one(Tenant, tenant_id).subnet = str(given)
        return given


def _give(dependencies: Dependencies, tenant: str, wanted: IPv4Network | None, taken: list[IPv4Network]) -> IPv4Network:
    settings, routes, refused = dependencies.settings, dependencies.host_routes(), list[IPv4Network]()
    while len(refused) < _RANGES_TRIED:
        subnet = wanted or free_subnet(
            settings.subnets, settings.tenant_prefix, taken=taken, routes=routes, refused=refused
        )
        try:
            dependencies.runtime.ensure_network(tenant, str(subnet))
        except SubnetTaken:
            refused.append(subnet)
            wanted = None
        except HostUnready as error:
            raise DeploymentFailed("start-refused", error.message, remedy=error.remedy) from error
        else:
            if refused:
                log.warning("ranges were taken", extra={"tenant": tenant, "given": str(subnet), "taken": len(refused)})
            return subnet
    raise no_range(settings.subnets)


def allocate(session: Session, tenant_id: int, subnet: IPv4Network, replica_id: str) -> str:
    """An address for a replica (or a task); the one it has already, if any.

    Raises:
        DeploymentFailed: none is free.
    """
    held = session.scalar(select(Address.address).filter_by(replica_id=replica_id))
    if held:
        return held
    taken = session.scalars(select(Address.address).filter_by(tenant_id=tenant_id)).all()
    newest = select(Replica.address).filter_by(tenant_id=tenant_id).order_by(Replica.created_at.desc()).limit(1)
    last = session.scalar(newest.where(Replica.address.is_not(None)))
    inside = last if last and subnet.overlaps(IPv4Network(last)) else None
    address = next_address(subnet, taken=taken, last=inside)
    session.add(Address(tenant_id=tenant_id, address=address, replica_id=replica_id))
    session.flush()
    return address


def release(session: Session, replica_id: str) -> None:
    """The replica is gone: its address begins to rest."""
    values = {"replica_id": None, "released_at": now()}
    session.execute(update(Address).filter_by(replica_id=replica_id).values(values))


def reclaim_quarantined(dependencies: Dependencies, confirmed: int | None) -> int:
    """Make addresses usable that every edge confirmed to be out of use, closing idle connections first."""
    with dependencies.db.read(platform=REASON) as session:
        query = select(Address.address, Address.rests_from).where(Address.replica_id.is_(None))
        resting = session.execute(query).all()
    rested = [address for address, since in resting if since is None or (confirmed is not None and confirmed >= since)]
    for address in rested:
        dependencies.runtime.close_idle_connections(address)
    if rested:
        with dependencies.db.write(platform=REASON) as session:
            session.execute(delete(Address).where(Address.address.in_(rested), Address.replica_id.is_(None)))
    return len(rested)

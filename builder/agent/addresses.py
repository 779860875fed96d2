"""Addresses of replicas: from the tenant's own network, at rest after use, used again when no edge can send there."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from builder.agent.parts import REASON, Parts
from slipway.core.addresses import free_subnet, next_address
from slipway.models import Address, Replica, Tenant, now
from slipway.settings import Settings

_ROUTES = Path("/proc/net/route")


def subnet_of(session: Session, tenant_id: int, settings: Settings, routes: list[IPv4Network]) -> IPv4Network:
    """The tenant's network, cut from the platform's range at first use. `routes`: what this host reaches elsewhere.

    Raises:
        DeploymentFailed: there is none left, or all collide with a route.
    """
    tenant = session.get_one(Tenant, tenant_id, with_for_update=True)
    if tenant.subnet is None:
        taken = [IPv4Network(text) for text in session.scalars(select(Tenant.subnet)) if text]
        tenant.subnet = str(free_subnet(settings.subnets, settings.tenant_prefix, taken=taken, routes=routes))
        session.flush()
    return IPv4Network(tenant.subnet)


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


def wake_rested(parts: Parts, confirmed: int | None) -> int:
    """Make addresses usable that every edge confirmed to be out of use, closing idle connections first."""
    with parts.db.read(platform=REASON) as session:
        query = select(Address.address, Address.rests_from).where(Address.replica_id.is_(None))
        resting = session.execute(query).all()
    rested = [address for address, since in resting if since is None or (confirmed is not None and confirmed >= since)]
    for address in rested:
        parts.runtime.close_idle_connections(address)
    if rested:
        with parts.db.write(platform=REASON) as session:
            session.execute(delete(Address).where(Address.address.in_(rested), Address.replica_id.is_(None)))
    return len(rested)


def host_routes(table: Path = _ROUTES) -> list[IPv4Network]:
    """The networks that this host has routes to, the default route left out."""
    found = []
    for line in table.read_text().splitlines()[1:] if table.exists() else []:
        _, destination, _, _, _, _, _, mask, *_ = line.split()
        prefix = int(mask, 16).bit_count()
        if prefix:
            found.append(IPv4Network((int.from_bytes(bytes.fromhex(destination), "little"), prefix)))
    return found

"""Addresses of replicas: from the tenant's network, in quarantine after use, reclaimed when no edge can send there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from ipaddress import IPv4Network

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from builder.agent.scope import REASON
from slipway.core.routing.addresses import free_subnet, next_address, no_range
from slipway.db import Database
from slipway.errors import DeploymentFailed, HostUnready, SubnetTaken
from slipway.models import Address, Replica, Tenant, now
from slipway.ports.runtime import ContainerRuntime

log = logging.getLogger(__name__)

_RANGES_TRIED = 16
"""Each refusal costs a call of the runtime. An Engine remembers only a few removed networks."""


class TenantNetworks:
    """One network a tenant, with `tenant_prefix` bits out of `subnets`. `host_routes` gives the networks that tenants'
    must not overlap."""

    def __init__(
        self,
        db: Database,
        runtime: ContainerRuntime,
        host_routes: Callable[[], list[IPv4Network]],
        *,
        subnets: IPv4Network,
        tenant_prefix: int,
    ) -> None:
        self._db = db
        self._runtime = runtime
        self._host_routes = host_routes
        self._subnets = subnets
        self._tenant_prefix = tenant_prefix
        self._lock = threading.Lock()  # two apps of a tenant that start at once must agree on its network

    def network_of(self, tenant_id: int) -> IPv4Network:
        """The tenant's network, which exists in the runtime. While the tenant holds no address its network moves when
        something else took the range, or an Engine still counts the range of a removed network as taken.

        Raises:
            DeploymentFailed: no range is left, or something else holds the network's name.
            DependencyUnavailable: SQL or the runtime does not answer.
        """
        with self._lock:
            with self._db.read(platform=REASON) as session:
                tenant = session.get_one(Tenant, tenant_id)
                name, subnet = tenant.name, tenant.subnet and IPv4Network(tenant.subnet)
                settled = session.scalar(select(Address.address).filter_by(tenant_id=tenant_id).limit(1)) is not None
                if subnet and settled:
                    return subnet
                others = select(Tenant.subnet).where(Tenant.subnet.is_not(None), Tenant.id != tenant_id)
                taken = [IPv4Network(text) for text in session.scalars(others) if text]
            given = self._create(name, subnet or None, taken)
            if given != subnet:
                with self._db.write(platform=REASON) as session:
                    session.get_one(Tenant, tenant_id).subnet = str(given)
            return given

    def _create(self, tenant: str, wanted: IPv4Network | None, taken: list[IPv4Network]) -> IPv4Network:
        routes, refused = self._host_routes(), list[IPv4Network]()
        while len(refused) < _RANGES_TRIED:
            subnet = wanted or free_subnet(
                self._subnets, self._tenant_prefix, taken=taken, routes=routes, refused=refused
            )
            try:
                self._runtime.ensure_network(tenant, str(subnet))
            except SubnetTaken:
                refused.append(subnet)
                wanted = None
            except HostUnready as error:
                raise DeploymentFailed("start-refused", error.message, remedy=error.remedy) from error
            else:
                if refused:
                    extra = {"tenant": tenant, "given": str(subnet), "taken": len(refused)}
                    log.warning("ranges were taken", extra=extra)
                return subnet
        raise no_range(self._subnets)


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
    """The replica is gone: its address enters quarantine."""
    values = {"replica_id": None, "released_at": now()}
    session.execute(update(Address).filter_by(replica_id=replica_id).values(values))


def reclaim_quarantined(db: Database, runtime: ContainerRuntime, confirmed: int | None) -> int:
    """Free the quarantined addresses that every edge confirmed to be out of use, and close idle connections to them
    first. Says how many."""
    with db.read(platform=REASON) as session:
        query = select(Address.address, Address.rests_from).where(Address.replica_id.is_(None))
        quarantined = session.execute(query).all()
    unused = [each for each, since in quarantined if since is None or (confirmed is not None and confirmed >= since)]
    for address in unused:
        runtime.close_idle_connections(address)
    if unused:
        with db.write(platform=REASON) as session:
            session.execute(delete(Address).where(Address.address.in_(unused), Address.replica_id.is_(None)))
    return len(unused)

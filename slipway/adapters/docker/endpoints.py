"""Where a replica is on this host: its tenant's network, made where it is missing, and its own address in it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network

from slipway.adapters.docker.address_book import AddressBook, TenantEntry
from slipway.adapters.docker.address_ranges import free_subnet, no_range
from slipway.adapters.docker.networks import TenantNetworks
from slipway.adapters.linux.host_routes import host_routes
from slipway.errors import DeploymentFailed, HostUnready, SubnetTaken
from slipway.settings import Settings

log = logging.getLogger(__name__)

_RANGES_TRIED = 16
"""Each refusal costs a call of the Engine, which may remember a few networks that were removed."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    subnet: str
    address: str


class EndpointAllocator:
    """Gives replicas their endpoints. Thread-safe: two apps of a tenant that start at once agree on its network."""

    def __init__(
        self,
        settings: Settings,
        book: AddressBook,
        networks: TenantNetworks,
        routes: Callable[[], list[IPv4Network]] = host_routes,
    ) -> None:
        self._settings = settings
        self._book = book
        self._networks = networks
        self._routes = routes
        self._lock = threading.Lock()

    def endpoint_of(self, tenant_id: int, replica_id: str) -> Endpoint:
        """The replica's endpoint, the same at every call until its address is freed. While the tenant holds no address,
        its network gives way to whatever took its range, and leaves a range that the Engine still counts as taken.

        Raises:
            DeploymentFailed: no range or no address is left, or something else has the network's name.
            DependencyUnavailable: SQL or the Engine does not answer.
        """
        with self._lock:
            entry = self._book.tenant(tenant_id, replica_id)
            subnet = entry.subnet if entry.subnet and entry.has_addresses else self._settle(tenant_id, entry)
            return Endpoint(str(subnet), entry.held or self._book.allocate(tenant_id, subnet, replica_id))

    def free(self, address: str, holder: str | None = None) -> None:
        """Another replica may get the address: `holder`, or nobody, had it last."""
        self._book.free(address, holder)

    def _settle(self, tenant_id: int, entry: TenantEntry) -> IPv4Network:
        """The tenant's network, on the range that it has if that can be had, else on another one."""
        settings, routes, refused = self._settings, self._routes(), list[IPv4Network]()
        wanted = entry.subnet
        while len(refused) < _RANGES_TRIED:
            subnet = wanted or free_subnet(
                settings.subnets, settings.tenant_prefix, taken=entry.others, routes=routes, refused=refused
            )
            if self._is_made(entry.name, subnet):
                if refused:
                    log.warning("ranges were taken", extra={"tenant": entry.name, "given": str(subnet)})
                if subnet != entry.subnet:
                    self._book.set_subnet(tenant_id, subnet)
                return subnet
            refused.append(subnet)
            wanted = None
        raise no_range(settings.subnets)

    def _is_made(self, tenant: str, subnet: IPv4Network) -> bool:
        """False: something else has the range."""
        try:
            self._networks.ensure(tenant, str(subnet))
        except SubnetTaken:
            return False
        except HostUnready as error:
            raise DeploymentFailed("start-refused", error.message, remedy=error.remedy) from error
        return True

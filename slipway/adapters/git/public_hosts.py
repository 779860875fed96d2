"""Host names that tenants give, of repositories and registries, must not resolve into this host or its network.

A name is resolved once. Connections go to the addresses that were checked, so it does not matter when the name resolves
to another address a moment later. Registries are an exception: the Engine resolves their names again by itself.
"""

from __future__ import annotations

import errno
import ipaddress
import selectors
import socket
import time
from collections.abc import Collection, Sequence

from slipway.core.build import image_names
from slipway.core.build.image_names import DOCKER_HUB, ImageName
from slipway.core.naming import hosts
from slipway.core.naming.validation import how_to_allow
from slipway.errors import InvalidInput
from slipway.ports.building import Interrupted, Stopped

POLL_S = 0.1


class Unresolved(InvalidInput):
    """A name that does not resolve, at least now."""


def addresses(host: str) -> list[str]:
    """The addresses of a canonical host, in the order in which to try them.

    Raises:
        Unresolved: it has none.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unresolved(
            f"{host} has no address: its name does not resolve on this host",
            remedy="check the name; if its name server was unreachable, try again: slipway deploy",
        ) from None
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def public_addresses(host: str, netloc: str, listed: Collection[str], setting: str) -> list[str]:
    """The addresses of a host that is not listed, when all of them are public.

    Raises:
        InvalidInput: one of them is inside this host or network, which only the list in `setting` can allow.
        Unresolved: it has none.
    """
    found = addresses(host)
    inside = [address for address in found if _is_inside(address)]
    if inside:
        raise InvalidInput(
            f"{host} resolves to {inside[0]}, an address inside this host or network",
            remedy=how_to_allow(netloc, tuple(listed), setting),
        )
    return found


def require_public_registry(name: ImageName, listed: Collection[str]) -> None:
    """Check the registry of an image that the Engine pulls by itself, as `public_addresses` does."""
    if name.registry == DOCKER_HUB:
        return
    host, port = image_names.host_and_port(name.registry)
    if not hosts.is_listed(host, (port,), listed):
        public_addresses(host, name.registry, listed, "SLIPWAY_REGISTRIES")


def first_reachable(found: Sequence[str], port: int, timeout_s: float, stopped: Stopped) -> str:
    """The first address that accepts a connection; the first of all when none does, or when there is no other.

    `timeout_s` is for all of them together: each gets its share of the time that is left.

    Raises:
        Interrupted: `stopped` returned True.
    """
    deadline = time.monotonic() + timeout_s
    for number, address in enumerate(found if len(found) > 1 else ()):
        now = time.monotonic()
        if _accepts_connection(address, port, now + (deadline - now) / (len(found) - number), stopped):
            return address
    return found[0]


def _accepts_connection(address: str, port: int, deadline: float, stopped: Stopped) -> bool:
    numeric = socket.AI_NUMERICHOST
    family, kind, protocol, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=numeric)[0]
    with socket.socket(family, kind, protocol) as tried, selectors.DefaultSelector() as selector:
        tried.setblocking(False)
        code = tried.connect_ex(where)
        selector.register(tried, selectors.EVENT_WRITE)
        while code == errno.EINPROGRESS:
            if stopped():
                raise Interrupted
            if time.monotonic() >= deadline:
                return False
            if selector.select(POLL_S):
                code = tried.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return code == 0


def _is_inside(text: str) -> bool:
    if "%" in text:  # an address of the link names its interface
        return True
    address = ipaddress.ip_address(text)
    return hosts.is_inside(address) or _is_own(address)


def _is_own(address: hosts.Address) -> bool:
    """Does this host have the address itself? A socket that connects to an own address gets that address as its source.
    Nothing is sent."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), 9))
        except OSError:
            return False
        return ipaddress.ip_address(probe.getsockname()[0]) == address

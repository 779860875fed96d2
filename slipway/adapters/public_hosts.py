"""Names that tenants give (of repositories' and registries' hosts) must not lead into this host or its network.

What is on the owner's list may lead anywhere. Best effort: behind a proxy, the proxy resolves names itself.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection

from slipway.core.validation import PUBLIC_HOSTS, how_to_allow
from slipway.errors import InvalidInput


def public_addresses(host: str, netloc: str, listed: Collection[str], setting: str) -> list[str]:
    """The addresses that a host's name leads to; nothing for a listed one, and where the name does not resolve.

    Raises:
        InvalidInput: the name leads into this host or network, and the list (of `setting`) does not allow that.
    """
    if host in listed or netloc in listed or (listed and PUBLIC_HOSTS not in listed):
        return []
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return []  # whoever connects says it better
    inside = sorted(address for address in found if not ipaddress.ip_address(address.partition("%")[0]).is_global)
    if inside:
        raise InvalidInput(
            f"{host} leads to {inside[0]}, an address inside this host or network",
            remedy=how_to_allow(netloc, tuple(listed), setting),
        )
    return sorted(found)

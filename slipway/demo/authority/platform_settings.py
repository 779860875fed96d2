"""What the platform is set to while it has its certificates from the demo's authority."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

from slipway.demo.authority.process import AuthorityProcess
from slipway.demo.background import next_free_port
from slipway.errors import Conflict
from slipway.settings import Settings, address_of

HTTPS_LISTEN = "SLIPWAY_HTTPS_LISTEN"
CA_BUNDLE = "SLIPWAY_ACME_CA_BUNDLE"
FIRST_HTTPS_PORT = 8443
_LOOPBACK = "127.0.0.1"


def is_set_up(settings: Settings, authority: AuthorityProcess) -> bool:
    return settings.acme_ca_bundle == str(authority.ca_bundle)


def check_no_other(settings: Settings, authority: AuthorityProcess) -> None:
    """Raises `Conflict` where the platform has settings for HTTPS or DNS that are not the demo's: another authority's
    certificates would all be issued anew, by one that no browser knows."""
    used = [
        name
        for name, value in (
            (HTTPS_LISTEN, settings.https_listen),
            (CA_BUNDLE, settings.acme_ca_bundle),
            ("SLIPWAY_PUBLIC_ADDRESSES", settings.public_addresses),
            ("SLIPWAY_DNS_RESOLVERS", settings.dns_resolvers),
        )
        if value
    ]
    if used and not is_set_up(settings, authority):
        raise Conflict(
            f"{used[0]} is set: TLS=1 is for an installation without HTTPS, which it gives an authority for tests",
            remedy="make demo, without TLS=1; your own domains get certificates as docs/guide/certificates.md says",
        )


def edge_of(settings: Settings) -> tuple[str, int]:
    """Where the authority finds the edge."""
    address, port = address_of(settings.http_listen)
    return (address if _is_one_address(address) else _LOOPBACK), port


def wanted(settings: Settings, authority: AuthorityProcess) -> dict[str, tuple[str, str]]:
    """Settings by their names: the value, and what it is. The authority runs."""
    address, port = edge_of(settings)
    return {
        HTTPS_LISTEN: (_https_listen(settings, authority), "where the edge serves HTTPS"),
        "SLIPWAY_ACME_DIRECTORY": (authority.pebble.directory, "the demo's authority"),
        CA_BUNDLE: (str(authority.ca_bundle), "by which its API is known"),
        "SLIPWAY_ACME_HTTP_PORT": (str(port), "where it asks for challenges"),
        "SLIPWAY_PUBLIC_ADDRESSES": (address, "where domains have to lead"),
        "SLIPWAY_DNS_RESOLVERS": (authority.dns.address, "its DNS server, by which every name leads there"),
    }


def _https_listen(settings: Settings, authority: AuthorityProcess) -> str:
    if settings.https_listen and is_set_up(settings, authority):
        return settings.https_listen
    before, colon, _ = settings.http_listen.rpartition(":")
    return f"{before}{colon}{next_free_port(FIRST_HTTPS_PORT)}"


def _is_one_address(text: str) -> bool:
    try:
        found = ip_address(text)
    except ValueError:
        return False
    return isinstance(found, IPv4Address) and not found.is_unspecified

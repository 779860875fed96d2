"""Hosts of addresses that users give: one spelling of each, and which addresses lead into this host or its network.

A host is a name of letters, digits, hyphens and dots, an IPv4 address in four decimal numbers, or an IPv6 address in
brackets. Nothing else is read as one, because programs differ in what they make of the rest (`%61`, `0x7f.1`, `127.1`,
full-width digits). Names in other scripts become ASCII by IDNA 2008 (RFC 5891) before anything looks at them.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Collection

from slipway.errors import InvalidInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_IPV6 = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\]")
_NUMERIC = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)")
"""Resolvers read a name whose last label is a number as an address: 127.1, 0x7f.1, 2130706433."""
_MAX_NAME = 253
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""An IPv4 address for hosts that have IPv6 alone (RFC 6052): as public as the address in its last 32 bits."""
_INSIDE: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "this host"),
    ("10.0.0.0/8", "a private network"),
    ("100.64.0.0/10", "a provider's own network"),
    ("127.0.0.0/8", "this host itself"),
    ("169.254.0.0/16", "the link, with the metadata service of clouds"),
    ("172.16.0.0/12", "a private network"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "relays of 6to4"),
    ("192.168.0.0/16", "a private network"),
    ("198.18.0.0/15", "benchmarks"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/3", "multicast, reserved, broadcast"),
    ("::/96", "this host, and IPv4 addresses in a form that is given up"),
    ("::ffff:0:0/96", "IPv4 addresses"),
    ("::ffff:0:0:0/96", "IPv4 addresses"),
    ("64:ff9b:1::/48", "a network's own NAT64"),
    ("100::/64", "discarded"),
    ("2001::/23", "protocol assignments, Teredo"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4: an IPv4 address inside"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "a private network"),
    ("fe80::/10", "the link"),
    ("fec0::/10", "a site's own"),
    ("ff00::/8", "multicast"),
)
"""https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry, and older ones."""
_NETWORKS = tuple(ipaddress.ip_network(network) for network, _ in _INSIDE)


def canonical(text: str) -> str:
    """The one spelling of a host: an ASCII name in lower case, or an address (IPv6 without its brackets).

    Raises:
        InvalidInput: it is neither.
    """
    if in_brackets := _IPV6.fullmatch(text):
        try:
            return str(ipaddress.IPv6Address(in_brackets[1]))
        except ValueError:
            raise _no_host(text) from None
    name = ascii_name(text)
    if not name:
        raise _no_host(text)
    if is_other_spelling(name):
        raise InvalidInput(
            f"{name} is another way to write an address, which may be inside this host or network",
            remedy="write an address as four decimal numbers: 203.0.113.7",
        )
    return name


def ascii_name(text: str) -> str:
    """A host's name in lower-case ASCII, without a last dot; empty when it is none."""
    labels = [_ascii_label(label) for label in text.removesuffix(".").split(".")]
    name = ".".join(labels)
    return name if all(labels) and len(name) <= _MAX_NAME else ""


def address_of(host: str) -> Address | None:
    """The address that a canonical host is; None when it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_inside(address: Address) -> bool:
    """Whether the address leads into this host or its network, or to nobody in the internet."""
    if address in _NAT64:
        return is_inside(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return any(address in network for network in _NETWORKS if network.version == address.version)


def names_inside(host: str) -> bool:
    """Whether a host in lower-case ASCII is an address inside, or names this host, before any name is resolved."""
    address = address_of(host)
    if address:
        return is_inside(address)
    return host == "localhost" or host.endswith(".localhost") or is_other_spelling(host)


def is_other_spelling(name: str) -> bool:
    """Whether resolvers read the name as an address though it is not written as one."""
    return _NUMERIC.fullmatch(name) is not None and address_of(name) is None


def bracketed(host: str) -> str:
    """The host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def is_listed(host: str, ports: Collection[int | None], listed: Collection[str]) -> bool:
    """Whether a list of `host` and `host:port` names a canonical host, at one of these ports."""
    spelled = bracketed(host)
    forms = {host, spelled, *(f"{spelled}:{port}" for port in ports if port)}
    return any(_listed_form(each) in forms for each in listed)


def _listed_form(entry: str) -> str:
    if entry.isascii():
        return entry.lower()
    name, colon, port = entry.partition(":")
    return f"{ascii_name(name)}{colon}{port}"


def _ascii_label(label: str) -> str:
    """Empty when the label belongs to no name."""
    lowered = unicodedata.normalize("NFC", label.lower())
    if label.isascii() and not lowered.startswith("xn--"):
        return lowered if _LABEL.fullmatch(lowered) else ""
    import idna  # noqa: PLC0415 - takes 2 MB, and most names need none of it

    try:
        made = idna.alabel(lowered).decode()
    except (idna.IDNAError, UnicodeError):
        return ""
    return made if made.startswith("xn--") else ""  # else another script's letter has become one of ASCII


def _no_host(text: str) -> InvalidInput:
    return InvalidInput(
        f"{text[:80]!r} is not a host",
        remedy="write a name in letters, digits, dots and hyphens, an IPv4 address, or an IPv6 address in brackets",
    )

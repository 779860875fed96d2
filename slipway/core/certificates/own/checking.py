"""A certificate of somebody's own: may the edge serve a host with it? Each refusal says what to do.

The rules are those of browsers and of Mozilla's intermediate profile (https://wiki.mozilla.org/Security/Server_Side_TLS).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from slipway.core.certificates.own import chains, pem_blocks
from slipway.core.certificates.own.keys import PrivateKey, read_private_key
from slipway.core.certificates.pem import Facts, names_of
from slipway.errors import InvalidInput

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

SOON = timedelta(days=14)
"""One that runs out sooner is taken with a warning."""
MOST_CHAIN_BYTES = 16 << 10
"""Edges hold all of them in memory that all tenants share."""
_MOST_SERIAL_BITS = 160
"""RFC 5280, 4.1.2.2: at most 20 octets."""


@dataclass(frozen=True, slots=True)
class OwnPair:
    """A certificate that may be served, in the form in which it is."""

    fullchain: bytes
    key: bytes = field(repr=False)
    facts: Facts
    issuer: str
    warnings: tuple[str, ...]


def check(host: str, certificate: str, key: str, now: datetime, roots: Sequence[x509.Certificate]) -> OwnPair:
    """What was given for a host (`*.x` is a wildcard), as PEM. `roots` are those of authorities that clients know.

    Raises:
        InvalidInput: it can't be served; says why, and what to do.
    """
    given = pem_blocks.certificates(certificate)
    private_key = read_private_key(key)
    leaf = given[0]
    _require_pair(leaf, private_key, given)
    _require_for_servers(leaf)
    _require_host(leaf, host)
    chain = chains.complete(given, roots)
    for each in chain:
        _require_valid(each, now)
    served = chain[:-1] if len(chain) > 1 and chains.is_root(chain[-1]) else chain  # clients have the root themselves
    fullchain = b"".join(each.public_bytes(Encoding.PEM) for each in served)
    _require_small(fullchain)
    return OwnPair(
        fullchain=fullchain,
        key=private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        facts=_facts(leaf),
        issuer=chains.shown(leaf.issuer),
        warnings=tuple(_warnings(chain, now, roots)),
    )


def covers(names: Sequence[str], host: str) -> bool:
    """A wildcard stands for one label, and for a wildcard only itself does."""
    wildcard = "" if host.startswith("*.") else f"*.{host.partition('.')[2]}"
    return host in names or wildcard in names


def _facts(leaf: x509.Certificate) -> Facts:
    serial = f"{leaf.serial_number:x}"
    return Facts(names_of(leaf), serial, leaf.not_valid_before_utc, leaf.not_valid_after_utc)


def _require_pair(leaf: x509.Certificate, key: PrivateKey, given: Sequence[x509.Certificate]) -> None:
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    public = key.public_key().public_bytes(*form)
    try:
        fitting = [each for each in given if each.public_key().public_bytes(*form) == public]
    except ValueError as error:
        raise InvalidInput(f"a certificate's key can't be read: {error}", remedy="have it issued anew") from None
    if not fitting:
        raise InvalidInput(
            f"the key does not belong to the certificate of {chains.shown(leaf.subject)}",
            remedy="give the key that the certificate was asked for with; both of these have to print the same: "
            "openssl x509 -noout -pubkey -in fullchain.pem; openssl pkey -pubout -in key.pem",
        )
    if fitting[0] is not leaf:
        raise InvalidInput(
            f"the host's own certificate is not the first one in the file: {chains.shown(fitting[0].subject)}",
            remedy="put it first, then what signed it, and so on: cat cert.pem chain.pem > fullchain.pem",
        )


def _require_for_servers(leaf: x509.Certificate) -> None:
    extensions = _extensions(leaf)
    remedy = "have one issued for TLS servers"
    if not 0 < leaf.serial_number < 1 << _MOST_SERIAL_BITS:
        raise InvalidInput("the certificate's serial number is none that clients take", remedy=remedy)
    constraints = _of(extensions, x509.BasicConstraints)
    if constraints is not None and constraints.ca and leaf.issuer != leaf.subject:
        raise InvalidInput("the first certificate is an authority's, and no server's", remedy=remedy)
    extended = _of(extensions, x509.ExtendedKeyUsage)
    servers = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    if extended is not None and not any(each in servers for each in extended):
        raise InvalidInput("the certificate is not for servers: its extended key usage lacks serverAuth", remedy=remedy)
    usage = _of(extensions, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        raise InvalidInput("the certificate's key usage lacks digitalSignature", remedy=remedy)
    if _of(extensions, x509.TLSFeature) is not None:
        raise InvalidInput(
            "the certificate asks for OCSP stapling (must-staple), which the edge does not do",
            remedy="have it issued without that; authorities have ended OCSP",
        )


def _require_host(leaf: x509.Certificate, host: str) -> None:
    names = [each.lower() for each in names_of(leaf)]
    if covers(names, host):
        return
    if not names:
        raise InvalidInput(
            "the certificate has no subject alternative names, and clients look at nothing else",
            remedy=f"have one issued with {host} among them",
        )
    listed = ", ".join(names[:5]) + (" …" if len(names) > len(names[:5]) else "")
    raise InvalidInput(
        f"the certificate is not for {host}: it is for {listed}", remedy=f"give one that has {host} among its names"
    )


def _require_valid(certificate: x509.Certificate, now: datetime) -> None:
    whose = chains.shown(certificate.subject)
    if certificate.not_valid_after_utc <= now:
        raise InvalidInput(
            f"the certificate of {whose} ran out at {_time(certificate.not_valid_after_utc)}",
            remedy="have it renewed by who issued it, and give the new one",
        )
    if certificate.not_valid_before_utc > now:
        raise InvalidInput(
            f"the certificate of {whose} is not valid before {_time(certificate.not_valid_before_utc)}",
            remedy="give it then; or is this host's clock wrong? date -u",
        )


def _require_small(fullchain: bytes) -> None:
    if len(fullchain) > MOST_CHAIN_BYTES:
        raise InvalidInput(
            f"the chain has more than {MOST_CHAIN_BYTES >> 10} KiB, which every client would have to load",
            remedy="leave out what is not needed, or have a certificate issued with fewer names",
        )


def _warnings(chain: Sequence[x509.Certificate], now: datetime, roots: Sequence[x509.Certificate]) -> list[str]:
    found = []
    first = min(chain, key=lambda each: each.not_valid_after_utc)
    left = first.not_valid_after_utc - now
    if left < SOON:
        whose, until = chains.shown(first.subject), _time(first.not_valid_after_utc)
        found.append(f"{whose} runs out in {left.days} days, at {until}")
    if not chains.is_known(chain[-1], roots):
        found.append(f"only clients that know {chains.shown(chain[-1].issuer)} trust it: it is none of the public ones")
    return found


def _extensions(certificate: x509.Certificate) -> x509.Extensions:
    try:
        return certificate.extensions
    except (ValueError, x509.DuplicateExtension) as error:
        raise InvalidInput(f"the certificate can't be read: {error}", remedy="have it issued anew") from None


def _of(extensions: x509.Extensions, kind: type[_Extension]) -> _Extension | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"

"""Chains: from a host's certificate to an authority that clients know, each signed by the next."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from slipway.core.certificates.own.keys import require_strong
from slipway.errors import InvalidInput

_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_ADDRESS = re.compile(r"https?://[\w.:/%~+-]{1,200}")
_SHOWN_MOST = 100


def complete(given: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """The certificates as they were given, where they are in order and nothing is missing: the last one signs itself,
    or an authority's root (`roots`) signed it.

    Raises:
        InvalidInput: names the one that is missing, weak or in the wrong place.
    """
    for each in given:
        if each.issuer != each.subject or len(given) == 1:  # nobody looks at a root's signature
            _require_strong_signature(each)
    for each, issuer in pairwise(given):
        if not _signed_by(each, issuer):
            raise _broken(given, each, issuer)
    last = given[-1]
    if not is_root(last) and not is_known(last, roots):
        raise _missing(last)
    for each in given[1:]:
        _require_authority(each)
    return list(given)


def is_root(certificate: x509.Certificate) -> bool:
    return certificate.issuer == certificate.subject and _signed_by(certificate, certificate)


def is_known(certificate: x509.Certificate, roots: Sequence[x509.Certificate]) -> bool:
    """Whether it is one of the roots, or signed by one."""
    return any(
        certificate == root or (certificate.issuer == root.subject and _signed_by(certificate, root)) for root in roots
    )


def shown(name: x509.Name) -> str:
    """As people know who it is."""
    parts = [*name.get_attributes_for_oid(NameOID.COMMON_NAME), *name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    text = str(parts[0].value) if parts else name.rfc4514_string()
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:_SHOWN_MOST] or "a name that is empty"


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _broken(given: Sequence[x509.Certificate], each: x509.Certificate, issuer: x509.Certificate) -> InvalidInput:
    """Either the order is wrong, or one between the two is missing."""
    signer = next((other for other in given if other is not each and _signed_by(each, other)), None)
    if signer is not None:
        return InvalidInput(
            f"the chain is out of order: {shown(each.subject)} has to be followed by {shown(signer.subject)}, which "
            f"signed it, and not by {shown(issuer.subject)}",
            remedy="order the file so that each certificate is signed by the next; leave out those that are not needed",
        )
    if each.issuer == issuer.subject:
        return InvalidInput(
            f"{shown(issuer.subject)} did not sign {shown(each.subject)}: it has the right name and another key",
            remedy=f"put the one in its place that did{_where(each)}",
        )
    return _missing(each)


def _missing(certificate: x509.Certificate) -> InvalidInput:
    return InvalidInput(
        f"the chain is incomplete: the certificate of {shown(certificate.issuer)}, which signed "
        f"{shown(certificate.subject)}, is missing",
        remedy=f"put it into the file after that one{_where(certificate)}; of an authority of your own, its root too",
    )


def _where(certificate: x509.Certificate) -> str:
    """Where the certificate itself says that its issuer's can be had. Nobody asks there for it."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return ""
    found = [
        each.access_location.value
        for each in access
        if each.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        and isinstance(each.access_location, x509.UniformResourceIdentifier)
    ]
    address = next((each for each in found if _ADDRESS.fullmatch(each)), "")
    return f": curl -sS {address} | openssl x509 -inform der >> fullchain.pem" if address else ""


def _require_strong_signature(certificate: x509.Certificate) -> None:
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        algorithm = None
    if not isinstance(algorithm, _HASHES):
        name = algorithm.name.upper() if algorithm else "something that clients don't know"
        raise InvalidInput(
            f"the certificate of {shown(certificate.subject)} is signed with {name}, which clients refuse",
            remedy="have it issued anew, signed with SHA-256",
        )


def _require_authority(certificate: x509.Certificate) -> None:
    whose = shown(certificate.subject)
    try:
        is_authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        is_authority = False
    if not is_authority:
        raise InvalidInput(f"{whose} may sign no certificates", remedy="give the chain of the authority")
    require_strong(certificate.public_key(), f"the key of {whose}", of_authority=True)

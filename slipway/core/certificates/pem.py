"""What a certificate and its key say, as PEM files hold them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtensionOID


class NotAPair(ValueError):
    """The files hold no certificate with its key."""


@dataclass(frozen=True, slots=True)
class Facts:
    names: tuple[str, ...]
    """Sorted: hosts, wildcards and IP addresses."""
    serial: str
    """In hexadecimal, as the authority writes it."""
    not_before: datetime
    not_after: datetime


def facts_of(fullchain: bytes, key: bytes) -> Facts:
    """Read the first certificate.

    Raises:
        NotAPair: one of the two can't be read, or the key is another certificate's.
    """
    try:
        certificate = x509.load_pem_x509_certificates(fullchain)[0]
        public_key = load_pem_private_key(key, password=None).public_key()
    except (ValueError, TypeError, IndexError, UnsupportedAlgorithm) as error:
        raise NotAPair(f"no PEM of a certificate and a key: {error}") from None
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if certificate.public_key().public_bytes(*form) != public_key.public_bytes(*form):
        raise NotAPair("the key belongs to another certificate")
    serial = f"{certificate.serial_number:x}"
    return Facts(names_of(certificate), serial, certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        return ()
    assert isinstance(found, x509.SubjectAlternativeName)  # noqa: S101
    hosts = found.get_values_for_type(x509.DNSName)
    return tuple(sorted([*hosts, *map(str, found.get_values_for_type(x509.IPAddress))]))

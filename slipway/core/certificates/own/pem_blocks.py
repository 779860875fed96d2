"""The PEM blocks of what somebody gave for a certificate or a key."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cryptography import x509

from slipway.errors import InvalidInput

MOST_CHARACTERS = 64 << 10
MOST_CERTIFICATES = 10
_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_PRIVATE = "PRIVATE KEY"
_OTHER_FORMS = {
    "TRUSTED CERTIFICATE": "openssl x509 -in FILE -out fullchain.pem",
    "PKCS7": "openssl pkcs7 -print_certs -in FILE -out fullchain.pem",
    "CMS": "openssl pkcs7 -print_certs -in FILE -out fullchain.pem",
}


@dataclass(frozen=True, slots=True)
class Block:
    label: str
    text: str

    @property
    def is_private_key(self) -> bool:
        return self.label.endswith(_PRIVATE)

    @property
    def is_encrypted(self) -> bool:
        return self.label.startswith("ENCRYPTED") or "Proc-Type: 4,ENCRYPTED" in self.text


def blocks(text: str, what: str) -> list[Block]:
    """Every whole block, in order; what stands between them is left out.

    Raises:
        InvalidInput: there is none, or the text is too long.
    """
    if len(text) > MOST_CHARACTERS:
        raise InvalidInput(
            f"{what} has more than {MOST_CHARACTERS >> 10} KiB",
            remedy="give the host's certificate and its chain alone",
        )
    found, label, lines = [], "", list[str]()
    for line in map(str.strip, text.splitlines()):
        if begin := _BEGIN.fullmatch(line):
            label, lines = begin[1], []
        lines.append(line)
        if label and line == f"-----END {label}-----":
            found.append(Block(label, "\n".join(lines) + "\n"))
            label = ""
    if not found:
        raise InvalidInput(
            f"{what} is no PEM: it has no whole block from -----BEGIN to -----END",
            remedy="convert it: openssl x509 -inform der -in FILE -out cert.pem, or openssl pkey -inform der -in FILE "
            "-out key.pem; of a .pfx or .p12: openssl pkcs12 -in FILE -nodes -out both.pem",
        )
    return found


def certificates(text: str) -> list[x509.Certificate]:
    """The certificates, in order.

    Raises:
        InvalidInput: there is none, one can't be read, or there is something else.
    """
    found = blocks(text, "the certificate")
    for each in found:
        _require_certificate(each)
    if len(found) > MOST_CERTIFICATES:
        raise InvalidInput(
            f"there are {len(found)} certificates",
            remedy=f"give the host's own and its chain: {MOST_CERTIFICATES} at most",
        )
    try:
        return [x509.load_pem_x509_certificate(each.text.encode()) for each in found]
    except ValueError as error:
        raise InvalidInput(
            f"a certificate can't be read: {error}", remedy="see it: openssl x509 -noout -text -in fullchain.pem"
        ) from None


def private_key(text: str) -> str:
    """The one private key, not encrypted.

    Raises:
        InvalidInput: there is none, more than one, or one that is encrypted.
    """
    found = blocks(text, "the key")
    keys = [each for each in found if each.is_private_key]
    if not keys:
        swapped = any(each.label == "CERTIFICATE" for each in found)
        remedy = "are certificate and key exchanged?" if swapped else "give the file with -----BEGIN PRIVATE KEY-----"
        raise InvalidInput(f"the key is none: it begins with {found[0].label}", remedy=remedy)
    if len(keys) > 1:
        raise InvalidInput(f"there are {len(keys)} private keys", remedy="give the certificate's alone")
    if keys[0].is_encrypted:
        raise InvalidInput(
            "the key is encrypted, and nobody is here to enter its password",
            remedy="decrypt it first: openssl pkey -in key.pem -out key-plain.pem",
        )
    return keys[0].text


def _require_certificate(block: Block) -> None:
    if block.label == "CERTIFICATE":
        return
    if block.is_private_key:
        raise InvalidInput(
            "the certificate's file has a private key in it", remedy="leave it out: everybody is shown this file"
        )
    if block.label.endswith("CERTIFICATE REQUEST"):
        raise InvalidInput(
            "that is a request for a certificate", remedy="send it to an authority, and give what comes back"
        )
    remedy = _OTHER_FORMS.get(block.label, "give -----BEGIN CERTIFICATE----- alone")
    raise InvalidInput(f"the certificate's file has a {block.label} in it", remedy=remedy)

"""How the sender of a delivery shows that it knows the hook's secret: by an HMAC-SHA256, or by the secret itself.

GitHub: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
Every secret is tried and compared in constant time, also when the header is missing or malformed, so that the time of
the response does not show why it was refused. An empty secret never counts.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote_to_bytes

_HEX = re.compile(r"[0-9a-fA-F]{64}")
_MATCHES_NOTHING = "0" * 64
_FORM = b"payload="
LONGEST_FORM_BYTES = 1 << 20
"""What is decoded before its sender is known must not cost more than it is worth."""


class Proof(Protocol):
    """What proves the sender."""

    @property
    def header(self) -> str: ...

    def is_valid(self, given: str | None, body: bytes, secrets: Iterable[str]) -> bool:
        """Does the header's value prove one of `secrets`?"""
        ...


@dataclass(frozen=True, slots=True)
class Signature:
    """The HMAC-SHA256 of the raw body, in hexadecimal after `prefix`."""

    header: str
    prefix: str = "sha256="
    of_field: bool = False
    """Of a form, the HMAC may be that of the JSON in its field `payload`."""

    def is_valid(self, given: str | None, body: bytes, secrets: Iterable[str]) -> bool:
        signed = [body]
        if self.of_field and body.startswith(_FORM) and len(body) <= LONGEST_FORM_BYTES:
            signed.append(unquote_to_bytes(body.removeprefix(_FORM).replace(b"+", b" ")))
        known = list(secrets)
        proved = [is_signed(each, given, known, self.prefix) for each in signed]
        return any(proved)


@dataclass(frozen=True, slots=True)
class Token:
    """The secret itself. It says nothing of the body, so it needs TLS on the whole way."""

    header: str

    def is_valid(self, given: str | None, body: bytes, secrets: Iterable[str]) -> bool:  # noqa: ARG002
        presented = (given or "").encode("utf-8", "surrogateescape")
        equal = [hmac.compare_digest(secret.encode(), presented) and bool(secret) for secret in secrets]
        return any(equal)


@dataclass(frozen=True, slots=True)
class Presented:
    """What a sender presented of itself."""

    proof: Proof
    value: str | None
    body: bytes

    def proves(self, secrets: Iterable[str]) -> bool:
        return self.proof.is_valid(self.value, self.body, secrets)


def sign(secret: str, body: bytes) -> str:
    """The value of GitHub's header for `body`."""
    return "sha256=" + _digest(secret, body)


def is_signed(body: bytes, signature: str | None, secrets: Iterable[str], prefix: str = "sha256=") -> bool:
    """Was `body` signed with one of `secrets`?"""
    written = signature or ""
    digest = written.removeprefix(prefix)
    is_well_formed = written.startswith(prefix) and _HEX.fullmatch(digest) is not None
    given = digest.lower() if is_well_formed else _MATCHES_NOTHING
    equal = [hmac.compare_digest(_digest(secret, body), given) and bool(secret) for secret in secrets]
    return is_well_formed and any(equal)


def _digest(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()

"""The roots of authorities that clients know: Mozilla's, as certifi has them, and those of one's own authority."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")


@lru_cache(maxsize=2)
def trusted_roots(ca_bundle: str = "") -> tuple[x509.Certificate, ...]:
    """`ca_bundle` is a PEM file, or empty. One that can't be read adds none."""
    files = [Path(certifi.where()), *([Path(ca_bundle)] if ca_bundle else [])]
    return tuple(each for file in files for each in _read(file))


def _read(file: Path) -> Iterator[x509.Certificate]:
    """Some old root may be one that is not read any more; the others count."""
    try:
        text = file.read_bytes()
    except OSError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # of such a root
        for block in _BLOCK.findall(text):
            with suppress(ValueError):
                yield x509.load_pem_x509_certificate(block)

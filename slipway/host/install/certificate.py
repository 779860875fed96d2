"""The operator's certificate, checked before nginx starts: nobody sees what nginx itself says of it."""

from __future__ import annotations

import ssl
from pathlib import Path

from slipway.errors import HostUnready

_PASSWORD_MOST = 1024  # OpenSSL asks the terminal unless it is given one


def check(certificate: str, key: str) -> None:
    """Whether the two PEM files can be served with.

    Raises:
        HostUnready: one is not set, missing, unreadable, no PEM, or the key is another certificate's or sealed.
    """
    for setting, value in (("SLIPWAY_TLS_CERTIFICATE", certificate), ("SLIPWAY_TLS_KEY", key)):
        _check_file(setting, value)
    _check_pair(certificate, key)


def _check_file(setting: str, value: str) -> None:
    if not value:
        raise HostUnready(
            f"SLIPWAY_HTTPS_LISTEN is set, and {setting} is not", remedy=f"set {setting} to the path of a PEM file"
        )
    if not Path(value).is_absolute():
        raise HostUnready(f"{setting} is not an absolute path", remedy="begin it with /")
    try:
        Path(value).read_bytes()
    except OSError as error:
        raise HostUnready(
            f"{setting}: {value} can't be read: {error.strerror}",
            remedy="check the path and its permissions, or unset SLIPWAY_HTTPS_LISTEN",
        ) from None


def _check_pair(certificate: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=lambda: "-" * (_PASSWORD_MOST + 1))
    except ssl.SSLError as error:
        is_pair = error.reason != "KEY_VALUES_MISMATCH"
        raise HostUnready(
            f"{certificate} and {key}: {'one is no PEM file' if is_pair else 'the key belongs to another certificate'}",
            remedy="the first holds the certificate and its chain, the second its key",
        ) from None
    except ValueError:
        raise HostUnready(f"{key} is sealed with a password", remedy=f"openssl pkey -in {key} -out <key>") from None

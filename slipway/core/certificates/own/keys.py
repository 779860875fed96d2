"""Keys that a server may have: what all browsers take, and no weaker ones."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from slipway.core.certificates.own.pem_blocks import private_key
from slipway.errors import InvalidInput

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
LEAST_RSA_BITS, MOST_RSA_BITS = 2048, 4096
"""A longer one costs the edge, which all tenants share, many times as much for each handshake."""
_MOST_RSA_BITS_OF_AN_AUTHORITY = 8192
_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384"}
_CURVES_OF_AUTHORITIES = {**_CURVES, "secp521r1": "P-521"}
_REMEDY = "ask for a certificate with another key: openssl ecparam -name prime256v1 -genkey -noout -out key.pem"


def read_private_key(text: str) -> PrivateKey:
    """Raises `InvalidInput`: there is no key, or none of a kind that a server may have."""
    pem = private_key(text).encode()
    try:
        # Checking a key takes long where it is long, so its length is looked at first.
        key = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
        if isinstance(key, rsa.RSAPrivateKey):
            require_strong(key.public_key(), "the key")
            key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidInput(
            f"the key can't be read: {_first_line(error)}",
            remedy="see whether it is whole: openssl pkey -check -in key.pem",
        ) from None
    if not isinstance(key, PrivateKey):
        raise InvalidInput("the key is neither RSA nor ECDSA, which is what clients take", remedy=_REMEDY)
    require_strong(key.public_key(), "the key")
    return key


def require_strong(key: object, whose: str, *, of_authority: bool = False) -> None:
    """Raises `InvalidInput`."""
    if isinstance(key, rsa.RSAPublicKey):
        most = _MOST_RSA_BITS_OF_AN_AUTHORITY if of_authority else MOST_RSA_BITS
        if not LEAST_RSA_BITS <= key.key_size <= most:
            raise InvalidInput(
                f"{whose} has {key.key_size} bits: with RSA it has to have {LEAST_RSA_BITS} to {most}", remedy=_REMEDY
            )
        return
    curves = _CURVES_OF_AUTHORITIES if of_authority else _CURVES
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in curves:
        kind = key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else "neither RSA nor ECDSA"
        raise InvalidInput(f"{whose} is {kind}: clients take RSA, {' and '.join(curves.values())}", remedy=_REMEDY)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]

"""Hashes of passwords as other systems write them, read into the fields that Keycloak keeps of one.

A hash that would take Keycloak seconds or hundreds of megabytes for each attempt to sign in is refused: whoever knows
the login could then stop everybody's sign-in.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from slipway.errors import InvalidInput

BCRYPT = "bcrypt"
"""Keycloak has none of its own: the provider in keycloak/providers/ checks them."""
ARGON2 = "argon2"
PBKDF2 = "pbkdf2"
KINDS = (BCRYPT, ARGON2, PBKDF2)

BCRYPT_COST_MOST = 16
"""As in BcryptHash.java: about four seconds of a processor."""
PBKDF2_ITERATIONS_MOST = 5_000_000
ARGON2_MEMORY_KIB_MOST = 128 * 1024
"""Of Keycloak's heap, for each person who signs in at one moment."""
ARGON2_ITERATIONS_MOST = 20
ARGON2_PARALLELISM_MOST = 64
_LENGTH_MOST = 1000
_SALT_BYTES = range(1, 129)
_HASH_BYTES = range(16, 129)


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """One stored password as Keycloak has it: `value` and `salt` are base64. Of bcrypt the whole text is the value."""

    algorithm: str
    """The name of the provider that checks it at Keycloak."""
    iterations: int
    value: str = field(repr=False)
    salt: str = field(default="", repr=False)
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def kind(self) -> str:
        return next(kind for kind in KINDS if self.algorithm.startswith(kind))


def read(text: str, kind: str = "") -> PasswordHash:
    """The hash that the text is. With `kind` it has to be one of that.

    Raises:
        InvalidInput: it is none that Keycloak could check, or a costly one. The message does not repeat the text.
    """
    if len(text) > _LENGTH_MOST:
        raise InvalidInput("the password's hash is too long")
    if kind and kind not in KINDS:
        raise InvalidInput(f"hash has to be one of {', '.join(KINDS)}, or empty")
    for begins, why in _NOT_READ.items():
        if text.startswith(begins):
            raise InvalidInput(why)
    for shape, reader in _READERS:
        if match := shape.fullmatch(text):
            found = reader(match)
            if kind and found.kind != kind:
                raise InvalidInput(f"the password's hash is one of {found.kind}, not of {kind}")
            return found
    raise InvalidInput(
        "the password's hash is none of bcrypt, argon2 (PHC string) or pbkdf2 (Django, passlib, Werkzeug)"
    )


def _bcrypt(match: re.Match[str]) -> PasswordHash:
    cost = int(match["cost"])
    _bounded("the cost of bcrypt", cost, 4, BCRYPT_COST_MOST)
    return PasswordHash(BCRYPT, cost, match["hash"])


def _argon2(match: re.Match[str]) -> PasswordHash:
    memory, iterations, parallelism = (int(match[name]) for name in "mtp")
    _bounded("argon2's parallelism", parallelism, 1, ARGON2_PARALLELISM_MOST)
    _bounded("argon2's memory in KiB", memory, 8 * parallelism, ARGON2_MEMORY_KIB_MOST)
    _bounded("argon2's iterations", iterations, 1, ARGON2_ITERATIONS_MOST)
    salt, value = _decoded(match["salt"]), _decoded(match["hash"])
    _sized(salt, value)
    return PasswordHash(
        ARGON2,
        iterations,
        _encoded(value),
        _encoded(salt),
        {
            "type": match["type"],
            "version": "1.3" if match["v"] == "19" else "1.0",
            "hashLength": str(len(value)),
            "memory": str(memory),
            "parallelism": str(parallelism),
        },
    )


def _django_pbkdf2(match: re.Match[str]) -> PasswordHash:
    """The salt is text, the hash base64."""
    return _pbkdf2(match, match["salt"].encode(), _decoded(match["hash"]))


def _passlib_pbkdf2(match: re.Match[str]) -> PasswordHash:
    """Both are base64 with `.` in place of `+` and without padding."""
    return _pbkdf2(match, *(_decoded(match[name].replace(".", "+")) for name in ("salt", "hash")))


def _werkzeug_pbkdf2(match: re.Match[str]) -> PasswordHash:
    """The salt is text, the hash hexadecimal."""
    return _pbkdf2(match, match["salt"].encode(), bytes.fromhex(match["hash"]))


def _pbkdf2(match: re.Match[str], salt: bytes, value: bytes) -> PasswordHash:
    iterations = int(match["iterations"])
    _bounded("pbkdf2's iterations", iterations, 1, PBKDF2_ITERATIONS_MOST)
    _sized(salt, value)
    digest = match["digest"] or "sha1"
    algorithm = PBKDF2 if digest == "sha1" else f"{PBKDF2}-{digest}"
    return PasswordHash(algorithm, iterations, _encoded(value), _encoded(salt))


_BCRYPT = r"(?:bcrypt\$)?(?P<hash>\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53})"
_ARGON2 = (
    r"(?:argon2)?\$argon2(?P<type>id|i|d)(?:\$v=(?P<v>16|19))?"
    r"\$m=(?P<m>\d{1,9}),t=(?P<t>\d{1,9}),p=(?P<p>\d{1,9})\$(?P<salt>[A-Za-z0-9+/]+=*)\$(?P<hash>[A-Za-z0-9+/]+=*)"
)
_DJANGO = r"pbkdf2_(?P<digest>sha1|sha256|sha512)\$(?P<iterations>\d{1,9})\$(?P<salt>[^$]+)\$(?P<hash>[A-Za-z0-9+/]+=*)"
_PASSLIB = (
    r"\$pbkdf2(?:-(?P<digest>sha256|sha512))?\$(?P<iterations>\d{1,9})"
    r"\$(?P<salt>[A-Za-z0-9./]+)\$(?P<hash>[A-Za-z0-9./]+)"
)
_WERKZEUG = (
    r"pbkdf2:(?P<digest>sha1|sha256|sha512):(?P<iterations>\d{1,9})\$(?P<salt>[^$]+)\$(?P<hash>(?:[0-9a-f]{2})+)"
)
_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], PasswordHash]], ...] = (
    (re.compile(_BCRYPT, re.ASCII), _bcrypt),
    (re.compile(_ARGON2, re.ASCII), _argon2),
    (re.compile(_DJANGO, re.ASCII), _django_pbkdf2),
    (re.compile(_PASSLIB, re.ASCII), _passlib_pbkdf2),
    (re.compile(_WERKZEUG, re.ASCII), _werkzeug_pbkdf2),
)
_NOT_READ = {
    "$2x$": "the hash was made by a bcrypt with a known defect ($2x$): this person needs a new password",
    "$2$": "the hash is one of bcrypt's first version ($2$), which nothing reads: this person needs a new password",
    "bcrypt_sha256$": "bcrypt of a SHA-256 digest is not read: this person needs a new password",
    "$bcrypt-sha256$": "bcrypt of a SHA-256 digest is not read: this person needs a new password",
    "scrypt": "scrypt is not read: this person needs a new password",
    "$scrypt$": "scrypt is not read: this person needs a new password",
}


def _bounded(what: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InvalidInput(f"{what} is {value}: it has to be from {least} to {most}")


def _sized(salt: bytes, value: bytes) -> None:
    if len(salt) not in _SALT_BYTES:
        raise InvalidInput("the hash's salt is too long")
    if len(value) not in _HASH_BYTES:
        raise InvalidInput(f"the hash has {len(value)} bytes: it has to have from 16 to 128")


def _decoded(text: str) -> bytes:
    bare = text.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except ValueError:
        raise InvalidInput("the hash is cut off or altered: a part of it is not base64") from None


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()

"""Hashes of other systems, read into what Keycloak keeps; and those that are not, each with its reason."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from slipway.core.identity.password_hashes import PasswordHash, read
from slipway.errors import InvalidInput

BCRYPT = "$2b$12$abcdefghijklmnopqrstuu0sDWleciW5uGBGYwxpcgAsh9WK4bWNy"
ARGON2 = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
DIGEST = hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 1000)


def base(value: bytes) -> str:
    return base64.b64encode(value).decode()


def passlib(value: bytes) -> str:
    return base(value).replace("+", ".").rstrip("=")


@pytest.mark.parametrize("text", [BCRYPT, BCRYPT.replace("$2b", "$2a"), BCRYPT.replace("$2b", "$2y")])
def test_bcrypt_keeps_its_text(text: str) -> None:
    assert read(text) == PasswordHash("bcrypt", 12, text)


def test_djangos_bcrypt_is_bcrypt() -> None:
    assert read(f"bcrypt${BCRYPT}") == read(BCRYPT)


@pytest.mark.parametrize("text", [ARGON2, f"argon2{ARGON2}"], ids=["PHC", "Django"])
def test_argon2(text: str) -> None:
    found = read(text)
    assert (found.algorithm, found.iterations) == ("argon2", 2)
    assert base64.b64decode(found.salt) == b"somesalt"
    assert base64.b64decode(found.value).hex() == "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"
    assert found.parameters == {
        "type": "id",
        "version": "1.3",
        "hashLength": "32",
        "memory": "65536",
        "parallelism": "1",
    }


def test_argon2_of_the_first_version_and_other_types() -> None:
    old = read(ARGON2.replace("argon2id$v=19", "argon2i"))
    assert (old.parameters["version"], old.parameters["type"]) == ("1.0", "i")
    assert read(ARGON2.replace("argon2id$v=19", "argon2d$v=16")).parameters["version"] == "1.0"


@pytest.mark.parametrize(
    ("text", "algorithm", "salt"),
    [
        (f"pbkdf2_sha256$1000$salt${base(DIGEST)}", "pbkdf2-sha256", b"salt"),
        (f"pbkdf2_sha1$1000$salt${base(DIGEST)}", "pbkdf2", b"salt"),
        (f"$pbkdf2-sha256$1000${passlib(b'salt')}${passlib(DIGEST)}", "pbkdf2-sha256", b"salt"),
        (f"$pbkdf2-sha512$1000${passlib(bytes([255] * 16))}${passlib(DIGEST)}", "pbkdf2-sha512", bytes([255] * 16)),
        (f"$pbkdf2$1000${passlib(b'salt')}${passlib(DIGEST)}", "pbkdf2", b"salt"),
        (f"pbkdf2:sha256:1000$salt${DIGEST.hex()}", "pbkdf2-sha256", b"salt"),
    ],
)
def test_pbkdf2_of_each_system(text: str, algorithm: str, salt: bytes) -> None:
    assert read(text) == PasswordHash(algorithm, 1000, base(DIGEST), base(salt))
    assert read(text, "pbkdf2").kind == "pbkdf2"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BCRYPT.replace("$2b", "$2x"), "known defect"),
        (BCRYPT.replace("$2b", "$2"), "first version"),
        (BCRYPT[:-1], "none of bcrypt"),
        (BCRYPT + "\n", "none of bcrypt"),
        (BCRYPT.replace("$12$", "$17$"), "the cost of bcrypt is 17: it has to be from 4 to 16"),
        (BCRYPT.replace("$12$", "$03$"), "from 4 to 16"),
        (f"bcrypt_sha256${BCRYPT}", "SHA-256"),
        ("$bcrypt-sha256$v=2,t=2b,r=12$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2", "SHA-256"),
        (ARGON2.replace("m=65536", "m=131073"), "argon2's memory in KiB is 131073"),
        (ARGON2.replace("m=65536", "m=7"), "it has to be from 8 to"),
        (ARGON2.replace("t=2", "t=21"), "argon2's iterations is 21"),
        (ARGON2.replace("p=1", "p=65"), "argon2's parallelism is 65"),
        (ARGON2.replace("$v=19", "$v=20"), "none of bcrypt"),
        (ARGON2 + "A" * 200, "it has to have from 16 to 128"),
        (ARGON2[:-2] + "=c", "none of bcrypt"),
        (ARGON2.replace("c29tZXNhbHQ", "c29tZ"), "not base64"),
        (f"pbkdf2_sha256$5000001$salt${base(DIGEST)}", "pbkdf2's iterations is 5000001"),
        (f"pbkdf2_sha256$0$salt${base(DIGEST)}", "pbkdf2's iterations is 0"),
        (f"pbkdf2_sha256$1000${'s' * 200}${base(DIGEST)}", "salt is too long"),
        (f"pbkdf2_sha256$1000$salt${base(DIGEST[:15])}", "the hash has 15 bytes"),
        (f"pbkdf2_sha256$١٠٠٠$salt${base(DIGEST)}", "none of bcrypt"),
        ("scrypt:32768:8:1$salt$abcdef", "scrypt"),
        ("5f4dcc3b5aa765d61d8327deb882cf99", "none of bcrypt"),
        ("hunter2", "none of bcrypt"),
        ("x" * 1001, "too long"),
    ],
)
def test_others_are_refused_with_the_reason_and_without_the_text(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as error:
        read(text)
    assert text not in error.value.message


@pytest.mark.parametrize(
    ("kind", "why"), [("argon2", "one of bcrypt, not of argon2"), ("md5", "one of bcrypt, argon2, pbkdf2, or empty")]
)
def test_a_kind_that_the_text_is_not_is_refused(kind: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        read(BCRYPT, kind)


def test_a_hash_is_in_no_representation() -> None:
    found: Any = read(ARGON2)
    assert found.value not in repr(found)
    assert found.salt not in repr(found)

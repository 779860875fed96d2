"""The key file that identities are signed with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from slipway.adapters.identity_key import IdentityKey
from slipway.errors import SettingsError
from tests.fixtures.identity.oidc_tokens import rsa_key

MakesContent = Callable[[], bytes]


def p256() -> bytes:
    return ECKey.generate_key("P-256").as_pem(private=True)


NO_KEYS: dict[str, MakesContent] = {
    "nothing": lambda: b"",
    "no PEM": lambda: b"nonsense",
    "a broken one": lambda: b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "another curve": lambda: ECKey.generate_key("P-384").as_pem(private=True),
    "another kind": lambda: rsa_key().as_pem(private=True),
    "a public one": lambda: ECKey.generate_key("P-256").as_pem(private=False),
    "a good one and another curve's": lambda: p256() + ECKey.generate_key("P-384").as_pem(private=True),
}


def test_the_first_key_signs_and_all_are_published(tmp_path: Path) -> None:
    file = tmp_path / "identity.key"
    old, new = p256(), p256()
    file.write_bytes(old)
    before = IdentityKey(file)
    file.write_bytes(new + b"\n# the former one\n" + old)
    after = IdentityKey(file)
    assert len(after.public["keys"]) == 2
    assert not any("d" in key for key in after.public["keys"])
    published = KeySet.import_key_set(after.public)
    kids = [
        jwt.decode(key.sign({"sub": "x"}), published, algorithms=["ES256"]).header["kid"] for key in (before, after)
    ]
    assert kids == [after.public["keys"][1]["kid"], after.public["keys"][0]["kid"]]


@pytest.mark.parametrize("made", NO_KEYS.values(), ids=NO_KEYS.keys())
def test_what_is_no_private_key_on_p256_is_refused_without_being_shown(tmp_path: Path, made: MakesContent) -> None:
    file = tmp_path / "identity.key"
    file.write_bytes(made())
    with pytest.raises(SettingsError, match=r"identity\.key") as failure:
        IdentityKey(file)
    assert "AAAA" not in failure.value.message


def test_a_missing_file_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read") as failure:
        IdentityKey(tmp_path / "identity.key")
    assert failure.value.remedy == "make up creates it"

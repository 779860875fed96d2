"""Secrets at rest."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from slipway.adapters.vault import HOOKS, VALUES, SealBroken, Vault, create_key_file
from slipway.errors import SettingsError

WHERE = (7, 3, "DATABASE_URL")


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    create_key_file(tmp_path / VALUES)
    return tmp_path / VALUES


@pytest.mark.parametrize("value", ["", "secret", "größe ☃", "x" * 100_000, "line\nline\0"])
def test_what_is_sealed_opens_in_its_place(key_file: Path, value: str) -> None:
    sealed = Vault(key_file).seal(value, *WHERE)
    assert Vault(key_file).open(sealed, *WHERE) == value
    assert not value or value[:20] not in sealed
    sealed.encode("ascii")


def test_the_same_value_is_sealed_differently_each_time(key_file: Path) -> None:
    vault = Vault(key_file)
    assert len({vault.seal("secret", *WHERE) for _ in range(50)}) == 50


@pytest.mark.parametrize("elsewhere", [(8, 3, "DATABASE_URL"), (7, 4, "DATABASE_URL"), (7, 3, "OTHER"), (7, 3), ()])
def test_it_opens_nowhere_else(key_file: Path, elsewhere: tuple[object, ...]) -> None:
    vault = Vault(key_file)
    with pytest.raises(SealBroken, match="does not belong where it was found"):
        vault.open(vault.seal("secret", *WHERE), *elsewhere)


def test_places_that_look_alike_when_joined_are_two(key_file: Path) -> None:
    vault = Vault(key_file)
    with pytest.raises(SealBroken):
        vault.open(vault.seal("secret", 1, 23), 12, 3)


def test_a_digest_is_the_same_for_the_same_value_and_key_only(key_file: Path, tmp_path: Path) -> None:
    value = ["steps", 7, {"TOKEN": "größe", "A": "b"}]
    digest = Vault(key_file).digest(value)
    assert digest == Vault(key_file).digest(["steps", 7, {"A": "b", "TOKEN": "größe"}])
    assert len(digest) == 40
    create_key_file(tmp_path / "another.key")
    others = [Vault(tmp_path / "another.key").digest(value), Vault(key_file).digest(["steps", 77, {}])]
    assert len({digest, *others}) == 3


def test_any_changed_byte_breaks_the_seal(key_file: Path) -> None:
    vault = Vault(key_file)
    head, content = vault.seal("secret", *WHERE).rsplit(".", 1)
    raw = base64.urlsafe_b64decode(content)
    for place in range(len(raw)):
        changed = bytes([*raw[:place], raw[place] ^ 1, *raw[place + 1 :]])
        with pytest.raises(SealBroken):
            vault.open(f"{head}.{base64.urlsafe_b64encode(changed).decode()}", *WHERE)


@pytest.mark.parametrize("sealed", ["", "1", "1.", "1.a", "1.a.b", "2.x.y", "é.é.é", "1..", "plain text"])
def test_what_never_was_sealed_is_broken(key_file: Path, sealed: str) -> None:
    with pytest.raises(SealBroken):
        Vault(key_file).open(sealed, *WHERE)


def test_a_seal_that_was_cut_is_broken(key_file: Path) -> None:
    vault = Vault(key_file)
    sealed = vault.seal("secret", *WHERE)
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            vault.open(sealed[:length], *WHERE)


def test_after_a_rotation_old_seals_open_and_new_ones_use_the_new_key(key_file: Path, tmp_path: Path) -> None:
    old = Vault(key_file).seal("secret", *WHERE)
    create_key_file(tmp_path / "new.key")
    key_file.write_text((tmp_path / "new.key").read_text() + key_file.read_text())
    rotated = Vault(key_file)
    assert rotated.open(old, *WHERE) == "secret"
    assert Vault(tmp_path / "new.key").open(rotated.seal("secret", *WHERE), *WHERE) == "secret"
    with pytest.raises(SealBroken, match="key that is not here"):
        Vault(tmp_path / "new.key").open(old, *WHERE)


def test_hooks_key_opens_no_value(key_file: Path, tmp_path: Path) -> None:
    create_key_file(tmp_path / HOOKS)
    with pytest.raises(SealBroken):
        Vault(tmp_path / HOOKS).open(Vault(key_file).seal("secret", *WHERE), *WHERE)


def test_a_key_file_is_its_owners_alone_and_never_overwritten(key_file: Path) -> None:
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    before = key_file.read_text()
    create_key_file(key_file)
    assert key_file.read_text() == before


@pytest.mark.parametrize("content", ["", "\n", "too short", "!" * 44, base64.urlsafe_b64encode(b"x" * 31).decode()])
def test_a_key_file_without_a_key_is_a_setting_gone_wrong(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.key").write_text(content)
    with pytest.raises(SettingsError, match=r"x\.key") as refused:
        Vault(tmp_path / "x.key")
    assert not content.strip() or content not in refused.value.message


def test_a_missing_key_file_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"hooks\.key") as refused:
        Vault(tmp_path / HOOKS)
    assert "make up" in refused.value.remedy

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from slipway.adapters.identity_key import IdentityKey
from slipway.errors import HostUnready, SettingsError
from slipway.host.install import folders
from slipway.host.reference import env_example
from slipway.settings import Settings, environment, load

ROOT = Path(__file__).parents[3]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"SLIPWAY_STATE_DIR": str(tmp_path / "s")})


def test_keys_are_32_random_bytes_for_root_alone(settings: Settings) -> None:
    folders.prepare(settings)
    keys = [settings.key_dir / name for name in ("hooks.key", "values.key", "certificates.key")]
    decoded = [base64.urlsafe_b64decode(key.read_text().strip()) for key in keys]
    assert [len(key) for key in decoded] == [32, 32, 32]
    assert len(set(decoded)) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}
    assert stat.S_IMODE(settings.key_dir.stat().st_mode) == 0o700


def test_keys_are_made_once(settings: Settings) -> None:
    folders.prepare(settings)
    before = (settings.key_dir / "values.key").read_bytes()
    folders.prepare(settings)
    assert (settings.key_dir / "values.key").read_bytes() == before
    assert sorted(path.name for path in settings.key_dir.iterdir()) == ["certificates.key", "hooks.key", "values.key"]


def test_the_key_that_signs_identities_is_made_once_where_sign_on_is_on(tmp_path: Path) -> None:
    settings = load({"SLIPWAY_STATE_DIR": str(tmp_path / "s"), "SLIPWAY_KEYCLOAK": "https://sso.example.org"})
    folders.prepare(settings)
    file = settings.key_dir / "identity.key"
    before = file.read_bytes()
    assert IdentityKey(file).public["keys"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    folders.prepare(settings)
    assert file.read_bytes() == before
    (settings.state_dir / "slipway.db").touch()
    file.unlink()
    folders.prepare(settings)
    assert file.read_bytes() != before, "nothing is sealed with it"


def test_a_lost_key_is_never_replaced_silently(settings: Settings) -> None:
    folders.prepare(settings)
    (settings.state_dir / "slipway.db").touch()
    (settings.key_dir / "values.key").unlink()
    with pytest.raises(HostUnready, match=r"values\.key") as failure:
        folders.prepare(settings)
    assert "backup" in failure.value.remedy
    assert not (settings.key_dir / "values.key").exists()


def test_a_path_too_long_for_sockets_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 120)
    with pytest.raises(HostUnready, match="bytes too long"):
        folders.prepare(load({"SLIPWAY_STATE_DIR": str(long)}))
    assert not long.exists()


def test_a_folder_that_lets_nobody_through_blocks_the_edge(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "state"
    inner.mkdir(parents=True)
    for folder in (tmp_path, *tmp_path.parents[:-1], inner):
        if folder.owner() and not folder.stat().st_mode & 1 and tmp_path.parts[1] == "tmp":
            folder.chmod(folder.stat().st_mode | 1)
    assert folders.blocked_for_edge(inner) is None
    (tmp_path / "closed").chmod(0o700)
    assert folders.blocked_for_edge(inner) == tmp_path / "closed"


def test_the_example_in_the_tree_is_what_the_settings_say() -> None:
    assert (ROOT / ".env.example").read_text() == env_example(), "run: make env"


def test_the_example_can_be_used_as_it_is(tmp_path: Path) -> None:
    uncommented = "\n".join(
        line.removeprefix("#") for line in env_example().splitlines() if line.startswith("#SLIPWAY")
    )
    (tmp_path / ".env").write_text(uncommented)
    assert load(environment(tmp_path / ".env", environ={})) == load({})


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('# mine\nexport SLIPWAY_WORKERS=3\nSLIPWAY_EDGE_ID="edge-7"\n')
    merged = environment(tmp_path / ".env", environ={"SLIPWAY_WORKERS": "5"})
    assert (merged["SLIPWAY_WORKERS"], merged["SLIPWAY_EDGE_ID"]) == ("5", "edge-7")


def test_the_state_folder_stands_beside_the_checkout_unless_the_file_names_another(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLIPWAY_STATE_DIR=/srv/slipway\n")
    assert environment(tmp_path / ".env", tmp_path / "own", {})["SLIPWAY_STATE_DIR"] == "/srv/slipway"
    assert environment(tmp_path / "none", tmp_path / "own", {})["SLIPWAY_STATE_DIR"] == str(tmp_path / "own")


def test_a_broken_line_is_named_by_its_number_and_not_by_its_content(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLIPWAY_WORKERS=3\nsecret value\n")
    with pytest.raises(SettingsError, match="line 2") as failure:
        environment(tmp_path / ".env", environ={})
    assert "secret" not in failure.value.message

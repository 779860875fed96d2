"""Settings: read once, from an injectable mapping, failing with the key's name and never its value."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, fields
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from slipway import settings
from slipway.errors import SettingsError
from slipway.settings import CLIENT_KEYS, PREFIX, Settings

ROOT = Path(__file__).parents[2]


def load(**values: str) -> Settings:
    return settings.load({PREFIX + name: value for name, value in values.items()})


def test_every_setting_has_a_default_that_works() -> None:
    found = load()
    assert all(getattr(found, field.name) is not None for field in fields(Settings))
    assert found.delivery_max_bytes == 25 << 20


def test_the_edge_listens_for_https_where_it_is_set_to() -> None:
    assert load().edge_listens == ("8080",)
    assert load(HTTPS_LISTEN="10.0.0.1:8443").edge_listens == ("8080", "10.0.0.1:8443")


def test_the_state_folder_is_the_place_of_all_defaults_that_need_one() -> None:
    found = load(STATE_DIR="/srv/slipway")
    assert found.database_url == "sqlite:////srv/slipway/slipway.db"
    assert found.redis_url == "unix:///srv/slipway/run/redis.sock"
    assert (found.key_dir, found.log_dir) == (Path("/srv/slipway/keys"), Path("/srv/slipway/logs"))
    sockets = {found.webhook_socket, found.router_socket, found.router_internal_socket, found.agent_socket}
    assert len(sockets) == 4
    assert {each.parent for each in sockets} == {Path("/srv/slipway/run")}


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("8080", "http://console.example:8080"),
        ("80", "http://console.example"),
        ("127.0.0.1:8090", "http://console.example:8090"),
        ("[::1]:80", "http://console.example"),
        ("127.0.0.1", "http://console.example"),
    ],
)
def test_the_public_address_follows_the_console_host_and_the_port(listen: str, url: str) -> None:
    assert load(HTTP_LISTEN=listen, CONSOLE_HOST="console.example").public_url == url
    assert load(HTTP_LISTEN=listen, PUBLIC_URL="https://set.example").public_url == "https://set.example"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DELIVERY_MAX_BYTES", "512m", 512 << 20),
        ("DELIVERY_MAX_BYTES", "4G", 4 << 30),
        ("DELIVERY_MAX_BYTES", "10kb", 10 << 10),
        ("DELIVERY_MAX_BYTES", "7", 7),
        ("WORKERS", "3", 3),
        ("LAPSE_S", "2.5", 2.5),
        ("SUBNETS", "10.1.0.0/16", IPv4Network("10.1.0.0/16")),
        ("GIT_HOSTS", " a.org, b.org:8080 ,", ("a.org", "b.org:8080")),
        ("GIT_HOSTS", "", ()),
        ("LOG_LEVEL", "debug", {"": "DEBUG"}),
        ("LOG_LEVEL", "info,agent=debug", {"": "INFO", "agent": "DEBUG"}),
        ("INSTANCE", "slip-2", "slip-2"),
        ("STATE_DIR", "/srv/x", Path("/srv/x")),
    ],
)
def test_values_have_types(name: str, text: str, value: Any) -> None:
    assert getattr(load(**{name: text}), name.lower()) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("WORKERS", "many"),
        ("WORKERS", ""),
        ("LAPSE_S", "soon"),
        ("DELIVERY_MAX_BYTES", "-1"),
        ("DELIVERY_MAX_BYTES", "4 gigabytes"),
        ("SUBNETS", "10.0.0.0/99"),
        ("SUBNETS", "10.210.0.1/16"),
        ("LOG_LEVEL", "loud"),
        ("LOG_LEVEL", "agent=loud"),
        ("INSTANCE", "Not A Name"),
        ("INSTANCE", "x" * 17),
        ("REPLICA_CPUS", "1e-9"),
        ("REPLICA_CPUS", "0"),
        ("REPLICA_CPUS", "nan"),
        ("REPLICA_CPUS", "inf"),
        ("REPLICA_CPUS", "-1"),
        ("BUILD_CPUS", "0.001"),
        ("REPLICA_PIDS", "0"),
        ("REPLICA_PIDS", "-1"),
        ("REPLICA_MEMORY_BYTES", "0"),
        ("REPLICA_MEMORY_BYTES", "9999999t"),
        ("BUILD_TIMEOUT_S", "inf"),
        ("LAPSE_S", "nan"),
        ("POLL_S", "-1"),
        ("EDGE_WORKERS", "0"),
        ("HISTORY_DAYS", "-1"),
    ],
)
def test_a_value_that_is_not_valid_is_reported_by_its_key_and_not_shown(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"SLIPWAY_{name} is not valid") as refused:
        load(**{name: text})
    assert not re.search(rf"(?<![\w.]){re.escape(text or 'nothing')}(?![\w.])", refused.value.message)


def test_bounds_are_reported() -> None:
    with pytest.raises(SettingsError, match=r"SLIPWAY_REPLICA_CPUS is not valid: it has to be from 0\.01 to 256"):
        load(REPLICA_CPUS="0")
    assert load(BUILD_CPUS="0").build_cpus == 0


def test_an_unknown_setting_is_reported() -> None:
    with pytest.raises(SettingsError, match="SLIPWAY_WORKRES, in the environment, is not a setting") as refused:
        load(WORKRES="2")
    assert ".env.example" in refused.value.remedy


def test_an_unknown_setting_in_the_file_is_reported_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("SLIPWAY_WORKERS=1\n# a comment\nSLIPWAY_WORKRES=secret\n")
    with pytest.raises(SettingsError) as refused:
        settings.environment(file, environ={})
    assert refused.value.message == "line 3 of .env: SLIPWAY_WORKRES is not a setting"


def test_the_clients_own_keys_are_no_unknown_settings() -> None:
    settings.load(dict.fromkeys(CLIENT_KEYS, "x"))


def test_what_is_not_ours_is_left_alone() -> None:
    settings.load({"PATH": "/bin", "SLIPWAYS": "x"})


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        load().workers = 3  # type: ignore[misc]


def test_the_example_names_every_setting_with_its_default_and_no_other() -> None:
    named = dict(re.findall(r"^#? ?(SLIPWAY_[A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert set(named) == {PREFIX + field.name.upper() for field in fields(Settings)}
    settings.load({name: value for name, value in named.items() if value})


def test_every_setting_says_what_it_is_for() -> None:
    assert [field.name for field in fields(Settings) if not field.metadata["about"]] == []


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# a comment\n\nSLIPWAY_WORKERS=1\nexport SLIPWAY_INSTANCE='one'\nSLIPWAY_EDGE_ID=\"e\"\n")
    found = settings.environment(file, environ={"SLIPWAY_WORKERS": "3"})
    assert found == {"SLIPWAY_WORKERS": "3", "SLIPWAY_INSTANCE": "one", "SLIPWAY_EDGE_ID": "e"}


def test_the_state_folder_is_absolute_and_given_where_nobody_set_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    none = tmp_path / "none"
    assert settings.environment(none, tmp_path / "state", {})["SLIPWAY_STATE_DIR"] == str(tmp_path / "state")
    assert settings.environment(none, None, {"SLIPWAY_STATE_DIR": "rel"})["SLIPWAY_STATE_DIR"] == str(tmp_path / "rel")
    assert settings.environment(none, None, {}) == {}


@pytest.mark.parametrize("line", ["SLIPWAY_WORKERS", "1=2", "a b=c", "=secret"])
def test_a_line_of_the_file_that_is_no_setting_is_reported_by_its_number(tmp_path: Path, line: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"A=1\n{line}\n")
    with pytest.raises(SettingsError, match=r"line 2 of \.env") as refused:
        settings.environment(file, environ={})
    assert line not in refused.value.message


def test_the_client_finds_its_folder() -> None:
    assert settings.client({"HOME": "/home/me"})["config_dir"] == "/home/me/.config/slipway"
    assert settings.client({"XDG_CONFIG_HOME": "/x", "HOME": "/h"})["config_dir"] == "/x/slipway"
    assert settings.client({"SLIPWAY_CONFIG_DIR": "/y", "HOME": "/h"})["config_dir"] == "/y"


def test_the_client_takes_address_token_and_app() -> None:
    found = settings.client({"SLIPWAY_URL": "u", "SLIPWAY_TOKEN": "t", "SLIPWAY_APP": "a", "HOME": "/"})
    assert found.items() >= {"url": "u", "token": "t", "app": "a"}.items()
    assert found.keys() == settings.client({}).keys()


def test_only_this_module_reads_settings_from_the_environment() -> None:
    """Handing the environment on to a program, or looking for one on PATH, reads no setting. (This module itself takes
    a mapping.)"""
    reading = re.compile(r"""os\.environ(?:\.get\(|\[)\s*["'](?!PATH["'])|\bgetenv\b""")
    sources = [path for folder in ("slipway", "webhook", "builder", "router") for path in (ROOT / folder).rglob("*.py")]
    found = {str(path.relative_to(ROOT)) for path in sources if reading.search(path.read_text())}
    assert found == set()

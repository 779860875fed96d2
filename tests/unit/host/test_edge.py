"""The edge's folder: what the settings become in nginx's configuration."""

from __future__ import annotations

import json
import shutil

import pytest

from slipway import settings as slipway_settings
from slipway.errors import HostUnready, SettingsError
from slipway.host import edge
from slipway.host.install import default_certificate


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """Prepare with these settings, and return the folder and the command."""
    nginx = tmp_path / "bin" / "nginx"
    nginx.parent.mkdir()
    nginx.touch(0o755)
    monkeypatch.setenv("PATH", str(nginx.parent))

    def prepare(**values):
        environ = {"SLIPWAY_STATE_DIR": str(tmp_path / "state")}
        environ |= {f"SLIPWAY_{name.upper()}": value for name, value in values.items()}
        command = edge.prepare(slipway_settings.load(environ))
        assert command[0] == str(nginx)
        return tmp_path / "state" / "edge", command

    return prepare


def test_the_command_runs_nginx_in_the_foreground_from_the_folder(prepared):
    folder, command = prepared(edge_workers="3", log_level="info,edge=debug")

    assert command[1:5] == ["-p", f"{folder}/", "-c", f"{folder}/nginx.conf"]
    globals_ = command[command.index("-g") + 1]
    assert "daemon off;" in globals_
    assert "worker_processes 3;" in globals_
    assert "error_log stderr info;" in globals_


def test_workers_change_user_only_when_root_starts_them(prepared, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert f"user {edge.WORKER_USER};" in prepared()[1][-1]
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert "user " not in prepared()[1][-1]


def test_values_reach_the_configuration(prepared):
    folder, _ = prepared(
        http_listen="10.0.0.1:80",
        console_host="console.example.org",
        trusted_proxies="10.0.0.0/24, 192.168.1.1, 2001:db8::/32",
    )
    values = (folder / "values.conf").read_text()

    assert "listen 10.0.0.1:80 default_server" in values
    assert "server_name console.example.org;" in values
    assert "set_real_ip_from 10.0.0.0/24;\nset_real_ip_from 192.168.1.1/32;\nset_real_ip_from 2001:db8::/32;" in values
    assert f"server unix:{folder.parent}/run/router.sock;" in values


def test_https_is_listened_on_only_where_it_is_asked_for(prepared, monkeypatch):
    monkeypatch.setattr("slipway.host.install.certificate.check", lambda *_: None)
    folder, _ = prepared()
    state = folder.parent
    assert "ssl" not in (folder / "values.conf").read_text()

    prepared(https_listen="8443", tls_certificate="/etc/ssl/own.pem", tls_key="/etc/ssl/own.key")

    values = (folder / "values.conf").read_text()
    of_default = f"{state}/certificates/default"
    assert f"ssl_certificate {of_default}/fullchain.pem;\nssl_certificate_key {of_default}/key.pem;" in values
    given = json.loads((folder / "settings.json").read_text())
    assert given["certificates"] == f"{state}/certificates"
    assert given["static_certificate"] == {"certificate": "/etc/ssl/own.pem", "key": "/etc/ssl/own.key"}
    assert values.count("listen 8443 ssl http2") == 2  # the apps', and the console's
    assert "listen 8443 ssl http2 default_server" in values


def test_half_a_certificate_of_the_operators_is_refused_before_nginx_starts(prepared):
    with pytest.raises(HostUnready, match="SLIPWAY_TLS_CERTIFICATE is not"):
        prepared(https_listen="8443", tls_key="/etc/ssl/own.key")


def test_the_default_certificate_is_made_once_and_anew_when_it_is_broken(prepared):
    folder, _ = prepared(https_listen="8443")
    files = default_certificate.files(folder.parent / "certificates")
    first = files.chain.read_bytes()
    prepared(https_listen="8443")
    assert files.chain.read_bytes() == first

    files.key.write_bytes(b"broken")
    prepared(https_listen="8443")
    assert files.chain.read_bytes() != first
    assert files.key.stat().st_mode & 0o777 == files.chain.stat().st_mode & 0o777 == 0o600
    assert "static_certificate" not in json.loads((folder / "settings.json").read_text())


@pytest.mark.parametrize(("listen", "port"), [("443", ""), ("0.0.0.0:443", ""), ("127.0.0.1:8443", ":8443")])
def test_a_redirect_names_the_port_where_it_is_not_the_usual_one(prepared, listen, port):
    folder, _ = prepared(https_listen=listen)
    assert f'$slipway_https_port {{ default "{port}"; }}' in (folder / "values.conf").read_text()


@pytest.mark.parametrize(
    "setting",
    [
        {"http_listen": "80; include /etc/passwd"},
        {"console_host": "a b"},
        {"console_host": "$host"},
        {"trusted_proxies": "10.0.0.0/8 1; }"},
        {"trusted_proxies": "unix:"},
        {"trusted_proxies": "10.0.0.1/24"},
        {"trusted_proxies": "10.0.0.0/8"},  # tenants' networks are cut from a part of it
        {"trusted_proxies": "10.210.7.2"},
        {"redis_url": "rediss://cache:6379"},
        {"redis_url": "redis://no..name:6379"},
    ],
)
def test_a_value_that_nginx_could_misread_is_refused_by_its_key(prepared, setting):
    with pytest.raises(SettingsError) as refused:
        prepared(**setting)

    (name, value), *_ = setting.items()
    assert f"SLIPWAY_{name.upper()}" in refused.value.message
    assert value not in refused.value.message


@pytest.mark.parametrize(
    ("url", "redis"),
    [
        ("unix:///run/redis.sock", {"socket": "/run/redis.sock", "db": 0}),
        ("unix:///run/redis.sock?db=3", {"socket": "/run/redis.sock", "db": 3}),
        ("redis://localhost", {"host": "127.0.0.1", "port": 6379, "db": 0}),
        ("redis://:s%40crit@10.0.0.2:7000/2", {"host": "10.0.0.2", "port": 7000, "db": 2, "password": "s@crit"}),
        ("redis://me:pw@[::1]", {"host": "[::1]", "port": 6379, "db": 0, "username": "me", "password": "pw"}),
    ],
)
def test_where_redis_is(prepared, url, redis):
    folder, _ = prepared(redis_url=url)

    written = json.loads((folder / "settings.json").read_text())
    assert written.pop("limits_secret") != written.pop("tried_secret")
    assert written == {
        "edge_id": "edge-1",
        "bodies_bytes": 4 << 30,
        "redis": redis,
        "sign_on": False,
        "public_url": "http://slipway.localhost:8080",
        "router_internal_socket": f"{folder.parent}/run/router-internal.sock",
    }


def test_lua_learns_whether_people_can_sign_in_and_where(prepared):
    folder, _ = prepared(keycloak="https://id.example.org", public_url="https://console.example.org")

    written = json.loads((folder / "settings.json").read_text())
    assert (written["sign_on"], written["public_url"]) == (True, "https://console.example.org")
    values = (folder / "values.conf").read_text()
    assert f"upstream slipway_router_internal {{ server unix:{written['router_internal_socket']}; }}" in values


def test_only_its_owner_reads_what_may_hold_a_password(prepared):
    folder, _ = prepared()

    assert (folder / "settings.json").stat().st_mode & 0o777 == 0o600
    assert (folder / "nginx.conf").stat().st_mode & 0o777 == 0o644


def test_the_folder_follows_the_sources(prepared, tmp_path, monkeypatch):
    folder, _ = prepared()
    source = tmp_path / "nginx"
    shutil.copytree(edge.SOURCE, source)
    (source / "nginx.conf").write_text("# another\n")
    (source / "lua" / "slipway" / "gates" / "access.lua").unlink()
    monkeypatch.setattr(edge, "SOURCE", source)

    prepared()

    assert (folder / "nginx.conf").read_text() == "# another\n"
    assert not (folder / "lua" / "slipway" / "gates" / "access.lua").exists()
    assert not list(folder.rglob("*.new"))
    assert not list(folder.rglob("*_spec.lua"))


def test_without_nginx_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)

    with pytest.raises(SettingsError, match="nginx is not installed") as refused:
        edge.prepare(slipway_settings.load({"SLIPWAY_STATE_DIR": str(tmp_path)}))
    assert "apt-get install" in refused.value.remedy

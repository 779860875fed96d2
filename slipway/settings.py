"""All settings, read once. The only module that looks at the environment.

Each field is one `SLIPWAY_<NAME>` variable with a default that works on one host; `.env.example` lists them all
(a test holds the two together). Durations are seconds (`_s`), sizes bytes (`_bytes`, written as `4g`, `512m`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slipway.errors import SettingsError

PREFIX = "SLIPWAY_"
DELIVERY_SLACK_BYTES = 1 << 20
"""So much more than `delivery_max_bytes` nginx lets through, so that the webhook says why it refuses."""
_SIZE = re.compile(r"(\d+)([kmgt]?)b?", re.IGNORECASE)
LEAST_CPUS, MOST_CPUS = 0.01, 256
FORGE_KINDS = ("github", "gitea", "forgejo", "gitlab", "bitbucket", "bitbucket-data-center")
"""As `slipway.adapters.git.status_apis` has them."""
RUN_MOST_S = 86400
"""No command of a run may take longer, whoever asks for it."""
QUOTAS = ("apps", "replicas", "cpus", "memory_mb", "build_minutes", "domains", "volumes")
"""What a tenant's use can be limited in, as `slipway.core.quota.quotas` has it."""
_FACTOR = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_ENV_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=(?P<value>.*)")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,15}")
_ZONE = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_PLUGIN = re.compile(r"[a-z][a-z0-9-]{0,60}[a-z0-9]")
Address = IPv4Address | IPv6Address
_REALM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
OFF, LOCAL = "off", "local"
"""Kinds of a Keycloak; the third is its URL."""
_PORTS = {"http": 80, "https": 443}
_LISTEN = re.compile(r"(?:(?P<address>.*):)?(?P<port>\d+)")


def _size(text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise ValueError("write a size such as 512m or 4g")
    return int(match[1]) * _FACTOR[match[2].lower()]


def _seconds(text: str) -> float:
    return _within(float(text), 0, 100 * 366 * 86400)


def _session_life(text: str) -> float:
    return _within(float(text), 60, 43200)


def _run_time(text: str) -> float:
    return _within(float(text), 1, RUN_MOST_S)


def _backup_interval(text: str) -> float:
    return _within(float(text), 0.01, 8784)


def _cpus(text: str) -> float:
    return _within(float(text), LEAST_CPUS, MOST_CPUS)


def _cpus_or_none(text: str) -> float:
    """0: no limit."""
    return 0.0 if float(text) == 0 else _cpus(text)


def _count(least: int, most: int) -> Callable[[str], int]:
    return lambda text: int(_within(int(text), least, most))


def _memory(text: str) -> int:
    return int(_within(_size(text), 16 << 20, 1 << 50))


def _bodies(text: str) -> int:
    return int(_within(_size(text), 1 << 20, 1 << 50))


def _within(value: float, least: float, most: float) -> float:
    """The value; also for what the runtime would round to nothing and so take for no limit at all."""
    if not least <= value <= most:  # also where it is no number
        raise ValueError(f"it has to be from {least:g} to {most:g}")
    return value


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


@dataclass(frozen=True, slots=True)
class ForgeToken:
    """A forge that commit statuses are sent to."""

    kind: str
    url: str
    """Of the forge itself; of GitHub and Bitbucket Cloud that of their API."""
    token: str = field(repr=False)


def _owners(text: str) -> tuple[str, ...]:
    """`github.com/acme, git.example.org/tools/web`."""
    found = tuple(part.strip("/").lower() for part in _names(text))
    if any("/" not in part or "//" in part for part in found):
        raise ValueError("write the forge's host and an owner of repositories there, as github.com/acme")
    return found


def _forge_tokens(text: str) -> tuple[ForgeToken, ...]:
    """`gitea https://git.example.org TOKEN, gitlab https://gitlab.com TOKEN`."""
    return tuple(_forge_token(part.split()) for part in _names(text))


def _forge_token(words: list[str]) -> ForgeToken:
    if len(words) != 3:
        raise ValueError("write a kind of forge, its URL and a token, with spaces between")
    kind, url, token = words
    where = urlsplit(url)
    if kind not in FORGE_KINDS:
        raise ValueError(f"kinds of forges are {', '.join(FORGE_KINDS)}")
    if where.scheme not in _PORTS or not where.hostname or where.username is not None or where.query:
        raise ValueError("write the URL as https://git.example.org")
    if not token.isascii():
        raise ValueError("a token is ASCII text")
    return ForgeToken(kind, url, token)


def _quotas(text: str) -> Mapping[str, float]:
    """`apps=20,cpus=2.5`."""
    quotas: dict[str, float] = {}
    for part in _names(text):
        name, _, value = part.partition("=")
        if name not in QUOTAS:
            raise ValueError(f"quotas are {', '.join(QUOTAS)}")
        number = _within(float(value), 0, 1_000_000_000)
        if number != (round(number, 3) if name == "cpus" else int(number)):
            raise ValueError("quotas are whole numbers; of CPUs with at most three digits after the point")
        quotas[name] = number if name == "cpus" else int(number)
    return quotas


def _instance(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("use 1 to 16 lower-case letters, digits and dashes, a letter first")
    return text


def _realm(text: str) -> str:
    if not _REALM.fullmatch(text) or text == "master":
        raise ValueError("use letters, digits, dots, dashes and underscores; master is Keycloak's own")
    return text


def _levels(text: str) -> Mapping[str, str]:
    """`info` or `info,agent=debug`: a default, then a level by service."""
    levels: dict[str, str] = {}
    for part in _names(text):
        service, _, level = part.rpartition("=")
        if level.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError("levels are debug, info, warning and error")
        levels[service] = level.upper()
    return levels


def _keycloak(text: str) -> str:
    """`off`, `local`, or the URL of one: over TLS, unless it is on this machine."""
    where = urlsplit(text)
    if text in (OFF, LOCAL) or (where.hostname and where.scheme == "https"):
        return text.rstrip("/")
    if where.scheme == "http" and where.hostname and _is_loopback(where.hostname):
        return text.rstrip("/")
    raise ValueError("write off, local, or the https URL of a Keycloak")


def _authority(text: str) -> str:
    """Accounts' keys sign what is sent there, and what comes back is believed: over TLS alone."""
    if text in ("", OFF) or (urlsplit(text).scheme == "https" and urlsplit(text).hostname):
        return text
    raise ValueError("write off, or the https URL of an ACME directory")


def _addresses(text: str) -> tuple[Address, ...]:
    return tuple(ip_address(part) for part in _names(text))


def _resolvers(text: str) -> tuple[str, ...]:
    """Each an address, or `address:port` (`[address]:port` of IPv6)."""
    for part in _names(text):
        ip_address(_resolver_address(part))
    return _names(text)


def _resolver_address(text: str) -> str:
    if text.startswith("[") or text.count(":") == 1:
        return address_of(text)[0]
    return text


def _zone(text: str) -> str:
    zone = text.strip().rstrip(".").lower()
    if zone and not _ZONE.fullmatch(zone):
        raise ValueError("write a DNS zone such as challenges.example.org")
    return zone


def _dns_plugin(text: str) -> str:
    if text and not _PLUGIN.fullmatch(text):
        raise ValueError("write the name of a plug-in of certbot, such as dns-rfc2136")
    return text


def _responder(text: str) -> str:
    if text and not address_of(text)[0]:
        raise ValueError("write address:port, as 203.0.113.7:53: another DNS server may use the port elsewhere")
    if text:
        ip_address(address_of(text)[0])
    return text


def _loopback(text: str) -> str:
    address, _port = address_of(text)
    if not _is_loopback(address):
        raise ValueError("write address:port with an address of this machine alone, such as 127.0.0.1:8180")
    return text


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _setting(default: str, about: str, parse: Callable[[str], Any] = str) -> Any:
    return field(metadata={"default": default, "about": about, "parse": parse})


@dataclass(frozen=True, slots=True)
class Settings:
    """The platform's settings, frozen. In a default `{state}` stands for STATE_DIR, `{console}` for CONSOLE_HOST with
    the port of HTTP_LISTEN."""

    # where things are
    instance: str = _setting("slipway", "name of this installation; prefixes networks and labels", _instance)
    state_dir: Path = _setting("/var/lib/slipway", "everything Slipway keeps on disk", Path)
    database_url: str = _setting("sqlite:///{state}/slipway.db", "SQLite file or postgresql+psycopg://…")
    database_owner_url: str = _setting(
        "", "the same with the PostgreSQL role that owns the tables; empty: the same role"
    )
    redis_url: str = _setting("unix://{state}/run/redis.sock", "queue, route table for the edges, live logs")
    runtime: str = _setting("docker", "what runs replicas; there is one: docker")
    docker_host: str = _setting("unix:///var/run/docker.sock", "the Docker Engine")
    docker_cli: str = _setting("", "docker client able to do BuildKit builds; empty: the first one that can")
    scratch_dir: Path = _setting("/dev/shm", "RAM-backed folder (tmpfs) where sources live during a build", Path)  # noqa: S108

    # the edge
    http_listen: str = _setting("8080", "port or address:port of the edge")
    https_listen: str = _setting("", "port or address:port of the edge's HTTPS and HTTP/2; empty: none")
    tls_certificate: str = _setting("", "PEM file with the certificate for HTTPS and its chain")
    tls_key: str = _setting("", "PEM file with that certificate's key")
    console_host: str = _setting("slipway.localhost", "host of the API, the webhooks and the console")
    app_domain: str = _setting("localhost", "apps get <app>.<this> as their first host")
    public_url: str = _setting("http://{console}", "how the console host is reached from outside")
    edge_id: str = _setting("edge-1", "name of the edge on this host")
    edge_workers: int = _setting("2", "nginx worker processes", _count(1, 256))
    edge_bodies_bytes: int = _setting("4g", "disk that request bodies at the edge may take, all together", _bodies)
    metrics_listen: str = _setting("", "address:port of the edge's Prometheus metrics; empty: its private socket alone")
    trusted_proxies: tuple[str, ...] = _setting("", "networks whose X-Forwarded-For is believed", _names)

    # certificates
    acme_directory: str = _setting(
        "https://acme-v02.api.letsencrypt.org/directory",
        "ACME directory of the authority that issues certificates for hosts; off: none",
        _authority,
    )
    acme_fallback: str = _setting("", "directory of a second authority, asked while the first is down", _authority)
    acme_email: str = _setting("", "address of the accounts there; empty: none")
    acme_ca_bundle: str = _setting("", "PEM file with the roots of an authority of one's own; empty: the system's")
    acme_profile: str = _setting(
        "", "profile of certificates to ask for, such as shortlived; empty: the authority's own"
    )
    acme_http_port: int = _setting(
        "80", "port at which the authority asks for challenges; another one only at one's own", _count(1, 65535)
    )

    # names and DNS
    public_addresses: tuple[Address, ...] = _setting(
        "", "addresses that domains have to lead to; empty: the public ones of this host", _addresses
    )
    dns_resolvers: tuple[str, ...] = _setting(
        "", "resolvers that are asked (address or address:port); empty: the system's own", _resolvers
    )
    acme_dns_zone: str = _setting("", "zone for challenges of wildcards, which names are delegated to by CNAME", _zone)
    acme_dns_listen: str = _setting("", "address:port of the DNS server for ACME_DNS_ZONE; empty: none", _responder)
    acme_dns_plugin: str = _setting(
        "",
        "certbot's plug-in that sets records at a DNS provider, such as dns-rfc2136; empty: ACME_DNS_ZONE answers",
        _dns_plugin,
    )
    acme_dns_credentials: str = _setting("", "the credentials file of that plug-in, for root's eyes alone")
    acme_dns_wait_s: int = _setting(
        "60", "how long that provider takes until all its servers know a record", _count(0, 3600)
    )

    # processes
    workers: int = _setting("2", "deployments built at the same time", _count(0, 256))
    web_threads: int = _setting("8", "threads of webhook and router", _count(1, 1024))
    streams: int = _setting("300", "logs and states followed at a time on this host", _count(1, 1024))
    streams_per_tenant: int = _setting("20", "of these by one tenant; half as many by one token", _count(1, 1024))
    log_level: Mapping[str, str] = _setting("info", "level, then by service: info,agent=debug", _levels)

    # sign-on
    keycloak: str = _setting(
        OFF, "who signs people in: off, local (a Keycloak on this host), or a Keycloak's URL", _keycloak
    )
    keycloak_realm: str = _setting("slipway", "its realm for Slipway", _realm)
    keycloak_listen: str = _setting("127.0.0.1:8180", "address:port of the local Keycloak, on loopback", _loopback)
    keycloak_management_listen: str = _setting(
        "127.0.0.1:8181", "address:port where the local Keycloak tells its health, on loopback", _loopback
    )
    keycloak_hostname: str = _setting(
        "", "URL at which browsers reach the local Keycloak through the edge; empty: at its own port"
    )
    keycloak_memory_bytes: int = _setting("384m", "heap of the local Keycloak, at most", _memory)
    session_idle_s: float = _setting("7200", "a session ends when nobody uses it for so long", _session_life)
    session_lifetime_s: float = _setting("43200", "a session ends after so long in any case", _session_life)

    # networks
    subnets: IPv4Network = _setting("10.210.0.0/16", "range that tenants' networks are cut from", IPv4Network)
    tenant_prefix: int = _setting("24", "size of one tenant's network", _count(8, 30))

    # builds
    build_timeout_s: float = _setting("1800", "a build that takes longer is stopped", _seconds)
    source_max_bytes: int = _setting("1g", "largest source tree; it is held in memory during its build", _size)
    build_memory_bytes: int = _setting("4g", "cap for all builds together", _size)
    build_cpus: float = _setting("0", "CPUs for all builds together; 0: no cap", _cpus_or_none)
    build_pids: int = _setting("4096", "processes and threads of all builds together; 0: no cap", _count(0, 1 << 22))
    base_images: tuple[str, ...] = _setting(
        "debian,python,node,golang,ruby,php,composer,eclipse-temurin,maven,gradle,rust,nginx,alpine,ubuntu,redis,postgres,"
        "busybox,scratch,mcr.microsoft.com/dotnet/sdk,mcr.microsoft.com/dotnet/aspnet",
        "local images that Dockerfiles may start from or copy from",
        _names,
    )
    registries: tuple[str, ...] = _setting(
        "public", "registries apps' images may come from (host or host:port); public: any with a public address", _names
    )
    service_registry: str = _setting(
        "", "where images of attached services come from: a registry, perhaps with a path; empty: Docker Hub"
    )
    frontends: tuple[str, ...] = _setting("docker/dockerfile", "images allowed in a Dockerfile's # syntax line", _names)
    python_image: str = _setting("python:3.11-slim", "base image of detected Python apps")
    static_image: str = _setting("python:3.11-slim", "base image of static sites")
    debian_image: str = _setting("debian:bookworm-slim", "base image that compiled programs run on")
    node_image: str = _setting("node:24-slim", "base image of detected Node apps")
    go_image: str = _setting("golang:1-bookworm", "image that builds detected Go apps")
    php_image: str = _setting("php:8.2-apache", "base image of detected PHP apps: PHP with Apache")
    composer_image: str = _setting("composer:2", "image that Composer is taken from")
    ruby_image: str = _setting("ruby:3.4", "image that builds detected Ruby apps")
    ruby_runtime_image: str = _setting("ruby:3.4-slim", "base image of detected Ruby apps")
    java_image: str = _setting("eclipse-temurin:17-jdk", "image that builds detected Java apps")
    java_runtime_image: str = _setting("eclipse-temurin:17-jre", "base image of detected Java apps")
    maven_image: str = _setting("maven:3", "image that Maven is taken from")
    gradle_image: str = _setting("gradle:8", "image that Gradle is taken from, for projects without its wrapper")
    rust_image: str = _setting("rust:1-bookworm", "image that builds detected Rust apps")
    dotnet_image: str = _setting("mcr.microsoft.com/dotnet/sdk:10.0", "image that builds detected .NET apps")
    dotnet_runtime_image: str = _setting("mcr.microsoft.com/dotnet/aspnet:10.0", "base image of detected .NET apps")
    buildpacks_builder_image: str = _setting(
        "heroku/builder:24", "builder of Cloud Native Buildpacks, for apps that ask"
    )
    buildpacks_run_image: str = _setting("heroku/heroku:24", "the image that belongs to it, on which they run")
    railpack_image: str = _setting(
        "ghcr.io/railwayapp/railpack-frontend:v0.36.4", "Railpack, for apps that ask for that builder"
    )
    disk_floor_bytes: int = _setting("2g", "builds are refused or stopped when less is free in Docker's data", _size)
    releases_kept: int = _setting("5", "releases of an app kept for rollback", _count(0, 10000))

    # deployments
    heartbeat_s: float = _setting("2", "how often a worker says that it lives", _seconds)
    lapse_s: float = _setting("15", "silence after which a deployment is given to another worker", _seconds)
    reconcile_s: float = _setting("2", "how often desired and observed state are compared without an event", _seconds)
    history_days: int = _setting(
        "365", "days that the audit, ended deployments and deliveries that deployed nothing are kept", _count(1, 36500)
    )
    poll_s: float = _setting("300", "how often branch heads are read, to deploy pushes without a delivery", _seconds)
    probe_timeout_s: float = _setting("30", "how long a new replica may take to answer its first probe", _seconds)
    confirm_timeout_s: float = _setting("60", "how long every edge has to confirm a route change", _seconds)
    watch_s: float = _setting("10", "how long a new release is watched after the switch; 0: not at all", _seconds)
    drain_grace_s: float = _setting("30", "how long old replicas may finish their requests", _seconds)
    stop_grace_s: float = _setting("10", "between SIGTERM and SIGKILL", _seconds)
    pre_deploy_timeout_s: float = _setting("600", "how long a pre-deploy command may take", _seconds)
    run_timeout_s: float = _setting("3600", "how long a command of slipway run or of a schedule may take", _run_time)
    terminal_idle_s: float = _setting("900", "how long a terminal in a replica may be silent", _seconds)
    runs_per_tenant: int = _setting("10", "such commands of one tenant at a time", _count(1, 1024))

    # backups
    backup_folder: str = _setting("", "folder for scheduled backups, better on another disk; empty: none are made")
    backup_every_h: float = _setting("24", "hours from one scheduled backup to the next", _backup_interval)
    backup_keep: int = _setting("7", "scheduled backups kept; older ones are removed", _count(1, 10000))
    backup_passphrase_file: str = _setting(
        "", "file with the passphrase that backups are encrypted with; empty: {state}/backup.key, a key made once"
    )

    # tenants
    default_quotas: Mapping[str, float] = _setting(
        "", "what a tenant without another plan may use, such as apps=20,cpus=8; empty: as much as it likes", _quotas
    )

    # replicas
    replica_memory_bytes: int = _setting("512m", "memory of one replica, unless the app says otherwise", _memory)
    replica_cpus: float = _setting("1", "CPUs of one replica, unless the app says otherwise", _cpus)
    replica_pids: int = _setting("256", "processes and threads of one replica", _count(8, 32768))
    output_kept_bytes: int = _setting("1m", "output kept of each replica after it is gone", _size)

    # GitHub (or whatever speaks its protocol)
    delivery_max_bytes: int = _setting("25m", "largest delivery accepted", _size)
    secret_overlap_s: float = _setting("86400", "how long a rotated hook secret stays valid", _seconds)
    git_hosts: tuple[str, ...] = _setting(
        "public", "hosts repositories may be cloned from (host or host:port); public: any with a public address", _names
    )
    issuer_hosts: tuple[str, ...] = _setting(
        "public",
        "hosts whose CI jobs' tokens apps may trust (host or host:port); public: any with a public address",
        _names,
    )
    github_api: str = _setting("https://api.github.com", "GitHub's API: for commit statuses, and for the GitHub App")
    github_token: str = _setting("", "token for commit statuses (slipway/<tenant>/<app>); empty: none are sent")
    github_app_id: int = _setting(
        "0", "the platform's GitHub App, where it was not registered at the console; 0: none", _count(0, 1 << 62)
    )
    github_app_slug: str = _setting("", "its name in https://github.com/apps/…")
    github_app_key: str = _setting("", "PEM file with its private key")
    github_app_webhook_secret: str = _setting("", "the secret that its deliveries are signed with")
    github_app_client_id: str = _setting("", "its client id, with which tenants connect installations")
    github_app_client_secret: str = _setting("", "its client secret")
    forge_tokens: tuple[ForgeToken, ...] = _setting(
        "",
        "where else commit statuses are sent: `kind URL token`, several with commas (kinds: gitea, forgejo, gitlab, "
        "bitbucket, bitbucket-data-center, github)",
        _forge_tokens,
    )
    preview_owners: tuple[str, ...] = _setting(
        "",
        "whose pull requests the tokens of forges may read and comment on, for previews: `host/owner`, several with "
        "commas; empty: nobody's",
        _owners,
    )

    @property
    def tokens_of_forges(self) -> tuple[str, ...]:
        """What must not be shown; some may be empty."""
        return (self.github_token, *(each.token for each in self.forge_tokens))

    @property
    def edge_listens(self) -> tuple[str, ...]:
        """Every public listener of the edge."""
        return (self.http_listen, self.https_listen) if self.https_listen else (self.http_listen,)

    @property
    def issues_certificates(self) -> bool:
        """Whether an authority is asked at all. Where none is, what was issued is served until it runs out."""
        return bool(self.https_listen) and self.acme_directory not in ("", OFF)

    @property
    def acme_authorities(self) -> tuple[str, ...]:
        """The directories of all that are asked; one that was asked before the settings changed is none of them."""
        return tuple(each for each in (self.acme_directory, self.acme_fallback) if each)

    @property
    def run_dir(self) -> Path:
        """Sockets and pid files."""
        return self.state_dir / "run"

    @property
    def log_dir(self) -> Path:
        """Compressed logs of builds and replicas, and the services' own."""
        return self.state_dir / "logs"

    @property
    def backup_dir(self) -> Path:
        """Backups of attached services, sealed."""
        return self.state_dir / "backups"

    @property
    def key_dir(self) -> Path:
        """Key files, mode 0600."""
        return self.state_dir / "keys"

    @property
    def certbot_dir(self) -> Path:
        """certbot's own: accounts, what it keeps of certificates, its logs."""
        return self.state_dir / "certbot"

    @property
    def certificate_dir(self) -> Path:
        """Certificates and keys that the edge serves with, mode 0700, and the index of them."""
        return self.state_dir / "certificates"

    @property
    def keycloak_url(self) -> str:
        """Where this host reaches Keycloak; empty where sign-on is off."""
        return {OFF: "", LOCAL: f"http://{self.keycloak_listen}"}.get(self.keycloak, self.keycloak)

    @property
    def webhook_socket(self) -> Path:
        return self.run_dir / "webhook.sock"

    @property
    def router_socket(self) -> Path:
        return self.run_dir / "router.sock"

    @property
    def router_internal_socket(self) -> Path:
        """Where the edge asks the router who calls an app: never reachable through a public port."""
        return self.run_dir / "router-internal.sock"

    @property
    def agent_socket(self) -> Path:
        """The agent's internal API (replicas' logs and stats): never reachable through a public port."""
        return self.run_dir / "agent.sock"

    @property
    def agent_streams_socket(self) -> Path:
        """Where the agent streams replicas' output, apart from the short calls."""
        return self.run_dir / "agent-streams.sock"


def address_of(listen: str) -> tuple[str, int]:
    """`8080`, `127.0.0.1:8080` or `[::1]:8080` as nginx reads them; no address is every IPv4 one."""
    match = _LISTEN.fullmatch(listen)
    if match is None:
        return listen, 80
    return (match["address"] or "").strip("[]*"), int(match["port"])


def in_url(scheme: str, listen: str) -> str:
    """A listener's port as it stands in a URL: empty where it is the scheme's own."""
    port = address_of(listen)[1]
    return "" if port == _PORTS[scheme] else f":{port}"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read all settings from `environ` (the process's own when None).

    Raises:
        SettingsError: a value does not parse, or a `SLIPWAY_` key is unknown; names the key, never the value.
    """
    environ = os.environ if environ is None else environ
    unknown = sorted(key for key in environ.keys() - _known() if key.startswith(PREFIX))
    if unknown:
        raise SettingsError(
            f"{unknown[0]}, in the environment, is not a setting", remedy="see .env.example for all of them"
        )
    texts = {f.name: environ.get(PREFIX + f.name.upper(), f.metadata["default"]) for f in fields(Settings)}
    places = {"{state}": texts["state_dir"], "{console}": _with_port(texts["console_host"], texts["http_listen"])}
    return Settings(**{f.name: _value(f.name, f.metadata, texts[f.name], places) for f in fields(Settings)})


def environment(
    env_file: Path | None, state_dir: Path | None = None, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The process's environment over what `env_file` says; STATE_DIR is absolute, and `state_dir` where neither set it.

    Raises:
        SettingsError: a line of the file is not NAME=value, or its name is no setting; names the line's number, never
            its value.
    """
    environ = os.environ if environ is None else environ
    merged = {**_env_file(env_file), **environ}
    if state_dir is not None:
        merged.setdefault(PREFIX + "STATE_DIR", str(state_dir))
    if PREFIX + "STATE_DIR" in merged:
        merged[PREFIX + "STATE_DIR"] = os.path.abspath(merged[PREFIX + "STATE_DIR"])
    return merged


def _env_file(path: Path | None) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _ENV_LINE.fullmatch(text)
        if not match:
            raise SettingsError(f"line {number} of {path.name} is not NAME=value", remedy="see .env.example")
        if match["name"].startswith(PREFIX) and match["name"] not in _known():
            raise SettingsError(
                f"line {number} of {path.name}: {match['name']} is not a setting",
                remedy="see .env.example for all of them",
            )
        value = match["value"].strip()
        quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
        found[match["name"]] = value[1:-1] if quoted else value
    return found


def client(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the command-line client takes from the environment: `url`, `token`, `tenant`, `app`, `config_dir`;
    `id_token` of a CI job, or where GitHub's runner gives one (`github_token_url`, `github_token_secret`);
    `no_color` is not empty when colours are not wanted (no-color.org), `display` where windows can be shown."""
    environ = os.environ if environ is None else environ
    home = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME", "/"), ".config")
    return {
        "url": environ.get("SLIPWAY_URL", ""),
        "token": environ.get("SLIPWAY_TOKEN", ""),
        "tenant": environ.get("SLIPWAY_TENANT", ""),
        "id_token": environ.get("SLIPWAY_ID_TOKEN", ""),
        "github_token_url": environ.get("ACTIONS_ID_TOKEN_REQUEST_URL", ""),
        "github_token_secret": environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", ""),
        "app": environ.get("SLIPWAY_APP", ""),
        "no_color": environ.get("NO_COLOR", ""),
        "display": environ.get("WAYLAND_DISPLAY", "") or environ.get("DISPLAY", ""),
        "remote": environ.get("SSH_CONNECTION", ""),
        "config_dir": environ.get("SLIPWAY_CONFIG_DIR", os.path.join(home, "slipway")),
    }


def outbound(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The host's proxies and certificate authorities, for programs that are given nothing else of the environment."""
    environ = os.environ if environ is None else environ
    return {name: value for name, value in environ.items() if name.upper() in _OUTBOUND and value}


_OUTBOUND = frozenset(
    {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"}
)
OF_MIGRATIONS = frozenset({PREFIX + "DATABASE_OWNER_URL"})
"""Settings with which the schema is changed. No service gets them but the one that makes backups."""
CLIENT_KEYS = frozenset(f"SLIPWAY_{name}" for name in ("URL", "TOKEN", "TENANT", "APP", "CONFIG_DIR", "ID_TOKEN"))


def _known() -> frozenset[str]:
    return CLIENT_KEYS | {PREFIX + each.name.upper() for each in fields(Settings)}


def _with_port(host: str, listen: str) -> str:
    port = address_of(listen)[1]
    return host if port == 80 else f"{host}:{port}"


def _value(name: str, metadata: Mapping[str, Any], text: str, places: Mapping[str, str]) -> Any:
    for place, filled in places.items():
        text = text.replace(place, filled)
    try:
        return metadata["parse"](text)
    except ValueError as error:
        raise SettingsError(f"{PREFIX}{name.upper()} is not valid: {_without(str(error), text)}") from None


def _without(sentence: str, value: str) -> str:
    if not value:
        return sentence
    return re.sub(rf"(?<![\w.]){re.escape(value)}(?![\w.])", "…", sentence.replace(repr(value), "its value"))

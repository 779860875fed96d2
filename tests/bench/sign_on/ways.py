"""The ways to admit people to an app that are compared: Slipway's edge with a public app, with a session, and with a
session and a limit by user; and nginx with `auth_request`, which asks for each request. All stand before the same
backend, one worker each, on one core."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.core.app_settings.access import AccessSettings
from slipway.core.app_settings.limits import Limit
from slipway.core.app_settings.model import Traffic
from slipway.core.routing.route_entries import entry
from tests.bench.edge_contenders import (
    Contender,
    Site,
    contending,
    edge_command,
    plain,
    publish,
    service,
    surroundings,
    wait_for,
)
from tests.bench.sign_on import oauth2_proxy
from tests.bench.sign_on.platform import Platform, running_platform
from tests.fixtures.ports import free_port
from tests.fixtures.services.redis_server import RedisServer

PEOPLE = 100
PUBLIC, SESSION, LIMITED = "Slipway, public", "Slipway, session", "Slipway, session and limit by user"
BOUND = "nginx, auth_request that answers at once (a lower bound)"
OAUTH2_PROXY = "nginx, auth_request to oauth2-proxy"

_TENANT = AccessSettings(allow=("tenant",))
_NEVER_REACHED = Limit(name="per-user", requests=10_000_000, per_s=60, by="user")
TRAFFIC: Mapping[str, Traffic] = {
    PUBLIC: Traffic(access=AccessSettings(allow=("public",))),
    SESSION: Traffic(access=_TENANT),
    LIMITED: Traffic(access=_TENANT, limits=(_NEVER_REACHED,)),
}
HOSTS = {PUBLIC: "public-N.localhost", SESSION: "session-N.localhost", LIMITED: "limited-N.localhost"}

# As oauth2-proxy's documentation has it, with kept connections.
_ASKING = """
    upstream auth {{ server 127.0.0.1:{auth}; keepalive 256; keepalive_requests 1000000; }}
    proxy_set_header X-User $user;
    proxy_set_header X-Email $email;
"""
_SERVER = """server {{
    listen 127.0.0.1:{port}; server_name {host};
    location = /oauth2/auth {{
        internal;
        proxy_pass http://auth;
        proxy_pass_request_body off;
        proxy_set_header Host $host;
        proxy_set_header Connection "";
        proxy_set_header Content-Length "";
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-Uri $request_uri;
    }}
    location / {{
        auth_request /oauth2/auth;
        auth_request_set $user $upstream_http_x_auth_request_user;
        auth_request_set $email $upstream_http_x_auth_request_email;
        proxy_pass http://app;
    }}
}}
"""
_ANSWERER = """server {{
    listen 127.0.0.1:{auth}; access_log off; keepalive_requests 1000000;
    add_header X-Auth-Request-User ada;
    add_header X-Auth-Request-Email ada@example.org;
    location / {{ return 202; }}
}}
"""


@dataclass(frozen=True)
class Way:
    contender: Contender
    host: str
    """Of its apps, with N in the number's place."""
    cookies: Sequence[str] = ("",)
    """Number n is for the app with number n; after the last app for the first one again."""


@contextmanager
def running_ways(folder: Path, count: int) -> Iterator[tuple[Platform, list[Way]]]:
    """Each with `count` apps of its own, and where people sign in `PEOPLE` of them."""
    with surroundings(folder) as (redis, backend), ExitStack() as processes:
        publish(redis, _table(count, backend))
        stand = _Stand(
            folder, count, backend, redis, processes.enter_context(running_platform(folder, redis)), processes
        )
        ways = [stand.edge(name, host) for name, host in HOSTS.items()]
        ways.append(stand.nginx_that_asks_itself())
        if program := oauth2_proxy.program():
            ways.append(stand.nginx_that_asks_oauth2_proxy(program))
        for way in ways:
            for number in {0, count - 1}:
                wait_for(way.contender, numbered(way.host, number), way.cookies[number % len(way.cookies)])
        yield stand.platform, ways


def numbered(host: str, number: int) -> str:
    return host.replace("N", str(number))


def _table(count: int, backend: int) -> dict[str, Any]:
    apps = [(numbered(host, number), TRAFFIC[name]) for name, host in HOSTS.items() for number in range(count)]
    return {
        host: entry(service(app, backend, traffic), 1, sign_on=True)
        for app, (host, traffic) in enumerate(apps, start=1)
    }


@dataclass(frozen=True)
class _Stand:
    folder: Path
    count: int
    backend: int
    redis: RedisServer
    platform: Platform
    processes: ExitStack

    def edge(self, name: str, host: str) -> Way:
        site = self._site(name, host)
        command = edge_command(site, KEYCLOAK=self.platform.settings.keycloak, EDGE_ID=site.folder.name)
        self.platform.lend_socket(site.folder)
        contender = self.processes.enter_context(contending(name, command, site))
        if name == PUBLIC:
            return Way(contender, host)
        people = max(PEOPLE, self.count)
        return Way(contender, host, self.platform.cookies([site.hosts[n % self.count] for n in range(people)]))

    def nginx_that_asks_itself(self) -> Way:
        auth = free_port()
        return self._nginx(BOUND, auth, _ANSWERER.format(auth=auth))

    def nginx_that_asks_oauth2_proxy(self, program: str) -> Way:
        running = oauth2_proxy.running_oauth2_proxy(program, self.folder, self.platform.provider)
        asked = self.processes.enter_context(running)
        return self._nginx(OAUTH2_PROXY, asked.port, "", (asked.cookie,), (asked.pid,))

    def _nginx(
        self, name: str, auth: int, servers: str, cookies: Sequence[str] = ("",), beside: tuple[int, ...] = ()
    ) -> Way:
        host = "nginx-N.localhost"
        site = self._site(name, host)
        own = "".join(_SERVER.format(port=site.port, host=each) for each in site.hosts)
        command = plain(site, own + servers, _ASKING.format(auth=auth))
        return Way(self.processes.enter_context(contending(name, command, site, beside)), host, cookies)

    def _site(self, name: str, host: str) -> Site:
        own = self.folder / "-".join(name.lower().replace(",", "").split()[:3])
        own.mkdir(mode=0o755)
        hosts = [numbered(host, number) for number in range(self.count)]
        return Site(own, free_port(), self.backend, hosts, self.redis)

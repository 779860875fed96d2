"""One request, or several at once, to a host of an app of the caller's tenant."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from router import documents
from router.identity.cookies import Cookies
from router.principal import Kind, Principal
from router.services import Services
from router.usecases import domains
from slipway.adapters.edge_client import Answer, Where
from slipway.core.routing.burst import Burst, Outcome
from slipway.core.routing.tried_request import TriedRequest, as_curl
from slipway.errors import Conflict, DependencyUnavailable, InvalidInput, NotAllowed, NotAuthenticated, NotFound

BURST_MOST = 50
TIMEOUT_S, BURST_TIMEOUT_S = 15.0, 20.0
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to try."""

    host: str
    request: TriedRequest
    count: int = 1
    session: str = field(default="", repr=False)
    """The value of the caller's session at the console; empty: there is none."""
    as_oneself: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    url: str
    curl: str
    answer: Answer | None
    """Of a single request."""
    burst: Burst | None
    """Of several."""


def hosts_of(services: Services, principal: Principal, app: str) -> list[documents.Domain]:
    """Where requests can be tried: a wildcard is no host."""
    found = domains.list_domains(services, principal, app).domains
    console = services.settings.console_host.lower()
    return [each for each in found if not each.host.startswith("*.") and each.host != console]


def can_be_oneself(services: Services, principal: Principal) -> bool:
    """Only a person who signed in has a session that an app's access gate knows."""
    return services.sign_on is not None and principal.kind is Kind.PERSON


def try_request(services: Services, principal: Principal, app: str, wanted: Wanted) -> Tried:
    """Raises:
    NotFound: the app is not the tenant's, or the host not the app's.
    TooManyCalls: the tenant tries another one just now.
    DependencyUnavailable: there was no answer in time.
    """
    domain = _domain(services, principal, app, wanted.host)
    if not 1 <= wanted.count <= BURST_MOST:
        raise InvalidInput(f"requests at once are 1 to {BURST_MOST}")
    url = urlsplit(domain.url)
    where = Where(url.scheme, url.netloc)
    with services.tries.place(principal), _cookie(services, principal, where, wanted) as cookie:
        answer = _one(services, where, wanted.request, cookie) if wanted.count == 1 else None
        burst = None if answer else _several(services, where, wanted, cookie)
    return Tried(domain.url.rstrip("/") + wanted.request.path, as_curl(wanted.request, domain.url), answer, burst)


def _domain(services: Services, principal: Principal, app: str, host: str) -> documents.Domain:
    found = next((each for each in hosts_of(services, principal, app) if each.host == host), None)
    if found is None:
        raise NotFound(f"{host[:80]!r} is no host of {app}", remedy="try one of the app's own hosts")
    return found


@contextmanager
def _cookie(services: Services, principal: Principal, where: Where, wanted: Wanted) -> Iterator[str]:
    """What a browser has on that host in which the caller is signed in: a session of that host alone, which ends with
    the request. The console's own never leaves this process.

    Raises:
        Conflict: nobody can be known there.
        NotAuthenticated: the session is over.
    """
    if not wanted.as_oneself:
        yield ""
        return
    if services.sign_on is None or principal.kind is not Kind.PERSON or not wanted.session:
        raise Conflict("Only somebody who signed in can try a request as oneself.", remedy="try it as anybody")
    if where.scheme == "http" and services.settings.public_url.lower().startswith("https:"):
        raise Conflict("Nobody is signed in without TLS where the console has it.", remedy="try it as anybody")
    current = services.sign_on.current.current(wanted.session)
    if current is None:
        raise NotAuthenticated("You are not signed in any more.", remedy="sign in again, at /auth/login")
    if current.person.sub != principal.id:
        raise NotAllowed("the session is somebody else's")
    value = services.sign_on.sessions.create_app_session(wanted.session, where.host)
    if value is None:
        raise NotAuthenticated("You are not signed in any more.", remedy="sign in again, at /auth/login")
    try:
        yield f"{Cookies(where.scheme).session_name}={value}"
    finally:
        services.sign_on.sessions.end_app_session(value)


def _one(services: Services, where: Where, request: TriedRequest, cookie: str) -> Answer:
    return services.edge.send(where, request, cookie=cookie, timeout_s=TIMEOUT_S)


def _several(services: Services, where: Where, wanted: Wanted, cookie: str) -> Burst:
    """Some at a time, all within the time for a burst: what is not sent by then has no answer."""
    until = time.monotonic() + BURST_TIMEOUT_S

    def send(_number: int) -> Outcome:
        started = time.monotonic()
        left_s = min(TIMEOUT_S, until - started)
        if left_s <= 0:
            return Outcome(None, "", 0.0)
        try:
            answer = services.edge.send(where, wanted.request, cookie=cookie, timeout_s=left_s)
        except DependencyUnavailable:
            return Outcome(None, "", time.monotonic() - started)
        return Outcome(answer.status, answer.replica, answer.total_s)

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="try") as pool:
        return Burst(list(pool.map(send, range(wanted.count))))

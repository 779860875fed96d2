"""HTTP to hosts that tenants name, or what they fetch: no URL of theirs leads into this host or its network.

As git is, each connection is pinned: a host's name is resolved once, and the connection goes to an address that was
checked (`slipway.adapters.git.public_hosts`). TLS and the header `Host` keep the name. No redirect is followed.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

import httpx

from slipway.adapters.git import public_hosts
from slipway.core.naming import hosts
from slipway.core.naming.issuer_url import WebAddress
from slipway.ports.building import Stopped

POLL_S = 0.1
_Trace = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class PinnedHttp:
    """Each request has a connection of its own: one that was made for a name must not serve another name at the same
    address. `listed` are the hosts that may be inside, by the platform's `setting`; `outbound` the environment's
    proxies, which resolve names by themselves."""

    listed: tuple[str, ...]
    setting: str
    outbound: Mapping[str, str]
    roots: ssl.SSLContext
    timeout_s: float
    connect_timeout_s: float

    @contextmanager
    def stream(
        self, method: str, url: str, where: WebAddress, stopped: Stopped, **request: Any
    ) -> Iterator[httpx.Response]:
        """An answer whose body is not read yet. `where` is what the URL leads to, `request` what httpx takes.

        The timeouts are of one read each. Once `stopped` returns True the connection is broken off, whatever the other
        side sends until then: the answer ends there, or with an error.

        Raises:
            InvalidInput: an address of the host is not allowed, or it has none.
            httpx.HTTPError: no answer, or `stopped` returned True while one was waited for.
            Interrupted: `stopped` returned True while an address was looked for.
        """
        proxy = self._proxy(where)
        addresses = self._addresses(where, is_optional=bool(proxy))
        headers, extensions = {**request.pop("headers", {})}, dict[str, Any]()
        if not proxy:
            address = public_hosts.first_reachable(addresses, where.port, self.connect_timeout_s, stopped)
            url = str(httpx.URL(url).copy_with(host=address))
            headers["Host"] = where.netloc
            extensions = {"sni_hostname": where.host} if where.scheme == "https" else {}
        with _broken_off_when(stopped) as trace, closing(self._client(proxy)) as client:
            extensions["trace"] = trace
            built = client.build_request(method, url, headers=headers, extensions=extensions, **request)
            with closing(client.send(built, stream=True)) as answer:
                yield answer

    def _client(self, proxy: str | None) -> httpx.Client:
        return httpx.Client(
            verify=self.roots,
            timeout=httpx.Timeout(self.timeout_s, connect=self.connect_timeout_s),
            follow_redirects=False,
            trust_env=False,
            proxy=proxy,
        )

    def _addresses(self, where: WebAddress, *, is_optional: bool) -> list[str]:
        """`is_optional`: a proxy resolves the name by itself, and may be the only one that can."""
        try:
            if where.is_listed(self.listed):
                return public_hosts.addresses(where.host)
            return public_hosts.public_addresses(where.host, where.netloc, self.listed, self.setting)
        except public_hosts.Unresolved:
            if is_optional:
                return []
            raise

    def _proxy(self, where: WebAddress) -> str | None:
        """That of the environment; None for a host that it excepts, and for this one."""
        outbound = {name.lower(): value for name, value in self.outbound.items()}
        address = hosts.address_of(where.host)
        is_here = where.host == "localhost" or (address is not None and address.is_loopback)
        named = f"{where.host}:{where.port}"
        if is_here or proxy_bypass_environment(named, {"no": outbound.get("no_proxy", "")}):
            return None
        return outbound.get(f"{where.scheme}_proxy") or outbound.get("all_proxy") or None


@contextmanager
def _broken_off_when(stopped: Stopped) -> Iterator[_Trace]:
    """What httpx calls about its connection. That ends for both sides once `stopped` returns True, also within the
    handshake of TLS, of which httpx says nothing before it is over."""
    opened: list[socket.socket] = []
    ended = threading.Event()

    def trace(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("connect_tcp.complete"):
            opened.append(info["return_value"].get_extra_info("socket").dup())

    watcher = threading.Thread(target=_watch, args=(stopped, ended, opened), name="http-watch", daemon=True)
    watcher.start()
    try:
        yield trace
    finally:
        ended.set()
        watcher.join()
        for each in opened:
            each.close()


def _watch(stopped: Stopped, ended: threading.Event, opened: list[socket.socket]) -> None:
    while not ended.wait(POLL_S):
        if stopped():
            for each in opened:
                with suppress(OSError):  # it has ended by itself
                    each.shutdown(socket.SHUT_RDWR)

"""HTTP to issuers that tenants name. No URL of theirs, nor one that they publish, leads into this host or its network.

As with repositories, a host's name is resolved once, and the connection goes to an address that was checked
(`slipway.adapters.git.public_hosts`). TLS and the header `Host` keep the name.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import closing
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

import httpx

from slipway.adapters.git import public_hosts
from slipway.adapters.oidc.bounded_http import CONNECT_TIMEOUT_S, HEADERS, TIMEOUT_S, authorities, read_bounded
from slipway.core.naming import hosts, issuer_url
from slipway.core.naming.issuer_url import SETTING, WebAddress
from slipway.errors import InvalidInput
from slipway.ports.clock import Clock

log = logging.getLogger(__name__)


class IssuerHttp:
    """Raises `httpx.HTTPError` for everything that goes wrong, also for a URL that is not allowed. Each request has a
    connection of its own: one that was made for a name must not serve another name at the same address.

    `listed` are the hosts that may be inside, or be spoken to without TLS; `outbound` the environment's proxies."""

    def __init__(self, listed: tuple[str, ...], outbound: Mapping[str, str], clock: Clock = time.monotonic) -> None:
        self._listed = listed
        self._outbound = {name.lower(): value for name, value in outbound.items()}
        self._clock = clock

    def get(self, url: str) -> httpx.Response:
        try:
            where = issuer_url.address_of(url)
            issuer_url.require_allowed(where, self._listed)
            proxy = self._proxy(where)
            addresses = self._addresses(where, is_optional=bool(proxy))
        except InvalidInput as error:
            log.warning("an issuer's address is not allowed", extra={"url": url, "why": error.message})
            raise httpx.UnsupportedProtocol("its address is not allowed") from None
        if proxy:
            return self._sent(url, {}, proxy, {})
        address = public_hosts.first_reachable(addresses, where.port, CONNECT_TIMEOUT_S, lambda: False)
        pinned = httpx.URL(url).copy_with(host=address)
        return self._sent(str(pinned), {"Host": where.netloc}, None, _name_for_tls(where))

    def _addresses(self, where: WebAddress, *, is_optional: bool) -> list[str]:
        """`is_optional`: a proxy resolves the name by itself, and may be the only one that can."""
        try:
            if where.is_listed(self._listed):
                return public_hosts.addresses(where.host)
            return public_hosts.public_addresses(where.host, where.netloc, self._listed, SETTING)
        except public_hosts.Unresolved:
            if is_optional:
                return []
            raise

    def _proxy(self, where: WebAddress) -> str | None:
        """That of the environment; None for a host that it excepts, and for this one."""
        address = hosts.address_of(where.host)
        is_here = where.host == "localhost" or (address is not None and address.is_loopback)
        named = f"{where.host}:{where.port}"
        if is_here or proxy_bypass_environment(named, {"no": self._outbound.get("no_proxy", "")}):
            return None
        return self._outbound.get(f"{where.scheme}_proxy") or self._outbound.get("all_proxy") or None

    def _sent(
        self, url: str, headers: Mapping[str, str], proxy: str | None, extensions: Mapping[str, str]
    ) -> httpx.Response:
        client = httpx.Client(
            verify=authorities(),
            timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            follow_redirects=False,
            trust_env=False,
            proxy=proxy,
            headers=HEADERS,
        )
        with closing(client):
            request = client.build_request("GET", url, headers=dict(headers), extensions=dict(extensions))
            return read_bounded(client.send(request, stream=True), self._clock)


def _name_for_tls(where: WebAddress) -> dict[str, str]:
    return {"sni_hostname": where.host} if where.scheme == "https" else {}

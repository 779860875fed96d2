"""HTTP to issuers that tenants name, from addresses that were checked (`slipway.adapters.git.pinned_http`)."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

import httpx

from slipway.adapters.git.pinned_http import PinnedHttp
from slipway.adapters.oidc.bounded_http import CONNECT_TIMEOUT_S, HEADERS, TIMEOUT_S, authorities, read_bounded
from slipway.core.naming import issuer_url
from slipway.core.naming.issuer_url import SETTING
from slipway.errors import InvalidInput
from slipway.ports.clock import Clock

log = logging.getLogger(__name__)


class IssuerHttp:
    """Raises `httpx.HTTPError` for everything that goes wrong, also for a URL that is not allowed.

    `listed` are the hosts that may be inside, or be spoken to without TLS; `outbound` the environment's proxies."""

    def __init__(self, listed: tuple[str, ...], outbound: Mapping[str, str], clock: Clock = time.monotonic) -> None:
        self._listed = listed
        self._outbound = outbound
        self._clock = clock

    def get(self, url: str) -> httpx.Response:
        try:
            where = issuer_url.address_of(url)
            issuer_url.require_allowed(where, self._listed)
            with self._pinned().stream("GET", url, where, lambda: False, headers=HEADERS) as answer:
                return read_bounded(answer, self._clock)
        except InvalidInput as error:
            log.warning("an issuer's address is not allowed", extra={"url": url, "why": error.message})
            raise httpx.UnsupportedProtocol("its address is not allowed") from None

    def _pinned(self) -> PinnedHttp:
        return PinnedHttp(self._listed, SETTING, self._outbound, authorities(), TIMEOUT_S, CONNECT_TIMEOUT_S)

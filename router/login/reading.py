"""Who a browser is signed in as, and where a request comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Request

from router.identity.cookies import Cookies
from router.identity.request_origin import require_own_page
from router.login import recording
from router.services import Services
from slipway.domain.audit import Actor
from slipway.web.requests import client_address, request_id

if TYPE_CHECKING:
    from slipway.adapters.redis.sessions import Session


def cookies_of(services: Services) -> Cookies:
    """Those of the console's host."""
    return Cookies.of_console(services.settings.public_url)


def session_value(services: Services, request: Request) -> str:
    """The value of the session's cookie; empty: there is none, or it is not clear which."""
    return cookies_of(services).session_of(request.headers.get("Cookie", ""))


def session_of(services: Services, request: Request) -> Session | None:
    """None: nobody is signed in, or sign-on is off. Raises `DependencyUnavailable` when Redis does not answer."""
    value = session_value(services, request)
    return services.sign_on.current.current(value) if services.sign_on is not None and value else None


def origin_of(request: Request) -> Actor:
    """Nobody yet, but from that address, in that request."""
    return Actor(recording.NOBODY, client_address(request), request_id(request))


def require_page_of_console(services: Services, request: Request) -> None:
    """Raises `CrossSiteRequest` when no page of the console's host sent the request."""
    headers = request.headers
    require_own_page(services.settings.public_url, headers.get("Sec-Fetch-Site", ""), headers.get("Origin", ""))

"""The sign-in on an app's host: it begins there, goes over the console's host, and ends there with a session of that
host alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from router.identity.cookies import Cookies, browser_hash, is_browser, new_browser
from router.identity.sign_on import SignOnServices
from router.internal.questions import SignInRequest
from slipway.errors import InvalidInput, NotAuthenticated
from slipway.settings import Settings, address_of

_DEFAULT_PORTS = {"http": 80, "https": 443}
_AGAIN = "open the page that you wanted to see again"


@dataclass(frozen=True, slots=True)
class Finished:
    """A sign-in that came to its end on the app's host."""

    session: str = field(repr=False)
    """The value of the session's cookie there."""
    location: str


def begin(settings: Settings, sign_on: SignOnServices, asked: SignInRequest) -> dict[str, Any]:
    """Where the browser is sent, and the cookie that it has to come back with.

    Raises:
        TooManyLogins: too many began within a minute.
        DependencyUnavailable: Redis does not answer.
    """
    _require_tls(settings, asked.scheme)
    browser = asked.browser or new_browser()
    host = authority(settings, asked)
    login = sign_on.app_logins.begin(host, asked.scheme, asked.target, browser_hash(browser), asked.address)
    cookie = Cookies(asked.scheme).login(browser)
    return {"location": f"{settings.public_url}/auth/apps/{login}", "cookie": cookie}


def finish(sign_on: SignOnServices, *, code: str, browser: str, host: str, scheme: str) -> Finished:
    """With the code that the console's host gave the browser. It is good once, on the host and in the browser where the
    sign-in began: whoever else has it gets nothing for it.

    Raises:
        NotAuthenticated: it is not good, or the session has ended meanwhile.
        DependencyUnavailable: Redis does not answer.
    """
    login = sign_on.app_logins.take_code(code)
    if login is None:
        raise NotAuthenticated("This sign-in is over, or was used already.", remedy=_AGAIN)
    is_here = (login.scheme, login.host.partition(":")[0]) == (scheme, host)
    if not is_here or not is_browser(browser, login.browser_hash):
        raise NotAuthenticated("This sign-in began in another browser, or on another host.", remedy=_AGAIN)
    session = sign_on.sessions.create_app_session(login.parent, host)
    if session is None:
        raise NotAuthenticated("You were signed out meanwhile.", remedy=_AGAIN)
    return Finished(session, f"{login.scheme}://{login.host}{login.target}")


def _require_tls(settings: Settings, scheme: str) -> None:
    if scheme == "http" and settings.public_url.lower().startswith("https:"):
        raise InvalidInput("nobody signs in without TLS where the console has it", remedy="open the page by https")


def authority(settings: Settings, asked: SignInRequest) -> str:
    """The host with the port at which the browser comes back: one where the edge is reached. The port in a request's
    `Host` is the client's word, and a code that went to another server on the same name would be that server's."""
    port = asked.port or _DEFAULT_PORTS[asked.scheme]
    public = urlsplit(settings.public_url)
    public_port = public.port or _DEFAULT_PORTS[public.scheme]
    known = {_DEFAULT_PORTS[asked.scheme], public_port, *(address_of(each)[1] for each in settings.edge_listens)}
    if port not in known:
        port = public_port if asked.scheme == public.scheme else _DEFAULT_PORTS[asked.scheme]
    return asked.host if port == _DEFAULT_PORTS[asked.scheme] else f"{asked.host}:{port}"

"""One sign-in, from the redirect to the identity provider until there is a session."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from router.identity.cookies import browser_hash, is_browser, new_browser
from router.identity.sign_on import SignOnServices
from router.login import recording
from router.services import Services
from slipway.core.identity.authorization_response import AuthorizationResponse
from slipway.domain.audit import Actor
from slipway.errors import LoginRefused, SlipwayError

if TYPE_CHECKING:
    from slipway.adapters.redis.sessions import Session, Transaction

_AGAIN = "sign in again; in most cases that takes no password"


@dataclass(frozen=True, slots=True)
class Started:
    location: str
    """The identity provider's page."""
    browser: str = field(repr=False)
    """The value of the login's cookie."""


@dataclass(frozen=True, slots=True)
class Finished:
    value: str = field(repr=False)
    """Of the session's cookie."""
    session: Session
    location: str
    """A path of the console's host."""


def begin(
    services: Services, sign_on: SignOnServices, *, browser: str, address: str, target: str = "/", app_login: str = ""
) -> Started:
    """`browser` is what the browser has of another sign-in that is under way: both go on; empty: there is none.

    Raises:
        TooManyLogins: too many began within a minute.
        DependencyUnavailable: Redis or the identity provider does not answer.
    """
    bound_to = browser or new_browser()
    flow = sign_on.provider.flow
    secrets = flow.new_secrets()
    state = sign_on.logins.begin(secrets, browser_hash(bound_to), target, app_login, address=address)
    return Started(flow.authorization_url(state, secrets, redirect_uri(services)), bound_to)


def taken(sign_on: SignOnServices, response: AuthorizationResponse, browser: str) -> Transaction:
    """The login that the browser comes back from. It is over from now on, whatever the answer holds.

    Raises:
        LoginRefused: no login of this browser has that state.
        DependencyUnavailable: Redis does not answer.
    """
    found = sign_on.logins.take(response.state)
    if found is None:
        raise LoginRefused(
            "This sign-in is not known: it was used already, or took more than ten minutes.", remedy=_AGAIN
        )
    if not is_browser(browser, found.browser_hash):
        raise LoginRefused(
            "This sign-in began in another browser, or this one did not keep its cookie.",
            remedy="allow cookies for this site, and sign in again",
        )
    return found


def finish(
    services: Services,
    sign_on: SignOnServices,
    transaction: Transaction,
    response: AuthorizationResponse,
    *,
    former: str,
    origin: Actor,
) -> Finished:
    """`former` is the value of the session that the browser has: it ends, so that nobody who planted it is signed in.

    Raises:
        NotAuthenticated: the identity provider signed nobody in, or its answer is not good.
        IdentityRefused: it does not accept Slipway's client.
        DependencyUnavailable: it, Redis or the database does not answer.
    """
    asked_at = time.time()
    answer = sign_on.provider.flow.finish(response, transaction.secrets, redirect_uri(services))
    sessions = sign_on.sessions
    value, session = sessions.create(answer.person, answer.tokens, answer.auth_time, asked_at=asked_at)
    try:
        app = _app_of(sign_on, transaction)
        recording.started(services.db, session, origin, app)
    except SlipwayError:
        sessions.end(value)
        raise
    if former and (ended := sessions.end(former)):
        recording.ended(services.db, ended, origin, recording.SIGN_IN_AGAIN)
    leads_to = f"/auth/apps/{transaction.app_login}" if transaction.app_login else transaction.target
    return Finished(value, session, leads_to)


def app_url(sign_on: SignOnServices, login_id: str, value: str) -> str:
    """Where the app's host takes the session over, with a code that is good once.

    Raises:
        LoginRefused: there is no such login, or it had its code.
        DependencyUnavailable: Redis does not answer.
    """
    issued = sign_on.app_logins.issue_code(login_id, value)
    if issued is None:
        raise app_login_over()
    code, login = issued
    return f"{login.scheme}://{login.host}/.slipway/signed-in?code={code}"


def app_login_over() -> LoginRefused:
    return LoginRefused(
        "The app's sign-in is over: it was used already, or took more than ten minutes.",
        remedy="open the app again, by its own address",
    )


def redirect_uri(services: Services) -> str:
    return f"{services.settings.public_url.rstrip('/')}/auth/callback"


def _app_of(sign_on: SignOnServices, transaction: Transaction) -> str:
    """The app's host that the sign-in is for; empty: the console's."""
    login = sign_on.app_logins.read(transaction.app_login) if transaction.app_login else None
    return login.host if login is not None else ""

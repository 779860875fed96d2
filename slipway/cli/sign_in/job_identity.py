"""A CI job signs in with its own token: the platform exchanges it for one of the app that the job deploys.

GitHub's runner gives a token whenever the job asks for one; GitLab and others set one when the job begins.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from slipway.adapters.oidc.bounded_http import authorities
from slipway.cli.exit_codes import ApiProblem
from slipway.cli.this_host import is_this_machine
from slipway.errors import DependencyUnavailable, InvalidInput, NotAuthenticated

OF_GITLAB = "SLIPWAY_ID_TOKEN"
_EARLY_S = 60.0
"""So long before it ends a token is replaced, where that is possible."""
_SHOWN = (
    *("iss", "sub", "repository", "project_path", "ref", "ref_path", "ref_protected", "environment"),
    *("event_name", "pipeline_source", "workflow_ref", "aud"),
)
"""What publishers look at."""

Exchange = Callable[[dict[str, str]], Any]
"""`POST /api/publish/token`."""


@dataclass(frozen=True, slots=True)
class JobEnvironment:
    """What a CI system puts into the environment of a job."""

    id_token: str = field(default="", repr=False)
    github_token_url: str = ""
    github_token_secret: str = field(default="", repr=False)

    @property
    def is_github(self) -> bool:
        return bool(self.github_token_url and self.github_token_secret)

    @property
    def is_a_job(self) -> bool:
        return bool(self.id_token) or self.is_github


@dataclass
class JobTokens:
    """`slipway.cli.sign_in.bearer.AccessTokens`. Nothing is kept: the next command gets a token of its own."""

    environment: JobEnvironment
    url: str
    """The platform's: a job's token is for it alone."""
    audience: str
    exchange: Exchange
    _token: str = field(default="", repr=False)
    _ends_at: float = 0.0

    def current(self) -> str:
        is_old = self._ends_at - time.monotonic() < _EARLY_S
        if not self._token or (is_old and self._can_renew):
            self._renew()
        return self._token

    def instead_of(self, refused: str) -> str:
        if refused == self._token and self._can_renew:
            self._renew()
        return self._token if self._token != refused else ""

    @property
    def _can_renew(self) -> bool:
        """A token that was set when the job began is good once."""
        return not self.environment.id_token

    def _renew(self) -> None:
        own = self.environment.id_token or _of_github(self.environment, self.url)
        began = time.monotonic()
        answer = _exchanged(self.exchange, self.audience, own)
        self._token = str(answer["access_token"])
        self._ends_at = began + float(answer["expires_in"])


def tokens(environment: JobEnvironment, url: str, tenant: str, app: str, exchange: Exchange) -> JobTokens:
    """Raises `InvalidInput` when nothing tells which app of which tenant the job deploys, or when its token would go
    over the network in clear."""
    if not app:
        raise InvalidInput("A CI job's own token is for one app.", remedy="name it: -a NAME, or SLIPWAY_APP")
    if not tenant:
        raise InvalidInput("Whose app is it? A CI job's own token does not tell.", remedy="set SLIPWAY_TENANT")
    _require_safe(url, "the platform")
    return JobTokens(environment, url.rstrip("/"), f"app:{tenant}/{app}", exchange)


def _require_safe(url: str, what: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_this_machine(parts.hostname or "")):
        raise InvalidInput(f"{what} would get the job's token without TLS: {url}", remedy="use https")


def _of_github(environment: JobEnvironment, audience: str) -> str:
    url = environment.github_token_url
    _require_safe(url, "GitHub's runner")
    url += f"{'&' if '?' in url else '?'}audience={quote(audience, safe='')}"
    try:
        answer = httpx.get(
            url,
            headers={"Authorization": f"Bearer {environment.github_token_secret}", "Accept": "application/json"},
            timeout=30,
            verify=authorities(),
        )
        token = answer.raise_for_status().json()["value"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        why = f"GitHub gave the job no token of its own ({type(error).__name__})."
        raise DependencyUnavailable(why, remedy="try again; the job needs: permissions: id-token: write") from None
    return str(token)


def _exchanged(exchange: Exchange, audience: str, token: str) -> Any:
    try:
        return exchange(
            {
                "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "subject_token": token,
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "audience": audience,
            }
        )
    except ApiProblem as error:
        if error.http_status == NotAuthenticated.status:
            error.advise(f"{error.remedy}\nThe job's token says: {_said_by(token)}")
        raise


def _said_by(token: str) -> str:
    """Of a token that was refused, what its owner compares with the app's publishers."""
    content = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
    except ValueError:
        claims = None
    if not isinstance(claims, dict):
        return "nothing, it is no signed token"
    return ", ".join(f"{name}={claims[name]}" for name in _SHOWN if name in claims)

"""`slipway.ports.job_tokens.JobTokens` over the issuers that publishers name."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections import OrderedDict

from slipway.adapters.oidc import signed_tokens, token_checks
from slipway.adapters.oidc.jobs.issuer_http import IssuerHttp
from slipway.adapters.oidc.provider import Address, Gets, Keyring
from slipway.adapters.oidc.strict_json import parse_object
from slipway.errors import DependencyUnavailable, NotAuthenticated
from slipway.ports.clock import Clock
from slipway.ports.job_tokens import JobToken

MOST_ISSUERS = 64
"""Whose keys are kept: of the one that nobody asked for longest they are fetched anew."""
_ID_MAX = 255
_AGAIN = "run the job again"


class OidcJobTokens:
    """Safe to use from many threads."""

    def __init__(self, http: Gets, *, ages: Clock = time.monotonic, clock: Clock = time.time) -> None:
        """`ages` is what the ages of keys are measured by."""
        self._http = http
        self._ages = ages
        self._clock = clock
        self._keyrings: OrderedDict[str, Keyring] = OrderedDict()
        self._lock = threading.Lock()

    def claimed_issuer(self, token: str) -> str:
        signed_tokens.require_form(token)
        content = token.split(".")[1]
        try:
            issuer = parse_object(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4))).get("iss")
        except ValueError:
            raise NotAuthenticated("The token's content is no JSON object.") from None
        return issuer if isinstance(issuer, str) else ""

    def verify(self, token: str, issuer: str) -> JobToken:
        try:
            signed = self._keyring(issuer).verify(token)
        except DependencyUnavailable as error:
            raise DependencyUnavailable(error.message, remedy="try again; it is the CI system's") from error
        if signed.kind not in ("", "jwt") or "events" in signed.claims or signed.claims.get("iss") != issuer:
            raise NotAuthenticated("The token is none that this issuer gives to jobs.")
        return JobToken(issuer, signed.claims, _digest(issuer, token, signed.claims.get("jti")))

    def check_use(self, token: JobToken, audience: str) -> float:
        try:
            return token_checks.check_job_token(token.claims, audience, self._clock())
        except NotAuthenticated as error:
            raise NotAuthenticated(error.message, remedy=_AGAIN) from None

    def _keyring(self, issuer: str) -> Keyring:
        with self._lock:
            found = self._keyrings.pop(issuer, None)
            if found is None:
                found = Keyring(Address(issuer, issuer.rstrip("/")), self._http, self._ages)
            self._keyrings[issuer] = found
            if len(self._keyrings) > MOST_ISSUERS:
                self._keyrings.popitem(last=False)
            return found


def connect(listed: tuple[str, ...], outbound: dict[str, str]) -> OidcJobTokens:
    """Opens no connection. `listed` and `outbound` as `IssuerHttp` takes them."""
    return OidcJobTokens(IssuerHttp(listed, outbound))


def _digest(issuer: str, token: str, jti: object) -> str:
    """By the token's id (RFC 7519, 4.1.7). Without one by what was signed: a signature may be written in two ways."""
    is_id = isinstance(jti, str) and 0 < len(jti) <= _ID_MAX
    parts = ("jti", issuer, str(jti)) if is_id else ("token", issuer, token.rpartition(".")[0])
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()

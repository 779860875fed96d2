"""The two cookies of a sign-in, on the console's host and on apps' hosts alike.

Over TLS a name begins with `__Host-`: browsers then take it from this host alone, for all of its paths, and from no
page that came without TLS. `nginx/lua/slipway/request/cookies.lua` keeps both from apps.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Self

from werkzeug.http import dump_cookie

SESSION, LOGIN = "slipway-session", "slipway-login"
LOGIN_S = 600
"""How long a browser has for signing in."""


_BROWSER_BYTES = 32
_BLANKS = " \t"
"""What may stand around a name and a value (RFC 6265). What else Python strips, browsers take for a part of a name, and
such a name anybody's host may set."""


def new_browser() -> str:
    """A value for the login's cookie."""
    return secrets.token_urlsafe(_BROWSER_BYTES)


def browser_hash(value: str) -> str:
    """What a login's record holds of its cookie."""
    return hashlib.sha256(value.encode(errors="surrogatepass")).hexdigest()


def is_browser(value: str, hashed: str) -> bool:
    """Whether the value of a cookie is the one that a record's hash is of."""
    return bool(value) and hmac.compare_digest(browser_hash(value), hashed)


@dataclass(frozen=True, slots=True)
class Cookies:
    """Those of a host that browsers reach by this scheme."""

    scheme: str

    @classmethod
    def of_console(cls, public_url: str) -> Self:
        """Those of the console's host."""
        return cls("https" if public_url.lower().startswith("https:") else "http")

    @property
    def session_name(self) -> str:
        return self._name(SESSION)

    @property
    def login_name(self) -> str:
        return self._name(LOGIN)

    def session(self, value: str) -> str:
        """`Set-Cookie` of a session. It lasts as long as the browser's own session: how long ours does, Redis knows."""
        return self._set(self.session_name, value)

    def no_session(self) -> str:
        return self._set(self.session_name, "", max_age_s=0)

    def login(self, value: str) -> str:
        """`Set-Cookie` of what binds a login to the browser in which it began."""
        return self._set(self.login_name, value, max_age_s=LOGIN_S)

    def no_login(self) -> str:
        return self._set(self.login_name, "", max_age_s=0)

    def session_of(self, header: str) -> str:
        """The session's value in a request's header `Cookie`; empty: there is none, or it is not clear which."""
        return _only(header, self.session_name)

    def login_of(self, header: str) -> str:
        """The same of the login's."""
        return _only(header, self.login_name)

    def _name(self, name: str) -> str:
        return f"__Host-{name}" if self.scheme == "https" else name

    def _set(self, name: str, value: str, max_age_s: int | None = None) -> str:
        secure = self.scheme == "https"
        return dump_cookie(name, value, max_age=max_age_s, path="/", secure=secure, httponly=True, samesite="Lax")


def _only(header: str, name: str) -> str:
    """A cookie that comes twice counts as none: another host of the same domain may have set one of the two."""
    pairs = [pair.partition("=") for pair in header.split(";")]
    values = [value.strip(_BLANKS) for found, _, value in pairs if found.strip(_BLANKS) == name]
    return values[0] if len(values) == 1 else ""

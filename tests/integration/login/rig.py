"""The console as browsers reach it, and what a browser does while somebody signs in."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from router.access import EXTENSION
from router.app import create_app
from router.identity.sign_on import SignOnServices, required
from router.services import Services
from slipway.models import AuditRecord
from tests.fixtures.api import Api
from tests.fixtures.identity.oidc_provider import OidcProvider

ADDRESS = "203.0.113.9"
_COOKIE = re.compile(r"(?P<name>[^=]+)=(?P<value>[^;]*)")


@dataclass
class Console:
    api: Api
    provider: OidcProvider

    @property
    def services(self) -> Services:
        return self.api.services

    @property
    def sign_on(self) -> SignOnServices:
        return required(self.services.sign_on)

    @property
    def url(self) -> str:
        return self.services.settings.public_url

    def browser(self) -> Browser:
        return Browser(self)

    def audit(self) -> list[tuple[str, str, str]]:
        """Who did what to whom, of sessions."""
        query = select(AuditRecord).where(AuditRecord.action.like("session.%")).order_by(AuditRecord.id)
        with self.services.db.read(platform="a test looks") as session:
            return [(row.actor, row.action, row.subject) for row in session.scalars(query)]

    def whys(self) -> list[str]:
        """Why nobody was let in."""
        query = select(AuditRecord.detail).where(AuditRecord.action == "session.refuse").order_by(AuditRecord.id)
        with self.services.db.read(platform="a test looks") as session:
            return [str(detail["why"]) for detail in session.scalars(query)]


@dataclass
class Browser:
    """One person's. It keeps the console's cookies, and follows no redirect by itself."""

    console: Console
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        return "__Host-" if self.console.url.startswith("https:") else ""

    @property
    def session(self) -> str:
        return self.cookies.get(f"{self.prefix}slipway-session", "")

    @session.setter
    def session(self, value: str) -> None:
        self.cookies[f"{self.prefix}slipway-session"] = value

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.ask("GET", path, **headers)

    def post(self, path: str, *, own_page: bool = True, **values: Any) -> TestResponse:
        """As a form of a page of the console, or of one elsewhere."""
        site = {"Origin": self.console.url, "Sec-Fetch-Site": "same-origin"}
        elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        return self.ask("POST", path, **(site if own_page else elsewhere), data=values)

    def ask(self, method: str, path: str, *, data: Any = None, **headers: str) -> TestResponse:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given.setdefault("X-Forwarded-For", ADDRESS)
        if self.cookies:
            given.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        answer = self.console.api.client.open(path, method=method, data=data, headers=given, base_url=self.console.url)
        self._keep(answer)
        return answer

    def to_provider(self, path: str = "/auth/login") -> str:
        """Begin a sign-in: the URL of the identity provider's page."""
        return location(self.get(path))

    def at_provider(self, url: str) -> str:
        """The provider signs in whom it does: the path of the callback, with what it has to bring back."""
        back = redirect_of(url)
        assert back.startswith(f"{self.console.url}/")
        return str(back.removeprefix(self.console.url))

    def sign_in(self, path: str = "/auth/login") -> TestResponse:
        """All of it: the answer that has the session's cookie."""
        answer = self.get(self.at_provider(self.to_provider(path)))
        assert answer.status_code == 303, answer.text
        return answer

    def is_signed_in(self) -> bool:
        return self.get("/auth/session").status_code == 200

    def _keep(self, answer: TestResponse) -> None:
        for header in answer.headers.getlist("Set-Cookie"):
            found = _COOKIE.match(header)
            assert found
            if "Max-Age=0" in header:
                self.cookies.pop(found["name"], None)
            else:
                self.cookies[found["name"]] = found["value"]


@cache
def _app() -> APIFlask:
    """One for all tests: to make one takes longer than most of them."""
    return create_app(cast("Services", None))


def client_of(services: Services) -> FlaskClient:
    """A client of the router with these services, until another is made."""
    _app().extensions[EXTENSION] = services
    return _app().test_client(use_cookies=False)


def redirect_of(url: str) -> str:
    """Where the provider sends a browser that opens this page."""
    where = urlsplit(url)
    with closing(HTTPConnection(where.netloc, timeout=60)) as connection:
        connection.request("GET", f"{where.path}?{where.query}")
        answer = connection.getresponse()
        assert answer.status == 302, answer.read()
        return str(answer.headers["Location"])


def location(answer: TestResponse) -> str:
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def title(answer: TestResponse) -> str:
    found = re.search(r"<h1>(.*?)</h1>", answer.text)
    assert found, answer.text
    return found[1]


def begin_app_login(console: Console, host: str = "shop.localhost:8080") -> str:
    """As the edge has it begun: the path on the console's host to which it sends the browser."""
    return f"/auth/apps/{console.sign_on.app_logins.begin(host, 'http', '/cart?x=1', 'a browser', ADDRESS)}"

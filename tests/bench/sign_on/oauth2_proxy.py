"""oauth2-proxy, which nginx asks about each request (`auth_request`), with a session in its cookie."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from slipway.host import checkout
from tests.bench.edge_contenders import PROXY_CORE, STARTED_WITHIN_S, pinned
from tests.fixtures.identity.oidc_provider import CLIENT, SECRET, OidcProvider
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually

MODULE = "github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.6"
NAME = "oauth2-proxy"
COOKIE = "_oauth2_proxy"


@dataclass(frozen=True)
class OAuth2Proxy:
    port: int
    pid: int
    cookie: str
    """The header of somebody who is signed in."""


def program() -> str | None:
    """Where it is. Built once, into the project's own environment, where there is a Go; None: there is neither."""
    folder = checkout.ROOT / ".venv" / "bin"
    found = shutil.which(NAME, path=os.pathsep.join([str(folder), os.environ.get("PATH", "")]))
    if found or not shutil.which("go"):
        return found
    print(f"Building {NAME}, once; that takes some minutes …", flush=True)
    built = subprocess.run(["go", "install", MODULE], env=os.environ | {"GOBIN": str(folder)}, check=False)
    return str(folder / NAME) if built.returncode == 0 else None


@contextmanager
def running_oauth2_proxy(path: str, folder: Path, provider: OidcProvider) -> Iterator[OAuth2Proxy]:
    """On the proxies' core, as quiet as it can be. It admits who is in the group that the provider says of ada."""
    port, log = free_port(), folder / "oauth2-proxy.log"
    with pinned([path, *_options(port, provider)], PROXY_CORE, log) as process:
        eventually(lambda: _answers(port), within_s=STARTED_WITHIN_S, what=NAME)
        yield OAuth2Proxy(port, process.pid, _sign_in(port))


def _options(port: int, provider: OidcProvider) -> list[str]:
    given = {
        "http-address": f"127.0.0.1:{port}",
        "provider": "oidc",
        "oidc-issuer-url": provider.issuer,
        "client-id": CLIENT,
        "client-secret": SECRET,
        "redirect-url": f"http://127.0.0.1:{port}/oauth2/callback",
        "code-challenge-method": "S256",
        "scope": "openid",
        "email-domain": "*",
        "allowed-group": provider.people["ada"]["groups"][0],
        "cookie-secret": secrets.token_hex(16),
        "cookie-secure": "false",
        "reverse-proxy": "true",
        "set-xauthrequest": "true",
        "skip-provider-button": "true",
        "upstream": "static://202",
        **{f"{kind}-logging": "false" for kind in ("standard", "auth", "request")},
    }
    return [f"--{name}={value}" for name, value in given.items()]


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ping").status_code == 200
    except httpx.TransportError:
        return False


def _sign_in(port: int) -> str:
    """The provider asks nothing: to follow its redirects is all."""
    with httpx.Client(follow_redirects=True, timeout=60) as browser:
        browser.get(f"http://127.0.0.1:{port}/oauth2/start")
        header = "; ".join(
            f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar if _is_session(cookie.name)
        )
        allowed = browser.get(f"http://127.0.0.1:{port}/oauth2/auth").status_code
    assert header, "oauth2-proxy gave no session"
    assert allowed == 202, f"oauth2-proxy answers {allowed} for a session of its own"
    return header


def _is_session(name: str) -> bool:
    """A long one is in several, which are numbered."""
    return name == COOKIE or name.removeprefix(f"{COOKIE}_").isdigit()

"""The console in Debian's Chromium: the router on a port, and pages that fail when the browser complains."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.serving import make_server

from router.app import create_app
from router.services import Services
from router.streams.followers import Followers
from slipway.core.access.roles import Role
from slipway.core.access.stream_quota import StreamQuota
from tests.fixtures.api import Api, Caller, make_services
from tests.fixtures.ports import free_port
from tests.fixtures.releases import make_live
from tests.integration.router.conftest import state_dir

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

__all__ = ["state_dir"]
CHROMIUM = "/usr/bin/chromium"
WAIT_MS = 15_000
"""Longer than anything takes on a busy machine."""
Open = Callable[..., "Page"]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@contextmanager
def serving(made: Services, port: int) -> Iterator[Api]:
    """The console behind that port, which its settings name."""
    services = replace(made, followers=Followers(StreamQuota(total=100, per_tenant=100)))
    app = create_app(services)
    server = make_server("127.0.0.1", port, app, threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="console", daemon=True)
    thread.start()
    yield Api(services, app.test_client())
    services.followers.stopping = lambda: True
    server.shutdown()
    thread.join()
    services.db.dispose()
    services.redis.close()


def at_port(services: Services, port: int) -> Services:
    return replace(services, settings=replace(services.settings, public_url=f"http://127.0.0.1:{port}"))


@pytest.fixture
def api(state_dir: Path, sqlite_url: str, redis_url: str) -> Iterator[Api]:
    """Behind a port of its own."""
    port = free_port()
    with serving(at_port(make_services(state_dir, sqlite_url, redis_url), port), port) as found:
        yield found


@pytest.fixture
def owner(api: Api) -> Caller:
    return api.caller("acme", Role.OWNER)


@pytest.fixture
def shop(api: Api, owner: Caller) -> int:
    """Its newest deployment, which is live."""
    return add_shop(api, owner)


def add_shop(api: Api, owner: Caller) -> int:
    owner.create_app("shop", hook=True)
    owner.put("/api/apps/shop/limits/minute", {"requests": 100, "per_s": 60})
    owner.patch("/api/apps/shop/variables", {"set": {"DATABASE_URL": "x"}, "scope": "build"})
    make_live(api.services.db, "shop", commit="a" * 40, message="First")
    return make_live(api.services.db, "shop", commit="b" * 40, ready=2, message="Fix the cart", pushed_by="ada")


@pytest.fixture
def open_page(api: Api, owner: Caller, chromium: Browser) -> Iterator[Open]:
    """Opens a path in a browser that is signed in as the owner. What the browser complains of fails the test: a page
    that breaks its own policy does."""
    with opening(chromium, api.services.settings.public_url) as (new_page, listen):

        def open_(path: str = "/", *, expects: str = "", signed_in: bool = True, **options: Any) -> Page:
            page = new_page(**options)
            if signed_in:
                page.goto("/auth/token")
                page.fill("#token", owner.token)
                page.click("button")
            listen(page, expects)
            page.goto(path)
            return page

        yield open_


@contextmanager
def opening(chromium: Browser, url: str) -> Iterator[tuple[Callable[..., Page], Callable[[Page, str], None]]]:
    """What makes a page of a browser of its own, and what notes its complaints from then on, but those expected."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def new_page(**options: Any) -> Page:
        context = chromium.new_context(base_url=url, **options)
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        return context.new_page()

    def listen(page: Page, expects: str) -> None:
        page.on("console", lambda said: _note(complaints, said.text, expects) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))

    yield new_page, listen
    for each in contexts:
        each.close()
    assert complaints == []


def _note(complaints: list[str], text: str, expected: str) -> None:
    if "ERR_NETWORK_CHANGED" in text:  # another test's container has come or gone
        return
    if not expected or expected not in text:
        complaints.append(text)

"""A console whose edge is a listener of the test's, and requests that are tried there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from router.app import create_app
from slipway.adapters.edge_client import EdgeClient
from tests.fixtures.api import Api, make_services
from tests.fixtures.console import Browser, Page
from tests.integration.console.edge_listener import Listener, listening

TRY = "/apps/shop/try"
GET = {"method": "GET", "host": "shop.localhost", "path": "/"}


@pytest.fixture
def edge() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
def api(state_dir: Path, sqlite_url: str, redis_url: str, edge: Listener) -> Iterator[Api]:
    """With an edge at a port of its own."""
    services = make_services(state_dir, sqlite_url, redis_url)
    settings = replace(services.settings, http_listen=str(edge.port))
    services = replace(services, settings=settings, edge=EdgeClient(settings))
    yield Api(services, create_app(services).test_client())
    services.db.dispose()
    services.redis.close()


def send(browser: Browser, status: int = 200, **fields: str) -> Page:
    return Page(browser.send(TRY, {**GET, **fields}, status=status).text)

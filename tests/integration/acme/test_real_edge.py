"""With a real edge: it answers the authority, and serves what was issued."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.db import Database
from slipway.models import now
from slipway.settings import address_of, load
from tests.fixtures.acme.pebble import RunningPebble, running_pebble
from tests.fixtures.rows import add_app, add_tenant
from tests.fixtures.waiting import eventually
from tests.integration.acme.conftest import Installation

sys.path.append(str(Path(__file__).parents[1] / "edge"))  # its modules stand beside its tests

from edge_certificates import running_tls

HOST = "shop.example.test"


@dataclass
class WithEdge:
    tls: Any
    pebble: RunningPebble
    installation: Installation


@pytest.fixture
def whole(tmp_path: Path, sqlite_url: str) -> Iterator[WithEdge]:
    with running_tls() as tls:
        chosen = tls.rig.edge.settings
        port = address_of(chosen.http_listen)[1]
        with running_pebble(tmp_path / "pebble", port) as pebble:
            environment = {
                "SLIPWAY_STATE_DIR": str(chosen.state_dir),
                "SLIPWAY_DATABASE_URL": sqlite_url,
                "SLIPWAY_REDIS_URL": f"unix://{chosen.run_dir / 'redis.sock'}",
                "SLIPWAY_HTTPS_LISTEN": chosen.https_listen,
                "SLIPWAY_ACME_DIRECTORY": pebble.directory,
                "SLIPWAY_ACME_CA_BUNDLE": str(pebble.ca_bundle),
                "SLIPWAY_ACME_PROFILE": "default",
                "SLIPWAY_ACME_HTTP_PORT": str(port),
                "SLIPWAY_PUBLIC_ADDRESSES": "127.0.0.1",
                "SLIPWAY_DNS_RESOLVERS": pebble.dns.address,
            }
            settings = load(environment)
            db = Database(settings.database_url)
            tenant_id = add_tenant(db)
            app_id = add_app(db, tenant_id, "shop").id
            yield WithEdge(tls, pebble, Installation(settings, environment, db, tenant_id, app_id))
            db.dispose()


def test_a_domain_is_served_over_https(whole: WithEdge) -> None:
    tls, installation = whole.tls, whole.installation
    assert tls.is_default(HOST)
    installation.add_domain(HOST)

    assert installation.run_job(HOST) == "issued", installation.row(HOST).detail

    serial = int(installation.row(HOST).serial, 16)
    eventually(lambda: tls.serial(HOST) == serial, what="the edge serves it")
    assert tls.is_default("www.example.test"), "nobody else gets it"


def test_a_renewed_one_is_served_and_a_removed_one_no_longer(whole: WithEdge) -> None:
    tls, installation = whole.tls, whole.installation
    installation.add_domain(HOST)
    assert installation.run_job(HOST) == "issued", installation.row(HOST).detail
    first = installation.row(HOST).serial
    installation.change(HOST, renew_at=now() - timedelta(seconds=1))

    assert installation.run_job(HOST) == "issued", installation.row(HOST).detail

    second = installation.row(HOST).serial
    assert second != first
    eventually(lambda: tls.serial(HOST) == int(second, 16), what="the edge serves the new one")

    installation.remove_domain(HOST)
    installation.run_job(HOST)
    eventually(lambda: tls.is_default(HOST), what="the edge serves it no longer")
    assert whole.pebble.revoked(second)

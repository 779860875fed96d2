"""With a real edge: it answers the authority, and serves what was issued."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
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

from edge_backend import Server
from edge_certificates import running_tls
from edge_https_clients import Clients, Http2, KeepAlive, NewConnections
from edge_publisher import target

HOST = "shop.example.test"


@dataclass
class WithEdge:
    tls: Any
    pebble: RunningPebble
    installation: Installation


@pytest.fixture
def whole(tmp_path: Path, sqlite_url: str) -> Iterator[WithEdge]:
    with running_tls({"SLIPWAY_EDGE_WORKERS": "3"}) as tls:
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
                "SLIPWAY_ACME_PROFILE": "shortlived",
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


def test_three_renewals_under_load_fail_nobody_and_reach_every_worker(whole: WithEdge) -> None:
    """Six days is the life of the certificates, and the authority moves their window into the past."""
    tls, installation, pebble = whole.tls, whole.installation, whole.pebble
    backend = Server("shop", 0)
    tls.rig.route(HOST, target(backend.port))
    serials = [_issued(whole)]

    with Clients(tls, HOST, pebble.root(), [NewConnections, KeepAlive, Http2] * 2) as clients:
        for _ in range(3):
            pem = (installation.files(HOST) / "fullchain.pem").read_text()
            pebble.set_window(pem, now() - timedelta(hours=2), now() - timedelta(hours=1))
            installation.change(HOST, ask_window_at=now())
            serials.append(_issued(whole))
            before = clients.served.copy()
            eventually(partial(clients.each_was_served_since, before), what="all clients go on")
        served = sum(clients.served.values())
        assert clients.failed == [], f"of {served + len(clients.failed)}"

    assert len(set(serials)) == 4
    assert [each.is_renewal for each in installation.issuances()] == [False, True, True, True]
    backend.stop()


def _issued(whole: WithEdge) -> str:
    """What is due is done; the serial that every worker then serves."""
    installation = whole.installation
    if not installation.rows():
        installation.add_domain(HOST)
    assert installation.due(), "the agent sees that it is time"
    assert installation.run_job(HOST) == "issued", installation.row(HOST).detail
    serial = installation.row(HOST).serial
    eventually(lambda: whole.tls.is_served_by_every_worker(HOST, int(serial, 16)), what="all workers serve it")
    return serial

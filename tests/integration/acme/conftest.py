"""An installation whose authority is pebble: a database, Redis, and a server that answers challenges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from builder.agent.maintenance.certificates import enqueue_due
from builder.certificates import jobs
from builder.certificates.dependencies import connected
from slipway.adapters.certificate_files import CertificateFiles
from slipway.core.certificates.index import digest
from slipway.core.certificates.pem import facts_of
from slipway.db import Database
from slipway.domain.certificates import rows as certificates
from slipway.models import Certificate, CertificateIssuance, Domain
from slipway.settings import Settings, load
from tests.fixtures.acme.challenge_server import ChallengeServer, running_challenge_server
from tests.fixtures.acme.pebble import RunningPebble, running_pebble
from tests.fixtures.acme.proxy import Proxy, running_proxy
from tests.fixtures.rows import add_app, add_tenant


@pytest.fixture(scope="session")
def challenge_server(shared_redis: Any) -> Iterator[ChallengeServer]:
    with running_challenge_server(shared_redis.url) as server:
        yield server


@pytest.fixture(scope="session")
def pebble(tmp_path_factory: pytest.TempPathFactory, challenge_server: ChallengeServer) -> Iterator[RunningPebble]:
    with running_pebble(tmp_path_factory.mktemp("pebble"), challenge_server.port) as server:
        yield server


class RecordingQueue:
    """`slipway.ports.queue.CertificateQueue`."""

    def __init__(self) -> None:
        self.enqueued: list[tuple[int, int]] = []

    def enqueue_certificate(self, certificate_id: int, lease: int) -> bool:
        self.enqueued.append((certificate_id, lease))
        return True


@dataclass
class Installation:
    settings: Settings
    environment: dict[str, str]
    db: Database
    tenant_id: int
    app_id: int

    def add_domain(self, host: str) -> int:
        """As the API does; returns the certificate's id."""
        with self.db.write(platform="test") as session:
            session.add(Domain(tenant_id=self.tenant_id, app_id=self.app_id, host=host))
            session.flush()
            certificates.synchronize(session, self.settings)
        return self.row(host).id

    def change_domains(self, *hosts: str) -> None:
        with self.db.write(platform="test") as session:
            session.add_all(Domain(tenant_id=self.tenant_id, app_id=self.app_id, host=host) for host in hosts)

    def spend(self, host: str, authority: str, moments: list[datetime]) -> None:
        """As if certificates had been issued at these times."""
        with self.db.write(platform="test") as session:
            for moment in moments:
                session.add(
                    CertificateIssuance(
                        certificate_id=0,
                        authority=authority,
                        names_key=host,
                        registered_domain="example.test",
                        started_at=moment,
                        outcome="issued",
                    )
                )

    def remove_domain(self, host: str) -> None:
        with self.db.write(platform="test") as session:
            session.delete(session.query(Domain).filter_by(host=host).one())
            session.flush()
            certificates.synchronize(session, self.settings)

    def row(self, host: str) -> Certificate:
        with self.db.read(platform="test") as session:
            return session.query(Certificate).filter_by(names_key=host).one()

    def rows(self) -> list[Certificate]:
        with self.db.read(platform="test") as session:
            return session.query(Certificate).all()

    def issuances(self) -> list[CertificateIssuance]:
        with self.db.read(platform="test") as session:
            return session.query(CertificateIssuance).order_by(CertificateIssuance.id).all()

    def change(self, host: str, **values: Any) -> None:
        with self.db.write(platform="test") as session:
            row = session.query(Certificate).filter_by(names_key=host).one()
            for name, value in values.items():
                setattr(row, name, value)

    def run_job(self, host: str, **replaced: Any) -> str | None:
        """In this process; returns the state in which it leaves the certificate."""
        row = self.row(host)
        with connected(self.settings) as dependencies:
            return jobs.run(replace(dependencies, **replaced), row.id, row.lease)

    def with_settings(self, **changed: str) -> Installation:
        """The same installation with other settings."""
        environment = self.environment | {f"SLIPWAY_{name.upper()}": value for name, value in changed.items()}
        return replace(self, settings=load(environment), environment=environment)

    def due(self) -> list[tuple[int, int]]:
        """What the agent would enqueue."""
        queue = RecordingQueue()
        enqueue_due(self.db, queue, self.settings)
        return queue.enqueued

    def index(self) -> dict[str, Any]:
        return CertificateFiles(self.settings.certificate_dir).published()

    def served(self, host: str) -> str:
        """The serial of what the index names for the host; fails unless its files are whole."""
        [entry] = [each for each in self.index()["certificates"].values() if host in each["names"]]
        folder = self.settings.certificate_dir / entry["folder"]
        fullchain, key = (folder / "fullchain.pem").read_bytes(), (folder / "key.pem").read_bytes()
        assert digest(fullchain, key) == entry["sha256"]
        assert facts_of(fullchain, key).serial == entry["serial"]
        return str(entry["serial"])

    def folders(self) -> list[str]:
        """Everything that lies in the folder of certificates, but for what the index and its lock are."""
        base = self.settings.certificate_dir
        return sorted(str(path.relative_to(base)) for path in base.glob("*/*"))

    def files(self, host: str) -> Path:
        row = self.row(host)
        return self.settings.certificate_dir / str(row.id) / row.serial


@pytest.fixture
def proxy(pebble: RunningPebble) -> Iterator[Proxy]:
    with running_proxy(pebble) as server:
        yield server


@pytest.fixture
def environment(
    tmp_path: Path, sqlite_url: str, redis_url: str, pebble: RunningPebble, challenge_server: ChallengeServer
) -> dict[str, str]:
    return {
        "SLIPWAY_STATE_DIR": str(tmp_path / "state"),
        "SLIPWAY_DATABASE_URL": sqlite_url,
        "SLIPWAY_REDIS_URL": redis_url,
        "SLIPWAY_HTTPS_LISTEN": "8443",
        "SLIPWAY_HEARTBEAT_S": "0.2",
        "SLIPWAY_LAPSE_S": "2",
        "SLIPWAY_ACME_DIRECTORY": pebble.directory,
        "SLIPWAY_ACME_CA_BUNDLE": str(pebble.ca_bundle),
        "SLIPWAY_ACME_PROFILE": "default",  # without a profile pebble picks one by chance
        "SLIPWAY_ACME_HTTP_PORT": str(challenge_server.port),
        "SLIPWAY_PUBLIC_ADDRESSES": "127.0.0.1",
        "SLIPWAY_DNS_RESOLVERS": pebble.dns.address,
    }


@pytest.fixture
def installation(environment: dict[str, str]) -> Iterator[Installation]:
    settings = load(environment)
    db = Database(settings.database_url)
    tenant_id = add_tenant(db)
    yield Installation(settings, environment, db, tenant_id, add_app(db, tenant_id, "shop").id)
    db.dispose()

"""The API of a platform that serves HTTPS, with the job of certificates and an authority that issues nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from builder.certificates import jobs
from builder.certificates.dependencies import Dependencies
from router.app import create_app
from slipway.adapters.certificate_files import CertificateFiles
from slipway.core.certificates.pem import facts_of
from slipway.models import Certificate, OwnCertificate, now
from slipway.ports.authority import Pair
from slipway.settings import load
from tests.fixtures.api import Api, make_services
from tests.fixtures.chains import given

HOST = "shop.example.org"


class NoAuthority:
    """`slipway.ports.authority.Authority` that has issued what a test says, and issues nothing more."""

    def __init__(self) -> None:
        self.pair: Pair | None = None
        self.revoked: list[Pair] = []

    def issue(self, *_: Any) -> Pair:
        raise AssertionError("the authority was asked")

    def issued(self, _certificate_id: int) -> Pair | None:
        return self.pair

    def window(self, *_: Any) -> Any:
        raise AssertionError("the authority was asked")

    def revoke(self, pair: Pair, _directory: str) -> None:
        self.revoked.append(pair)

    def forget(self, _certificate_id: int) -> None:
        self.pair = None


class Rig(Api):
    """The API with HTTPS, and the job of certificates."""

    authority: NoAuthority

    def certificates(self) -> list[Certificate]:
        with self.services.db.read(platform="a test looks") as session:
            return list(session.scalars(select(Certificate).order_by(Certificate.id)))

    def own(self) -> list[OwnCertificate]:
        with self.services.db.read(platform="a test looks") as session:
            return list(session.scalars(select(OwnCertificate)))

    def change(self, **values: Any) -> None:
        with self.services.db.write(platform="a test changes") as session:
            for name, value in values.items():
                setattr(session.scalars(select(Certificate)).one(), name, value)

    def run_jobs(self) -> list[str | None]:
        """Of all that is due."""
        services = self.services
        files = CertificateFiles(services.settings.certificate_dir)
        vault = services.certificates
        made = Dependencies(services.settings, services.db, self.authority, files, services.preflight, lambda: vault)
        due = [(row.id, row.lease) for row in self.certificates() if row.source == "own" or row.serial]
        return [jobs.run(made, *each) for each in due]

    def index(self) -> dict[str, Any]:
        return CertificateFiles(self.services.settings.certificate_dir).published()

    def served(self, host: str = HOST) -> str:
        """The serial; empty: none is served."""
        rows = [each for each in self.index().get("certificates", {}).values() if host in each["names"]]
        if not rows:
            return ""
        folder = self.services.settings.certificate_dir / rows[0]["folder"]
        facts = facts_of((folder / "fullchain.pem").read_bytes(), (folder / "key.pem").read_bytes())
        assert facts.serial == rows[0]["serial"]
        return facts.serial

    def issue(self, host: str = HOST) -> str:
        """As if an authority had issued one for the only certificate there is."""
        made = given(host)
        self.authority.pair = Pair(made.certificate.encode(), made.key.encode())
        [row] = self.certificates()
        facts = facts_of(*(each for each in (self.authority.pair.fullchain, self.authority.pair.key)))
        files = CertificateFiles(self.services.settings.certificate_dir)
        files.install(row.id, facts.serial, self.authority.pair)
        self.change(
            state="issued",
            serial=facts.serial,
            folder=facts.serial,
            authority="https://ca.example/dir",
            not_before=facts.not_before,
            not_after=facts.not_after,
            renew_at=now() + timedelta(days=30),
            ask_window_at=now() + timedelta(hours=1),
        )
        return facts.serial


def make_rig(state_dir: Path, sqlite_url: str, redis_url: str, **changed: str) -> Iterator[Rig]:
    made = make_services(state_dir, sqlite_url, redis_url)
    chosen = {"STATE_DIR": str(state_dir), "DATABASE_URL": sqlite_url, "REDIS_URL": redis_url, "HTTPS_LISTEN": "8443"}
    services = replace(made, settings=load({f"SLIPWAY_{name}": value for name, value in (chosen | changed).items()}))
    rig = Rig(services, create_app(services).test_client())
    rig.authority = NoAuthority()
    yield rig
    services.db.dispose()
    services.redis.close()

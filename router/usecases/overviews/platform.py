"""The platform for who runs it: its services, disk, certificates of all tenants, and what the doctor finds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases import system
from router.usecases.showing import certificates
from slipway.core.certificates.states import State
from slipway.errors import DependencyUnavailable
from slipway.models import Certificate, Tenant
from slipway.settings import Settings

if TYPE_CHECKING:
    from slipway.host.doctor import Finding

CERTIFICATES_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Disk:
    path: Path
    free_bytes: int
    size_bytes: int
    floor_bytes: int
    """Builds are refused where less is free; 0: nothing is refused."""

    @property
    def is_low(self) -> bool:
        return self.free_bytes < self.floor_bytes


@dataclass(frozen=True, slots=True)
class TenantCertificate:
    names: list[str]
    tenant: str
    state: str
    detail: str
    not_after: datetime | None
    alarm: bool


@dataclass(frozen=True, slots=True)
class Platform:
    system: documents.System
    disks: list[Disk]
    certificates: list[TenantCertificate] | None
    """Those that run out first, with at most `CERTIFICATES_SHOWN`. None: the database does not answer."""
    findings: list[Finding]


def show_platform(services: Services, principal: Principal) -> Platform:
    """For people with the role platform-admin."""
    principal.require_platform_admin()
    from slipway.host import doctor  # noqa: PLC0415  costs memory, and few ask

    return Platform(
        system=system.system_health(services),
        disks=list(_disks(services.settings)),
        certificates=_certificates(services),
        findings=doctor.diagnose_without_root(services.settings),
    )


def _disks(settings: Settings) -> Iterator[Disk]:
    """One of each file system: a folder that is not there is not looked at."""
    seen: set[int] = set()
    for folder, floor in ((settings.state_dir, settings.disk_floor_bytes), (settings.scratch_dir, 0)):
        if not folder.exists() or folder.stat().st_dev in seen:
            continue
        seen.add(folder.stat().st_dev)
        about = os.statvfs(folder)
        yield Disk(folder, about.f_bavail * about.f_frsize, about.f_blocks * about.f_frsize, floor)


def _certificates(services: Services) -> list[TenantCertificate] | None:
    query = (
        select(Certificate, Tenant.name)
        .join(Tenant, Tenant.id == Certificate.tenant_id)
        .where(Certificate.state != State.REMOVED)
        .order_by(Certificate.not_after.is_not(None), Certificate.not_after, Certificate.names_key)
        .limit(CERTIFICATES_SHOWN)
    )
    try:
        with services.db.read(platform="an administrator looks at all certificates") as session:
            return [_certificate(row, tenant) for row, tenant in session.execute(query)]
    except DependencyUnavailable:
        return None


def _certificate(row: Certificate, tenant: str) -> TenantCertificate:
    expiry = certificates.expiry(row)
    return TenantCertificate(expiry.names, tenant, expiry.state, row.detail, expiry.not_after, expiry.alarm)

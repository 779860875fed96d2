"""What the edge serves: the index, made of the rows."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.adapters.certificate_files import CertificateFiles
from slipway.core.app_settings import https
from slipway.core.certificates.https_policy import HostOfApp, policies
from slipway.core.certificates.index import HttpsOfHost, Served
from slipway.core.certificates.states import State
from slipway.db import Database
from slipway.domain.certificates import rows as certificates
from slipway.domain.file_settings import of_what_serves
from slipway.models import App, Certificate, Domain
from slipway.settings import Settings

log = logging.getLogger(__name__)
_WHY = "certificates: what is served"


def publish(db: Database, files: CertificateFiles, settings: Settings) -> None:
    """Have the edge serve what the rows say.

    Raises:
        OSError: the index can't be written; the old one stays.
    """

    def wanted() -> tuple[list[Served], Mapping[str, HttpsOfHost]]:
        with db.read(platform=_WHY) as session:
            return _served(session), policies(_hosts(session), certificates.platform_hosts(settings))

    if files.publish(wanted):
        log.info("published")


def _served(session: Session) -> list[Served]:
    columns = (Certificate.id, Certificate.names, Certificate.serial, Certificate.folder, Certificate.not_after)
    in_place = (Certificate.serial != "", Certificate.state != State.REMOVED, Certificate.not_after.is_not(None))
    return [
        Served(id_, tuple(names), serial, folder, not_after)
        for id_, names, serial, folder, not_after in session.execute(select(*columns).where(*in_place))
        if not_after
    ]


def _hosts(session: Session) -> list[HostOfApp]:
    files = of_what_serves(session)
    columns = (Domain.host, Domain.tenant_id, Domain.app_id, Domain.environment, App.settings)
    rows = session.execute(select(*columns).join(App, App.id == Domain.app_id))
    return [
        HostOfApp(host, tenant_id, https.chosen(settings, files.get((app_id, environment), {})))
        for host, tenant_id, app_id, environment, settings in rows
    ]

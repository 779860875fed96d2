"""A certificate that somebody gave for a host is put in place. No authority is asked."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from builder.certificates.dependencies import Dependencies
from builder.certificates.failed import Failed
from builder.certificates.lease import Lease, Work
from builder.certificates.publishing import publish
from slipway.adapters.vault import SealBroken
from slipway.core.certificates.failures import Failure
from slipway.core.certificates.index import digest
from slipway.core.certificates.pem import NotAPair, facts_of
from slipway.core.certificates.states import State
from slipway.domain.certificates import rows as certificates
from slipway.domain.certificates.own import sealed_for
from slipway.errors import SettingsError
from slipway.models import OwnCertificate, now
from slipway.ports.authority import Pair

log = logging.getLogger(__name__)
_LOOK_AGAIN = timedelta(days=1)
"""Files that were lost are put in place again."""
_FOLDER_CHARACTERS = 40
_UNREADABLE = Failure(
    "own-unreadable",
    "The certificate that was given can't be opened any more.",
    "give it again: slipway certificates add",
    needs_hand=True,
    own_check=True,
)


def put_in_place(dependencies: Dependencies, lease: Lease) -> None:
    """All steps, in order.

    Raises:
        Failed: it can't be opened; what was served before still is.
        LeaseLost: another one was given meanwhile, or nobody wants it any more.
        OSError: the files can't be written.
    """
    work = lease.work
    with lease.write() as (_, row):
        certificates.advance(row, State.CHECKING)
    pair = _opened(dependencies, work)
    try:
        facts = replace(facts_of(pair.fullchain, pair.key), names=work.names)
    except NotAPair as error:
        raise Failed(replace(_UNREADABLE, detail=str(error))) from None
    folder = digest(pair.fullchain, pair.key)[:_FOLDER_CHARACTERS]
    dependencies.files.install(work.id, folder, pair)
    with lease.write() as (_, row):
        certificates.record_issued(row, facts, folder=folder, authority="", renew_at=None, ask_at=now() + _LOOK_AGAIN)
    publish(dependencies.db, dependencies.files, dependencies.settings)
    log.info("an own certificate is in place", extra={"names": work.names_key, "serial": facts.serial})


def _opened(dependencies: Dependencies, work: Work) -> Pair:
    with dependencies.db.read(platform="certificates: what was given") as session:
        sealed = session.scalar(select(OwnCertificate.sealed).filter_by(certificate_id=work.id))
    if sealed is None:
        raise Failed(_UNREADABLE)
    try:
        place = sealed_for(work.tenant_id, work.app_id, work.names_key)
        opened = json.loads(dependencies.vault().open(sealed, *place))
    except (SealBroken, SettingsError) as error:
        why = f"The certificate that was given can't be opened: {error.message}."
        raise Failed(replace(_UNREADABLE, detail=why)) from None
    return Pair(opened["fullchain"].encode(), opened["key"].encode())

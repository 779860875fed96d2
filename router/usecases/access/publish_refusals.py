"""CI jobs that got no token, in the audit log of the app's tenant. A stranger can have this done as often as they like:
so many a minute are recorded, and all are in the router's own log."""

from __future__ import annotations

import logging
from typing import Protocol

from router.login.recording import NOBODY
from router.principal import OnlyApp
from router.services import Services
from slipway.domain import audit
from slipway.domain.audit import Action, Actor
from slipway.errors import SlipwayError

log = logging.getLogger(__name__)
_WHY_MOST = 1000


class RefusedTarget(Protocol):
    @property
    def tenant_id(self) -> int: ...
    @property
    def app(self) -> OnlyApp: ...


def record(services: Services, origin: Actor, target: RefusedTarget | None, asked: str, why: str) -> None:
    from slipway.adapters.redis.sessions.begin_rate import BeginRate  # noqa: PLC0415  only needed here and with sign-on

    log.info("a CI job was refused", extra={"asked": asked, "why": why, "address": origin.address})
    tenant_id, subject = (target.tenant_id, target.app.name) if target else (None, asked)
    actor = Actor(NOBODY, origin.address, origin.request_id)
    try:
        BeginRate(services.redis, "publish-refusal").require(origin.address)
        with services.db.write(platform="whoever is refused is of no tenant") as session:
            audit.record(session, tenant_id, actor, Action.PUBLISH_REFUSE, subject, why=why[:_WHY_MOST])
    except SlipwayError as error:
        log.warning("the audit log lacks a refusal", extra={"why": error.message})

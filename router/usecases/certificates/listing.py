"""Every certificate of the platform, for those who watch over it."""

from __future__ import annotations

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.showing import certificates as showing


def list_certificates(services: Services, principal: Principal) -> documents.Certificates:
    """Raises `NotAllowed` for everybody but people with the role platform-admin."""
    principal.require_platform_admin()
    with services.db.read(platform="certificates: all of them, for an administrator") as session:
        return documents.Certificates(certificates=showing.of_all(session))

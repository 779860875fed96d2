"""Jobs of certificates begin at once after a change. What is lost here the agent does some seconds later."""

from __future__ import annotations

from router.services import Services
from slipway.domain.certificates import rows

_WHY = "certificates: hosts changed"


def wake(services: Services) -> None:
    """After a change of hosts."""
    if not services.settings.https_listen:
        return
    with services.db.write(platform=_WHY) as session:
        rows.synchronize(session, services.settings)
    enqueue_due(services)


def enqueue_due(services: Services) -> None:
    with services.db.read(platform=_WHY) as session:
        due = rows.due(session, services.settings)
    for certificate_id, lease in due:
        services.queue.enqueue_certificate(certificate_id, lease)

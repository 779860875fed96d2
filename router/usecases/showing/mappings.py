"""Which host leads where, for a whole tenant."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import select

from router import documents
from router.principal import Principal
from router.services import Services
from slipway.models import App, Domain, Target


def list_mappings(services: Services, principal: Principal) -> documents.Mappings:
    """Host → app → replicas with their addresses, as the route table has them."""
    with services.db.read(tenant_id=principal.tenant_id) as session:
        query = select(Domain, App.name).join(App, App.id == Domain.app_id).where(App.deleted_at.is_(None))
        domains = session.execute(query.order_by(Domain.host)).all()
        targets = defaultdict(list)
        for each in session.scalars(select(Target).filter_by(standby=False).order_by(Target.replica_id)):
            shown = documents.MappedReplica(replica=each.replica_id, address=each.address, port=each.port)
            targets[each.app_id, each.environment, each.process].append(shown)
    return documents.Mappings(
        mappings=[
            documents.Mapping(
                host=row.host,
                app=app,
                environment=row.environment,
                process=row.process,
                replicas=targets[row.app_id, row.environment, row.process],
            )
            for row, app in domains
        ]
    )

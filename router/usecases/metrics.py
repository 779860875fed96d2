"""What the edges counted of a tenant's apps, and when its certificates run out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select

from router import documents
from router.principal import Principal
from router.services import Services
from router.usecases.finding import edge_ids
from router.usecases.showing import certificates, usage
from slipway.adapters.redis.edge_metrics import EdgeMetrics, EdgeReport
from slipway.core.usage import fields
from slipway.core.usage.fields import CLASSES
from slipway.models import App, Replica


def tenant_metrics(services: Services, principal: Principal) -> documents.Metrics:
    """Every app's traffic, summed over all registered edges, and every certificate.

    Raises:
        DependencyUnavailable: SQL or Redis does not answer.
    """
    with services.db.read(tenant_id=principal.tenant_id) as session:
        names = dict(session.execute(select(App.id, App.name).where(App.deleted_at.is_(None)).order_by(App.name)).all())
        replicas = dict(session.execute(select(Replica.id, Replica.app_id).where(Replica.ended_at.is_(None))).all())
        expiries = certificates.expiries(session)
    reports = EdgeMetrics(services.redis).reports(edge_ids(services.db), list(names), list(replicas))
    return documents.Metrics(
        edges=[_edge(report) for report in reports],
        apps=[
            _app(name, app_id, reports, [each for each, owner in replicas.items() if owner == app_id])
            for app_id, name in names.items()
        ],
        certificates=expiries,
    )


def _edge(report: EdgeReport) -> documents.EdgeCounts:
    return documents.EdgeCounts(
        id=report.edge, fresh=report.is_fresh, counted_at=_time(report.at), counting_since=_time(report.since)
    )


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _app(name: str, app_id: int, reports: Sequence[EdgeReport], replicas: Sequence[str]) -> documents.AppMetrics:
    reported = [(report, report.apps[app_id]) for report in reports if app_id in report.apps]
    requests = {each: sum(traffic.requests[each] for _, traffic in reported) for each in CLASSES}
    return documents.AppMetrics(
        app=name,
        requests=sum(requests.values()),
        by_class=requests,
        bytes_in=sum(traffic.bytes_in for _, traffic in reported),
        bytes_out=sum(traffic.bytes_out for _, traffic in reported),
        duration_s=sum(traffic.duration_s for _, traffic in reported),
        latency_ms=usage.latency(fields.total(traffic.latency for _, traffic in reported)),
        requests_per_s=sum(traffic.requests_per_s for report, traffic in reported if report.is_fresh),
        inflight=sum(report.inflight.get(replica, 0) for report in reports for replica in replicas),
    )

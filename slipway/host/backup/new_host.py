"""What a restored database still says of the host that it comes from: taken out, so that nothing of it stands in the
new one's way. The agent starts what the live releases want, as after any loss of containers."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from slipway import migrations
from slipway.core.rollout.replica_states import DRAINING, GONE, ReplicaState
from slipway.db import Database
from slipway.domain.replica_lifecycle import advance
from slipway.domain.route_table import route_table
from slipway.models import Address, Edge, Replica, RouteChange, Target, Tenant


def settle(url: URL) -> None:
    """Bring the database to the newest schema, then end what only the old host had."""
    database = Database(url.render_as_string(hide_password=False), pool=False, any_role=True)
    migrations.upgrade(database.engine)
    with database.write(platform="restore: another host") as session:
        _end_replicas(session)
        _forget_addresses(session)
        _publish_anew(session)
    database.dispose()


def _end_replicas(session: Session) -> None:
    for replica in session.scalars(select(Replica).where(Replica.state != GONE)):
        if ReplicaState(replica.state) is not DRAINING:
            advance(replica, DRAINING)
        advance(replica, GONE)


def _forget_addresses(session: Session) -> None:
    """Networks are cut from the new host's range."""
    for table in (Target, Address):
        session.execute(delete(table))
    session.execute(update(Tenant).values(subnet=None))


def _publish_anew(session: Session) -> None:
    """Under a new epoch, and for the edges that register from now on: no switch waits for one that is lost."""
    for table in (RouteChange, Edge):
        session.execute(delete(table))
    route_table(session, lock=True).epoch = uuid4().hex

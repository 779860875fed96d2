"""Which replicas the route table names. Every change goes with its generation, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from builder.agent.scope import Scope
from slipway.core.app_settings.configuration import WEB
from slipway.core.rollout.replica_states import READY
from slipway.domain.route_table import hosts_of, route_table, touch_routes
from slipway.models import Address, Release, Replica, Target


def replace_targets(
    session: Session, scope: Scope, process: str, replica_ids: Collection[str], standby_ids: Collection[str] = ()
) -> int:
    """Name exactly these replicas, some of them as standby, and return the generation in which that is so."""
    query = select(Target).filter_by(app_id=scope.app_id, environment=scope.environment, process=process)
    named = {target.replica_id: target for target in session.scalars(query)}
    wanted = dict.fromkeys(standby_ids, True) | dict.fromkeys(replica_ids, False)
    if {replica_id: target.standby for replica_id, target in named.items()} == wanted:
        return route_table(session).generation
    generation = touch_routes(session, hosts_of(session, scope.app_id, scope.environment, process))
    _remove(session, named.keys() - wanted.keys(), generation)
    for replica_id in named.keys() & wanted.keys():
        named[replica_id].standby = wanted[replica_id]
    coming = wanted.keys() - named.keys()
    for replica in session.scalars(select(Replica).where(Replica.id.in_(coming), Replica.state == READY)):
        session.add(_target(session, replica, standby=wanted[replica.id]))
    session.execute(update(Address).where(Address.replica_id.in_(coming)).values(rests_from=None))
    session.flush()
    return generation


def remove_target(session: Session, scope: Scope, replica: Replica) -> bool:
    """Take one replica out of the route table; says whether it was in it."""
    if session.scalar(select(Target.id).filter_by(replica_id=replica.id)) is None:
        return False
    generation = touch_routes(session, hosts_of(session, scope.app_id, replica.environment, WEB))
    _remove(session, [replica.id], generation)
    return True


def _remove(session: Session, replica_ids: Collection[str], generation: int) -> None:
    session.execute(delete(Target).where(Target.replica_id.in_(replica_ids)))
    session.execute(update(Address).where(Address.replica_id.in_(replica_ids)).values(rests_from=generation))


def _target(session: Session, replica: Replica, *, standby: bool) -> Target:
    release = session.get_one(Release, replica.release_id)
    return Target(
        tenant_id=replica.tenant_id,
        app_id=replica.app_id,
        environment=replica.environment,
        process=replica.process,
        replica_id=replica.id,
        address=replica.address,
        port=release.configuration["port"],
        standby=standby,
    )

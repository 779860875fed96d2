"""What came before a push: what somebody chose by hand to serve, and what was live and gave way, neither of which a
push of a commit that the branch was at before must undo; and pushes that it took the place of."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from builder.lease import Work
from slipway.core.deployment.ordering import BRANCH_MOVED, GaveWay, ManualOverride
from slipway.core.deployment.states import BY_HAND, MANUAL_OVERRIDES, UNFINISHED, Kind, State
from slipway.core.push.missed_pushes import NOT_COMPARED
from slipway.core.push.push_event import BRANCHES
from slipway.models import Delivery, Deployment, cancelled_unbegun

_OVERRIDES = [str(kind) for kind in MANUAL_OVERRIDES]
_CAME_TO_NOTHING = [str(state) for state in (State.FAILED, State.CANCELLED, State.SUPERSEDED, State.SKIPPED)]
_NOT_FOUND_TO_BE_HEAD = [str(state) for state in NOT_COMPARED | {State.SUPERSEDED}]
_ITS, _OTHER = aliased(Delivery), aliased(Delivery)
_IS_REDELIVERY = exists().where(
    _ITS.id == Deployment.delivery_row,
    _ITS.body_digest != "",
    and_(_OTHER.hook_id == _ITS.hook_id, _OTHER.body_digest == _ITS.body_digest, _OTHER.id < _ITS.id),
)
"""SQL condition: the deployment is of a delivery whose body was received before, under another id."""


def last_manual_override(session: Session, work: Work) -> ManualOverride | None:
    """The last choice by hand before the push that was not stopped and did not fail; None when there is none."""
    newest_first = _newest_before(work)
    stands = newest_first.where(Deployment.kind.in_(_OVERRIDES), Deployment.state.not_in(_CAME_TO_NOTHING))
    chosen = session.scalar(stands)
    if chosen is None:
        return None
    of_branch = newest_first.where(_shows_branch(work.ref), ~_IS_REDELIVERY)
    before = of_branch.where(Deployment.sequence < chosen.sequence)
    head = session.scalar(before.where(~cancelled_unbegun(), Deployment.reason != BRANCH_MOVED))
    later = before.limit(None).where(cancelled_unbegun(), Deployment.sequence > (head.sequence if head else 0))
    heads_then = frozenset(row.commit_sha for row in (*session.scalars(later), *filter(None, [head])))
    moved = _has_moved_since(session, work, chosen.sequence)
    return ManualOverride(chosen.id, Kind(chosen.kind), heads_then, moved_since=moved)


def last_that_gave_way(session: Session, work: Work) -> GaveWay | None:
    """The newest deployment of the branch before the push that was live and failed; None when there is none."""
    failed_live = and_(Deployment.state == str(State.FAILED), Deployment.live_at.is_not(None))
    row = session.scalar(_newest_before(work).where(_shows_branch(work.ref), failed_live))
    return GaveWay(row.id, row.commit_sha, _has_moved_since(session, work, row.sequence)) if row else None


def undeployed_push(session: Session, work: Work) -> int | None:
    """The newest push of the branch before this one that was not skipped, where it came to nothing because this one, or
    another, took its place, or may still do so."""
    pushed = and_(Deployment.kind == str(Kind.PUSH), Deployment.ref == work.ref)
    row = session.scalar(_newest_before(work).where(pushed, Deployment.state != str(State.SKIPPED)))
    return row.id if row and State(row.state) in UNFINISHED | {State.SUPERSEDED} else None


def _newest_before(work: Work) -> Select[Deployment]:
    """The app's deployments before the push, limited to the newest."""
    of_app = select(Deployment).filter_by(app_id=work.app_id, environment=work.environment)
    earlier = of_app.where(Deployment.sequence < work.candidate.sequence)
    return earlier.order_by(Deployment.sequence.desc()).limit(1)


def _has_moved_since(session: Session, work: Work, sequence: int) -> bool:
    """Was the branch at another commit since that deployment? When the push itself is of a body that was received
    before, a later push only counts if its worker found it to be the head: one that merely arrived late is
    superseded."""
    of_branch = _newest_before(work).where(_shows_branch(work.ref), ~_IS_REDELIVERY, Deployment.sequence > sequence)
    elsewhere = of_branch.where(Deployment.commit_sha.not_in(["", work.commit_sha]))
    if session.scalar(select(Deployment.id).where(Deployment.id == work.deployment_id, _IS_REDELIVERY)):
        elsewhere = elsewhere.where(Deployment.state.not_in(_NOT_FOUND_TO_BE_HEAD))
    return session.scalar(elsewhere) is not None


def _shows_branch(ref: str) -> ColumnElement[bool]:
    """Deployments that show where the branch was: pushes to it, and deployments by hand of its head."""
    by_hand = and_(Deployment.kind.in_([str(kind) for kind in BY_HAND]), Deployment.commit_sha != "")
    pushed = and_(Deployment.kind == str(Kind.PUSH), Deployment.ref == ref)
    return or_(pushed, and_(by_hand, Deployment.ref.in_([ref, ref.removeprefix(BRANCHES)])))

"""What is live, for a deployment that may be about to make the same image again."""

from __future__ import annotations

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from builder.lease import Work
from slipway.core.app_settings.configuration import WEB
from slipway.core.deployment.ordering import LiveImage, LiveTree, unsettled_choice
from slipway.core.deployment.states import UNFINISHED, Kind, State
from slipway.core.rollout.replica_states import READY
from slipway.domain import intents
from slipway.models import App, Build, Deployment, Release, Replica


def live_image(session: Session, work: Work) -> LiveImage | None:
    """The live image, and whether making it anew could give another one; None when nothing is live."""
    live = intents.live_deployment(session, work.app_id, work.environment)
    if live is None or live.release_id is None:
        return None
    ready = select(func.count()).where(
        Replica.release_id == live.release_id,
        Replica.ended_at.is_(None),
        Replica.process == WEB,
        Replica.state == READY,
    )
    release = session.get_one(Release, live.release_id)
    build = session.get(Build, release.build_id) if release.build_id else None
    made = session.get(Deployment, build.deployment_id) if build else None
    return LiveImage(
        version=live.commit_sha,
        release=release.number,
        message=made.message if made else "",
        kind=Kind(live.kind),
        serves=bool(session.scalar(ready)),
        outdated=_is_outdated(session, work, made),
        leaving=_is_leaving(session, work, live),
    )


def _is_leaving(session: Session, work: Work, live: Deployment) -> bool:
    """Is an earlier deployment of something else unfinished, so that what is live is about to be replaced? A push
    counts only once it is starting: before that it is compared with its branch, and stops if it is not the head."""
    earlier = select(Deployment.id).where(
        Deployment.app_id == work.app_id,
        Deployment.environment == work.environment,
        Deployment.id != work.deployment_id,
        Deployment.sequence < work.candidate.sequence,
        Deployment.commit_sha != live.commit_sha,
        Deployment.stop_requested.is_(None),
        Deployment.kind != str(Kind.CONFIGURATION),
        Deployment.state.in_([str(state) for state in UNFINISHED]),
        or_(Deployment.kind != str(Kind.PUSH), Deployment.state == str(State.STARTING)),
        or_(Deployment.commit_sha != "", Deployment.ref != work.ref),
    )
    return session.scalars(earlier.limit(1)).first() is not None


def _is_outdated(session: Session, work: Work, made: Deployment | None) -> bool:
    """Was something that a build takes changed since the deployment began that made the live image? Yes, when that
    deployment is not known any more, and when the image was built for another app."""
    if made is None or made.started_at is None or made.kind == Kind.PROMOTION:
        return True
    changed_at = session.get_one(App, work.app_id).build_inputs_changed_at
    return changed_at is not None and changed_at >= made.started_at


def live_tree(session: Session, work: Work) -> LiveTree | None:
    """The files that are live, which a push is compared with; None when nothing is live."""
    live = intents.live_deployment(session, work.app_id, work.environment)
    if live is None:
        return None
    release = session.get(Release, live.release_id) if live.release_id else None
    build = session.get(Build, release.build_id) if release and release.build_id else None
    known = live.source == "git" and build is not None
    settings = session.get_one(App, work.app_id).settings | (build.file_settings if build else {})
    paths = tuple(settings.get("paths", ())) if known else ()
    made = session.get(Deployment, build.deployment_id) if build and paths else None
    return LiveTree(
        deployment=live.id,
        commit_sha=live.commit_sha if live.source == "git" else "",
        paths=paths,
        outdated=bool(paths) and _is_outdated(session, work, made),
        unsettled=unsettled_choice(work.candidate, [row.candidate() for row in unfinished(session, work)]),
    )


def unfinished(session: Session, work: Work) -> list[Deployment]:
    """The app's deployments that have not ended."""
    states = [str(state) for state in UNFINISHED]
    query = select(Deployment).filter_by(app_id=work.app_id, environment=work.environment)
    return list(session.scalars(query.where(Deployment.state.in_(states))))

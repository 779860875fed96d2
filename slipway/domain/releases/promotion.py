"""What a promotion takes of the app that it comes from."""

from __future__ import annotations

from sqlalchemy.orm import Session

from slipway.core.deployment.promotion import PromotedImage
from slipway.errors import Conflict
from slipway.models import App, Build, Deployment, Release


def serving(session: Session, app: App, live: Deployment | None) -> tuple[Release, Deployment, PromotedImage]:
    """The release that serves an app, the deployment that made its image, and what a promotion brings along of it.

    Raises:
        Conflict: nothing is live.
    """
    release = session.get(Release, live.release_id) if live and live.release_id else None
    build = session.get(Build, release.build_id) if release and release.build_id else None
    if release is None or build is None:
        raise Conflict(
            f"{app.name} is not live, so it has no image to promote",
            remedy=f"deploy it first: slipway deploy -a {app.name}",
        )
    image = PromotedImage(
        app=app.name,
        release=release.number,
        digest=release.digest,
        builder=build.builder,
        file_settings=build.file_settings,
        processes=build.processes,
    )
    return release, session.get_one(Deployment, build.deployment_id), image

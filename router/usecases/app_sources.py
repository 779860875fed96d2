"""What an app is deployed from: its repository or its image, and the credential for either."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from router.services import Services
from slipway.core.build import image_names
from slipway.core.deployment.states import BY_HAND, UNFINISHED
from slipway.core.naming import validation
from slipway.domain.attached.services import refuse_service
from slipway.errors import Conflict, InvalidInput
from slipway.models import TO_CHANGE, App, Deployment


def image_for(services: Services, session: Session, app: App, image: str, *, with_credential: bool = False) -> str:
    """The image's name, when the app may run it. `with_credential`: a credential for its registry is given, too.

    Raises:
        InvalidInput: the app is built from a repository, the name can't be, or the app's credential is for another
            registry, which must not get it.
        Conflict: it is an attached service, and the image is another one.
    """
    if app.source != "image":
        raise InvalidInput(f"{app.name} is built from a repository", remedy="make another app for the image")
    if image != app.image:
        refuse_service(session, app, "runs its own image", "make another service of that version")
    image = validation.image_name(image, services.settings.registries)
    before, after = image_names.parse(app.image).registry, image_names.parse(image).registry
    if app.credential and before != after and not with_credential:
        raise InvalidInput(
            f"{app.name}'s credential is for {before}, and would go to {after}",
            remedy=f"give one for {after} with it (an empty file for none): "
            f"slipway apps set image={image} --credential-file FILE",
        )
    return image


def _refuse_between(session: Session, app: App) -> None:
    """A deployment by hand makes its image the app's when it goes live. One of the two would be lost."""
    for each in unfinished(session, app):
        if each.kind in BY_HAND and each.ref != app.image:
            raise Conflict(
                f"deployment {each.id} is about to make {each.ref} the app's image",
                remedy=f"wait for it, or stop it: slipway deployments cancel {each.id}",
            )


def change_source(services: Services, session: Session, app: App, changes: dict[str, Any]) -> None:
    if "repository" in changes:
        if app.source != "git":
            raise InvalidInput(f"{app.name} runs an image", remedy="make another app for the repository")
        set_repository(services, app, changes["repository"] or "")
    if "image" in changes:
        _refuse_between(session, app)
        app.image = image_for(services, session, app, changes["image"] or "", with_credential="credential" in changes)
    if "branch" in changes:
        app.branch = validation.branch(changes["branch"] or "")
        _forget_head(app)
    if "credential" in changes:
        seal_credential(services, app, changes["credential"])


def set_repository(services: Services, app: App, url: str) -> None:
    app.repository = validation.repository_url(url, services.settings.git_hosts)
    app.repository_identity = validation.repository_identity(app.repository)
    _forget_head(app)


def _forget_head(app: App) -> None:
    """The app follows another branch, of which earlier deployments say nothing. The agent looks at its head as soon as
    it can: only what is pushed after that look is found without a delivery."""
    app.head, app.polled_at = None, None
    app.branch_sequence = app.next_sequence or 0  # a new app has none yet


def seal_credential(services: Services, app: App, credential: str | None) -> None:
    """A credential for the repository, or for the image's registry, which `image_for` has checked."""
    if credential and app.source == "image":
        credential = validation.registry_credential(credential)
    app.credential = services.values.seal(credential, app.tenant_id, app.id, "credential") if credential else None


def unfinished(session: Session, app: App) -> list[Deployment]:
    states = [str(state) for state in UNFINISHED]
    query = select(Deployment).filter_by(app_id=app.id).where(Deployment.state.in_(states))
    return list(session.scalars(query.with_for_update(**TO_CHANGE)))

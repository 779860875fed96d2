"""The configuration as it stands now, frozen into a release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from builder.agent.rollout.releases import volumes
from slipway.core.app_settings.configuration import WEB, Configuration, Defaults, knows_no_volumes, snapshot
from slipway.core.app_settings.model import AppSettings, overlay
from slipway.core.app_settings.volumes import mounts
from slipway.core.build import procfile
from slipway.core.build.image_volumes import ImageVolumes, image_notices
from slipway.core.deployment.ordering import must_refreeze
from slipway.core.deployment.states import Kind
from slipway.domain import lifecycle
from slipway.domain.intents import live_deployment
from slipway.domain.quota import enforcement
from slipway.errors import DeploymentFailed
from slipway.models import App, Build, Deployment, Release, Scale, Variable


def make_release(session: Session, deployment: Deployment, host: Defaults, image_volumes: Sequence[str]) -> Release:
    """The release that a deployment makes live. A rollback has one; everything else gets a new one, and a configuration
    change another one when its image is the live one no longer. `host`: the defaults for what an app leaves out;
    `image_volumes`: those of `digest_to_run`.

    Raises:
        DeploymentFailed: there is no image to run.
        InvalidInput: the settings break a rule.
        QuotaExceeded: the tenant may not use as much as it needs.
    """
    release = _release(session, deployment, host, image_volumes)
    session.flush()
    app = session.get_one(App, deployment.app_id)
    enforcement.require_release(session, app, release, deployment=deployment)
    return release


def _release(session: Session, deployment: Deployment, host: Defaults, image_volumes: Sequence[str]) -> Release:
    if deployment.kind == Kind.CONFIGURATION:
        _keep_live_image(session, deployment)
    if deployment.release_id is not None:
        return _with_volumes(_kept(session.get(Release, deployment.release_id)), image_volumes)
    app = session.get_one(App, deployment.app_id)
    build = _build(session, deployment)
    chosen = _chosen(app, build)
    release = Release(
        tenant_id=app.tenant_id,
        app_id=app.id,
        environment=deployment.environment,
        number=_next_number(session, deployment),
        image=build.image,
        digest=build.digest,
        commit_sha=deployment.commit_sha,
        build_id=build.id,
        configuration=_configuration(session, deployment, chosen, build, host, image_volumes).to_json(),
    )
    session.add(release)
    session.flush()
    deployment.release_id = release.id
    _first_scale(session, deployment, chosen)
    volumes.refuse_several_replicas(session, release)
    return release


def image_volume_notices(session: Session, release: Release, image: ImageVolumes) -> list[str]:
    """What the release's deployment says about the VOLUMEs of its image."""
    app = session.get_one(App, release.app_id)
    build = session.get(Build, release.build_id) if release.build_id else None
    declared = [each.path for each in _chosen(app, build).mounts()] if build else []
    mounted = Configuration.from_json(release.configuration).volumes
    return image_notices(image, declared, {each.path: each.name for each in mounted})


def digest_to_run(session: Session, deployment: Deployment) -> str:
    """The image that the deployment's release is to run; empty for a configuration change where nothing is live.

    Raises:
        DeploymentFailed: there is no image to run.
    """
    if deployment.kind != Kind.CONFIGURATION and deployment.release_id is not None:
        return _kept(session.get(Release, deployment.release_id)).digest
    if deployment.kind == Kind.CONFIGURATION:
        live = live_deployment(session, deployment.app_id, deployment.environment)
        return _build(session, deployment).digest if live else ""
    return _build(session, deployment).digest


def _keep_live_image(session: Session, deployment: Deployment) -> None:
    """What is live may be another image than when the change was asked for."""
    live = live_deployment(session, deployment.app_id, deployment.environment)
    if live is None:
        return
    if must_refreeze(deployment.candidate(), live.candidate()):
        deployment.release_id = None
        lifecycle.begin_step(deployment, "start")
    deployment.commit_sha, deployment.image_sequence = live.commit_sha, live.image_sequence


def _kept(release: Release | None) -> Release:
    if release is None or release.collected_at is not None:
        raise DeploymentFailed(
            "image-missing", "the image of that release was removed to save space", remedy="deploy its commit again"
        )
    return release


def _with_volumes(release: Release, image_volumes: Sequence[str]) -> Release:
    """A release that was frozen without its image's VOLUMEs mounts them from now on: else going back to it would lose
    what is written there."""
    if knows_no_volumes(release.configuration):
        found = mounts((), image_volumes, release.configuration["commands"])
        release.configuration = release.configuration | {"volumes": [asdict(each) for each in found]}
    return release


def _chosen(app: App, build: Build) -> AppSettings:
    """A preview has no schedule: whoever gets mails of one wants them once."""
    chosen = overlay(procfile.below(app.settings, build.processes), build.file_settings)
    return chosen.model_copy(update={"cron": ()}) if app.is_preview else chosen


def _build(session: Session, deployment: Deployment) -> Build:
    """The deployment's own build, or that of the live release when only the configuration changes."""
    if deployment.kind == Kind.CONFIGURATION:
        live = live_deployment(session, deployment.app_id, deployment.environment)
        served = session.get(Release, live.release_id) if live and live.release_id else None
        build = session.get(Build, served.build_id) if served and served.build_id else None
    else:
        newest = select(Build).filter_by(deployment_id=deployment.id).order_by(Build.id.desc()).limit(1)
        build = session.scalar(newest)
    if build is None:
        raise DeploymentFailed("image-missing", "there is no image to start", remedy="deploy again")
    return build


def _configuration(
    session: Session,
    deployment: Deployment,
    chosen: AppSettings,
    build: Build,
    host: Defaults,
    image_volumes: Sequence[str],
) -> Configuration:
    of_app = {"app_id": deployment.app_id, "environment": deployment.environment}
    variables = session.scalars(select(Variable).filter_by(**of_app, scope="run")).all()
    return snapshot(
        chosen,
        host,
        variables={row.name: row.sealed for row in variables},
        exposed_port=build.exposed_port,
        image_volumes=image_volumes,
        secret_names=[row.name for row in variables if row.is_secret],
    )


def _first_scale(session: Session, deployment: Deployment, chosen: AppSettings) -> None:
    """A process that never had a scale gets the one in the settings; later `slipway scale` alone changes it."""
    of_app = {"app_id": deployment.app_id, "environment": deployment.environment}
    known = set(session.scalars(select(Scale.process).filter_by(**of_app)))
    for process in {WEB, *chosen.processes} - known:
        replicas = chosen.first_replicas(process)
        session.add(Scale(tenant_id=deployment.tenant_id, process=process, replicas=replicas, **of_app))


def _next_number(session: Session, deployment: Deployment) -> int:
    highest = select(func.max(Release.number)).where(
        Release.app_id == deployment.app_id, Release.environment == deployment.environment
    )
    return (session.scalar(highest) or 0) + 1

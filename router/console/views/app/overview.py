"""One app: how it does, and what brings another version of it live."""

from __future__ import annotations

from flask import request, url_for

from router.access import principal, services
from router.api.apps import NewScale
from router.api.deployments import NewDeployment, Promotion, Rollback
from router.console.asked import row_number
from router.console.routes import Done, Values, act, field, form, page
from router.console.texts import text
from router.usecases import apps, deployments, replicas, volumes
from router.usecases.overviews.app_figures import app_figures
from slipway.core.access.roles import Role

DEPLOYMENTS_SHOWN = 20


@page("/apps/<app>", "app/overview.html")
def show_app(app: str) -> Values:
    listed = deployments.list_deployments(
        services(), principal(), app, limit=DEPLOYMENTS_SHOWN, before=row_number(request.args.get("before", ""))
    )
    running = replicas.list_replicas(services(), principal(), app, ended=False).replicas
    return of_app(app, "overview") | {
        "replicas": running,
        "deployments": listed.deployments,
        "figures": app_figures(services(), principal(), app, [each.id for each in running]),
        "older": listed.deployments[-1].id if len(listed.deployments) == DEPLOYMENTS_SHOWN else None,
    }


def of_app(name: str, tab: str) -> Values:
    """What every page of an app gets."""
    return {"app": apps.get_app(services(), principal(), name), "tab": tab}


@page("/apps/<app>/logs", "app/logs.html")
def show_logs(app: str) -> Values:
    """Without JavaScript the page links to what was printed so far."""
    listed = replicas.list_replicas(services(), principal(), app, ended=True).replicas
    return of_app(app, "logs") | {"replicas": listed, "replica": request.args.get("replica", "")}


@act("/apps/<app>/deploy", role=Role.DEVELOPER)
def deploy(app: str) -> Done:
    made = deployments.deploy(services(), principal(), app, **dict(form(NewDeployment)))
    return Done(url_for("console.show_deployment", deployment=made.id))


@act("/apps/<app>/promote", role=Role.DEVELOPER)
def promote(app: str) -> Done:
    made = deployments.promote(services(), principal(), app, to=form(Promotion).to)
    return Done(url_for("console.show_deployment", deployment=made.id))


@act("/apps/<app>/rollback", role=Role.DEVELOPER)
def roll_back(app: str) -> Done:
    made = deployments.roll_back(services(), principal(), app, form(Rollback).to)
    return Done(url_for("console.show_deployment", deployment=made.id))


@act("/apps/<app>/scale", role=Role.DEVELOPER)
def scale(app: str) -> Done:
    wanted = form(NewScale)
    apps.scale_app(services(), principal(), app, replicas=wanted.replicas, process=wanted.process)
    said = text("acts.scaled", process=wanted.process, replicas=wanted.replicas)
    return Done(url_for("console.show_app", app=app), (said,))


@act("/apps/<app>/delete", role=Role.OWNER)
def delete_app(app: str) -> Done:
    gone = apps.delete_app(
        services(), principal(), app, confirmed=field("confirm"), with_volumes="volumes" in request.form
    )
    return Done(url_for("console.show_apps"), (text("acts.app_deleted", app=app), *gone.notices))


@page("/apps/<app>/delete", "app/delete.html", role=Role.OWNER)
def show_deletion(app: str) -> Values:
    """What would be lost."""
    kept = volumes.list_volumes(services(), principal(), app_name=app).volumes
    return of_app(app, "settings") | {"volumes": kept}

"""Whose CI jobs may deploy which app."""

from __future__ import annotations

from flask import request, url_for

from router.access import principal, services
from router.api.access.publishers import NewPublisher
from router.console.routes import Done, Values, act, checked, field, page
from router.console.texts import text
from router.console.views.tenant.people import number_of
from router.usecases.access import publishers
from router.usecases.confirmation import require_confirmation
from router.usecases.overviews.publishers import of_tenant
from slipway.core.access.roles import Role
from slipway.core.access.trusted_publishers import IssuerKind


@page("/tenant/publishers", "tenant/publishers.html", role=Role.DEVELOPER)
def show_publishers() -> Values:
    return {"tab": "publishers", "publishers": of_tenant(services(), principal()), "kinds": list(IssuerKind)}


@act("/tenant/publishers", role=Role.OWNER)
def add_publisher() -> Done:
    """One constraint a line, as `repository acme/shop`."""
    app = field("app").strip()
    pairs = [line.split(maxsplit=1) for line in field("constraints").splitlines() if line.strip()]
    constraints = {pair[0]: "".join(pair[1:]) for pair in pairs}
    given = {"kind": field("kind"), "issuer": request.form.get("issuer", "").strip(), "constraints": constraints}
    wanted = checked(NewPublisher, given)
    publishers.add_publisher(services(), principal(), app, **wanted.model_dump())
    return Done(url_for("console.show_publishers"), (text("acts.publisher_added", app=app),))


@act("/tenant/publishers/remove", role=Role.OWNER)
def remove_publisher() -> Done:
    app = field("app")
    require_confirmation("app", app, field("confirm"))
    publishers.remove_publisher(services(), principal(), app, number_of("publisher"))
    return Done(url_for("console.show_publishers"), (text("acts.publisher_removed", app=app),))

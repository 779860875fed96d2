"""An app's hosts and their certificates."""

from __future__ import annotations

from flask import Response, url_for

from router.access import principal, services
from router.api.domains import NewDomain
from router.console import responses
from router.console.routes import Done, Values, act, field, form, page
from router.console.texts import text
from router.console.views.app.overview import of_app
from router.usecases import domains
from router.usecases.certificates import checking
from router.usecases.confirmation import require_confirmation
from slipway.core.access.roles import Role
from slipway.errors import DomainNotProven


@page("/apps/<app>/domains", "app/domains.html")
def show_domains(app: str) -> Values:
    return _values(app)


@act("/apps/<app>/domains", role=Role.DEVELOPER)
def add_domain(app: str) -> Done | Response:
    """Where a record has to show whose the domain is, the page says which."""
    wanted = form(NewDomain)
    try:
        made = domains.add_domain(services(), principal(), app, wanted.host, wanted.redirect_to)
    except DomainNotProven as error:
        return responses.problem(error)
    return Done(url_for("console.show_domains", app=app), (text("acts.domain_added", host=made.name),))


@act("/apps/<app>/domains/check", role=Role.DEVELOPER)
def check_domain(app: str) -> Response:
    """What keeps the host from its certificate, in this answer."""
    check = checking.check_domain(services(), principal(), app, field("host"))
    return responses.page("app/domains.html", _values(app) | {"check": check})


@act("/apps/<app>/domains/remove", role=Role.DEVELOPER)
def remove_domain(app: str) -> Done:
    host = field("host")
    require_confirmation("host", host, field("confirm"))
    domains.remove_domain(services(), principal(), app, host)
    return Done(url_for("console.show_domains", app=app), (text("acts.domain_removed", host=host),))


def _values(app: str) -> Values:
    return of_app(app, "domains") | {
        "domains": domains.list_domains(services(), principal(), app).domains,
        "check": None,
    }

"""The router's Flask app: the API on its use cases."""

from __future__ import annotations

from apiflask import APIFlask
from flask import Response, request

from router import openapi, problems
from router.access import EXTENSION
from router.api import (
    apps,
    deployments,
    domains,
    exports,
    hooks,
    metrics,
    platform,
    previews,
    replicas,
    usage,
    variables,
    volumes,
)
from router.api.access import account, audit, github, identity, invitations, limits, publishers, quotas, tokens, users
from router.api.access import policies as access
from router.api.attached import backups
from router.api.attached import services as attached_services
from router.api.operation import SECURITY_SCHEMES
from router.api.request_bodies import ApiJson, ApiRequest
from router.api.runs import cron, runs, terminals
from router.console import views as console_views
from router.login import answers, token_sign_in, views
from router.login import invitations as invitation_links
from router.services import Services
from slipway import migrations
from slipway.web.requests import RequestIds

WRITE_TIMEOUT_S = 30.0
"""A client that reads nothing for so long is disconnected: others need its thread and its place."""
_BLUEPRINTS = (
    account,
    apps,
    deployments,
    replicas,
    runs,
    cron,
    terminals,
    variables,
    volumes,
    attached_services,
    backups,
    domains,
    previews,
    access,
    limits,
    quotas,
    github,
    hooks,
    tokens,
    publishers,
    users,
    invitations,
    identity,
    audit,
    metrics,
    usage,
    exports,
    platform,
)


def create_app(services: Services) -> APIFlask:
    """The app on its services. Opens no connection, so that it can be made before a fork."""
    app = APIFlask(
        "router",
        title="Slipway",
        version="1",
        spec_path=None,
        docs_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type]
    )
    app.request_class = ApiRequest
    app.extensions[EXTENSION] = services
    app.json = ApiJson(app)
    app.config.update(_configuration())
    for module in _BLUEPRINTS:
        app.register_blueprint(module.blueprint)
    for pages in (
        views,
        answers,
        invitation_links,
        token_sign_in,
    ):  # no part of the API: they are for browsers, and for the identity provider
        app.register_blueprint(pages.blueprint)
    app.register_blueprint(console_views.declared())
    problems.register(app)
    app.spec_processor(openapi.complete)
    app.before_request(bound_writing)
    app.after_request(with_headers)
    app.wsgi_app = RequestIds(app.wsgi_app, in_response=True)  # type: ignore[method-assign]
    return app


def _configuration() -> dict[str, object]:
    """Failures are described by `router.openapi`; the servers by where the document is fetched from."""
    return {
        platform.REVISION: migrations.newest(),
        "AUTO_404_RESPONSE": False,
        "AUTO_AUTH_ERROR_RESPONSE": False,
        "AUTO_VALIDATION_ERROR_RESPONSE": False,
        "AUTO_SERVERS": False,
        "SECURITY_SCHEMES": SECURITY_SCHEMES,
        "DESCRIPTION": "Push-to-deploy on your own host. Errors are RFC 9457 problem documents with a stable `code`.",
    }


def bound_writing() -> None:
    """Of every response. gunicorn removes the timeout between two requests."""
    connection = request.environ.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(WRITE_TIMEOUT_S)


def with_headers(response: Response) -> Response:
    """Nothing of what the router answers is kept or guessed at, unless the view says otherwise."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response

"""The Flask app on the internal socket. Two kinds of callers share it, and neither reaches what is the other's: the
edge asks `/internal/…`, and browsers come to `/.slipway/…` on apps' hosts, through the edge, which then says the host
in `X-Forwarded-Host`."""

from __future__ import annotations

from flask import Flask, Request, request
from werkzeug.exceptions import NotFound

from router.access import EXTENSION
from router.app import bound_writing, with_headers
from router.internal import authorizing, browser_pages
from router.internal.questions import BODY_MAX_BYTES
from router.services import Services
from slipway.errors import SlipwayError
from slipway.web.problems import Problems
from slipway.web.requests import RequestIds

_PROBLEMS = Problems(
    defect=SlipwayError("This is a defect of Slipway: who calls is not known.", remedy="see the router's log"),
    retry_after_s=2,
)


class InternalRequest(Request):
    max_content_length = BODY_MAX_BYTES


def create_internal_app(services: Services) -> Flask:
    """The app on its services. Opens no connection, so that it can be made before a fork."""
    app = Flask("router.internal", static_folder=None)
    app.request_class = InternalRequest
    app.url_map.merge_slashes = False
    app.extensions[EXTENSION] = services
    app.register_blueprint(authorizing.blueprint)
    app.register_blueprint(browser_pages.blueprint)
    app.before_request(_keep_apart)
    app.before_request(bound_writing)
    app.after_request(with_headers)
    _PROBLEMS.install(app)
    app.wsgi_app = RequestIds(app.wsgi_app, in_response=False)  # type: ignore[method-assign]
    return app


def _keep_apart() -> None:
    """What nginx passes on for a browser always has the header, and what the edge itself asks never has it."""
    is_for_browser = "X-Forwarded-Host" in request.headers
    if is_for_browser != (request.blueprint == browser_pages.blueprint.name):
        raise NotFound

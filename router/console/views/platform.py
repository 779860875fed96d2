"""The platform itself, for who runs it."""

from __future__ import annotations

from flask import Response, request, url_for

from router.access import principal, services
from router.console import responses
from router.console.routes import Values, page
from router.console.texts import text
from router.console.views.tenant.github import given
from router.usecases.access import github
from router.usecases.overviews.platform import show_platform as look
from slipway.core.github.manifest import REGISTERED_PATH


@page("/platform", "platform.html", waits=True)
def show_platform() -> Values:
    """Not by a role in a tenant: the use case asks for the role platform-admin."""
    return {"platform": look(services(), principal())}


@page("/platform/github", "platform_github.html")
def show_github_app() -> Response:
    """The one page whose form goes to another host: GitHub's, which makes the App of the manifest in it."""
    organization, is_public = request.args.get("organization", "").strip(), "public" in request.args
    form = github.begin_registration(services(), principal(), organization, is_public=is_public)
    values = {
        "form": form,
        "organization": organization,
        "is_public": is_public,
        "app": github.show(services(), principal()),
    }
    response = responses.page("platform_github.html", values)
    policy = responses.POLICY.replace("form-action 'self'", f"form-action 'self' {form.origin}")
    response.headers["Content-Security-Policy"] = policy
    return response


@page(REGISTERED_PATH, "platform_github.html")
def finish_registration() -> Response:
    """Back from GitHub."""
    name = github.finish_registration(services(), principal(), given("code"), given("state"))
    return responses.done(url_for("console.show_github_app"), text("acts.github_registered", name=name))

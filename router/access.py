"""What a view works with: the app's services and the caller. And the decorator that demands a role."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import current_app, g, request

from router import authentication
from router.authentication import Credentials
from router.identity import restriction
from router.principal import Principal
from router.services import Services
from router.streams.admission import StaysAdmitted
from slipway.core.access.roles import Role

EXTENSION = "slipway"


def services() -> Services:
    """Those of the app that serves the request."""
    found: Services = current_app.extensions[EXTENSION]
    return found


def principal() -> Principal:
    """The caller. Only in a view that demands a role."""
    found: Principal = g.principal
    return found


def stays_admitted(*, unknown_s: float = math.inf, lasts_s: float = math.inf) -> StaysAdmitted:
    """For a stream, which goes on after its view: may the caller go on? Only in a view that demands a role."""
    return StaysAdmitted(services(), Credentials.of(request), g.principal, g.role, unknown_s, lasts_s)


def requires(role: Role, *, for_jobs: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The view is called only for a principal that has the role, or one above it. `for_jobs`: also for one that is
    restricted to the app that the path is about."""

    def protect(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def protected(*args: Any, **kwargs: Any) -> Any:
            g.principal = authentication.authenticate(services(), request)
            restriction.require(services(), g.principal, for_jobs=for_jobs, path=kwargs, query=request.args)
            g.principal.require(role)
            g.role = role
            return view(*args, **kwargs)

        return protected

    return protect

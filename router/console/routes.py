"""How a page and an act are declared: their address, who may come, and what is answered.

@page("/apps/<app>", "app.html")                        GET; a viewer may see it unless it says otherwise
def show_app(app: str) -> Values: …                     returns what the template gets

@act("/apps/<app>/scale", role=Role.DEVELOPER)          POST; only forms of the console's own pages
def scale_app(app: str) -> Done: …                      returns where to go on, and what is said there;
                                                        or a page, where a secret is shown once
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Blueprint, Response, request
from pydantic import BaseModel, ValidationError

from router.access import principal, requires, services
from router.console import responses
from router.console.render_limit import RenderLimit
from router.login.reading import require_page_of_console
from router.problems import invalid_input
from slipway.core.access.roles import Role
from slipway.core.naming.json_kinds import TEXTS
from slipway.errors import Conflict, InvalidInput

blueprint = Blueprint("console", __name__)
TENANT = "tenant"
"""The field of every form with the tenant that its page was of."""
Values = dict[str, Any]
_RENDER_LIMIT = RenderLimit()
View = TypeVar("View", bound=Callable[..., Any])
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Done:
    """An act is done."""

    location: str
    said: tuple[str, ...] = ()


def page(rule: str, template: str, *, role: Role = Role.VIEWER, waits: bool = False) -> Callable[[View], View]:
    """`waits`: for something else than a processor, so that it must not hold a place among those that are rendered."""

    def register(view: View) -> View:
        guarded = requires(role)(view)

        def show(**path: Any) -> Response:
            with nullcontext() if waits else _RENDER_LIMIT.place(is_refresh=responses.is_refresh()):
                values = guarded(**path)
                return values if isinstance(values, Response) else responses.page(template, values)

        _add(rule, view, show, role, "GET")
        return view

    return register


def act(rule: str, *, role: Role) -> Callable[[View], View]:
    def register(view: View) -> View:
        guarded = requires(role)(_of_its_tenant(view))

        def do(**path: Any) -> Response:
            require_page_of_console(services(), request)
            done: Done | Response = guarded(**path)
            return done if isinstance(done, Response) else responses.done(done.location, *done.said)

        _add(rule, view, do, role, "POST")
        return view

    return register


def form(model: type[Model], *, besides: Collection[str] = (), **more: Any) -> Model:
    """The request's form as what the API takes, checked by the same rules. A field that is left empty is left out, and
    so are those `besides` it, which the act reads by itself.

    Raises:
        InvalidInput: as the API says it.
    """
    given = {name: value for name, value in request.form.items() if value != "" and name not in (TENANT, *besides)}
    return checked(model, given | more)


def checked(model: type[Model], given: dict[str, Any]) -> Model:
    """The same, of values that the act has read. Raises as `form` does."""
    try:
        return model.model_validate(given, context=TEXTS)
    except ValidationError as error:
        raise invalid_input(error) from None


def field(name: str) -> str:
    """A field of the request's form.

    Raises:
        InvalidInput: it is not there.
    """
    if name not in request.form:
        raise InvalidInput(f"{name} is missing", remedy="reload the page, and send its form again")
    return request.form[name]


def _of_its_tenant(view: View) -> Callable[..., Any]:
    """Somebody may have chosen another tenant since the page was shown, in which an app may have the same name."""

    def checked(**path: Any) -> Any:
        shown = field(TENANT)
        if shown != principal().tenant:
            raise Conflict(
                f"The page was of the tenant {shown[:80]}, and you act in {principal().tenant} now: nothing was done.",
                remedy=f"choose {shown[:80]} again, or reload the page",
            )
        return view(**path)

    return checked


def _add(rule: str, view: Callable[..., Any], function: Callable[..., Response], role: Role, method: str) -> None:
    function.role = role  # type: ignore[attr-defined]  # what tests hold the roles of pages to
    blueprint.add_url_rule(rule, endpoint=view.__name__, view_func=function, methods=[method])

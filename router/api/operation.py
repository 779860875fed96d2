"""One decorator that makes a route: who may call it, what it takes and what it answers, for Flask and for OpenAPI."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from apiflask import APIBlueprint
from pydantic import ConfigDict, Field, WithJsonSchema

from router.access import requires
from router.documents import Document
from router.streams import sse
from router.usecases import confirmation
from router.usecases.finding import NUMBER_MAX
from slipway.core.access.roles import Role
from slipway.core.naming.json_kinds import JsonValues, TextValues

View = TypeVar("View", bound=Callable[..., Any])
SCHEME = "BearerAuth"
SECURITY_SCHEMES = {
    SCHEME: {
        "type": "http",
        "scheme": "bearer",
        "description": "A Slipway token (slw_ and 43 characters), or a person's access token of the identity provider. "
        "A person who is in several tenants names one in the header X-Slipway-Tenant. What a CI job gets from "
        "/api/publish/token (slwp_ and 43 characters) is for deployments of its app alone.",
    },
}
HEADERS, FAILURES, CONTENT = "x-headers", "x-failures", "x-content"
"""What the routes' own request headers, and further failures and media types of their answers are called until
`router.openapi` puts them where they belong."""
Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
_EVENT: Schema = {
    "type": "object",
    "description": "Each event.",
    "properties": {name: {"type": "string"} for name in ("event", "data", "id")},
    "required": ["event", "data"],
}
_SCHEMAS: dict[str, Schema] = {"application/json": {"type": "object"}, sse.MEDIA_TYPE: _EVENT}
"""By media type; every other is a text."""
Number = Annotated[int, Field(ge=1, le=NUMBER_MAX)]
"""An id or another number that SQL keeps."""
Text = Annotated[str, Field(max_length=1000)]


def listed(values: type[StrEnum]) -> WithJsonSchema:
    """These values, written out where they are used: `Annotated[Step, listed(Step)]`."""
    return WithJsonSchema({"type": "string", "enum": [str(each) for each in values]})


class Input(JsonValues):
    """A body that a route takes. An unknown field is refused by name, and so is a value of another kind."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Query(TextValues):
    """What a route takes in the address, where everything is a text."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def operation(  # noqa: PLR0913  a table of what a route is: each named
    blueprint: APIBlueprint,
    method: str,
    rule: str,
    *,
    role: Role | None = None,
    body: type[Input] | None = None,
    query: type[Query] | None = None,
    output: type[Document] | None = None,
    status: int = 200,
    content: Sequence[str] | Mapping[str, Schema] = (),
    headers: Mapping[str, str] = MappingProxyType({}),
    confirm: str = "",
    failures: tuple[int, ...] = (),
    for_jobs: bool = False,
) -> Callable[[View], View]:
    """Register a view. Without `output` it answers itself: `content` says with which media types, perhaps with
    their schemas (none: no content); with it they are further ones.

    The view gets `body` and `query` where they are asked for. `headers` are optional ones that it reads, with what they
    are for. `confirm` is what the use case demands in the confirmation header, where something is lost for good.
    `failures` are statuses of those beside what `router.openapi` knows of each operation.
    `for_jobs`: CI jobs may call it for the app that they deploy. A route without a role is open to anyone.
    """
    more = _extensions(headers, confirm, failures, content if output else ())

    def register(view: View) -> View:
        route: Any = view if output is None else blueprint.output(output, status_code=status)(view)
        route = _typed(blueprint, route, body, query)
        route = blueprint.doc(
            operation_id=view.__name__,
            responses=None if output else _bare(status, content),
            security=[{SCHEME: [str(role)]}] if role is not None else None,
            extensions=more or None,
        )(route)
        if role is not None:
            route = requires(role, for_jobs=for_jobs)(route)
        blueprint.route(rule, methods=[method])(route)
        if status == HTTPStatus.SWITCHING_PROTOCOLS:  # to Flask a handshake is for another rule than a request
            blueprint.add_url_rule(rule, view_func=route, methods=[method], websocket=True)
        return view

    return register


def _extensions(
    headers: Mapping[str, str], confirm: str, failures: Sequence[int], content: Sequence[str] | Mapping[str, Schema]
) -> dict[str, Any]:
    """What `router.openapi` puts where it belongs."""
    described = dict(headers) | ({confirmation.HEADER: f"Required: {confirm} once more."} if confirm else {})
    found = {HEADERS: described, FAILURES: list(map(str, failures)), CONTENT: media_types(content)}
    return {name: value for name, value in found.items() if value}


def _typed(blueprint: APIBlueprint, view: Any, body: type[Input] | None, query: type[Query] | None) -> Any:
    """The view with its `query` and its `body`, where it asks for them."""
    if query is not None:
        view = blueprint.input(query, location="query", arg_name="query")(view)
    return view if body is None else blueprint.input(body, location="json", arg_name="body")(view)


def _bare(status: int, content: Sequence[str] | Mapping[str, Schema]) -> dict[int, Any]:
    return {
        status: {
            "description": "Successful response" if content else "Done",
            "content": media_types(content),
        }
    }


def media_types(content: Sequence[str] | Mapping[str, Schema]) -> dict[str, Any]:
    """The contents of an answer that the view writes itself."""
    known = content if isinstance(content, Mapping) else _SCHEMAS
    return {each: {"schema": known.get(each, TEXT)} for each in content}

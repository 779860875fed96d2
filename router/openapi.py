"""The OpenAPI document, made from the routes: APIFlask's, with every way to fail, and each schema named once."""

from __future__ import annotations

from typing import Any

from router.api.operation import CONTENT, FAILURES, HEADERS
from router.documents import Problem
from router.streams import sse
from router.usecases.confirmation import HEADER as CONFIRM
from slipway.web.problems import MEDIA_TYPE

REF = "#/components/schemas/"
_FAILURES = {
    "400": "The body is not JSON",
    "401": "No token, or one that is not valid (any more)",
    "403": "The token's role is not enough",
    "404": "There is no such thing in this tenant",
    "409": "The state forbids it now",
    "413": "The body is too large",
    "415": "The body is not JSON",
    "422": "A field breaks a rule",
    "426": "It takes a WebSocket",
    "428": f"{CONFIRM} does not name what would be lost",
    "429": "The tenant or the token has as many calls or streams of this kind under way as it may",
    "500": "A defect of Slipway",
    "503": "Something that is needed does not answer; try again",
}


def complete(made: dict[str, Any] | str) -> dict[str, Any]:
    """APIFlask's document with problem responses; `Apps.App` and `App` become one schema."""
    document: dict[str, Any] = _renamed(made)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    document["components"]["schemas"] = {name.rpartition(".")[2]: schema for name, schema in schemas.items()}
    document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
    problem = {MEDIA_TYPE: {"schema": {"$ref": REF + "Problem"}}}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            confirmed = CONFIRM in operation.get(HEADERS, {})
            operation["parameters"] = _parameters(operation)
            if confirmed:
                operation["responses"]["428"] = {"description": _FAILURES["428"], "content": problem}
            operation["responses"].get("200", {}).get("content", {}).update(operation.pop(CONTENT, {}))
            for status in _failures_of(path, method, operation):
                operation["responses"][status] = {"description": _FAILURES[status], "content": problem}
    return document


def _parameters(operation: dict[str, Any]) -> list[dict[str, Any]]:
    headers = operation.pop(HEADERS, {})
    return [
        *({**each, "required": True} if each["in"] == "path" else each for each in operation.get("parameters", [])),
        *(
            {
                "name": name,
                "in": "header",
                "required": name == CONFIRM,
                "description": about,
                "schema": {"type": "string"},
            }
            for name, about in headers.items()
        ),
    ]


def _failures_of(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    found = ["500", "503", *operation.pop(FAILURES, [])]
    if operation.get("security"):
        found += ["401", "403"]
    if "{" in path:
        found.append("404")
    if method != "get":
        found.append("409")
    if "requestBody" in operation:
        found += ["400", "413", "415"]
    if "requestBody" in operation or operation.get("parameters"):
        found.append("422")
    if sse.MEDIA_TYPE in operation["responses"].get("200", {}).get("content", ()):
        found.append("429")
    return sorted(set(found))


def _renamed(value: Any) -> Any:
    """Every reference to a nested schema (`Apps.App`) as one to the schema itself (`App`)."""
    if isinstance(value, dict):
        return {key: _short(inner) if key == "$ref" else _renamed(inner) for key, inner in value.items()}
    return [_renamed(each) for each in value] if isinstance(value, list) else value


def _short(reference: str) -> str:
    return REF + reference.removeprefix(REF).rpartition(".")[2]

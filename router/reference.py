"""docs/reference/api.md, made from the API's own description: `python -m router.reference > docs/reference/api.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, cast

from router.app import create_app
from router.openapi import REF
from router.services import Services

_INTRODUCTION = """# REST API

Made from the code by `python -m router.reference`; `/api/openapi.json` on the console's host says the same to
machines.

Every call below `/api` carries a token, `Authorization: Bearer slw_…`, or an access token of the person who signed in
(a person of several tenants names one in the header `X-Slipway-Tenant`), and sees one tenant only: what belongs to
another one is not found. Roles: a viewer reads (but no variable's value), a developer changes apps and deploys, an
owner also manages hooks and tokens and deletes apps. Bodies are JSON of at most 1 MB; unknown fields are refused by
name. What deletes for good takes the thing's name once more, in the header `X-Slipway-Confirm` (else 428). `notices`
in an answer say what else a change means, such as a hook that is left without an app. Times are RFC 3339. Lists of
deployments are paged by `before`, the last id of the page before.

Errors are problem documents (RFC 9457, `application/problem+json`) with a stable `code`, a `detail` for people, a
`remedy` (what to do next) and the `request_id` that the router's log has too; for invalid input `errors` lists the
fields. `429` and `503` carry `Retry-After`.

Streams are server-sent events. A tenant has at most 20 open at a time (`SLIPWAY_STREAMS_PER_TENANT`), a token half of
that; beyond it `429` with the code `too-many-streams`: end one, or ask without following. The host has 300
(`SLIPWAY_STREAMS`), the last quarter for tenants that have fewer than two; beyond that `503` with the code
`too-many-followers`. A comment comes at least every ten seconds, and a stream ends after an hour, or when its client
takes nothing for 30 s: come back with `Last-Event-ID`. Logs then begin some seconds before that line; drop what you
have by replica and time. A client that reads more slowly than replicas print loses lines, and a `notice` says how many.

A log as text takes a thread for as long as it is read. A tenant reads a third of `SLIPWAY_WEB_THREADS` at a time, and
asks two repositories for a branch's head; beyond that `429` with the code `too-many-calls`. All tenants together
leave two of the threads to other calls; beyond that `503` with the code `overloaded`. Replicas' output as text is the
newest 4 MB. A client that takes nothing for 30 s, or more than two minutes for the whole, is cut off.
"""


def description() -> dict[str, Any]:
    """The OpenAPI document."""
    app = create_app(cast("Services", None))  # only its routes are read
    return cast("dict[str, Any]", app.spec)


def reference(document: dict[str, Any]) -> str:
    """The Markdown page."""
    parts = [_INTRODUCTION]
    for tag in document["tags"]:
        parts.append(f"## {tag['name']}\n")
        for path, operations in document["paths"].items():
            parts += [
                _operation(document, method, path, operation)
                for method, operation in operations.items()
                if tag["name"] in operation["tags"]
            ]
    parts.append("## Documents\n")
    parts += [_schema(name, schema) for name, schema in sorted(document["components"]["schemas"].items())]
    return "\n".join(parts)


def _operation(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    lines = [
        f"### `{method.upper()} {path}`",
        "",
        f"{operation['summary']}. {operation.get('description', '')}".strip(),
    ]
    facts = [*_access(operation), *_parameters(operation), *_body(document, operation), *_answers(operation)]
    return "\n".join([*lines, "", *facts, ""])


def _access(operation: dict[str, Any]) -> Iterator[str]:
    for scheme in operation.get("security", []):
        yield f"- role: {next(iter(scheme.values()))[0]}"


def _parameters(operation: dict[str, Any]) -> Iterator[str]:
    for parameter in operation["parameters"]:
        if parameter["in"] != "path":
            about = parameter.get("description") or parameter["schema"].get("description", "")
            default = parameter["schema"].get("default")
            shown = f" (default `{default}`)" if default not in (None, False) else ""
            yield f"- {parameter['in']} `{parameter['name']}`{shown}: {about}".rstrip(": ")


def _body(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    body = operation.get("requestBody")
    if body:
        name = _name(body["content"]["application/json"]["schema"])
        fields = document["components"]["schemas"][name]["properties"]
        yield f"- body: [{name}](#document-{name.lower()}) ({', '.join(f'`{field}`' for field in fields)})"


def _answers(operation: dict[str, Any]) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            kinds = [_answer(media, content["schema"]) for media, content in answer.get("content", {}).items()]
            yield f"- answers {status}: {' or '.join(kinds) or 'nothing'}"
    failures = [status for status in operation["responses"] if not status.startswith("2")]
    yield f"- or a problem: {', '.join(sorted(failures))}"


def _answer(media: str, schema: dict[str, Any]) -> str:
    name = _name(schema)
    return f"[{name}](#document-{name.lower()})" if "$ref" in schema else f"`{media}`"


def _schema(name: str, schema: dict[str, Any]) -> str:
    lines = [f"### Document {name}", "", *([schema["description"], ""] if "description" in schema else [])]
    if "enum" in schema:
        return "\n".join([*lines, ", ".join(f"`{value}`" for value in schema["enum"]), ""])
    needed = schema.get("required", [])
    lines += ["| field | type | |", "| --- | --- | --- |"]
    for field, about in schema["properties"].items():
        note = about.get("description", "")
        optional = "" if field in needed else " (optional)"
        lines.append(f"| `{field}`{optional} | {_type(about)} | {note} |")
    return "\n".join([*lines, ""])


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = _name(schema)
        return f"[{name}](#document-{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return "time" if schema.get("format") == "date-time" else str(schema.get("type", "any"))


def _name(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "")).removeprefix(REF)


if __name__ == "__main__":
    sys.stdout.write(reference(description()))

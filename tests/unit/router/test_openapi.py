"""The API's description is complete, and valid OpenAPI 3.1 in the parts that this project uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from router.app import create_app
from router.reference import description, reference
from router.services import Services
from slipway.core.access.roles import Role

METHODS = {"get", "post", "put", "patch", "delete"}
OPEN = {
    *("/", "/healthz", "/readyz", "/.well-known/slipway/jwks.json"),
    *("/api/openapi.json", "/api/sign-in", "/api/publish/token"),
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return description()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_route_is_described_and_everything_described_is_a_route(document: dict[str, Any]) -> None:
    every = create_app(cast("Services", None)).url_map.iter_rules()
    rules = [each for each in every if "/auth/" not in each.rule and not each.endpoint.startswith("console.")]
    routes = {
        (re.sub(r"<(?:[^<:>]+:)?([^>]+)>", r"{\1}", rule.rule), method.lower())
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, method, _ in operations(document)} == routes


def test_the_document_has_the_form_of_openapi_3_1(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert {"title", "version"} <= document["info"].keys()
    assert document.keys() <= {"openapi", "info", "paths", "components", "tags", "servers", "security"}
    for path, item in document["paths"].items():
        assert path.startswith("/")
        assert item.keys() <= METHODS
    assert document["components"]["securitySchemes"]["BearerAuth"]["type"] == "http"
    names = [tag["name"] for tag in document["tags"]]
    assert len(names) == len(set(names))


def test_every_reference_leads_somewhere_and_every_schema_is_used(document: dict[str, Any]) -> None:
    found = set(references(document))
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert found == schemas
    assert all("." not in name for name in document["components"]["schemas"])
    assert "$defs" not in str(document)


def test_every_operation_is_whole(document: dict[str, Any]) -> None:
    identifiers = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(identifiers) == len(set(identifiers))
    tags = {tag["name"] for tag in document["tags"]}
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert len(operation["tags"]) == 1, where
        assert set(operation["tags"]) <= tags, where
        assert not [key for key in operation if key.startswith("x-")], where
        _check_parameters(path, operation, where)
        _check_responses(operation, where)
        if path in OPEN:
            assert "security" not in operation, where
        else:
            [[scheme, roles]] = operation["security"][0].items()
            assert scheme == "BearerAuth", where
            assert [Role(role) for role in roles], where


def _check_parameters(path: str, operation: dict[str, Any], where: str) -> None:
    in_path = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
    assert sorted(in_path) == sorted(re.findall(r"{([^}]+)}", path)), where
    for each in operation["parameters"]:
        assert each["schema"]["type"] if "type" in each["schema"] else each["schema"]["anyOf"], where
        assert each["required"] is True or each["in"] != "path", where
        assert each["in"] in ("path", "query", "header"), where


def _check_responses(operation: dict[str, Any], where: str) -> None:
    good = [status for status in operation["responses"] if status.startswith("2") or status == "101"]
    assert len(good) == 1, where
    for status, response in operation["responses"].items():
        assert response["description"], where
        if status not in good:
            assert list(response["content"]) == ["application/problem+json"], where
        elif status not in ("101", "204"):
            assert all(content["schema"] for content in response["content"].values()), where
    if "security" in operation:
        assert {"401", "403", "503"} <= operation["responses"].keys(), where
    if "requestBody" in operation:
        assert {"400", "413", "415", "422"} <= operation["responses"].keys(), where


def test_inputs_refuse_unknown_fields_and_outputs_leave_nothing_out(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for _, _, operation in operations(document):
        for each in references(operation.get("requestBody", {})):
            assert schemas[each.rpartition("/")[2]]["additionalProperties"] is False
    for name in ("App", "Deployment", "Hook", "Token", "Replica", "Variable", "Domain", "Delivery"):
        assert sorted(schemas[name]["required"]) == sorted(schemas[name]["properties"])


def test_the_reference_page_is_the_codes(document: dict[str, Any]) -> None:
    page = Path(__file__).parents[3] / "docs/reference/api.md"
    assert page.read_text() == reference(document), "python -m router.reference > docs/reference/api.md"

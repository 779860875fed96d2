"""Every answer of the API is one that its OpenAPI document has, by status, content type and body: for requests that
schemathesis draws from the document, both such as it allows and such as it does not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from router.streams import framing
from router.usecases.confirmation import HEADER as CONFIRM
from tests.integration.isolation.conftest import Rig
from tests.integration.isolation.operations import Operation, operations, own_names
from tests.integration.isolation.tenants import Tenants

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

FAULTS_OF_OURS = 500
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
DRAWN = settings(
    max_examples=int(os.environ.get("REQUESTS_OF_SCHEMA", "4")),
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Server:
    """Reads each answer to its end and closes it, as a server does."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._app(environ, start_response)
        try:
            return [b"".join(answer)]
        finally:
            getattr(answer, "close", lambda: None)()


@pytest.fixture(scope="module")
def schema(shared_rig: Rig) -> Any:
    return schemathesis.openapi.from_wsgi("/api/openapi.json", Server(shared_rig.api.client.application))


@pytest.mark.parametrize("operation", operations(), ids=lambda each: each.name)
def test_every_answer_is_in_the_document(
    rig: Rig, schema: Any, operation: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(framing, "LIFETIME_S", 0.0)
    headers = {"Authorization": f"Bearer {rig.administrators_token()}"}
    for strategy in strategies(schema[operation.path][operation.method], operation, rig.tenants):

        @DRAWN
        @given(case=strategy)
        def send(case: Any) -> None:
            response = case.call(headers=headers)
            assert response.status_code < FAULTS_OF_OURS
            case.validate_response(response, checks=CHECKS)

        send()


def strategies(described: Any, operation: Operation, tenants: Tenants) -> Iterator[Any]:
    """Requests on anything; on what the caller's tenant has, if the document allows them or not; and with a body that
    the operation takes."""
    own = own_names(operation, tenants)
    confirmed = {"headers": {CONFIRM: next(iter(own.values()))}} if operation.is_confirmed else {}
    yield described.as_strategy()
    if not operation.is_open or operation.body is not None:
        yield described.as_strategy(generation_mode=GenerationMode.NEGATIVE, path_parameters=own)
    if own:
        yield described.as_strategy(path_parameters=own, **confirmed)
    if operation.body is not None:
        yield described.as_strategy(path_parameters=own, body=operation.body)

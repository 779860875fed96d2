"""POST /webhooks/github/<hook id>, for every forge: which one it is, the headers say. And the one address of the
platform's GitHub App."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request

from slipway.core.github.manifest import HOOK_PATH
from slipway.core.push import forges
from slipway.core.push.forges import Forge
from slipway.errors import PayloadTooLarge
from slipway.settings import DELIVERY_SLACK_BYTES, Settings
from slipway.web.requests import client_address, request_id
from webhook import request_log
from webhook.app_deliveries import AppDeliveries
from webhook.deliveries import Deliveries, DeliveryResult
from webhook.hook_authentication import HookAuthenticator
from webhook.records import IncomingDelivery

_PIECE_BYTES = 1 << 16


def blueprint(
    authenticator: HookAuthenticator, deliveries: Deliveries, of_app: AppDeliveries, settings: Settings
) -> Blueprint:
    """The hooks' addresses."""
    routes = Blueprint("deliveries", __name__)
    console = settings.public_url.rstrip("/")

    @routes.post("/webhooks/github/<hook_id>")
    def receive(hook_id: str) -> tuple[Response, int]:
        body = _body(settings.delivery_max_bytes)
        headers = {name.lower(): value for name, value in request.headers}
        forge = forges.of_delivery(headers)
        hook = authenticator.authenticate(hook_id, forge.presented(headers, body))
        incoming = _incoming(forge, headers, body)
        request_log.add_facts(hook=hook.id, forge=forge.name)
        request_log.add_facts(delivery=incoming.delivery_id, delivery_event=incoming.event)
        return answer(deliveries.process(hook, incoming), incoming)

    @routes.post(HOOK_PATH)
    def receive_of_app() -> tuple[Response, int]:
        body = _body(settings.delivery_max_bytes)
        headers = {name.lower(): value for name, value in request.headers}
        of_app.authenticate(forges.GITHUB.presented(headers, body))
        incoming = _incoming(forges.GITHUB, headers, body)
        request_log.add_facts(hook="github-app", delivery=incoming.delivery_id, delivery_event=incoming.event)
        return answer(of_app.process(incoming), incoming)

    def answer(result: DeliveryResult, incoming: IncomingDelivery) -> tuple[Response, int]:
        deliveries.enqueue(result)
        made = [each.deployment.id for each in result.created]
        request_log.add_facts(deployments=made, reason=result.message, repeated=result.is_repeated)
        return jsonify(_document(result, incoming, console)), 202 if made else 200

    return routes


def _body(limit: int) -> bytes:
    """All of the body, of which never more than `limit` + 1 bytes are read.

    Raises:
        PayloadTooLarge: there is more than `limit`, with or without a Content-Length that says so.
    """
    length = request.content_length or 0
    if length > limit:
        if length <= limit + DELIVERY_SLACK_BYTES:
            _discard(length)
        raise _too_large(limit)
    body = request.get_data(cache=False)
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _discard(length: int) -> None:
    """nginx sends on what is not much larger than allowed, and may miss an answer that comes before it has sent all."""
    source = request.environ["wsgi.input"]
    while length > 0 and (piece := source.read(min(length, _PIECE_BYTES))):
        length -= len(piece)


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"The body is larger than {limit} bytes.",
        remedy="push fewer commits at once; the host's owner can raise SLIPWAY_DELIVERY_MAX_BYTES",
    )


def _incoming(forge: Forge, headers: Mapping[str, str], body: bytes) -> IncomingDelivery:
    digest = hashlib.sha256(body).hexdigest()
    return IncomingDelivery(
        forge=forge,
        event=forge.event(headers),
        # of a sender that numbers nothing, the same bytes are the same delivery
        delivery_id=forge.delivery_id(headers) or f"sha256:{digest}",
        content_type=request.mimetype,
        body=body,
        body_digest=digest,
        address=client_address(request),
        request_id=request_id(request),
    )


def _document(result: DeliveryResult, incoming: IncomingDelivery, console: str) -> dict[str, Any]:
    return {
        "message": result.message,
        "delivery": incoming.delivery_id,
        "deployments": [
            {"id": each.deployment.id, "app": each.app, "url": f"{console}/deployments/{each.deployment.id}"}
            for each in result.created
        ],
    }

"""POST /webhooks/github/<hook id>."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from flask import Blueprint, Response, jsonify, request

from slipway.settings import Settings
from webhook import tracing
from webhook.deliveries import Answer, Deliveries
from webhook.delivery_lock import DeliveryLock
from webhook.hook_authentication import HookAuthenticator
from webhook.problems import too_large
from webhook.records import IncomingDelivery

_DELIVERY_ID = re.compile(r"[\x21-\x7e]{1,100}")
_EVENT = re.compile(r"[a-z0-9_]{1,40}")
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{2,45}")


def blueprint(authenticator: HookAuthenticator, deliveries: Deliveries, settings: Settings) -> Blueprint:
    """The hooks' addresses."""
    routes = Blueprint("deliveries", __name__)
    api = settings.public_url.rstrip("/") + "/api"
    delivery_lock = DeliveryLock()

    @routes.post("/webhooks/github/<hook_id>")
    def receive(hook_id: str) -> tuple[Response, int]:
        body = _body(settings.delivery_max_bytes)
        with delivery_lock.one():
            hook = authenticator.authenticate(hook_id, body, request.headers.get("X-Hub-Signature-256"))
            call = _call(body)
            tracing.note(hook=hook.id, delivery=call.delivery_id, delivery_event=call.event)
            answer = deliveries.take(hook, call)
        deliveries.enqueue(answer)
        tracing.note(
            deployments=[made.deployment.id for made in answer.made], reason=answer.message, again=answer.again
        )
        return jsonify(_shown(answer, call, api)), 202 if answer.made else 200

    return routes


def _body(limit: int) -> bytes:
    """All of the body, of which never more than `limit` + 1 bytes are read.

    Raises:
        PayloadTooLarge: there is more than `limit`, told by a Content-Length or not.
    """
    if (request.content_length or 0) > limit:
        raise too_large(limit)
    body = request.get_data(cache=False)
    if len(body) > limit:
        raise too_large(limit)
    return body


def _call(body: bytes) -> IncomingDelivery:
    headers = request.headers
    told_event, told_id = headers.get("X-GitHub-Event", ""), headers.get("X-GitHub-Delivery", "")
    address = headers.get("X-Real-IP", "") or request.remote_addr or ""
    digest = hashlib.sha256(body).hexdigest()
    return IncomingDelivery(
        event=told_event if _EVENT.fullmatch(told_event) else "",
        # a sender that numbers nothing: the same bytes are the same delivery
        delivery_id=told_id if _DELIVERY_ID.fullmatch(told_id) else f"sha256:{digest}",
        content_type=request.mimetype,
        body=body,
        body_digest=digest,
        address=address if _ADDRESS.fullmatch(address) else "",
        request_id=tracing.request_id(),
    )


def _shown(answer: Answer, call: IncomingDelivery, api: str) -> dict[str, Any]:
    return {
        "message": answer.message,
        "delivery": call.delivery_id,
        "deployments": [
            {"id": made.deployment.id, "app": made.app, "url": f"{api}/deployments/{made.deployment.id}"}
            for made in answer.made
        ],
    }

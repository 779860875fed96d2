"""The part of GitHub's REST API that the forge answers: repositories, hooks, their deliveries, commit statuses."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.demo.forge.deliveries import Delivery
from slipway.errors import InvalidInput, NotAuthenticated, NotFound, SlipwayError

if TYPE_CHECKING:
    from slipway.demo.forge.registry import Repository
    from slipway.demo.forge.repository_host import RepositoryHost

Answer = tuple[int, Any]
STATES = ("error", "failure", "pending", "success")


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request: who asks (by token), the JSON body, and what the path names."""

    forge: RepositoryHost
    token: str
    body: dict[str, Any]
    owner: str = ""
    full_name: str = ""
    hook_id: str = "0"
    number: str = "0"
    sha: str = ""

    @property
    def repository(self) -> Repository:
        return self.forge.registry.get(self.full_name)

    @property
    def config(self) -> dict[str, Any]:
        return self.body.get("config") or {}

    @property
    def api_url(self) -> str:
        return self.forge.api_url(self.full_name)

    @property
    def delivery(self) -> Delivery:
        wanted = (int(self.number), int(self.hook_id))
        found = next((d for d in self.forge.deliveries if (d.number, d.hook_id) == wanted), None)
        if not found:
            raise NotFound("Not Found")
        return found


def answer(forge: RepositoryHost, method: str, path: str, token: str, body: dict[str, Any]) -> Answer:
    """Answer one request with a status and a JSON document (None: no body)."""
    for verb, pattern, handler, needs_admin in _ROUTES:
        match = re.fullmatch(pattern, path)
        if verb == method and match:
            try:
                if needs_admin:
                    _check_admin(forge, token)
                return handler(ApiRequest(forge, token, body, **match.groupdict()))
            except NotAuthenticated:
                return 401, {"message": "Bad credentials"}
            except SlipwayError as error:
                return error.status, {"message": error.message, **error.details}
    return 404, {"message": "Not Found"}


def _check_admin(forge: RepositoryHost, token: str) -> None:
    if not forge.admin_token or not hmac.compare_digest(forge.admin_token.encode(), token.encode()):
        raise NotAuthenticated("Bad credentials")


def health(request: ApiRequest) -> Answer:
    return 200, {"status": "ok", "url": request.forge.base_url}


def create_repository(request: ApiRequest) -> Answer:
    """`token` in the body is the forge's own addition: what guards the repository."""
    full_name = f"{request.owner}/{request.body.get('name', '')}"
    private, token = bool(request.body.get("private")), request.body.get("token")
    created = request.forge.create_repository(full_name, private=private, token=token)
    return 201, request.forge.repository_payload(created.full_name)


def show_repository(request: ApiRequest) -> Answer:
    return 200, request.forge.repository_payload(request.full_name)


def list_hooks(request: ApiRequest) -> Answer:
    return 200, [hook.shown(request.api_url) for hook in request.repository.hooks]


def create_hook(request: ApiRequest) -> Answer:
    hook = request.forge.add_hook(
        request.full_name,
        str(request.config.get("url", "")),
        str(request.config.get("secret", "")),
        content_type=str(request.config.get("content_type", "form")),
        events=tuple(request.body.get("events") or ("push",)),
    )
    return 201, hook.shown(request.api_url)


def change_hook(request: ApiRequest) -> Answer:
    url, secret = request.config.get("url"), request.config.get("secret")
    hook = request.forge.change_hook(
        request.full_name, int(request.hook_id), url=url, secret=secret, active=request.body.get("active")
    )
    return 200, hook.shown(request.api_url)


def delete_hook(request: ApiRequest) -> Answer:
    request.forge.remove_hook(request.full_name, int(request.hook_id))
    return 204, None


def list_deliveries(request: ApiRequest) -> Answer:
    hook = request.repository.hook(int(request.hook_id))
    return 200, [_shown(d) for d in reversed(request.forge.deliveries) if d.hook_id == hook.id]


def show_delivery(request: ApiRequest) -> Answer:
    delivery = request.delivery
    sent = {"headers": dict(delivery.headers), "payload": delivery.payload}
    response = {"headers": dict(delivery.answer_headers), "payload": delivery.answer.decode(errors="replace")}
    return 200, _shown(delivery) | {"url": delivery.url, "request": sent, "response": response}


def redeliver(request: ApiRequest) -> Answer:
    request.forge.redeliver(request.delivery)
    return 202, {}


def create_status(request: ApiRequest) -> Answer:
    repository = request.repository
    if repository.token and not hmac.compare_digest(repository.token.encode(), request.token.encode()):
        # a private repository's existence is nobody else's business
        raise NotFound("Not Found") if repository.private else NotAuthenticated("Bad credentials")
    if request.body.get("state") not in STATES:
        raise InvalidInput("Validation Failed", errors=[{"resource": "Status", "code": "custom", "field": "state"}])
    if len(request.body.get("description") or "") > 140:
        raise InvalidInput("Validation Failed", errors=["description is too long (maximum is 140 characters)"])
    if not repository.bare.has_commit(request.sha):
        raise InvalidInput(f"No commit found for SHA: {request.sha}")
    return 201, request.forge.add_status(request.full_name, request.sha, request.body)


def list_statuses(request: ApiRequest) -> Answer:
    return 200, list(reversed(request.forge.statuses(request.full_name, request.sha)))


def _shown(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.number,
        "guid": delivery.id,
        "redelivery": delivery.redelivery,
        "duration": round(delivery.duration_s, 3),
        "status": delivery.error or ("OK" if delivery.settled else "pending"),
        "status_code": delivery.status or 0,
        "event": delivery.event,
        "action": None,
    }


_REPOSITORY = r"/repos/(?P<full_name>[^/]+/[^/]+)"
_HOOK = _REPOSITORY + r"/hooks/(?P<hook_id>\d+)"
_DELIVERY = _HOOK + r"/deliveries/(?P<number>\d+)"
# method, path, what answers, whether only the forge's administrator may
_ROUTES: tuple[tuple[str, str, Callable[[ApiRequest], Answer], bool], ...] = (
    ("GET", "/healthz", health, False),
    ("POST", r"/orgs/(?P<owner>[^/]+)/repos", create_repository, True),
    ("GET", _REPOSITORY, show_repository, True),
    ("GET", _REPOSITORY + "/hooks", list_hooks, True),
    ("POST", _REPOSITORY + "/hooks", create_hook, True),
    ("PATCH", _HOOK, change_hook, True),
    ("DELETE", _HOOK, delete_hook, True),
    ("GET", _HOOK + "/deliveries", list_deliveries, True),
    ("GET", _DELIVERY, show_delivery, True),
    ("POST", _DELIVERY + "/attempts", redeliver, True),
    ("POST", _REPOSITORY + r"/statuses/(?P<sha>[^/]+)", create_status, False),
    ("GET", _REPOSITORY + r"/commits/(?P<sha>[^/]+)/statuses", list_statuses, False),
)

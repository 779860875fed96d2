"""Programs that people run in replicas."""

from __future__ import annotations

import logging
import socket
import time
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field

from router.access import principal, services, stays_admitted
from router.api.operation import Query, operation
from router.authentication import bearer_of
from router.identity.request_origin import require_own_page
from router.streams.terminal_relay import SOCKET, TerminalResponse, relay
from router.usecases.runs import terminals
from slipway.core.access.roles import Role
from slipway.core.terminal.channels import Size
from slipway.core.terminal.websocket import is_key
from slipway.errors import DependencyUnavailable, UpgradeRequired

log = logging.getLogger(__name__)
blueprint = APIBlueprint("terminals", __name__, tag="Terminals")
UNKNOWN_S = 60.0
"""A terminal ends when for so long nobody could tell whether its user may use it still: unlike a stream, it writes."""
LASTS_S = 12 * 3600.0
Side = Annotated[int, Field(ge=1, le=1000)]


class What(Query):
    command: Annotated[str, Field(max_length=16384, description='Its words, as JSON: `["sh"]`.')] = '["sh"]'
    columns: Side | None = Field(default=None, description="With rows: in a terminal of this size.")
    rows: Side | None = None

    @property
    def size(self) -> Size | None:
        return Size(self.columns, self.rows) if self.columns and self.rows else None


@operation(
    blueprint,
    "GET",
    "/api/apps/<app>/replicas/<replica>/terminal",
    role=Role.DEVELOPER,
    query=What,
    status=101,
    headers={
        "Upgrade": "Required: websocket.",
        "Sec-WebSocket-Key": "Required: as RFC 6455 has it.",
        "Sec-WebSocket-Protocol": "slipway.exec.v1",
    },
    failures=(426, 429),
)
def open_terminal(app: str, replica: str, query: What) -> Response:
    """Run a program in a replica

    Over a WebSocket (subprotocol `slipway.exec.v1`). Each message is binary and begins with its channel: 0 standard
    input, 1 standard output, 2 standard error, 3 the end (`{"exit_code", "detail"}`), 4 the terminal's new size
    (`{"columns", "rows"}`), 5 the end of standard input. Who ran what in which replica, and for how long, is in the
    audit log.
    """
    used, who = services(), principal()
    may_go_on = stays_admitted(unknown_s=UNKNOWN_S, lasts_s=LASTS_S)
    replica = terminals.running_replica(used, who, app, replica)
    command = terminals.command_of(query.command)
    key = _websocket_key()
    used.terminals.enter(who)
    try:
        opened = terminals.open_terminal(used, who, app, replica, command=command, size=query.size, key=key)
    except BaseException:
        used.terminals.leave(who)
        raise
    began = time.monotonic()

    def carry(connection: socket.socket) -> None:
        try:
            relay(connection, opened, lambda: may_go_on() and not used.followers.stopping())
        finally:
            used.terminals.leave(who)
            try:
                terminals.record_end(used, who, app, replica, began)
            except DependencyUnavailable as error:
                log.warning("the end of a terminal is not recorded", extra={"replica": replica, "why": error.message})

    return TerminalResponse(key, carry)


def _websocket_key() -> str:
    """Raises `UpgradeRequired` for what is no WebSocket, and `CrossSiteRequest` for one of another site's page."""
    if not bearer_of(request):  # of a page it is the cookie that says who calls
        own = services().settings.public_url
        require_own_page(own, request.headers.get("Sec-Fetch-Site", ""), request.headers.get("Origin", ""))
    key = request.headers.get("Sec-WebSocket-Key", "")
    is_asked_for = request.headers.get("Upgrade", "").lower() == "websocket" and is_key(key)
    if not is_asked_for or SOCKET not in request.environ:
        raise UpgradeRequired("A terminal takes a WebSocket.", remedy="open one, or call: slipway exec")
    return key

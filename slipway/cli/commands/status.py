"""status: the platform's own services."""

from __future__ import annotations

from typing import Any

import click

from slipway.cli.exit_codes import Exit
from slipway.cli.invocation import Invocation, command
from slipway.cli.output import ago, state
from slipway.core.text.counting import plural


@click.command()
@command
def status(call: Invocation) -> None:
    """The platform's own services, and whether they answer."""
    found = call.client.get("/services/system")
    if call.out.as_json:
        call.out.document(found)
    else:
        rows = [(name, _health(found[name]["ok"]), found[name]["detail"]) for name in _asked(found)]
        rows += [(edge["id"], _health(edge["ok"]), _edge(edge, found["generation"])) for edge in found["edges"]]
        waiting = f"{plural(found['queue_length'], 'job')} waiting"
        rows.append(("workers", _health(found["workers"] > 0), f"{found['workers']} at work, {waiting}"))
        call.out.table(("service", "state", "what"), rows, empty="")
    if found["status"] != "ok":
        raise SystemExit(int(Exit.FAILED))


def _asked(found: dict[str, Any]) -> list[str]:
    return [name for name in ("database", "redis", "agent", "identity") if found.get(name)]


def _health(ok: bool) -> str:
    return state("ok" if ok else "absent")


def _edge(edge: dict[str, Any], newest: int) -> str:
    shown = f"generation {edge['generation']} of {newest}"
    return f"{shown}, confirmed {ago(edge['confirmed_at'])}" if edge["confirmed_at"] else shown

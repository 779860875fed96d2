"""quota: what a tenant uses, and what it may use."""

from __future__ import annotations

from typing import Any

import click

from slipway.cli.click_groups import noun
from slipway.cli.invocation import Invocation, command, listing
from slipway.cli.key_values import nested
from slipway.cli.output import one_line

_WIDTH = 10
_WORDS = {"memory_mb": "memory (MB)", "build_minutes": "build minutes", "domains": "custom domains"}


@noun(instead="slipway quota show --tenant {}")
@command
def quota(call: Invocation) -> None:
    """What your tenant uses, and what it may use."""
    if listing():
        _show(call, call.client.get("/quota"))


@quota.command()
@click.option("--tenant", metavar="NAME", help="Another tenant's; takes the role platform-admin, or root on the host.")
@command
def show(call: Invocation, tenant: str | None) -> None:
    """Show it, with how much is left."""
    from slipway.cli.commands.access.plan_administration import administration

    if tenant is None:
        _show(call, call.client.get("/quota"))
        return
    with administration(call) as plans:
        _show(call, plans.quota_of(tenant))


@quota.command("set")
@click.argument("values", nargs=-1, required=True, metavar="NAME=VALUE…")
@click.option("--tenant", metavar="NAME", required=True, help="Whose.")
@command
def set_(call: Invocation, values: tuple[str, ...], tenant: str) -> None:
    """Give one tenant other quotas than its plan's. An empty value takes one back.

    Takes the role platform-admin, or root on Slipway's host.

    \b
    slipway quota set apps=10 cpus=2.5 --tenant acme
    slipway quota set build_minutes=unlimited apps= --tenant acme
    """
    from slipway.cli.commands.access.plan_administration import administration

    with administration(call) as plans:
        _show(call, plans.change_quota(tenant, nested(values)))


def _show(call: Invocation, shown: dict[str, Any]) -> None:
    if call.out.as_json:
        call.out.document(shown)
        return
    rows = [(_WORDS.get(each["name"], each["name"]), *_columns(each)) for each in shown["quotas"]]
    call.out.table((one_line(shown["tenant"]), "used", "limit", "", ""), rows, empty="")
    call.out.line()
    call.out.line(f"Plan: {one_line(shown['plan'])}. Build minutes begin anew on {shown['month_ends_at'][:10]} (UTC).")


def _columns(each: dict[str, Any]) -> tuple[str, str, str, str]:
    limit = each["limit"]
    own = "not the plan's" if each["own"] else ""
    if limit is None:
        return f"{each['used']:g}", "unlimited", "", own
    return f"{each['used']:g}", f"{limit:g}", bar(each["used"], limit), own


def bar(used: float, limit: float) -> str:
    """`██████░░░░  60 %`; more than all is shown as full."""
    share = used / limit if limit else float(used > 0)
    filled = min(_WIDTH, int(share * _WIDTH))
    return f"{'█' * filled}{'░' * (_WIDTH - filled)} {share:4.0%}"

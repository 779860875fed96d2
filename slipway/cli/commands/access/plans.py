"""plans: what tenants may use."""

from __future__ import annotations

from typing import Any

import click

from slipway.cli.click_groups import noun
from slipway.cli.invocation import Invocation, command, listing
from slipway.cli.key_values import nested
from slipway.cli.output import one_line

_SHOWN_MOST = 5


@noun(instead="slipway plans set {} apps=5")
@command
def plans(call: Invocation) -> None:
    """Plans, and who has them; for administrators.

    They take the role platform-admin, or root on Slipway's host.
    """
    if not listing():
        return
    from slipway.cli.commands.access.plan_administration import administration

    with administration(call) as administrated:
        found = administrated.all()
    if call.out.as_json:
        call.out.document({"plans": found})
        return
    rows = [(each["name"], _quotas(each), _limits(each), _tenants(each)) for each in found]
    call.out.table(("plan", "quotas", "limits", "tenants"), rows, empty="")


@plans.command()
@click.argument("name")
@click.argument("values", nargs=-1, metavar="NAME=VALUE…")
@command
def add(call: Invocation, name: str, values: tuple[str, ...]) -> None:
    """Make a plan. What it does not say, the plan default says.

    \b
    slipway plans add team apps=10 replicas=30 cpus=8 memory_mb=16384 build_minutes=600
    """
    from slipway.cli.commands.access.plan_administration import administration

    with administration(call) as administrated:
        made = administrated.create(name, nested(values))
    call.answer(made, f"Made: {name}. Give it to a tenant: slipway plans assign {name} TENANT")


@plans.command("set")
@click.argument("name")
@click.argument("values", nargs=-1, required=True, metavar="NAME=VALUE…")
@command
def set_(call: Invocation, name: str, values: tuple[str, ...]) -> None:
    """Change a plan's quotas. An empty value takes one back. What runs goes on.

    \b
    slipway plans set team apps=20 volumes=unlimited cpus=
    """
    from slipway.cli.commands.access.plan_administration import administration

    with administration(call) as administrated:
        changed = administrated.change(name, nested(values))
    call.answer(changed, f"{name} says: {_quotas(changed) or 'nothing'}")


@plans.command()
@click.argument("name")
@command
def remove(call: Invocation, name: str) -> None:
    """Remove a plan that no tenant has."""
    from slipway.cli.commands.access.plan_administration import administration

    with administration(call) as administrated:
        administrated.remove(name)
    call.answer({"name": name}, f"Removed: {name}.")


@plans.command()
@click.argument("name")
@click.argument("tenant")
@command
def assign(call: Invocation, name: str, tenant: str) -> None:
    """Give a tenant a plan."""
    from slipway.cli.commands.access.plan_administration import administration

    with administration(call) as administrated:
        shown = administrated.assign(name, tenant)
    call.answer(shown, f"{tenant} has the plan {name} now: slipway quota show --tenant {tenant}")


@plans.command("set-limit")
@click.argument("name")
@click.argument("limit")
@click.argument("values", nargs=-1, required=True, metavar="NAME=VALUE…")
@command
def set_limit(call: Invocation, name: str, limit: str, values: tuple[str, ...]) -> None:
    """Limit callers' requests over all apps of each tenant of a plan, as `slipway limits set` does.

    \b
    slipway plans set-limit team all requests=5000 per_s=60 by=all
    """
    from slipway.cli.commands.access.plan_administration import administration

    with administration(call) as administrated:
        administrated.set_limit(name, limit, nested(values))
    call.answer({"plan": name, "limit": limit}, f"Set: {limit} of {name}. In force within a second.")


@plans.command("unset-limit")
@click.argument("name")
@click.argument("limit")
@command
def unset_limit(call: Invocation, name: str, limit: str) -> None:
    """Take a limit away from a plan."""
    from slipway.cli.commands.access.plan_administration import administration

    with administration(call) as administrated:
        administrated.remove_limit(name, limit)
    call.answer({"plan": name, "limit": limit}, f"Removed: {limit} of {name}.")


def _quotas(plan: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in plan["quotas"].items())


def _limits(plan: dict[str, Any]) -> str:
    if plan["limits"] is None:
        return ""
    return " ".join(each["name"] for each in plan["limits"]) or "none"


def _tenants(plan: dict[str, Any]) -> str:
    names = plan["tenants"]
    more = len(names) - _SHOWN_MOST
    return one_line(", ".join(names[:_SHOWN_MOST]) + (f" and {more} more" if more > 0 else ""))

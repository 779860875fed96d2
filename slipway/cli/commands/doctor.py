"""doctor: works on the host itself only, as its owner."""

from __future__ import annotations

import click

from slipway.cli.exit_codes import Exit
from slipway.cli.invocation import Invocation, command
from slipway.cli.this_host import host_settings


@click.command()
@command
def doctor(call: Invocation) -> None:
    """Check this host: what is missing, and how to fix it."""
    from slipway.host.doctor import describe, diagnose

    findings = diagnose(host_settings())
    if call.out.as_json:
        keys = ("name", "ok", "detail", "remedy")
        call.out.document({"findings": [{key: getattr(each, key) for key in keys} for each in findings]})
    else:
        call.out.line(describe(findings))
    if not all(each.ok for each in findings):
        raise SystemExit(int(Exit.FAILED))

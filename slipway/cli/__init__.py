"""`slipway`: the command, a client of the REST API.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not signed in, 4 not found, 5 refused by policy, 6 timed out.

It starts fast: the modules of the commands import nothing slow, and what calls the API or works on the host is imported
when it is used.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from slipway.cli import completion, version
from slipway.cli.click_groups import Sections, Unread
from slipway.cli.commands import (
    apps,
    certificates,
    deployments,
    doctor,
    domains,
    env,
    export,
    hooks,
    logs,
    ps,
    scale,
    status,
    usage,
    volumes,
)
from slipway.cli.commands.access import github, identity, limits, login, plans, publishers, quota, tokens, users
from slipway.cli.commands.access import policies as access
from slipway.cli.commands.attached import backups, services
from slipway.cli.commands.forges import previews
from slipway.cli.commands.runs import cron, run, runs
from slipway.cli.commands.runs import exec as exec_
from slipway.cli.errors import ended_by_error, ended_by_fault, ended_by_usage, ended_unread
from slipway.cli.exit_codes import Exit
from slipway.errors import SlipwayError

SECTIONS = {
    "Every day": (
        *(deployments.deploy, deployments.promote, deployments.rollback),
        *(logs.logs, ps.ps, run.run_command, runs.runs, exec_.exec_command),
        *(usage.usage, export.export, apps.open_),
    ),
    "Apps": (
        *(apps.apps, deployments.deployments, scale.scale, env.env, domains.domains, certificates.certificates),
        *(previews.previews, cron.cron, access.access, limits.limits),
        *(services.services, volumes.volumes, quota.quota),
    ),
    "Access": (
        *(login.login, login.logout, login.whoami, users.users, tokens.tokens),
        *(publishers.publishers, hooks.hooks, github.github),
    ),
    "Host": (status.status, doctor.doctor, identity.identity, plans.plans, completion.completion),
}


@click.group(cls=Sections, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@version.option
def slipway() -> None:
    """Push to deploy, on your own host."""


for verb in backups.COMMANDS:
    services.services.add_command(verb)
for title, commands in SECTIONS.items():
    slipway.add_section(title, commands)


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    sys.exit(int(_run(arguments)))


def _run(arguments: list[str]) -> Exit:
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    as_json = "--json" in own  # what follows is another program's
    try:
        _require_text(arguments)
        slipway.main(arguments, prog_name="slipway", standalone_mode=False)
    except SlipwayError as error:
        return ended_by_error(error, as_json=as_json)
    except click.ClickException as error:
        return ended_by_usage(error, as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        return Exit.FAILED
    except Unread:
        return ended_unread()
    except Exception as error:  # noqa: BLE001  the last door before a person: nobody should have to read our traceback
        return ended_by_fault(error, as_json=as_json)
    return Exit.DONE


def _require_text(arguments: Sequence[str]) -> None:
    """Python marks bytes that are no UTF-8 with characters that can't be written as such again."""
    for each in arguments:
        try:
            each.encode()
        except UnicodeEncodeError:
            raise click.UsageError(f"{each!r} is not in UTF-8, which is what slipway takes") from None

"""`slipway`: the command, a client of the REST API.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not signed in, 4 not found, 5 refused by policy, 6 timed out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import click

from slipway.cli import access, apps, deploying, on_host, running
from slipway.cli.exits import Exit, exit_code
from slipway.errors import SlipwayError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="slipway-platform", prog_name="slipway")
def slipway() -> None:
    """Push to deploy, on your own host."""


for each in (
    access.login,
    access.logout,
    access.hooks,
    access.tokens,
    apps.apps,
    apps.env,
    apps.domains,
    apps.scale,
    apps.open_,
    deploying.deploy,
    deploying.deployments,
    deploying.rollback,
    running.ps,
    running.logs,
    on_host.doctor,
):
    slipway.add_command(each)


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        slipway.main(arguments, prog_name="slipway", standalone_mode=False)
        code = Exit.DONE
    except SlipwayError as error:
        _tell(error, as_json="--json" in arguments)
        code = exit_code(error)
    except click.UsageError as error:
        error.show()
        code = Exit.USAGE
    except click.ClickException as error:
        error.show()
        code = Exit.FAILED
    except (click.Abort, KeyboardInterrupt):
        code = Exit.FAILED
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stderr.close()
        code = Exit.DONE
    sys.exit(int(code))


def _tell(error: SlipwayError, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(error.problem(), ensure_ascii=False), err=True)
        return
    click.echo(click.style("✘ ", fg="red") + error.message, err=True)
    for line in error.remedy.splitlines():
        click.echo(f"  {line}", err=True)

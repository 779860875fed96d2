"""`slipway --version`."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import click

DISTRIBUTION = "slipway-platform"


def number() -> str:
    """The installed version; `from sources` where nothing is installed."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "from sources"


def _show(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(f"slipway {number()}")
        context.exit()


def option(function: Any) -> Any:
    return click.option(
        "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show, help="Say which version this is."
    )(function)

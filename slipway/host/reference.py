"""`.env.example`, written from the settings themselves."""

from __future__ import annotations

from dataclasses import fields

from slipway.settings import PREFIX, Settings

_HEAD = """\
# All settings of Slipway, each with its default. Copy this file to .env and uncomment what you change; `make up` takes
# the changes over. A variable of the same name in the environment wins over .env. {state} stands for
# SLIPWAY_STATE_DIR (default: .slipway in a checkout, /var/lib/slipway elsewhere), {console} for SLIPWAY_CONSOLE_HOST
# with the port of SLIPWAY_HTTP_LISTEN.
# Durations are seconds, sizes are written as 512m or 4g, lists are separated by commas.
"""


def env_example() -> str:
    """The file's text: for each setting its sentence and its default, commented out."""
    entries = (
        f"\n# {field.metadata['about']}\n#{PREFIX}{field.name.upper()}={field.metadata['default']}\n"
        for field in fields(Settings)
    )
    return _HEAD + "".join(entries)

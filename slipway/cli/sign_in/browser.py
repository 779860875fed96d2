"""Opening the person's browser at an address, where there is one to open."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress

from slipway import settings


def may_open() -> bool:
    """A browser with windows, of the person who sits here: not over SSH, and not as root. One that takes the terminal
    would cover the code."""
    environment = settings.client()
    has_windows = sys.platform == "darwin" or bool(environment["display"])
    return has_windows and not environment["remote"] and os.geteuid() != 0 and sys.stderr.isatty()


def open_(url: str) -> bool:
    """Whether something was started for it. The address is shown in any case."""
    program = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if program is None:
        return False
    with suppress(OSError):
        nothing = subprocess.DEVNULL
        subprocess.Popen([program, url], stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
        return True
    return False

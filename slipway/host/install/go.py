"""Go, which builds the authority of the demo and of tests: this host's own, or the one that pip brings into `.venv`."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from slipway.host.commands import Commands

AT_LEAST = (1, 25)
_OFTEN_NOT_ON_PATH = ("/usr/local/go/bin", "/usr/lib/go/bin")
_VERSION = re.compile(r"\bgo(\d+)\.(\d+)")


def find(commands: Commands, venv: Path) -> Path | None:
    """The first one that is recent enough; None: there is none."""
    return next((each for each in _candidates(venv) if _is_enough(commands, each)), None)


def _candidates(venv: Path) -> Iterator[Path]:
    for folder in (*os.get_exec_path(), *_OFTEN_NOT_ON_PATH, str(venv / "bin")):
        found = shutil.which("go", path=folder)
        if found:
            yield Path(found)


def _is_enough(commands: Commands, go: Path) -> bool:
    # an older one would fetch a newer one by itself, to say that one's version
    said = commands.run(["env", "GOTOOLCHAIN=local", str(go), "version"])
    found = _VERSION.search(said.output)
    return said.ok and found is not None and (int(found[1]), int(found[2])) >= AT_LEAST

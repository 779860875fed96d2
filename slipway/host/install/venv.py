"""The project's own Python environment, from the lock file with hashes; nothing to do while the lock is unchanged."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from slipway.host.commands import Commands

LOCK = "requirements.lock"
DEV_LOCK = "requirements-dev.lock"
BENCH_LOCK = "requirements-bench.lock"
GO_LOCK = "requirements-go.lock"
PROJECT = "pyproject.toml"
_HELD_BY = {DEV_LOCK: LOCK}  # the developers' lock holds all of the other
_REMEDY = "see what pip says above; it follows its own settings (pip.conf, PIP_*)"
_INSTALL_TIMEOUT_S = 1800


class Venv:
    """`<checkout>/.venv`. What is installed is remembered in it as the hash of each file it came from."""

    def __init__(self, commands: Commands, checkout: Path) -> None:
        self._commands = commands
        self._checkout = checkout
        self.folder = checkout / ".venv"
        self._marker = self.folder / "installed.json"

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def outdated(self, *, dev: bool, also: Sequence[str] = ()) -> list[str]:
        """Which of the locks and the project file have to be installed (again). `also`: locks beside the project's."""
        installed = self._installed()
        wanted = (DEV_LOCK if dev else LOCK, *also, PROJECT)
        return [name for name in wanted if installed.get(name) != _digest(self._checkout / name)]

    def ensure(self, *, dev: bool, also: Sequence[str] = ()) -> bool:
        """Install what `outdated` names; returns whether anything was done.

        Raises:
            HostUnready: the venv can't be made, or pip failed.
        """
        outdated = self.outdated(dev=dev, also=also)
        if not outdated:
            return False
        self._create()
        pip = [str(self.python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        for lock in (name for name in outdated if name != PROJECT):
            argv = [*pip, "--require-hashes", "--requirement", str(self._checkout / lock)]
            self._commands.must(argv, timeout_s=_INSTALL_TIMEOUT_S, show=True, remedy=_REMEDY)
            self._remember(lock, *([_HELD_BY[lock]] if lock in _HELD_BY else []))
        argv = [*pip, "--no-deps", "--editable", str(self._checkout)]
        self._commands.must(argv, timeout_s=_INSTALL_TIMEOUT_S, show=True, remedy=_REMEDY)
        self._remember(PROJECT)
        return True

    def _create(self) -> None:
        if self._commands.run([str(self.python), "-c", "import pip"]).ok:
            return
        # --clear: a venv whose interpreter is gone (the checkout moved, the system's Python changed) is made anew.
        argv = [sys.executable, "-m", "venv", "--clear", str(self.folder)]
        self._commands.must(argv, timeout_s=300, remedy="apt-get install python3-venv")

    def _installed(self) -> dict[str, str]:
        if not self._marker.exists() or not self.python.exists():
            return {}
        found = json.loads(self._marker.read_text())
        return {str(name): str(digest) for name, digest in found.items()}

    def _remember(self, *names: str) -> None:
        installed = self._installed() | {name: _digest(self._checkout / name) for name in names}
        aside = self._marker.with_suffix(".new")
        aside.write_text(json.dumps(installed, indent=1))
        aside.replace(self._marker)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

"""The Docker Engine: the one that runs is used as it is; where none runs, it is started."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from slipway.adapters.docker import cli
from slipway.errors import DependencyUnavailable, HostUnready
from slipway.host.commands import Commands
from slipway.host.processes.probing import engine_answers, wait_until
from slipway.settings import Settings

START_TIMEOUT_S = 180.0
SYSTEMD = Path("/run/systemd/system")  # exists exactly where PID 1 is systemd (sd_booted(3))


def pick_client(settings: Settings, commands: Commands | None = None) -> str:
    """Path of the first docker client that can do BuildKit builds (with DOCKER_BUILDKIT=1 in its environment).

    Raises:
        HostUnready: there is none, or the one that the settings name can't.
    """
    commands = commands or Commands()

    def run(argv: Sequence[str]) -> tuple[int, str]:
        done = commands.run(argv, timeout_s=cli.TIMEOUT_S)
        return done.code, done.output

    def found() -> list[str]:
        return [str(each) for each in commands.all_found("docker")]

    try:
        return cli.pick_client(settings.docker_cli, found=found, run=run)
    except DependencyUnavailable as error:
        raise HostUnready(error.message, remedy=error.remedy) from None


class Engine:
    """The Engine at `settings.docker_host`."""

    def __init__(self, commands: Commands, settings: Settings, systemd: Path = SYSTEMD) -> None:
        self._commands = commands
        self._settings = settings
        self._systemd = systemd

    @property
    def log(self) -> Path:
        return self._settings.log_dir / "dockerd.log"

    def answers(self) -> bool:
        return engine_answers(self._settings.docker_host)

    def ensure(self) -> bool:
        """Have an Engine that answers; returns whether it was started now.

        Raises:
            HostUnready: it can't be started from here, or does not answer in time.
        """
        if self.answers():
            return False
        socket = urlsplit(self._settings.docker_host)
        if socket.scheme != "unix":
            raise HostUnready(
                f"no Docker Engine answers at {self._settings.docker_host}",
                remedy="start it, or set SLIPWAY_DOCKER_HOST",
            )
        if not self._commands.is_root():
            raise HostUnready("no Docker Engine answers, or it does not let this user in", remedy="run this as root")
        self._start(socket.path)
        if not wait_until(self.answers, timeout_s=START_TIMEOUT_S, interval_s=0.2):
            raise HostUnready(
                f"the Docker Engine was started and does not answer after {START_TIMEOUT_S:g} s",
                remedy=f"look at {self.log} (or: journalctl -u docker)",
            )
        return True

    def _start(self, socket: str) -> None:
        if self._systemd.exists():
            remedy = "journalctl -u docker"
            self._commands.must(["systemctl", "start", "docker"], timeout_s=START_TIMEOUT_S, remedy=remedy)
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        # live-restore: containers outlive the Engine, so that an upgrade of it cuts no request.
        self._commands.start_detached(["dockerd", "--live-restore", "--host", f"unix://{socket}"], self.log)

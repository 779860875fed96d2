"""`make up`, `make down` and `make status`: the platform as a whole on this host."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.core.text.counting import plural
from slipway.errors import HostUnready
from slipway.host.commands import Commands
from slipway.host.install import folders, ports
from slipway.host.install.engine import Engine, pick_client
from slipway.host.processes import exec_service, other_installations
from slipway.host.processes.probing import wait_until
from slipway.host.processes.services import Service, wanted
from slipway.host.processes.supervisor import Process, Supervisor, configuration, log_of
from slipway.host.processes.units import TARGET, run_by_systemd
from slipway.settings import OFF, Settings

READY_TIMEOUT_S = 300.0
"""Bounds what hangs: a busy host may take minutes to start everything."""
CRASHING_TIMEOUT_S = 60.0
"""A service that still ends right after each start is not going to be ready."""
_CRASHING = ("BACKOFF", "EXITED", "FATAL")
_MIGRATIONS_TIMEOUT_S = 600
_IDENTITY_TIMEOUT_S = 900
_LOG_TAIL_LINES = 15
_LOG_TAIL_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class State:
    """One process of the platform: what supervisor says of it, and whether it serves."""

    service: str
    instance: int
    state: str
    pid: int
    since_s: int
    ready: bool
    said: str


@dataclass(frozen=True, slots=True)
class Platform:
    """The platform's processes under supervisor. Every verb may be said twice."""

    commands: Commands
    settings: Settings
    environment: Mapping[str, str]
    checkout: Path
    say: Callable[[str], None]

    @property
    def _supervisor(self) -> Supervisor:
        return Supervisor(self.commands, self.settings)

    def up(self) -> None:
        """Start what does not run, restart what changed, and wait until every service is ready.

        Raises:
            HostUnready: something is missing, another installation or program is in the way, or a service is not
                ready in time; names it, with its log's end.
        """
        self._check_root()
        self._check_no_other_supervisor()
        other_installations.check(self.settings)
        ports.check(self.settings)
        self.prepare()
        text = configuration(self.settings, wanted(self.settings), self.environment, self.checkout)
        started = self._supervisor.apply(text, self.environment)
        self._wait_until_ready()
        self._sync_identity()
        self.say(
            f"up: {self.settings.public_url}"
            + (f"   started: {', '.join(started)}" if started else "   nothing to do: all runs as it is set")
        )

    def prepare(self) -> None:
        """Folders, keys, the Engine, the database's schema: what has to be there before any service starts."""
        self._check_root()
        folders.prepare(self.settings)
        self._check_edge_may_pass()
        if Engine(self.commands, self.settings).ensure():
            self.say("Docker Engine: started, it was not running.")
        self.say(f"docker client: {pick_client(self.settings, self.commands)}")
        self.commands.must(
            [sys.executable, "-m", "slipway.migrations"],
            env=self.environment,
            cwd=self.checkout,
            timeout_s=_MIGRATIONS_TIMEOUT_S,
            remedy="SLIPWAY_DATABASE_URL says where the database is",
        )

    def _sync_identity(self) -> None:
        """Keycloak's realm, for those who sign people in."""
        if self.settings.keycloak == OFF:
            return
        said = self.commands.must(
            [sys.executable, "-m", "slipway.cli", "identity", "sync"],
            env=self.environment,
            cwd=self.checkout,
            timeout_s=_IDENTITY_TIMEOUT_S,
            remedy="everything else runs; fix it, then: slipway identity sync",
        )
        self.say(said.rstrip())

    def down(self) -> None:
        """Stop the platform's own processes; the apps' containers, and the Engine, stay."""
        self.stop()
        running = self._replicas()
        if running:
            verb, them = ("runs", "it") if running == 1 else ("run", "them")
            which = f"{plural(running, 'container')} of apps {verb}"
            self.say(f"{which} on, with nothing in front of {them}. `make up` takes {them} over again.")

    def stop(self) -> None:
        """Stop the platform's own processes, and say only that."""
        if self._supervisor.runs():
            self._supervisor.shutdown()
            self.say("down: the platform is stopped.")
        elif self._end_leftovers():
            self.say("down: the platform's supervisor was gone; the services it had left are stopped.")
        else:
            self.say("down: the platform does not run.")

    def status(self) -> list[State]:
        """Every process; empty when the platform does not run. Where another than our supervisor runs it (systemd, or
        the supervisor was killed), only the services that answer."""
        if not self._supervisor.runs():
            return self._unsupervised()
        return self._supervised()

    def _supervised(self) -> list[State]:
        """Raises OSError: no supervisord answers."""
        table = {service.name: service for service in wanted(self.settings)}
        return [self._state(process, table.get(process.service)) for process in self._supervisor.processes()]

    def _unsupervised(self) -> list[State]:
        asked = [(service, service.ready(self.settings)) for service in wanted(self.settings) if service.ready]
        if not any(ready for _, (ready, _) in asked):
            return []
        return [State(service.name, 0, "UNSUPERVISED", 0, 0, ready, said) for service, (ready, said) in asked]

    def _state(self, process: Process, service: Service | None) -> State:
        running = process.state == "RUNNING"
        ready, said = running, process.trouble
        if running and service is not None and service.ready is not None:
            ready, said = service.ready(self.settings)
        return State(process.service, process.instance, process.state, process.pid, process.since_s, ready, said)

    def _check_root(self) -> None:
        if not self.commands.is_root():
            raise HostUnready(
                "the platform runs as root (firewall, networks, the Engine)", remedy="run: sudo -E make up"
            )

    def _check_no_other_supervisor(self) -> None:
        """Two supervisors over one state folder would end each other's services."""
        if run_by_systemd(self.settings, self.commands):
            raise HostUnready(
                "systemd runs the platform on this host", remedy=f"systemctl restart {TARGET} takes changes over"
            )

    def _check_edge_may_pass(self) -> None:
        blocked = folders.blocked_for_edge(self.settings.state_dir)
        if blocked is not None:
            raise HostUnready(
                f"nginx's workers can't reach sockets in {self.settings.state_dir}: {blocked} lets nobody through",
                remedy=f"chmod o+x {blocked}, or set SLIPWAY_STATE_DIR to a folder elsewhere, such as /var/lib/slipway",
            )

    def _wait_until_ready(self) -> None:
        states: list[State] = []
        began = time.monotonic()

        def ready() -> bool:
            states[:] = self._supervised()
            return bool(states) and all(state.ready for state in states)

        def crashes() -> bool:
            return time.monotonic() - began > CRASHING_TIMEOUT_S and any(state.state in _CRASHING for state in states)

        try:
            is_up = wait_until(lambda: ready() or crashes(), timeout_s=READY_TIMEOUT_S, interval_s=0.2) and ready()
        except OSError as error:
            raise HostUnready(
                "supervisord ended while the services were starting",
                remedy=f"look at {self._supervisor.log}, then `make up` again",
            ) from error
        if not is_up:
            raise self._not_ready(states, time.monotonic() - began)

    def _not_ready(self, states: list[State], after_s: float) -> HostUnready:
        """What crashes is named before what only takes long: it may be what the others wait for."""
        states.sort(key=lambda state: state.state not in _CRASHING)
        late, *others = [state for state in states if not state.ready]
        names = ", ".join(f"{other.service}-{other.instance}" for other in others)
        log = log_of(self.settings, late.service, late.instance)
        said = f"{late.state.lower()} {late.said}".strip()
        return HostUnready(
            f"{late.service} is not ready after {after_s:.0f} s ({said})\n{_tail(log)}"
            + (f"\nNot ready either: {names}" if names else ""),
            remedy=f"fix what its log says ({log}), then `make up` again; it is tried again meanwhile",
        )

    def _end_leftovers(self) -> bool:
        ended = [
            exec_service.end_leftovers(exec_service.note_of(self.settings, service, instance))
            for service in reversed(wanted(self.settings))
            for instance in range(service.processes(self.settings))
        ]
        return any(ended)

    def _replicas(self) -> int:
        """How many containers of this installation run; none when no Engine answers."""
        if not Engine(self.commands, self.settings).answers():
            return 0
        client = pick_client(self.settings, self.commands)
        label = f"label=slipway.instance={self.settings.instance}"
        listed = self.commands.run([client, "--host", self.settings.docker_host, "ps", "--quiet", "--filter", label])
        return len(listed.output.split()) if listed.ok else 0


def describe(states: list[State]) -> str:
    """The states as an aligned table."""
    if not states:
        return "The platform does not run. Start it: make up"
    rows = [
        (
            "●" if state.ready else "▲",
            f"{state.service}-{state.instance}",
            state.state.lower(),
            str(state.pid or "-"),
            _duration(state.since_s) if state.pid else "-",
            "" if state.ready else state.said,
        )
        for state in states
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _duration(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _tail(log: Path) -> str:
    if not log.exists():
        return f"(it has written no log yet: {log})"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG_TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").splitlines()
    # A service that is started again and again says the same each time: once is enough.
    distinct = [
        line for number, line in enumerate(lines) if line not in lines[max(0, number - _LOG_TAIL_LINES) : number]
    ]
    return "\n".join(f"  {line}" for line in distinct[-_LOG_TAIL_LINES:])

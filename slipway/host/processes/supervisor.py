"""supervisord: its configuration from the services' table, and its control over a unix socket."""

from __future__ import annotations

import hashlib
import http.client
import sys
import xmlrpc.client
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from slipway.adapters.agent.unix_http import UnixHTTP
from slipway.errors import HostUnready
from slipway.host.commands import Commands
from slipway.host.processes.probing import wait_until
from slipway.host.processes.services import Service
from slipway.settings import CLIENT_KEYS, PREFIX, Settings

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 180.0
_CALL_TIMEOUT_S = 240.0  # stopping a group is one call, and lasts as long as the group takes to stop

# Retries never end: a service whose database is unreachable for an hour comes back by itself. The pause between two
# grows by a second each time.
_RETRIES = 1_000_000

_SOURCE_SUFFIXES = (".py", ".lua", ".conf", ".css", ".svg", ".properties")

_DAEMON = """\
; Written by `make up` from the settings: changes here are lost.
[unix_http_server]
file = {control}
chmod = 0700

[supervisord]
logfile = {logs}/supervisord.log
logfile_maxbytes = 5MB
logfile_backups = 2
pidfile = {run}/supervisord.pid
childlogdir = {logs}
directory = {directory}
user = root
umask = 022

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl = unix://{control}
"""
_PROGRAM = """
[program:{name}]
command = {command}
process_name = {name}-%(process_num)d
numprocs = {count}
environment = {environment}
autostart = true
autorestart = true
startsecs = 1
startretries = {retries}
stopsignal = {stop_signal}
stopwaitsecs = {stop_wait_s}
stopasgroup = {stop_group}
killasgroup = true
redirect_stderr = true
stdout_logfile = {logs}/{name}-%(process_num)d.log
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 3
"""


@dataclass(frozen=True, slots=True)
class Process:
    """What supervisor knows of one process. `state` is its own word: RUNNING, STARTING, BACKOFF, STOPPED, FATAL …"""

    service: str
    instance: int
    state: str
    pid: int
    since_s: int
    trouble: str


def control_socket(settings: Settings) -> Path:
    return settings.run_dir / "control.sock"


def log_of(settings: Settings, service: str, instance: int) -> Path:
    return settings.log_dir / "services" / f"{service}-{instance}.log"


def configuration(
    settings: Settings, services: Iterable[Service], environment: Mapping[str, str], checkout: Path
) -> str:
    """supervisord.conf. A program's section holds its settings and a mark of its code: what differs is restarted."""
    logs = settings.log_dir / "services"
    text = _DAEMON.format(control=control_socket(settings), logs=logs, run=settings.run_dir, directory=checkout)
    for service in services:
        variables = concerning(service, environment) | {"SERVING_CODE": code_mark(checkout, service.code)}
        text += _PROGRAM.format(
            name=service.name,
            command=f"{_quoted(sys.executable)} -m slipway.host serve {service.name} %(process_num)d",
            count=service.processes(settings),
            environment=_variables(variables),
            retries=_RETRIES,
            stop_signal=service.stop_signal,
            stop_wait_s=service.stop_wait_s,
            stop_group=str(service.stop_group).lower(),
            logs=logs,
        )
    return text


def concerning(service: Service, environment: Mapping[str, str]) -> dict[str, str]:
    """The settings in an environment that concern a service. Those of the command-line client never do, those of
    migrations hardly ever."""
    names = {PREFIX + name.upper() for name in service.settings}
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(PREFIX)
        and name not in CLIENT_KEYS | service.hidden_settings
        and (name in names or not names)
    }


def code_mark(checkout: Path, code: Iterable[str]) -> str:
    """Changes whenever a source file in these (files or folders, `*` as in a shell), or the lock of what they import,
    does."""
    mark = hashlib.sha256()
    for file in [checkout / "requirements.lock", *_sources(checkout, code)]:
        if file.exists():
            mark.update(str(file.relative_to(checkout)).encode() + b"\0" + file.read_bytes())
    return mark.hexdigest()[:16]


def _sources(checkout: Path, code: Iterable[str]) -> Iterator[Path]:
    for path in (found for name in code for found in sorted(checkout.glob(name))):
        yield from sorted(found for found in path.rglob("*") if found.suffix in _SOURCE_SUFFIXES)
        if path.is_file():
            yield path


def _variables(variables: Mapping[str, str]) -> str:
    return ",".join(f"{name}={_quoted(value)}" for name, value in sorted(variables.items()))


def _quoted(value: str) -> str:
    """In double quotes for supervisor, which reads with shlex and expands % itself."""
    if "\n" in value:
        raise HostUnready("a setting has a line break in it", remedy="write it on one line")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


class Supervisor:
    """The supervisord of one state folder."""

    def __init__(self, commands: Commands, settings: Settings) -> None:
        self._commands = commands
        self._settings = settings
        self._file = settings.state_dir / "supervisord.conf"

    @property
    def log(self) -> Path:
        return self._settings.log_dir / "services" / "supervisord.log"

    def runs(self) -> bool:
        return self._pid() != 0

    def _pid(self) -> int:
        """supervisord's process; 0 when none answers."""
        try:
            return int(self._call("getPID"))
        except OSError:
            return 0

    def apply(self, text: str, environment: Mapping[str, str]) -> list[str]:
        """Start supervisord with this configuration, or have the running one take it over; returns the services that
        were (re)started."""
        aside = self._file.with_suffix(".new")
        aside.touch(mode=0o600)
        aside.write_text(text)
        aside.replace(self._file)
        if self.runs():
            return self._update()
        argv = [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(self._file)]
        # Each program's section holds its settings; one that is taken out of them later must not linger here.
        rest = {name: value for name, value in environment.items() if not name.startswith(PREFIX)}
        self._commands.must(argv, env=rest, timeout_s=START_TIMEOUT_S, remedy="see the message above")
        if not wait_until(self.runs, timeout_s=START_TIMEOUT_S):
            raise HostUnready("supervisord does not answer after its start", remedy=f"look at {self.log}")
        return sorted({process.service for process in self.processes()})

    def processes(self) -> list[Process]:
        return [_process(found) for found in self._call("getAllProcessInfo")]

    def shutdown(self) -> None:
        """Stop all services, then supervisord itself.

        Raises:
            HostUnready: it is still there after `STOP_TIMEOUT_S`.
        """
        process = Path("/proc") / str(self._pid())
        # All at once first: a shutdown alone stops one group a second.
        self._call("stopAllProcesses")
        self._call("shutdown")
        if not wait_until(lambda: not process.exists(), timeout_s=STOP_TIMEOUT_S, interval_s=0.1):
            raise HostUnready("supervisord does not stop", remedy=f"look at {self._settings.log_dir / 'services'}")

    def _update(self) -> list[str]:
        added, changed, removed = self._call("reloadConfig")[0]
        for name in [*removed, *changed, *added]:
            if name not in added:
                self._call("stopProcessGroup", name)
                self._call("removeProcessGroup", name)
            if name not in removed:
                self._call("addProcessGroup", name)
        stopped = [found for found in self.processes() if found.state in ("STOPPED", "EXITED", "FATAL")]
        for process in stopped:
            self._call("startProcess", f"{process.service}:{process.service}-{process.instance}", False)
        return sorted({*changed, *added, *(process.service for process in stopped)})

    def _call(self, method: str, *arguments: Any) -> Any:
        """Raises:
        OSError: no supervisord answers.
        HostUnready: it is about to stop, or refuses.
        """
        transport = _Transport(control_socket(self._settings))
        with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
            try:
                return cast(Any, getattr(proxy.supervisor, method))(*arguments)
            except xmlrpc.client.Fault as fault:
                raise HostUnready(
                    f"supervisord can't do this now: {fault.faultString}", remedy="wait a moment, then try again"
                ) from fault


def _process(found: Mapping[str, Any]) -> Process:
    return Process(
        service=str(found["group"]),
        instance=int(str(found["name"]).rpartition("-")[2]),
        state=str(found["statename"]),
        pid=int(found["pid"]),
        since_s=max(0, int(found["now"]) - int(found["start"])),
        trouble=str(found["spawnerr"]),
    )


class _Transport(xmlrpc.client.Transport):
    def __init__(self, socket: Path) -> None:
        super().__init__()
        self._socket = socket

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = UnixHTTP(self._socket, _CALL_TIMEOUT_S)
        self._connection = host, connection  # what the base class closes
        return connection

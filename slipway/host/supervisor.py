"""supervisord: its configuration from the services' table, and its control over a unix socket."""

from __future__ import annotations

import hashlib
import http.client
import sys
import xmlrpc.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from slipway.errors import HostUnready
from slipway.host.commands import Commands
from slipway.host.probing import UnixHTTP, wait_until
from slipway.host.services import Service
from slipway.settings import CLIENT_KEYS, PREFIX, Settings

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 60.0
_CALL_TIMEOUT_S = 90.0  # stopping a group is one call, and lasts as long as the group takes to stop

# Retries never end: a service whose database is away for an hour comes back without a hand. The pause between two
# grows by a second each time.
_RETRIES = 1_000_000

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
    own = ours(environment)
    for service in services:
        text += _PROGRAM.format(
            name=service.name,
            command=f"{_quoted(sys.executable)} -m slipway.host serve {service.name} %(process_num)d",
            count=service.count(settings),
            environment=_variables(own | {"SERVING_CODE": code_mark(checkout, service.code)}),
            retries=_RETRIES,
            stop_signal=service.stop_signal,
            stop_wait_s=service.stop_wait_s,
            stop_group=str(service.stop_group).lower(),
            logs=logs,
        )
    return text


def ours(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings in an environment. What the command-line client keeps there concerns no service."""
    return {name: value for name, value in environment.items() if name.startswith(PREFIX) and name not in CLIENT_KEYS}


def code_mark(checkout: Path, folders: Iterable[str]) -> str:
    """Changes whenever a source file in these folders, or the lock of what they import, does."""
    mark = hashlib.sha256()
    files = [checkout / "requirements.lock"]
    for folder in folders:
        files += sorted(found for found in (checkout / folder).rglob("*") if found.suffix in (".py", ".lua", ".conf"))
    for file in files:
        if file.exists():
            mark.update(str(file.relative_to(checkout)).encode() + b"\0" + file.read_bytes())
    return mark.hexdigest()[:16]


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

    def runs(self) -> bool:
        try:
            return self._call("getState") is not None
        except OSError:
            return False

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
            log = self._settings.log_dir / "services" / "supervisord.log"
            raise HostUnready("supervisord does not answer after its start", remedy=f"look at {log}")
        return sorted({process.service for process in self.processes()})

    def processes(self) -> list[Process]:
        return [_process(found) for found in self._call("getAllProcessInfo")]

    def shutdown(self) -> None:
        """Stop all services, then supervisord itself.

        Raises:
            HostUnready: it is still there after a minute.
        """
        self._call("shutdown")
        if not wait_until(lambda: not self.runs(), timeout_s=STOP_TIMEOUT_S, interval_s=0.1):
            raise HostUnready("supervisord does not stop", remedy=f"look at {self._settings.log_dir / 'services'}")

    def _update(self) -> list[str]:
        added, changed, removed = self._call("reloadConfig")[0]
        for name in [*removed, *changed]:
            self._call("stopProcessGroup", name)
            self._call("removeProcessGroup", name)
        for name in [*changed, *added]:
            self._call("addProcessGroup", name)
        stopped = [found for found in self.processes() if found.state in ("STOPPED", "EXITED", "FATAL")]
        for process in stopped:
            self._call("startProcess", f"{process.service}:{process.service}-{process.instance}", False)
        return sorted({*changed, *added, *(process.service for process in stopped)})

    def _call(self, method: str, *arguments: Any) -> Any:
        transport = _Transport(control_socket(self._settings))
        with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
            return cast(Any, getattr(proxy.supervisor, method))(*arguments)


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

    def make_connection(self, host: Any) -> http.client.HTTPConnection:  # noqa: ARG002 - the socket is the address
        return UnixHTTP(self._socket, _CALL_TIMEOUT_S)

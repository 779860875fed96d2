"""What `slipway doctor` and `make doctor` show: findings about this host, with the next step for each."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from slipway.adapters.buildkit.image_folder import seen_from_here
from slipway.adapters.firewall import install
from slipway.adapters.keycloak import accounts
from slipway.errors import SlipwayError
from slipway.host import checkout, keycloak
from slipway.host.commands import Commands
from slipway.host.install import certificate, folders, ports
from slipway.host.install.engine import SYSTEMD, Engine, pick_client
from slipway.host.install.keycloak import VERSION
from slipway.host.install.requirements import Group, Host, missing, too_old
from slipway.host.processes.lifecycle import Platform
from slipway.host.processes.probing import http_status
from slipway.settings import LOCAL, OFF, Settings, address_of

SCRATCH_FLOOR_BYTES = 256 << 20
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `remedy` is empty where nothing has to be done."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class HostChecks:
    """The checks of a host, and what they use."""

    settings: Settings
    commands: Commands
    mounts: Path = Path("/proc/mounts")

    def engine(self) -> Finding:
        if not Engine(self.commands, self.settings).answers():
            where = self.settings.docker_host
            return Finding("Docker Engine", False, f"nothing answers at {where}", "make install, or start it")
        version = self._docker("version", "--format", "{{.Server.Version}}")
        live = self._docker("info", "--format", "{{.LiveRestoreEnabled}}") == "true"
        kept = "apps outlive its restart" if live else "live-restore is off: its upgrade restarts the apps"
        return Finding("Docker Engine", True, f"{version}, {kept}")

    def client(self) -> Finding:
        return Finding("docker client", True, f"{pick_client(self.settings, self.commands)} can do BuildKit builds")

    def firewall(self) -> Finding:
        done = self.commands.run(["iptables", "-w", "-n", "-L", "INPUT"], timeout_s=30)
        if done.ok:
            return Finding("iptables", True, "usable")
        return Finding("iptables", False, done.tail(1), "run as root, on a kernel with iptables (nf_tables or legacy)")

    def containment(self) -> Finding:
        name = "containers kept off"
        if http_status(self.settings.run_dir / "agent.sock", "/healthz")[0] != 200:
            return Finding(name, True, "the agent sets the rules when it starts")
        lacking = install.problems(self.settings)
        if not lacking:
            return Finding(name, True, "the host, the metadata address and other tenants are out of their reach")
        return Finding(name, False, "; ".join(lacking), "make up; the agent sets the rules anew within a minute")

    def scratch(self) -> Finding:
        folder = self.settings.scratch_dir
        free = _free_bytes(folder)
        detail = f"{folder}: {self._filesystem(folder)}, {free / _GIB:.1f} GiB free"
        if self._filesystem(folder) not in ("tmpfs", "ramfs"):
            return Finding("scratch in memory", False, detail, "set SLIPWAY_SCRATCH_DIR to a tmpfs, such as /dev/shm")
        if free < SCRATCH_FLOOR_BYTES:
            return Finding("scratch in memory", False, detail, f"mount -o remount,size=2g {folder}")
        return Finding("scratch in memory", True, detail)

    def disk(self) -> Finding:
        root = Path(self._docker("info", "--format", "{{.DockerRootDir}}") or "/")
        free = _free_bytes(seen_from_here(root, self.settings.docker_host))
        floor = self.settings.disk_floor_bytes
        detail = f"{root}: {free / _GIB:.1f} GiB free, builds are refused below {floor / _GIB:.1f} GiB"
        return Finding("disk", free >= floor, detail, "" if free >= floor else "docker system prune, or a larger disk")

    def database(self) -> Finding:
        from slipway.host import database  # noqa: PLC0415  Python packages are installed by this very program

        return Finding("database", True, database.describe(self.settings))

    def backups(self) -> Finding:
        from slipway.host.backup import schedule  # noqa: PLC0415  likewise

        if not self.settings.backup_folder:
            return Finding("backups", True, "none are scheduled: SLIPWAY_BACKUP_FOLDER is empty")
        return Finding("backups", *schedule.judge(self.settings, datetime.now(UTC)))

    def port(self) -> Finding:
        return self._port("edge's port", "http_listen")

    def https(self) -> Finding:
        if not self.settings.https_listen:
            return Finding("HTTPS", True, "not asked for: SLIPWAY_HTTPS_LISTEN is empty")
        if self.settings.tls_certificate or self.settings.tls_key:
            certificate.check(self.settings.tls_certificate, self.settings.tls_key)
        return self._port("HTTPS", "https_listen")

    def keycloak(self) -> Finding:
        if self.settings.keycloak == OFF:
            return Finding("Keycloak", True, "not asked for: SLIPWAY_KEYCLOAK is off")
        if self.settings.keycloak != LOCAL:
            return Finding("Keycloak", True, f"the one at {self.settings.keycloak}; slipway status asks it")
        if not keycloak.distribution(self.settings).is_ready:
            return Finding("Keycloak", False, "it is not installed on this host", "make install")
        for each in ports.taken(self.settings, ("keycloak_listen", "keycloak_management_listen")):
            return Finding("Keycloak", False, each.sentence, each.remedy)
        return Finding("Keycloak", True, f"{VERSION}, at {self.settings.keycloak_listen}")

    def _port(self, name: str, setting: str) -> Finding:
        for each in ports.taken(self.settings, (setting,)):
            return Finding(name, False, each.sentence, each.remedy)
        port = address_of(getattr(self.settings, setting))[1]
        serves = http_status(self.settings.run_dir / "edge.sock", "/healthz")[0] == 200
        return Finding(name, True, f"{port} is {'ours' if serves else 'free'}")

    def socket_paths(self) -> Finding:
        room = folders.socket_room(self.settings.state_dir)
        if room >= 0:
            return Finding("sockets' paths", True, f"{room} bytes to spare")
        remedy = "set SLIPWAY_STATE_DIR to a shorter one, such as /var/lib/slipway"
        return Finding("sockets' paths", False, f"{-room} bytes too long: {self.settings.state_dir}", remedy)

    def permissions(self) -> Finding:
        name, state = "state folder", self.settings.state_dir
        if not state.exists():
            return Finding(name, True, f"{state} is made by the first `make up`")
        open_to_others = [path for path in self._secret_files() if stat.S_IMODE(path.stat().st_mode) & 0o077]
        if open_to_others:
            listed = " ".join(str(path) for path in open_to_others)
            return Finding(name, False, f"others may read {listed}", f"chmod go= {listed}")
        blocked = folders.blocked_for_edge(state)
        if blocked is not None:
            return Finding(name, False, f"{blocked} does not let nginx's workers through", f"chmod o+x {blocked}")
        return Finding(name, True, f"{state}: keys are root's alone")

    def clock(self) -> Finding:
        lock = checkout.ROOT / "requirements.lock"
        if lock.exists() and time.time() < lock.stat().st_mtime - 86400:
            return Finding(
                "clock", False, "it is earlier than the installed files", "set the clock; apt-get install chrony"
            )
        if SYSTEMD.exists():
            clock = self.commands.run(["timedatectl", "show", "--property=NTPSynchronized", "--value"], timeout_s=30)
            if clock.output.strip() == "no":
                return Finding(
                    "clock", False, "not synchronized: tokens and logins depend on it", "timedatectl set-ntp true"
                )
        return Finding("clock", True, time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()))

    def services(self) -> Finding:
        states = Platform(self.commands, self.settings, {}, checkout.ROOT, print).status()
        late = [
            f"{state.service}-{state.instance} ({state.state.lower()} {state.said})"
            for state in states
            if not state.ready
        ]
        if not states:
            return Finding("services", False, "the platform does not run", "make up")
        if late:
            return Finding(
                "services", False, "; ".join(late), f"look at {self.settings.log_dir / 'services'}, then make up"
            )
        return Finding("services", True, f"{len(states)} processes, all ready")

    def _docker(self, *arguments: str) -> str:
        client = pick_client(self.settings, self.commands)
        done = self.commands.run([client, "--host", self.settings.docker_host, *arguments], timeout_s=30)
        return done.output.strip() if done.ok else ""

    def _filesystem(self, folder: Path) -> str:
        """The type of the file system that holds `folder`: that of the longest mount point above it."""
        path = os.path.realpath(folder)
        mounts = [line.split()[1:3] for line in self.mounts.read_text().splitlines()]
        above = [(where, kind) for where, kind in mounts if os.path.commonpath([where, path]) == where]
        return max(above, key=lambda mount: len(mount[0]))[1] if above else "unknown"

    def _secret_files(self) -> list[Path]:
        keys = [self.settings.key_dir / name for name in (*folders.KEYS, *accounts.SECRETS)]
        return [path for path in [self.settings.key_dir, *keys] if path.exists()]


CHECKS: Sequence[Callable[[HostChecks], Finding]] = (
    HostChecks.engine,
    HostChecks.client,
    HostChecks.firewall,
    HostChecks.containment,
    HostChecks.scratch,
    HostChecks.disk,
    HostChecks.database,
    HostChecks.backups,
    HostChecks.port,
    HostChecks.https,
    HostChecks.keycloak,
    HostChecks.socket_paths,
    HostChecks.permissions,
    HostChecks.clock,
    HostChecks.services,
)


WITHOUT_ROOT: Sequence[Callable[[HostChecks], Finding]] = (
    HostChecks.scratch,
    HostChecks.database,
    HostChecks.port,
    HostChecks.https,
    HostChecks.keycloak,
    HostChecks.socket_paths,
    HostChecks.permissions,
    HostChecks.clock,
)
"""Those that need neither root nor the container runtime: a service of the platform can look at them itself."""


def diagnose_without_root(settings: Settings) -> list[Finding]:
    """What a service of the platform finds. A file that it may not see is a finding, too."""
    checks = HostChecks(settings, Commands())
    return [_seen_from_here(check, checks) for check in WITHOUT_ROOT]


def diagnose(settings: Settings, commands: Commands | None = None) -> list[Finding]:
    """Run every check. A check that fails itself is a finding, too, never an error."""
    checks = HostChecks(settings, commands or Commands())
    return [_packages(checks), *(_looked_at(check, checks) for check in CHECKS)]


def describe(findings: Sequence[Finding]) -> str:
    """The findings as lines, with the remedy below what is not right."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{'✔' if finding.ok else '✘'} {finding.name:{width}}  {finding.detail}")
        if finding.remedy:
            lines.append(f"  {'':{width}}  → {finding.remedy}")
    return "\n".join(lines)


def _packages(checks: HostChecks) -> Finding:
    if not checkout.is_checkout():
        return Finding("programs", True, "in the images, each service's its own")
    groups: list[Group] = ["run", "keycloak"] if checks.settings.keycloak == LOCAL else ["run"]
    lacking = missing(Host(checks.commands), groups)
    if not lacking:
        return Finding("programs", True, "all installed")
    remedy = "; ".join(["make install", *(need.remedy for need in too_old(Host(checks.commands), groups))])
    return Finding("programs", False, f"missing: {', '.join(need.name for need in lacking)}", remedy)


def _looked_at(check: Callable[[HostChecks], Finding], checks: HostChecks) -> Finding:
    try:
        return check(checks)
    except SlipwayError as error:
        return Finding(check.__name__.replace("_", " "), False, error.message, error.remedy)


def _seen_from_here(check: Callable[[HostChecks], Finding], checks: HostChecks) -> Finding:
    try:
        return _looked_at(check, checks)
    except OSError as error:
        name = check.__name__.replace("_", " ")
        return Finding(name, False, f"the service can't see it: {error.strerror}", "slipway doctor, as root, says more")


def _free_bytes(folder: Path) -> int:
    if not folder.exists():
        return 0
    about = os.statvfs(folder)
    return about.f_bavail * about.f_frsize

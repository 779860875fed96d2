"""The systemd units of a production host, from the services' table (`deploy/systemd/` is their text)."""

from __future__ import annotations

from pathlib import Path

from slipway.host.commands import Commands
from slipway.host.install.engine import SYSTEMD
from slipway.host.processes.services import SERVICES, Service
from slipway.settings import Settings

PRODUCTION_STATE = Path("/var/lib/slipway")
"""The state folder that the units set."""
TARGET = "slipway.target"
AGENT = "slipway-agent.service"

_TARGET = """\
# Written by `make units` from the services' table.
[Unit]
Description=Slipway
Documentation=file:///opt/slipway/docs/guide/install.md
Wants={services}
After=network-online.target docker.service

[Install]
WantedBy=multi-user.target
"""
_PREPARE = """\
# Written by `make units` from the services' table.
[Unit]
Description=Slipway: folders, keys, database schema
PartOf=slipway.target
Wants=network-online.target docker.service
After=network-online.target docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
{common}
ExecStart=/opt/slipway/.venv/bin/python -m slipway.host prepare
"""
_SERVICE = """\
# Written by `make units` from the services' table.
[Unit]
Description=Slipway {name}: {about}
PartOf=slipway.target
Requires=slipway-prepare.service
After=slipway-prepare.service{after}
StartLimitIntervalSec=0

[Service]
Type=exec
{common}
ExecStart=/opt/slipway/.venv/bin/python -m slipway.host serve {name}{instance}
Restart=always
RestartSec=1
KillSignal=SIG{stop_signal}
KillMode={kill_mode}
TimeoutStopSec={stop_wait_s}
LimitNOFILE=65536
{hardening}{install}"""
# What an administrator adds, an instance or an optional service, can be enabled; the target wants the others itself.
_INSTANCE_INSTALL = """
[Install]
WantedBy=slipway.target
"""
_COMMON = f"""\
WorkingDirectory=/opt/slipway
Environment=SLIPWAY_STATE_DIR={PRODUCTION_STATE}
EnvironmentFile=-/etc/slipway/slipway.env"""

# The process that the internet talks to first can't read what apps keep secret.
_WEB_HARDENING = """\
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=full
ProtectHome=yes
"""
# The router alone signs who a caller is.
_NO_IDENTITY_KEY = "InaccessiblePaths=-/var/lib/slipway/keys/identity.key\n"
_NO_KEYS = _NO_IDENTITY_KEY + "InaccessiblePaths=-/var/lib/slipway/keys -/run/docker.sock\n"
# Own certificates are sealed by the router and opened by the certificates' worker.
_NO_CERTIFICATES_KEY = "InaccessiblePaths=-/var/lib/slipway/keys/certificates.key\n"
_HARDENING = {
    "certificates": _WEB_HARDENING
    + _NO_IDENTITY_KEY
    + "InaccessiblePaths=-/var/lib/slipway/keys/hooks.key -/var/lib/slipway/keys/values.key -/run/docker.sock\n"
    + "InaccessiblePaths=-/var/lib/slipway/keys/keycloak-admin.secret -/var/lib/slipway/keys/keycloak-router.secret\n",
    # what the internet asks sees neither certificates nor the accounts that they come from
    "dns": _WEB_HARDENING + _NO_KEYS + "InaccessiblePaths=-/var/lib/slipway/certificates -/var/lib/slipway/certbot\n",
    "worker": _NO_IDENTITY_KEY + _NO_CERTIFICATES_KEY,
    "agent": _NO_IDENTITY_KEY + _NO_CERTIFICATES_KEY,
    "edge": _NO_IDENTITY_KEY + _NO_CERTIFICATES_KEY,
    "keycloak": _WEB_HARDENING
    + _NO_IDENTITY_KEY
    + _NO_CERTIFICATES_KEY
    + "InaccessiblePaths=-/var/lib/slipway/keys/hooks.key -/var/lib/slipway/keys/values.key -/run/docker.sock\n",
    "webhook": _WEB_HARDENING
    + _NO_IDENTITY_KEY
    + _NO_CERTIFICATES_KEY
    + "InaccessiblePaths=-/var/lib/slipway/keys/values.key -/run/docker.sock\n"
    + "InaccessiblePaths=-/var/lib/slipway/keys/keycloak-admin.secret -/var/lib/slipway/keys/keycloak-router.secret\n",
    "router": _WEB_HARDENING
    + "InaccessiblePaths=-/run/docker.sock\n"
    + "InaccessiblePaths=-/var/lib/slipway/keys/keycloak-admin.secret\n",
    "redis": _WEB_HARDENING + "InaccessiblePaths=-/var/lib/slipway/keys -/run/docker.sock\n",
}


def run_by_systemd(settings: Settings, commands: Commands) -> bool:
    """Whether systemd runs the platform of these settings now."""
    possible = settings.state_dir == PRODUCTION_STATE and SYSTEMD.exists()
    return possible and commands.run(["systemctl", "is-active", "--quiet", TARGET]).ok


def units() -> dict[str, str]:
    """File name → text."""
    files = {_file_name(service): _unit(service) for service in SERVICES}
    names = " ".join(unit for service in SERVICES if not service.optional for unit in _instances(service))
    files["slipway-prepare.service"] = _PREPARE.format(common=_COMMON)
    files[TARGET] = _TARGET.format(services=names)
    return files


def _unit(service: Service) -> str:
    return _SERVICE.format(
        name=service.name,
        about=service.about,
        after="" if service.name == "redis" else " slipway-redis.service",
        common=_COMMON,
        instance=" %i" if service.replicated else "",
        stop_signal=service.stop_signal,
        kill_mode="control-group" if service.stop_group else "mixed",
        stop_wait_s=service.stop_wait_s,
        hardening=_HARDENING.get(service.name, ""),
        install=_INSTANCE_INSTALL if service.replicated or service.optional else "",
    )


def _file_name(service: Service) -> str:
    return f"slipway-{service.name}{'@' if service.replicated else ''}.service"


def _instances(service: Service) -> list[str]:
    """Two workers unless the administrator enables more: `systemctl enable slipway-worker@2`."""
    if not service.replicated:
        return [_file_name(service)]
    return [f"slipway-{service.name}@{number}.service" for number in range(2)]

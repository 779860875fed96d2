"""Slipway's folders and key files on this host."""

from __future__ import annotations

import base64
import grp
import os
import secrets
import tempfile
from pathlib import Path

from slipway.adapters.keycloak import accounts
from slipway.errors import HostUnready
from slipway.host.processes.probing import SOCKET_PATH_MAX
from slipway.settings import OFF, Settings

KEYS = ("hooks.key", "values.key")
IDENTITY_KEY = "identity.key"
"""Signs who a caller is, for apps. Nothing is sealed with it: a lost one is made anew."""
CERTIFICATES_KEY = "certificates.key"
"""Seals own certificates until they are in place: with a new one, those that were not yet have to be given again."""
KEY_BYTES = 32
LONGEST_SOCKET_NAME = 24  # bytes kept free for the name of a socket in the run folder
EDGE_GROUP = "www-data"  # nginx's workers: they may pass through the run folder and connect there


def prepare(settings: Settings) -> None:
    """Make the folders and, once, the keys. Idempotent.

    Raises:
        HostUnready: the path is too long for sockets, or keys are missing where there is data sealed with them.
    """
    check_socket_paths(settings)
    settings.state_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    settings.state_dir.chmod(0o711)
    for folder in (settings.log_dir, settings.log_dir / "services", settings.key_dir, settings.state_dir / "redis"):
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
    _run_folder(settings.run_dir)
    _keys(settings)


def socket_room(state_dir: Path) -> int:
    """How many bytes longer the state folder's path could be before sockets in it have too long a name."""
    return SOCKET_PATH_MAX - LONGEST_SOCKET_NAME - len("/run/") - len(os.fsencode(state_dir))


def check_socket_paths(settings: Settings) -> None:
    room = socket_room(settings.state_dir)
    if room < 0:
        raise HostUnready(
            f"the path of the state folder is {-room} bytes too long for sockets in it: {settings.state_dir}",
            remedy="set SLIPWAY_STATE_DIR to a shorter one, such as /var/lib/slipway",
        )


def blocked_for_edge(folder: Path) -> Path | None:
    """The first folder on the way to `folder` that nginx's workers can't pass through; None when they can."""
    for parent in [*reversed(folder.parents), folder]:
        if parent.exists() and not parent.stat().st_mode & 0o001:
            return parent
    return None


def _run_folder(folder: Path) -> None:
    """Sockets: the folder is the gate (root and the edge's group), and new sockets inherit the group."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0 and EDGE_GROUP in {group.gr_name for group in grp.getgrall()}:
        os.chown(folder, -1, grp.getgrnam(EDGE_GROUP).gr_gid)
        folder.chmod(0o2750)


def _keys(settings: Settings) -> None:
    missing = [name for name in KEYS if not (settings.key_dir / name).exists()]
    if missing and (settings.state_dir / "slipway.db").exists():
        raise HostUnready(
            f"{', '.join(missing)} is missing in {settings.key_dir}, and the database holds secrets sealed with it",
            remedy="restore the key files from your backup; without them secrets and variables have to be set anew",
        )
    for name in missing:
        _create(settings.key_dir / name, _random_key())
    _create(settings.key_dir / CERTIFICATES_KEY, _random_key())
    for name in accounts.made_here(settings):
        _create(settings.key_dir / name, _random_key())
    if settings.keycloak != OFF:
        _create(settings.key_dir / IDENTITY_KEY, _signing_key())


def _random_key() -> bytes:
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n"


def _signing_key() -> bytes:
    # Not at the top: what installs the package is run without it.
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _create(file: Path, content: bytes) -> None:
    """Written aside and linked: a key file is whole or not there, and never replaced."""
    if file.exists():
        return
    with tempfile.NamedTemporaryFile("wb", dir=file.parent, prefix=f"{file.name}.") as aside:
        aside.write(content)
        aside.flush()
        os.fsync(aside.fileno())
        os.link(aside.name, file)

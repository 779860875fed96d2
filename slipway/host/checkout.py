"""Where the project's own files are, and what its `.env` adds to the environment."""

from __future__ import annotations

import os
from pathlib import Path

from slipway.host.install import folders

ROOT = Path(__file__).resolve().parents[2]
ENV_FILE = ROOT / ".env"


def is_checkout() -> bool:
    """Whether this runs from a source tree (and not from an installed package)."""
    return (ROOT / "pyproject.toml").exists()


def default_state_dir() -> Path | None:
    """A source tree keeps its state beside the sources, where sockets can be reached by the edge and have short enough
    names; None (the setting's own default) otherwise, such as below /root or in an installed package."""
    state = ROOT / ".slipway"
    usable = is_checkout() and folders.socket_room(state) >= 0 and folders.blocked_for_edge(ROOT) is None
    return state if usable else None


def keep_setting(name: str, value: str, path: Path = ENV_FILE) -> None:
    """Have `.env` say NAME=value; its other lines stay as they are. A new file gets the checkout's owner."""
    lines = path.read_text().splitlines() if path.exists() else []
    kept = [line for line in lines if line.strip().removeprefix("export ").partition("=")[0].strip() != name]
    aside = path.with_name(f"{path.name}.new")
    owner = (path if path.exists() else path.parent).stat()
    mode = owner.st_mode & 0o777 if path.exists() else 0o640
    aside.touch(mode=0o600)
    aside.write_text("\n".join([*kept, f"{name}={value}"]) + "\n")
    aside.chmod(mode)
    if os.geteuid() == 0:
        os.chown(aside, owner.st_uid, owner.st_gid)
    aside.replace(path)

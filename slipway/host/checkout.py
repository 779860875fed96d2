"""Where the project's own files are, and what its `.env` adds to the environment."""

from __future__ import annotations

from pathlib import Path

from slipway.host import folders

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
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

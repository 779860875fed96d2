"""Where the project's own files are, and what its `.env` adds to the environment."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
ENV_FILE = ROOT / ".env"


def is_checkout() -> bool:
    """Whether this runs from a source tree (and not from an installed package)."""
    return (ROOT / "pyproject.toml").exists()


def default_state_dir() -> Path | None:
    """A source tree keeps its state beside the sources; an installed package has the setting's own default."""
    return ROOT / ".slipway" if is_checkout() else None

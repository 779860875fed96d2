"""`slipway` on everybody's PATH: a link to the command in the checkout's venv."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LINK = Path("/usr/local/bin/slipway")
_COMMAND = Path(".venv", "bin", "slipway")


@dataclass(frozen=True, slots=True)
class CommandLink:
    """The link of one checkout. It stays where it is somebody else's program, or leads to another checkout's command
    that still exists."""

    checkout: Path
    link: Path = LINK

    @property
    def target(self) -> Path:
        return self.checkout / _COMMAND

    @property
    def is_ours(self) -> bool:
        return self.link.is_symlink() and self.link.readlink() == self.target

    @property
    def command(self) -> str:
        """How this checkout's command is called: by its path where the name leads elsewhere."""
        return str(self.target) if self.target.exists() and not self.is_ours else self.link.name

    @property
    def is_foreign(self) -> bool:
        if self.link.is_symlink():
            return self.link.readlink().parts[-len(_COMMAND.parts) :] != _COMMAND.parts
        return self.link.exists()

    @property
    def other_checkout(self) -> Path | None:
        """The checkout whose command the link is, where that is another one and the command still exists."""
        if self.is_ours or self.is_foreign or not self.link.is_file():
            return None
        return self.link.readlink().parents[len(_COMMAND.parts) - 1]

    @property
    def is_wanted(self) -> bool:
        """Whether `make` shall be called."""
        stays = self.is_ours or self.is_foreign or self.other_checkout is not None
        return not stays and self.link.parent.is_dir()

    def make(self) -> None:
        """Point the link here. Raises OSError where this user may not write beside it."""
        aside = self.link.with_name(f".{self.link.name}.new")
        aside.unlink(missing_ok=True)
        aside.symlink_to(self.target)
        aside.replace(self.link)

    def remove(self) -> bool:
        """Remove the link of this checkout; False when there is none."""
        if not self.is_ours:
            return False
        self.link.unlink()
        return True

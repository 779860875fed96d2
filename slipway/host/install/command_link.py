"""`slipway` on everybody's PATH: a link to the command in the checkout's venv."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LINK = Path("/usr/local/bin/slipway")
_COMMAND = Path(".venv", "bin", "slipway")


@dataclass(frozen=True, slots=True)
class CommandLink:
    """The link of one checkout. What is not such a link, of this checkout or another, is somebody else's and stays."""

    checkout: Path
    link: Path = LINK

    @property
    def target(self) -> Path:
        return self.checkout / _COMMAND

    @property
    def is_ours(self) -> bool:
        return self.link.is_symlink() and self.link.readlink() == self.target

    @property
    def is_foreign(self) -> bool:
        if self.link.is_symlink():
            return self.link.readlink().parts[-len(_COMMAND.parts) :] != _COMMAND.parts
        return self.link.exists()

    @property
    def is_wanted(self) -> bool:
        """Whether `make` has something to do."""
        return not self.is_ours and not self.is_foreign and self.link.parent.is_dir()

    def make(self) -> None:
        """Point the link here. Raises OSError where this user may not write beside it."""
        aside = self.link.with_name(f".{self.link.name}.new")
        aside.unlink(missing_ok=True)
        aside.symlink_to(self.target)
        aside.replace(self.link)

    def remove(self) -> bool:
        """Take the link of this checkout away; False when there is none."""
        if not self.is_ours:
            return False
        self.link.unlink()
        return True

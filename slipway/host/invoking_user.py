"""The user who runs the command: with sudo, the user who called sudo."""

from __future__ import annotations

import json
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway import settings as slipway_settings

LOGIN_FILE = "login.json"
"""In the folder of the command's configuration: what `slipway login` keeps."""


@dataclass(frozen=True, slots=True)
class InvokingUser:
    """A user with the folder that their commands keep things in."""

    environment: Mapping[str, str]

    @property
    def sudo_uid(self) -> int | None:
        """The user who called by sudo; None: it was root itself, or no sudo."""
        said = self.environment.get("SUDO_UID", "")
        return int(said) if said.isdecimal() and said != "0" else None

    @property
    def variables(self) -> dict[str, str]:
        """The environment, with the home of that user."""
        uid = self.sudo_uid
        return {**self.environment, "HOME": pwd.getpwuid(uid).pw_dir} if uid else dict(self.environment)

    @property
    def login_file(self) -> Path:
        return Path(slipway_settings.client(self.variables)["config_dir"], LOGIN_FILE)

    def is_signed_in_at(self, url: str) -> bool:
        """Whether the login kept is one at this address."""
        return self._kept("url").rstrip("/") == url.rstrip("/")

    def is_signed_in_with(self, token: str) -> bool:
        """Whether the login kept is one with this token, at whatever address."""
        return self._kept("token") == token

    def _kept(self, what: str) -> str:
        try:
            return str(json.loads(self.login_file.read_text())[what])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

"""What the demo leaves behind for its user: signed in, allowed to push again, with a list of what to try next."""

from __future__ import annotations

import pwd
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from slipway import settings as slipway_settings
from slipway.demo.progress import Progress
from slipway.demo.walk import LOGIN, OWNER
from slipway.host import checkout
from slipway.host.invoking_user import InvokingUser

GIT_HOSTS, STATE_DIR = "SLIPWAY_GIT_HOSTS", "SLIPWAY_STATE_DIR"
_COMMAND_TIMEOUT_S = 120


def keep_settings(
    environment: Mapping[str, str], wanted: Mapping[str, tuple[str, str]], progress: Progress, env_file: Path
) -> None:
    """Have a later `make up` use the same settings, each with a sentence of what it is, by lines in `.env`; not where
    the environment decides itself."""
    changed = {name: value for name, (value, _) in wanted.items() if environment.get(name) != value}
    if not checkout.is_checkout() or not changed:
        return
    in_file = slipway_settings.environment(env_file, checkout.default_state_dir(), {})
    if any(environment.get(name) != in_file.get(name) for name in (*wanted, STATE_DIR)):
        return
    for name, value in changed.items():
        checkout.keep_setting(name, value, env_file)
        progress.line(f"{env_file.name:9} {name}={value}, {wanted[name][1]}")


@dataclass(frozen=True, slots=True)
class User:
    """The user who ran the demo: with sudo, the user who called sudo."""

    environment: Mapping[str, str]
    public_url: str
    token_file: Path
    command: str = "slipway"
    """How this checkout's command is called."""

    def signed_in(self) -> bool:
        """Sign in with the demo's token unless a login is kept already; whether the user is signed in here now. A login
        with that very token is the demo's own: it follows the platform to another address."""
        if self._runs("whoami", says=self.public_url):
            return True
        token = self.token_file.read_text()
        if self._invoking_user.login_file.exists() and not self._invoking_user.is_signed_in_with(token.strip()):
            return False
        return self._runs("login", self.public_url, "--token-stdin", given=token)

    def login_line(self) -> str:
        """What signs the user in."""
        login = f"{self.command} login {self.public_url} --token-stdin"
        return (
            f"sudo cat {self.token_file} | {login}" if self._invoking_user.sudo_uid else f"{login} < {self.token_file}"
        )

    @property
    def _invoking_user(self) -> InvokingUser:
        environment = dict(self.environment)
        environment.pop("SLIPWAY_TOKEN", None)
        return InvokingUser(environment)

    def _runs(self, *arguments: str, given: str = "", says: str = "") -> bool:
        """Whether the `slipway` command succeeds, and says that."""
        argv = [sys.executable, "-m", "slipway.cli", *arguments]
        uid = self._invoking_user.sudo_uid
        done = subprocess.run(
            argv,
            env=self._invoking_user.variables,
            input=given,
            capture_output=True,
            text=True,
            timeout=_COMMAND_TIMEOUT_S,
            check=False,
            user=uid,
            group=pwd.getpwuid(uid).pw_gid if uid else None,
            extra_groups=[] if uid else None,
        )
        return done.returncode == 0 and says in done.stdout


def next_steps(user: User, app: str, forge_url: str, progress: Progress) -> None:
    """Say what to do next, and sign the user in for it."""
    parts = urlsplit(f"{forge_url}/{OWNER}/{app}.git")
    clone = parts._replace(netloc=f"{quote(LOGIN)}:any@{parts.netloc}").geturl()
    signed_in = user.signed_in()
    progress.line("")
    progress.line("What to do next:")
    if not signed_in:
        progress.line(f"  {user.login_line()}")
    progress.line(f"  {user.command} ps -a {app}" + ("      (you are signed in)" if signed_in else ""))
    progress.line(f"  git clone {clone}    then change it, commit, git push")
    progress.line(f"  {user.command} logs -f -a {app}")
    progress.line("")

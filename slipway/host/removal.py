"""`make remove`: what an installation has on the host, taken away again. The Engine and Debian's packages stay."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from slipway.adapters.firewall import install
from slipway.core.build.image_names import pulled_namespace
from slipway.core.text.counting import plural
from slipway.errors import HostUnready
from slipway.host.install.command_link import CommandLink
from slipway.host.install.engine import Engine, pick_client
from slipway.host.invoking_user import InvokingUser
from slipway.host.processes.lifecycle import Platform
from slipway.host.processes.units import TARGET, run_by_systemd

_TIMEOUT_S = 300
_TRIES, _PAUSE_S = 10, 2.0
_AT_ONCE = 4
"""The client removes up to fifty side by side. An Engine (20.10) that had to end 36 containers at once answered no
more: each one waited for the locks of its networks."""
_Words = tuple[str, ...]
_Part = tuple[str, _Words, _Words, str]
"""What it is, how it is listed and removed, and by which filter."""
_VOLUME, _NETWORK = "volume", "network"
# In this order: a network goes after its containers, an image after what runs of it. How each is listed and removed.
_PARTS = (
    ("container", ("ps", "--all", "--quiet", "--no-trunc"), ("rm", "--force", "--volumes")),
    (_VOLUME, ("volume", "ls", "--quiet"), ("volume", "rm", "--force")),
    (_NETWORK, ("network", "ls", "--quiet", "--no-trunc"), ("network", "rm")),
    ("image", ("images", "--quiet", "--no-trunc"), ("rmi", "--force")),
)
_TAGS = ("images", "--format", "{{.Repository}}:{{.Tag}}")


@dataclass(frozen=True, slots=True)
class Removal:
    """Every step looks first: a removal that was interrupted is finished by running it again."""

    platform: Platform
    link: CommandLink | None
    """The command's link, where it is this installation's; None: another one of the checkout has it."""

    def plan(self, *, state: bool) -> str:
        """What `run` will remove, as text for the question to the user."""
        settings = self.platform.settings
        goes = [
            "the platform's processes, and what the demo left running",
            f"every container, network and image labelled {self._label}",
            "its firewall rules",
            f"{self._scratch}, where builds had their sources",
        ]
        if self.link and self.link.is_ours:
            goes.append(f"{self.link.link}, the slipway command")
        kept = [f"every volume labelled {self._label}: apps' data"]
        if settings.state_dir.exists():
            kept.insert(0, f"{settings.state_dir}, with the database and its keys")
        goes += kept if state else []
        if state and self._is_signed_in:
            goes.append(f"{self._invoking_user.login_file}, the login at {settings.public_url}")
        lines = ["To be removed from this host:", *(f"  {each}" for each in goes)]
        stays = ["Stays (make remove STATE=1 removes it too):", *(f"  {each}" for each in kept)]
        return "\n".join(lines if state else [*lines, *stays])

    def run(self, *, state: bool) -> None:
        """Take it all away; `state`: the database, keys, logs, sources and apps' volumes too, which is for good.

        Raises:
            HostUnready: not root, systemd still runs the platform, or a part can't be removed.
        """
        self._check()
        self.platform.stop()
        self._stop_demo()
        self._remove_from_engine(state=state)
        self._remove_firewall()
        if self._scratch.exists():
            shutil.rmtree(self._scratch)
        if self.link and self.link.remove():
            self.platform.say(f"removed: {self.link.link}")
        state_dir = self.platform.settings.state_dir
        if state and state_dir.exists():
            shutil.rmtree(state_dir)
            self.platform.say(f"removed: {state_dir}")
        elif state_dir.exists():
            self.platform.say(f"kept: {state_dir}, with the database and its keys")
        self._forget_login(state=state)

    def _forget_login(self, *, state: bool) -> None:
        """Remove the login of the user who runs this: its token is removed with the database."""
        if not self._is_signed_in:
            return
        file, url = self._invoking_user.login_file, self.platform.settings.public_url
        if state:
            file.unlink()
            self.platform.say(f"removed: {file}, the login at {url}")
        else:
            self.platform.say(
                f"kept: {file}, the login at {url}, good again after `make up`; slipway logout forgets it"
            )

    @property
    def _is_signed_in(self) -> bool:
        return self._invoking_user.is_signed_in_at(self.platform.settings.public_url)

    @property
    def _invoking_user(self) -> InvokingUser:
        return InvokingUser(self.platform.environment)

    def _stop_demo(self) -> None:
        if find_spec("slipway.demo") is None:  # the images hold no demo
            return
        stop = [sys.executable, "-m", "slipway.demo", "stop"]
        self.platform.commands.must(stop, env=self.platform.environment, cwd=self.platform.checkout)

    @property
    def _scratch(self) -> Path:
        settings = self.platform.settings
        return settings.scratch_dir / f"slipway-{settings.instance}"

    def _check(self) -> None:
        commands = self.platform.commands
        if not commands.is_root():
            raise HostUnready("removing takes root", remedy="run: sudo -E make remove")
        if run_by_systemd(self.platform.settings, commands):
            raise HostUnready(
                "systemd runs the platform on this host",
                remedy=f"first: systemctl disable --now {TARGET} && rm /etc/systemd/system/slipway*",
            )

    @property
    def _label(self) -> str:
        return f"slipway.instance={self.platform.settings.instance}"

    def _remove_from_engine(self, *, state: bool) -> None:
        commands, settings = self.platform.commands, self.platform.settings
        if not Engine(commands, settings).answers():
            self.platform.say("The Engine does not run: containers, networks and images stay until this is run again.")
            return
        docker = [pick_client(settings, commands), "--host", settings.docker_host]
        label = f"label={self._label}"
        # what was pulled carries no label of ours, and may have other names, too: only our tag goes
        pulled = f"reference={pulled_namespace(settings.instance)}/*"
        ours = [(*part, label) for part in _PARTS if state or part[0] != _VOLUME]
        parts = [*ours, ("pulled image", _TAGS, ("rmi", "--force"), pulled)]
        # The Engine may still carry out what it was asked for before: a container comes, and is in a network.
        for _ in range(_TRIES - 1):
            with suppress(HostUnready):
                self._remove_parts(docker, parts)
                break
            time.sleep(_PAUSE_S)
        else:
            self._remove_parts(docker, parts, is_last=True)
        if not state:
            self._report_kept_volumes(docker, label)

    def _remove_parts(self, docker: list[str], parts: Sequence[_Part], *, is_last: bool = False) -> None:
        """In their order; `is_last`: but for networks that only the Engine's restart removes.

        Raises:
            HostUnready: one of them can't be removed.
        """
        for what, listing, removing, which in parts:
            listed = self.platform.commands.must([*docker, *listing, "--filter", which], timeout_s=_TIMEOUT_S)
            found = list(dict.fromkeys(listed.split()))
            at_once = 1 if what == _NETWORK else _AT_ONCE
            groups = [found[first : first + at_once] for first in range(0, len(found), at_once)]
            gone = [some for some in groups if self._is_removed(docker, removing, some, may_stay=is_last)]
            if gone:
                self.platform.say(f"removed: {plural(sum(map(len, gone)), what)}")

    def _is_removed(self, docker: list[str], removing: _Words, some: list[str], *, may_stay: bool) -> bool:
        try:
            words = [*docker, *removing, "--", *some]
            self.platform.commands.must(words, timeout_s=_TIMEOUT_S, remedy="then run this again")
        except HostUnready:
            if may_stay and removing[0] == _NETWORK and self._is_empty(docker, some[0]):
                name = some[0][:12]
                self.platform.say(
                    f"kept: network {name}, which is empty, but the Engine takes it for used; "
                    f"after a restart of the Engine: docker network rm {name}"
                )
                return False
            raise
        return True

    def _is_empty(self, docker: list[str], network: str) -> bool:
        """An Engine (20.10) may count the ends of containers that are gone until it starts anew."""
        asked = [*docker, "network", "inspect", "--format", "{{len .Containers}}", "--", network]
        return self.platform.commands.must(asked, timeout_s=_TIMEOUT_S).strip() == "0"

    def _report_kept_volumes(self, docker: list[str], label: str) -> None:
        listing = [*docker, "volume", "ls", "--quiet", "--filter", label]
        found = self.platform.commands.must(listing, timeout_s=_TIMEOUT_S).split()
        if found:
            self.platform.say(
                f"kept: {plural(len(found), _VOLUME)} with apps' data, which apps have again after `make up`; "
                f"to be rid of them: docker volume rm $(docker volume ls -q --filter {label})"
            )

    def _remove_firewall(self) -> None:
        if self.platform.commands.found("iptables-save"):
            install.remove(self.platform.settings)

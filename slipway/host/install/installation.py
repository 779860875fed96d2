"""`make install`: everything that the host lacks, announced before it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from slipway.errors import HostUnready
from slipway.host.commands import Commands
from slipway.host.install import go
from slipway.host.install import images as base_images
from slipway.host.install.command_link import CommandLink
from slipway.host.install.engine import Engine, pick_client
from slipway.host.install.keycloak import Distribution
from slipway.host.install.packages import Packages
from slipway.host.install.requirements import Group, Host, Requirement, missing, too_old
from slipway.host.install.venv import BENCH_LOCK, GO_LOCK, PROJECT, Venv
from slipway.settings import Settings

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Installation:
    """Brings a host to where the platform (and its tests) can run. Each step looks first, and does only what lacks."""

    commands: Commands
    settings: Settings
    venv: Venv
    packages: Packages
    say: Say
    link: CommandLink
    keycloak: Distribution | None = None
    """None: this host runs none."""

    def run(self, groups: Sequence[Group]) -> None:
        """Install what `groups` need.

        Raises:
            HostUnready: something is missing that can't be installed from here; the remedy says by what command.
        """
        needs = missing(Host(self.commands), groups)
        dev, also = "test" in groups, self._locks(groups)
        engine = Engine(self.commands, self.settings)
        outdated = self.venv.outdated(dev=dev, also=also)
        linked = not self._link_wanted()
        has_keycloak = self.keycloak is None or self.keycloak.is_ready
        if not needs and not outdated and linked and has_keycloak and engine.answers() and self._images_present():
            self.say("Everything is installed.")
            return
        self._announce(needs, outdated)
        if needs:
            self.packages.install(needs)
            self._require_newer(too_old(Host(self.commands), groups))
        self.settings.state_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
        with ThreadPoolExecutor(1) as beside:
            keycloak = beside.submit(self.keycloak.ensure, self.say) if self.keycloak is not None else None
            self._install_ours(outdated, dev=dev, also=also, linked=linked)
            if keycloak is not None:
                keycloak.result()

    def _locks(self, groups: Sequence[Group]) -> list[str]:
        """What pip installs beside the project: what the benchmarks compare with, and Go where the host has none."""
        locks = [BENCH_LOCK] if "bench" in groups else []
        if "go" in groups and go.find(self.commands, self.venv.folder) is None:
            locks.append(GO_LOCK)
        return locks

    def _install_ours(self, outdated: Sequence[str], *, dev: bool, also: Sequence[str], linked: bool) -> None:
        """Python packages, the command, the Engine and base images: a minute or two, in which Keycloak is fetched and
        built beside it."""
        if outdated:
            self.say("Installing Python packages, about a minute …")
        self.venv.ensure(dev=dev, also=also)
        if not linked:
            self.link.make()
        if Engine(self.commands, self.settings).ensure():
            self.say("Docker Engine: started, it was not running.")
        self._make_images()

    def _require_newer(self, needs: Sequence[Requirement]) -> None:
        for need in needs:
            raise HostUnready(f"{need.name} is needed; this host's packages have an older one", remedy=need.remedy)

    def _announce(self, needs: Sequence[Requirement], outdated: Sequence[str]) -> None:
        if needs:
            self.say("To be installed by apt-get (a minute or two):")
            width = max(len(need.name) for need in needs)
            for need in needs:
                self.say(f"  {need.name:{width}}  {need.why}  ({' '.join(need.packages)})")
        if outdated:
            what = ", ".join("this project" if name == PROJECT else f"what {name} lists" for name in outdated)
            self.say(f"To be installed into .venv by pip: {what}")
        if self.link.is_foreign:
            self.say(f"{self.link.link} is not Slipway's and stays: the command is {self.link.target}")
        elif other := self.link.other_checkout:
            self.say(f"{self.link.link} is the command of {other} and stays: the one of here is {self.link.target}")
        elif self._link_wanted():
            self.say(f"The slipway command: {self.link.link}, a link to {self.link.target}")

    def _link_wanted(self) -> bool:
        return self.link.is_wanted and self.commands.is_root()

    def _images(self) -> base_images.Images:
        client = pick_client(self.settings, self.commands)
        return base_images.Images(self.commands, client, self.settings.docker_host, self.settings.state_dir)

    def _images_present(self) -> bool:
        return not self._images().to_make()

    def _make_images(self) -> None:
        images = self._images()
        to_make = images.to_make()
        if not to_make:
            return
        self.say(f"No image registry answers. To be made here from Debian's packages: {', '.join(to_make)} (a minute)")
        needs = missing(Host(self.commands), ["images"])
        if needs:
            self.packages.install(needs)
        images.make(to_make)

"""Package managers of Node: which one a project uses, and the steps with which it installs what is locked."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from slipway.core.build.templates.of_node import package as node_package
from slipway.core.build.templates.of_node.package import MANIFEST, Package
from slipway.core.build.templates.steps import copy, run
from slipway.core.build.templates.template import Sources
from slipway.errors import InvalidInput

BUN_LOCKS = ("bun.lock", "bun.lockb")
_CONFIGURATION = (
    *(".npmrc", ".yarnrc", ".yarnrc.yml", ".pnp.cjs", ".pnp.loader.mjs", ".pnpmfile.cjs", "pnpm-workspace.yaml"),
    *("lerna.json", "nx.json", "turbo.json"),
)
_FOLDERS = (".yarn/cache", ".yarn/patches", ".yarn/plugins", ".yarn/releases", ".yarn/versions", "patches")


@dataclass(frozen=True, slots=True)
class Manager:
    """A row of the table: a package manager and its commands."""

    name: str
    locks: tuple[str, ...]
    install: tuple[str, ...]
    install_locked: tuple[str, ...]
    caches: tuple[str, ...]
    in_member: Callable[[str, str], str]
    """The command that runs a script in a folder of the workspace."""
    package: str = ""
    """Its package in npm's registry; empty: it comes with Node."""
    usual: str = ""
    """The version that is taken where the project names none."""
    of_format: Mapping[str, str] = field(default_factory=dict)
    """The number of the lock's format → the version that writes it."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """With packages in node_modules Node finds them by itself, as the app starts without its manager."""


def _npm(folder: str, script: str) -> str:
    return f"npm run {script} --workspace {shlex.quote(folder)}"


def _pnpm(folder: str, script: str) -> str:
    return f"pnpm --filter {shlex.quote('./' + folder)} run {script}"


def _yarn(folder: str, script: str) -> str:
    return f"yarn --cwd {shlex.quote(folder)} run {script}"


_STORE = "/root/.pnpm-store"
_PNPM = ("pnpm", "install", "--store-dir", _STORE)
NPM = Manager(
    "npm",
    ("package-lock.json", "npm-shrinkwrap.json"),
    ("npm", "install", "--no-audit", "--no-fund"),
    ("npm", "ci", "--no-audit", "--no-fund"),
    ("/root/.npm",),
    _npm,
)
PNPM = Manager(
    "pnpm",
    ("pnpm-lock.yaml",),
    (*_PNPM, "--no-frozen-lockfile"),
    (*_PNPM, "--frozen-lockfile"),
    (_STORE,),
    _pnpm,
    "pnpm",
    "10",
    {"5": "7", "6": "8", "9": "10"},
)
YARN = Manager(
    "yarn",
    ("yarn.lock",),
    ("yarn", "install", "--non-interactive"),
    ("yarn", "install", "--non-interactive", "--frozen-lockfile"),
    ("/usr/local/share/.cache/yarn",),
    _yarn,
    "yarn",
    "1.22.22",
)
BERRY = Manager(
    "yarn berry",
    ("yarn.lock",),
    ("yarn", "install"),
    ("yarn", "install", "--immutable"),
    ("/root/.yarn/berry",),
    _yarn,
    "@yarnpkg/cli-dist",
    "4",
    {"4": "2", "5": "3", "6": "3", "8": "4.12", "9": "4.14"},
    {"YARN_NODE_LINKER": "node-modules", "YARN_ENABLE_TELEMETRY": "0"},
)
MANAGERS = (PNPM, YARN, BERRY, NPM)
"""The first whose lock file is there is used, unless package.json names one."""
_PINNED = re.compile(r"(npm|pnpm|yarn|bun)@(\d[\w.-]*)(?:\+\S*)?")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The manager of a project."""

    manager: Manager
    version: str
    lock: str
    """Empty: there is none."""
    notes: tuple[str, ...]

    def steps(self, sources: Sources, package: Package) -> list[str]:
        """The steps that install what the project depends on, before its sources are copied where that is possible."""
        manager = self.manager
        argv = manager.install_locked if self.lock else manager.install
        whole = package.installs_with_sources
        return [
            *self._obtained(),
            *([copy(".")] if whole else _manifests(sources, self.lock)),
            run(argv, *manager.caches),
            *([] if whole else [copy(".")]),
        ]

    def _obtained(self) -> list[str]:
        if not self.manager.package:
            return []
        return [run(["npm", "install", "--global", "--force", f"{self.manager.package}@{self.version}"], "/root/.npm")]


def chosen(sources: Sources, package: Package) -> Chosen:
    """The manager that package.json names or whose lock file is there; else npm.

    Raises:
        InvalidInput: it is Bun, or package.json names none that there is.
    """
    pinned = _pinned(package)
    manager = _of_name(*pinned) if pinned else _of_lock(sources)
    lock = next((name for name in manager.locks if name in sources.paths), "")
    version = (pinned[1] if pinned else "") or _usual(manager, sources.contents.get(lock, ""))
    return Chosen(manager, version, lock, tuple(_notes(sources, manager, lock)))


def _pinned(package: Package) -> tuple[str, str] | None:
    named = package.text("packageManager")
    if not named:
        return None
    found = _PINNED.fullmatch(named)
    if found is None:
        raise InvalidInput(
            f"package.json names the package manager {named[:60]}, which is none of npm, pnpm and yarn with a version",
            remedy='write it as "packageManager": "pnpm@10.0.0", or take it out',
        )
    return found[1], found[2]


def _of_name(name: str, version: str) -> Manager:
    if name == "bun":
        raise _bun(MANIFEST)
    if name == "yarn":
        return YARN if version.split(".", maxsplit=1)[0] == "1" else BERRY
    return PNPM if name == "pnpm" else NPM


def _of_lock(sources: Sources) -> Manager:
    is_berry = ".yarnrc.yml" in sources.paths or "__metadata:" in sources.contents.get("yarn.lock", "")
    for manager in (each for each in MANAGERS if each is not (YARN if is_berry else BERRY)):
        if sources.paths.intersection(manager.locks):
            return manager
    if found := sources.paths.intersection(BUN_LOCKS):
        raise _bun(min(found))
    return PNPM if "pnpm-workspace.yaml" in sources.paths else NPM


def _bun(where: str) -> InvalidInput:
    return InvalidInput(
        f"this is a Bun project ({where}), which can't be built without a Dockerfile",
        remedy="lock its packages with npm (npm install --package-lock-only), or add a Dockerfile",
    )


def _usual(manager: Manager, lock: str) -> str:
    """The version that wrote the lock, as far as its format shows it: a newer one would write the lock anew."""
    found = re.search(r"^lockfileVersion: '?(\d+)|^__metadata:\r?\n[ ]++version: (\d+)", lock, re.MULTILINE)
    if found is None:
        return manager.usual
    return manager.of_format.get(found[1] or found[2], manager.usual)


def _notes(sources: Sources, manager: Manager, lock: str) -> list[str]:
    others = {name for each in MANAGERS for name in each.locks} | set(BUN_LOCKS)
    unused = sorted((sources.paths & others) - {lock})
    notes = [f"not used, since {manager.name} installs: {', '.join(unused)}"] if unused else []
    return notes if lock else [*notes, "there is no lock file: each build may install other versions"]


def _manifests(sources: Sources, lock: str) -> list[str]:
    """The steps that copy what the installation reads."""
    names = [name for name in (MANIFEST, lock, *_CONFIGURATION) if name in sources.paths]
    folders = [folder for folder in _FOLDERS if any(path.startswith(f"{folder}/") for path in sources.paths)]
    return [
        copy(*names),
        *(copy(folder, to=f"./{folder}/") for folder in folders),
        *(copy(path, to=f"./{path}") for path in members(sources)),
    ]


def members(sources: Sources) -> list[str]:
    """The manifests of a workspace's members; none where the project is no workspace."""
    if not (node_package.read(sources).has_workspaces or "pnpm-workspace.yaml" in sources.paths):
        return []
    return sorted(
        path
        for path in sources.contents
        if path.endswith(f"/{MANIFEST}") and "node_modules" not in path.split("/") and not path.startswith(".")
    )

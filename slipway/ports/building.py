"""Where sources come from and what makes images of them. Only workers use these ports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from slipway.core.build.step_cache import DeletedApp


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository with the credential for it, in clear: a token, or a deploy key in PEM."""

    url: str
    credential: str | None = field(default=None, repr=False)
    is_for_strangers: bool = False
    """Commits of a fork are fetched: what they name besides the repository itself is fetched without the credential."""
    tenant_id: int = 0
    """Whose app it is of; 0: of nobody's, so that no installation of a GitHub App is looked for."""


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    message: str
    author: str
    notes: tuple[str, ...] = ()
    """What was fetched besides the commit's own files, or was not, in words."""


Stopped = Callable[[], bool]
"""Called while waiting: whether the work has to stop."""


@dataclass(frozen=True, slots=True)
class Branches:
    """A repository's branches."""

    names: tuple[str, ...]
    """Empty: nothing was ever pushed to it."""
    default: str = ""
    """Empty: it names none that is there."""


class SourceFetcher(Protocol):
    """Raises `DeploymentFailed` (`clone-refused`, `clone-failed`, `commit-missing`, `lfs-missing`), without any
    credential in it."""

    def resolve(self, repository: Repository, ref: str) -> str | None:
        """The commit that a full ref, branch, tag or commit id names now; None when there is none."""
        ...

    def branches(self, repository: Repository) -> Branches:
        """Those that it has now."""
        ...

    def fetch(self, repository: Repository, sha: str, into: Path, *, stopped: Stopped) -> Commit:
        """Just this commit's files into an empty folder, with those of its submodules and the contents that Git LFS
        keeps. Raises `Interrupted` when `stopped` says so."""
        ...

    def changed(self, repository: Repository, old: str, new: str, folder: Path, *, stopped: Stopped) -> frozenset[str]:
        """Files that differ between two commits, without fetching what is in them; `folder` gives room meanwhile.
        Raises `DeploymentFailed` when they can't be compared, `Interrupted` when `stopped` says so."""
        ...


class Interrupted(Exception):
    """The work was stopped; its processes are gone."""


@dataclass(frozen=True, slots=True)
class BuildSpec:
    """An image to build."""

    tenant: str
    tenant_id: int
    app: str
    app_id: int
    deployment_id: int
    context: Path
    dockerfile: Path
    """Outside or inside the context."""
    image: str
    """Tag that can't be guessed."""
    labels: Mapping[str, str]
    arguments: Mapping[str, str]
    """Build arguments: no secrets."""
    shares: str
    """Whose steps it may take from the step cache: only builds with the very same letters and digits share a step that
    runs a command."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Reach the build as BuildKit secret mounts only (id = name)."""
    target: str | None = None


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image on this host."""

    digest: str
    """`sha256:…`, its id here; what replicas are started from."""
    exposed_port: int | None
    user: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Built(ImageFacts):
    steps_total: int
    steps_cached: int


class ImageBuilder(Protocol):
    """Raises `DeploymentFailed` (`build-failed`, `build-timeout`, `disk-full`), or `Interrupted` when `stopped` says
    so."""

    def build(self, spec: BuildSpec, *, output: Callable[[str], None], stopped: Stopped, timeout_s: float) -> Built:
        """Build to the end, giving each line of output to `output`."""
        ...

    def export(
        self, spec: BuildSpec, into: Path, *, output: Callable[[str], None], stopped: Stopped, timeout_s: float
    ) -> None:
        """Build to the end, and write the files of the result into a folder, in place of an image."""
        ...

    def free_bytes(self) -> int:
        """Free space where images are kept."""
        ...

    def local_image(self, reference: str) -> bool:
        """Is there an image of that name on this host already?"""
        ...

    def tag_image(self, digest: str, tag: str) -> ImageFacts | None:
        """Give the image of this id one more name. None when it is not on this host."""
        ...

    def remove_image(self, image: str) -> None:
        """Remove a built image's tag that came to nothing. Nothing when it is gone."""
        ...

    def forget_sources(self) -> None:
        """Remove what a finished build keeps of its context (BuildKit's `source.local` records)."""
        ...

    def forget_steps(self, deleted: DeletedApp) -> None:
        """Remove what may be a deleted app's of the step cache; what is known to be of others' builds stays."""
        ...


@dataclass(frozen=True, slots=True)
class RegistryImage:
    """An image of a registry by its name, and `user:password` for it, in clear."""

    reference: str
    credential: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Pulled(ImageFacts):
    note: str
    """What was pulled, in words."""


class ImageFetcher(Protocol):
    """Images from registries, never from what this host has. Raises `DeploymentFailed` (`image-missing`,
    `image-refused`, `image-platform`, `image-too-large`, `disk-full`, `registry-unreachable`, `pull-timeout`,
    `pull-failed`), `Interrupted` when `stopped` says so; without any credential in it."""

    def resolve(self, image: RegistryImage, *, stopped: Stopped) -> str:
        """The digest that the registry gives for the image now."""
        ...

    def fetch(
        self,
        image: RegistryImage,
        digest: str,
        *,
        tag: str,
        output: Callable[[str], None],
        stopped: Stopped,
        timeout_s: float,
    ) -> Pulled:
        """Pull that digest and tag it with `tag`. A layer gives at most two lines of output: it begins, it is here."""
        ...

"""Plans a build from the files of a commit: finds or makes the Dockerfile, and checks it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Protocol

from builder.sources import build_variables, compose, dockerfile_path
from builder.sources.compose import Service
from builder.sources.named_builder import NamedBuilders
from builder.sources.source_tree import SourceTree
from builder.sources.text_encoding import encoding_of, text_of
from slipway.adapters.git import public_hosts
from slipway.core.app_settings import model
from slipway.core.app_settings.configuration import WEB
from slipway.core.app_settings.file_name import FILE_NAME
from slipway.core.app_settings.model import AppSettings
from slipway.core.build import detection, dockerfile, dockerfile_policy, image_names, procfile
from slipway.core.build.dockerfile_policy import Rules
from slipway.core.build.program_content import GLANCE_BYTES, glanced_at
from slipway.core.build.templates import static_site
from slipway.core.build.templates.base_images import HostImages
from slipway.core.build.templates.template import BaseImages, GeneratedDockerfile, Sources
from slipway.core.naming import build_arguments
from slipway.errors import DeploymentFailed, InvalidInput

log = logging.getLogger(__name__)

IGNORE_FILE = ".dockerignore"
_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What Python raises of a manifest that no template foresaw."""


class KnownImages(Protocol):
    """What the planner asks about images on this host."""

    def local_image(self, reference: str) -> bool: ...

    def obtain_image(self, reference: str) -> bool: ...

    def tags(self, name: str) -> Collection[str]: ...


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """All that a build needs besides the files."""

    builder: str
    """`dockerfile`, or the detected template's name."""
    context: Path
    dockerfile: str
    ignore: str | None
    """None: the context's own `.dockerignore`."""
    target: str | None
    file_settings: Mapping[str, Any]
    processes: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)
    """The app's own build arguments."""
    notes: tuple[str, ...] = ()
    """Lines for the deployment's log."""
    frontend: str = ""
    """Not empty: building the Dockerfile only leaves a plan, and BuildKit builds that with this frontend."""


@dataclass(frozen=True, slots=True)
class BuildPlanner:
    """Plans builds by the host's rules."""

    rules: Rules
    base_images: BaseImages
    images: KnownImages
    engine_major: Callable[[], int]

    def make(
        self,
        tree: SourceTree,
        app: Mapping[str, Any],
        arguments: Mapping[str, str],
        variables: Iterable[str] = (),
    ) -> BuildPlan:
        """Plan the build of these files. `app` are the app's settings as given through the API, `variables` the names
        of its build variables, which the steps of a generated Dockerfile get.

        Raises:
            DeploymentFailed: `settings-invalid`, `dockerfile-missing`, `dockerfile-refused`, `builder-unavailable` or
                `not-recognised`.
        """
        try:
            content = tree.read(FILE_NAME)
            file_settings = model.file_values(content) if content is not None else {}
            chosen = model.overlay(dict(app), file_settings)
            context = tree.folder(chosen.build.context)
            site = self._named_site(tree, chosen, file_settings)
            named = self.named_builders.find(chosen, variables)
        except InvalidInput as error:
            raise DeploymentFailed("settings-invalid", error.message, remedy=error.remedy) from None
        if named is not None:
            why = f"[build] builder: {named[0].template}"
            made = _generated(named[0], tree, chosen.build.context, context, file_settings, why)
            return self._locked(replace(made, frontend=named[1]))
        if site is not None:
            return self._locked(_with_variables(site, variables))
        try:
            path, notes = dockerfile_path.find(tree, chosen)
            found = tree.read(path) if path else None
        except InvalidInput as error:
            raise DeploymentFailed("dockerfile-refused", error.message, remedy=error.remedy) from None
        if found is not None:
            made = self._from_dockerfile(tree, path, found, chosen, context, file_settings, arguments)
            return replace(made, notes=(*notes, *made.notes))
        if chosen.build.dockerfile:
            raise DeploymentFailed(
                "dockerfile-missing",
                f"the repository has no {chosen.build.dockerfile}",
                remedy="correct [build] dockerfile in slipway.toml: a path from the repository's root",
            )
        return self._locked(_with_variables(self._detected(tree, chosen, context, file_settings), variables))

    def _named_site(self, tree: SourceTree, chosen: AppSettings, file_settings: Mapping[str, Any]) -> BuildPlan | None:
        """The plan for `[static] root`; None where that is not set.

        Raises:
            InvalidInput: there is no such folder, or a Dockerfile is named as well.
        """
        root = chosen.static.root
        if root is None:
            return None
        if chosen.build.dockerfile:
            raise InvalidInput(
                "[static] root and [build] dockerfile are both set, and only one of them can be built",
                remedy="take one of them out of slipway.toml or the app's settings",
            )
        folder = tree.folder(root, "[static] root")
        made = static_site.named_site(Sources(tree.paths(root), {}), self.base_images)
        return _generated(made, tree, root, folder, file_settings, f"[static] root: {root} is published as it is")

    @property
    def named_builders(self) -> NamedBuilders:
        return NamedBuilders(self.rules, self.base_images, self.images, self.engine_major)

    def _from_dockerfile(
        self,
        tree: SourceTree,
        path: str,
        content: bytes,
        chosen: AppSettings,
        context: Path,
        file_settings: Mapping[str, Any],
        arguments: Mapping[str, str],
    ) -> BuildPlan:
        own = chosen.build.args
        try:
            text, notes = self._checked(content, own | dict(arguments))
            ignore = tree.read(path + IGNORE_FILE)
        except InvalidInput as error:
            raise DeploymentFailed("dockerfile-refused", error.message, remedy=error.remedy) from None
        return BuildPlan(
            builder="dockerfile",
            context=context,
            dockerfile=text,
            ignore=ignore.decode("utf-8", "replace") if ignore is not None else None,
            target=chosen.build.target,
            file_settings=file_settings,
            arguments=own,
            notes=(
                *notes,
                *build_arguments.notes(own),
                *_unused_procfile(tree, chosen),
                *compose.unused(*compose.found(tree, chosen.build.context)),
            ),
        )

    def _checked(self, content: bytes, arguments: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
        """The Dockerfile as it will be built, checked to read no image that belongs to others on this host."""
        read = dockerfile.parse(content)
        asked = dockerfile_policy.frontend(read, self.rules)
        frontend = asked if asked and self.images.obtain_image(asked) else None
        if not dockerfile_policy.reads_heredocs(frontend, self.engine_major()) and (newer := read.needs_newer()):
            raise InvalidInput(
                f"the Dockerfile uses {newer[0]}, which this host's BuildKit can't read",
                remedy="write it without, or the host's owner pulls docker/dockerfile:1 or updates Docker",
            )
        for use in dockerfile_policy.foreign_images(read, self.rules, arguments):
            if self.images.local_image(use.image):
                raise dockerfile.refuse(
                    use.line,
                    f"{use.image} is an image on this host that builds may not read",
                    "start from a base image; the host's owner can allow it: SLIPWAY_BASE_IMAGES",
                )
            self._require_public_registry(use)
        unavailable = f"{asked} is not available on this host: BuildKit's own Dockerfile frontend is used"
        return read.text(syntax=frontend), (unavailable,) if asked and not frontend else ()

    def _require_public_registry(self, use: dockerfile_policy.Use) -> None:
        """Refuse a registry inside the host's network: BuildKit pulls from that network, and prints what answered."""
        try:
            public_hosts.require_public_registry(image_names.parse(use.image), self.rules.registries)
        except InvalidInput as error:
            raise dockerfile.refuse(use.line, error.message, error.remedy) from None

    def _detected(
        self, tree: SourceTree, chosen: AppSettings, context: Path, file_settings: Mapping[str, Any]
    ) -> BuildPlan:
        below = chosen.build.context
        web = chosen.processes.get(WEB)
        try:
            sources = _sources(tree, below, has_web_command=web is not None and web.command is not None)
            made = self._detect(sources, *compose.found(tree, below))
            unused = ", and nothing takes [build] args" if chosen.build.args else ""
            recognised = f"no Dockerfile{unused}; recognised: {made.template}"
            return _generated(made, tree, below, context, file_settings, recognised)
        except InvalidInput as error:
            raise DeploymentFailed("not-recognised", error.message, remedy=error.remedy) from None
        except _UNREADABLE:
            log.exception("a repository's files could not be read")
            raise DeploymentFailed(
                "not-recognised",
                "a manifest of the repository holds something that can't be read",
                remedy="correct what it holds (numbers, nesting, quotes), or add a Dockerfile",
            ) from None

    def _locked(self, made: BuildPlan) -> BuildPlan:
        """The generated plan, checked like a Dockerfile that somebody wrote: whatever got into it from the repository,
        it reads no image but those that builds may read, and those that the host's owner names for languages."""
        own = {getattr(self.base_images, each.name) for each in fields(self.base_images)}
        try:
            used = dockerfile_policy.foreign_images(dockerfile.parse(made.dockerfile.encode()), self.rules, {})
            for use in used:
                if use.image not in own:
                    raise dockerfile.refuse(use.line, f"{use.image[:80]} is no base image", "add a Dockerfile")
        except InvalidInput as error:
            message = f"the Dockerfile that was generated is refused: {error.message}"
            raise DeploymentFailed("not-recognised", message, remedy=error.remedy) from None
        return made

    def _detect(self, sources: Sources, name: str, services: Sequence[Service]) -> GeneratedDockerfile:
        """The Dockerfile that is generated, with a note of a compose file beside it. Where none is, a compose file says
        more of the repository than its other files.

        Raises:
            InvalidInput: nothing is recognised, or what is recognised lacks something.
        """
        if services and not detection.is_recognised(sources):
            raise compose.refusal(name, services)
        made = detection.detect(sources, replace(self.base_images, host=self._host_images()))
        return replace(made, notes=(*made.notes, *compose.unused(name, services)))

    def _host_images(self) -> HostImages:
        """Of images on this host, only those that every build may read."""

        def is_listed(reference: str) -> bool:
            return image_names.parse(reference).name in self.rules.base_images

        return HostImages(
            obtain=lambda reference: is_listed(reference) and self.images.obtain_image(reference),
            tags=lambda name: self.images.tags(name) if is_listed(name) else (),
        )


def _generated(
    made: GeneratedDockerfile,
    tree: SourceTree,
    below: str,
    context: Path,
    file_settings: Mapping[str, Any],
    why: str,
) -> BuildPlan:
    own_ignore = (tree.read(dockerfile_path.joined(below, IGNORE_FILE)) or b"").decode("utf-8-sig", "replace")
    return BuildPlan(
        builder=made.template,
        context=context,
        dockerfile=made.dockerfile,
        ignore="\n".join(filter(None, (made.ignore, own_ignore, made.ignore_after))),
        target=None,
        file_settings=file_settings,
        processes=made.processes,
        notes=(why, *made.notes),
    )


def _with_variables(made: BuildPlan, names: Iterable[str]) -> BuildPlan:
    """A generated plan with the build variables, and its Dockerfile as lines of the log."""
    text = build_variables.given(made.dockerfile, names)
    return replace(made, dockerfile=text, notes=(*made.notes, *(f"  {line}" for line in text.splitlines())))


def _unused_procfile(tree: SourceTree, chosen: AppSettings) -> tuple[str, ...]:
    """The log's line about a Procfile beside a Dockerfile."""
    if procfile.FILE_NAME not in tree.named_in_any_case(chosen.build.context, procfile.FILE_NAME):
        return ()
    how = "name other processes in slipway.toml: [processes.worker] command = …"
    return (f"{procfile.FILE_NAME} is not used: the Dockerfile says how the app starts; {how}",)


def _sources(tree: SourceTree, below: str, *, has_web_command: bool) -> Sources:
    paths = tree.paths(below)
    glances = {name: tree.beginning(dockerfile_path.joined(below, name), GLANCE_BYTES) for name in glanced_at(paths)}
    read = {name: tree.read(dockerfile_path.joined(below, name), is_cut=True) for name in detection.read_files(paths)}
    contents = {name: content for name, content in (glances | read).items() if content is not None}
    encodings = {name: encoding_of(content) for name, content in contents.items()}
    return Sources(
        paths=paths,
        contents={name: text_of(content) for name, content in contents.items()},
        has_web_command=has_web_command,
        encodings={name: encoding for name, encoding in encodings.items() if encoding},
    )

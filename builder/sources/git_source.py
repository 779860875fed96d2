"""An image from a commit: the commit is found, compared with its branch, fetched into memory, and built."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

from builder import quota
from builder.attempt import Attempt, MadeImage
from builder.live_image import live_tree
from builder.manual_override import last_manual_override, last_that_gave_way, undeployed_push
from builder.sources import missing_ref, scratch
from builder.sources.build_plan import BuildPlan
from builder.sources.scratch import Scratch
from builder.sources.source_tree import SourceTree
from slipway.core.deployment.ordering import (
    LiveTree,
    Verdict,
    changes_nothing,
    failed_before,
    is_comparable,
    is_stale_redelivery,
    push_is_stale,
    skip_asked,
)
from slipway.core.deployment.states import Kind, State
from slipway.core.push import skip_request
from slipway.core.text.counting import plural
from slipway.domain import lifecycle
from slipway.errors import DependencyUnavailable, DeploymentFailed
from slipway.ports.building import BuildSpec, Built, Commit, Repository

log = logging.getLogger(__name__)


class GitSource:
    """`builder.sources.source.Source` of an app that is built from a repository."""

    _folders: Scratch
    _plan: BuildPlan

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._dependencies = attempt.dependencies
        self._work = attempt.work
        self._repository = Repository(
            attempt.work.repository, attempt.credential, bool(attempt.work.apart), attempt.work.tenant_id
        )
        self._sha = attempt.work.commit_sha

    @contextmanager
    def workspace(self) -> Iterator[None]:
        """Folders in memory."""
        chosen = self._dependencies.settings
        base = scratch.base_folder(chosen.scratch_dir, chosen.instance)
        name = f"{self._work.deployment_id}-{self._work.attempt}"
        with scratch.scratch(base, name, room_bytes=min(chosen.source_max_bytes, 256 << 20)) as self._folders:
            yield

    def find_version(self) -> str:
        """The commit that the push names; for a deployment by hand the one that its branch or tag is at now."""
        if not self._sha:
            self._sha = self._resolved()
        return self._sha

    def _resolved(self) -> str:
        branch = self._work.branch
        ref = self._work.ref or branch
        sha = self._dependencies.sources.resolve(self._repository, ref)
        if sha is None:
            branches = self._dependencies.sources.branches(self._repository)
            raise missing_ref.failure(ref.removeprefix("refs/heads/"), branch, branches)
        return sha

    def stop_if_needless(self, version: str) -> None:
        """A deployment by hand is compared with the commit that is live. A push of an app with a path filter is
        compared with the files that are live, not with the push before, which may never have been deployed."""
        self._attempt.stop_if_redundant(version)
        self._stop_if_asked(self._work.message)
        live = self._live_tree() if self._is_push() else None
        if live is None or not is_comparable(live):
            return
        self._attempt.apply(self.is_stale())
        changed = self._changed_since(live)
        if changed is not None:
            self._attempt.apply(changes_nothing(live, changed, self._work.branch))

    def _stop_if_asked(self, message: str) -> None:
        """A push of its branch's head whose message asks for no deployment is skipped."""
        mark = skip_request.mark_in(message) if self._is_push() else ""
        if not mark:
            return
        self._attempt.apply(self.is_stale())
        with self._dependencies.db.read(tenant_id=self._work.tenant_id) as session:
            undeployed = undeployed_push(session, self._work)
        if undeployed is not None:
            why = f"{mark} is not followed: deployment {undeployed}, which this push took the place of, never was live"
            self._attempt.output.line(why)
        with self._attempt.lease.write() as (_, row):  # of a missed push nothing was known before it was fetched
            row.message = row.message or self._attempt.output.redact(message)
        self._attempt.apply(skip_asked(mark, undeployed))

    def _changed_since(self, live: LiveTree) -> frozenset[str] | None:
        """Files that differ from what is live; None when the two commits can't be compared."""
        try:
            return self._dependencies.sources.changed(
                self._repository, live.commit_sha, self._sha, self._folders.folder, stopped=self._attempt.stopped
            )
        except DeploymentFailed as error:
            why = f"{self._sha[:7]} can't be compared with what is live ({live.commit_sha[:7]}), so it is built"
            self._attempt.output.line(f"{why}: {error.message}")
            return None

    def fetch(self, version: str) -> None:
        """Fetch the commit. A push is compared with its branch's head at the same time, and stops when it is stale,
        whether the commit could be fetched or not. Nothing is fetched that could not be built."""
        quota.require_minutes(self._attempt)
        if not self._is_push():
            self._begin_building(self._fetched(version))
            return
        with ThreadPoolExecutor(1) as pool:
            compared = pool.submit(self.is_stale)
            try:
                commit = self._fetched(version)
            finally:
                self._attempt.apply(compared.result())
        if not self._work.message:
            self._stop_if_asked(commit.message)
        self._begin_building(commit)

    def _fetched(self, sha: str) -> Commit:
        self._attempt.output.line(f"fetching {sha} from {self._work.repository}")
        stopped = self._attempt.stopped
        commit = self._dependencies.sources.fetch(self._repository, sha, self._folders.source, stopped=stopped)
        for note in commit.notes:
            self._attempt.output.line(note)
        return commit

    def _begin_building(self, commit: Commit) -> None:
        """Move to `building`, with the commit's message and author where the row has none."""
        with self._attempt.lease.write() as (_, row):
            row.message = row.message or self._attempt.output.redact(commit.message)
            row.pushed_by = row.pushed_by or commit.author
            lifecycle.advance(row, State.BUILDING)

    def plan(self) -> None:
        """Find or make the Dockerfile, and write it beside the sources."""
        self._plan = self._dependencies.build_planner.make(
            SourceTree(self._folders.source), self._work.settings, self._arguments(), self._attempt.secrets
        )
        for note in self._plan.notes:
            self._attempt.output.line(note)
        quota.require_settings(self._attempt, self._plan.file_settings, self._plan.processes)
        (self._folders.build_plan / "Dockerfile").write_text(self._plan.dockerfile)
        if self._plan.ignore is not None:
            (self._folders.build_plan / "Dockerfile.dockerignore").write_text(self._plan.ignore)

    def build(self) -> MadeImage:
        """Build the planned image."""
        spec = self._spec()
        if self._plan.frontend:
            spec = self._planned_inside(spec)
        built = self._dependencies.images.build(
            spec,
            output=self._attempt.output.line,
            stopped=self._attempt.stopped,
            timeout_s=self._dependencies.settings.build_timeout_s,
        )
        self._attempt.output.line(f"built {built.digest} in {self._attempt.elapsed_s():.1f} s")
        return self._made(spec.image, built)

    def _planned_inside(self, spec: BuildSpec) -> BuildSpec:
        """The build of the plan that a first build leaves."""
        made = self._folders.build_plan / "made"
        made.mkdir()
        self._dependencies.images.export(
            spec,
            made,
            output=self._attempt.output.line,
            stopped=self._attempt.stopped,
            timeout_s=self._dependencies.settings.build_timeout_s,
        )
        return self._dependencies.build_planner.named_builders.spec_of_plan(spec, made, self._plan.frontend)

    def _spec(self) -> BuildSpec:
        work = self._work
        return BuildSpec(
            tenant=work.tenant,
            tenant_id=work.tenant_id,
            app=work.app,
            app_id=work.app_id,
            deployment_id=work.deployment_id,
            context=self._plan.context,
            dockerfile=self._folders.build_plan / "Dockerfile",
            image=f"slipway/{secrets.token_hex(16)}:{self._sha[:12]}",
            labels={
                "slipway.instance": self._dependencies.settings.instance,
                "slipway.tenant": work.tenant,
                "slipway.app": work.app,
                "slipway.deployment": str(work.deployment_id),
                "org.opencontainers.image.source": work.repository,
                "org.opencontainers.image.revision": self._sha,
                "org.opencontainers.image.created": datetime.now(UTC).isoformat(timespec="seconds"),
            },
            arguments=dict(self._plan.arguments) | self._arguments(),
            shares=self._step_cache_key(),
            secrets=self._attempt.secrets,
            target=self._plan.target,
        )

    def _arguments(self) -> dict[str, str]:
        """Build arguments. The namespace keeps tenants' cache mounts apart; names are never reused, ids neither."""
        namespace = [self._dependencies.settings.instance, "tenant", str(self._work.tenant_id), self._work.apart]
        return {"BUILDKIT_CACHE_MOUNT_NS": "-".join(filter(None, namespace))}

    def _step_cache_key(self) -> str:
        """Builds of one tenant that have the same secrets share steps. BuildKit's own key covers neither secrets nor
        what is in cache mounts."""
        whose = [self._dependencies.settings.instance, self._work.tenant_id, *filter(None, [self._work.apart])]
        return self._dependencies.vault.digest(["build steps", *whose, self._attempt.secrets])

    def _made(self, tag: str, built: Built) -> MadeImage:
        note = f"{built.steps_cached} of {plural(built.steps_total, 'step')} from cache"
        columns = {
            "builder": self._plan.builder,
            "file_settings": dict(self._plan.file_settings),
            "processes": dict(self._plan.processes),
            "steps_total": built.steps_total,
            "steps_cached": built.steps_cached,
        }
        return MadeImage(tag, built, note, columns)

    def clean_up(self) -> None:
        """Remove the copies that BuildKit keeps of the sources."""
        try:
            self._dependencies.images.forget_sources()
        except DependencyUnavailable as error:
            log.warning("the sources' copies are removed later", extra={"why": error.message})

    def is_stale(self) -> Verdict:
        """The push against its branch's head as it is now, against what somebody chose by hand since, and against a
        release of the same commit that gave way."""
        ref = self._work.ref or f"refs/heads/{self._work.branch}"
        head = self._dependencies.sources.resolve(self._repository, ref)
        with self._dependencies.db.read(tenant_id=self._work.tenant_id) as session:
            live = live_tree(session, self._work)
            override, gave_way = last_manual_override(session, self._work), last_that_gave_way(session, self._work)
        verdict = push_is_stale(self._sha, head, live)
        verdict = is_stale_redelivery(self._sha, override) if verdict.goes_on else verdict
        return failed_before(self._sha, gave_way) if verdict.goes_on else verdict

    def _is_push(self) -> bool:
        return self._work.candidate.kind is Kind.PUSH

    def _live_tree(self) -> LiveTree | None:
        with self._dependencies.db.read(tenant_id=self._work.tenant_id) as session:
            return live_tree(session, self._work)

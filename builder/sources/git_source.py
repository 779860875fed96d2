"""An image from a commit: found, compared with its branch, fetched into memory, built.

Whatever ends the work, its processes and its sources are gone before the row says so.
"""

from __future__ import annotations

import logging
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from builder.attempt import Attempt
from builder.live_image import live_tree
from builder.manual_override import last_manual_override, last_that_gave_way
from builder.sources import scratch
from builder.sources.build_plan import BuildPlan
from builder.sources.scratch import Scratch
from builder.sources.source_tree import SourceTree
from slipway.adapters.git.commit_status import StatusState
from slipway.core.deployment.ordering import (
    Verdict,
    changes_nothing,
    failed_before,
    is_comparable,
    is_stale_redelivery,
    push_is_stale,
)
from slipway.core.deployment.states import Kind, State
from slipway.core.text.counting import plural
from slipway.domain import lifecycle
from slipway.errors import DependencyUnavailable, DeploymentFailed
from slipway.ports.building import BuildSpec, Built, Commit, Repository

log = logging.getLogger(__name__)


class GitSource:
    """`builder.sources.source.Source` of an app that is built from a repository."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._dependencies = attempt.dependencies
        self._work = attempt.work
        self._repository = Repository(attempt.work.repository, attempt.credential)
        self._sha = attempt.work.commit_sha

    def make_image(self) -> None:
        chosen = self._dependencies.settings
        base = scratch.base_folder(chosen.scratch_dir, chosen.instance)
        name = f"{self._work.deployment_id}-{self._work.attempt}"
        try:
            with scratch.scratch(base, name, room_bytes=min(chosen.source_max_bytes, 256 << 20)) as folders:
                self._find_commit()
                self._go_on_if_changed(folders)
                self._fetch_if_current(folders)
                build_plan = self._recipe(folders)
                spec = self._spec(folders, build_plan)
                built = self._built(spec)
            self._start(spec, build_plan, built)
        except BaseException:
            self._forget_sources()
            raise
        self._dependencies.queue.wake_agent(self._work.app_id)
        self._forget_sources()

    def is_stale(self) -> Verdict:
        """The push against its branch's head now, and against what was chosen by hand, or gave way, since that was told
        of."""
        ref = self._work.ref or f"refs/heads/{self._work.branch}"
        head = self._dependencies.sources.resolve(self._repository, ref)
        with self._dependencies.db.read(tenant_id=self._work.tenant_id) as session:
            live = live_tree(session, self._work)
            choice, gave_way = last_manual_override(session, self._work), last_that_gave_way(session, self._work)
        verdict = push_is_stale(self._sha, head, live)
        verdict = is_stale_redelivery(self._sha, choice) if verdict.goes_on else verdict
        return failed_before(self._sha, gave_way) if verdict.goes_on else verdict

    def report(self, status: StatusState, what: str) -> None:
        """A commit status."""
        work = self._work
        self._dependencies.statuses.send(
            work.repository,
            self._sha,
            status,
            tenant=work.tenant,
            app=work.app,
            description=f"{work.app} {what}",
            target_url=f"{self._dependencies.settings.public_url.rstrip('/')}/deployments/{work.deployment_id}",
        )

    # in order

    def _find_commit(self) -> None:
        """A push names its commit; a ref given by hand is looked up."""
        if not self._sha:
            self._sha = self._resolved()
            self._attempt.pin(self._sha)
        self._attempt.go_on_if_new(self._sha)
        self.report("pending", "is being deployed")

    def _resolved(self) -> str:
        ref = self._work.ref or self._work.branch
        sha = self._dependencies.sources.resolve(self._repository, ref)
        if sha is None:
            raise DeploymentFailed(
                "commit-missing",
                f"the repository has no branch, tag or full commit id {ref}",
                remedy=f"name one that is there: slipway deploy --ref {self._work.branch}",
            )
        return sha

    def _go_on_if_changed(self, folders: Scratch) -> None:
        """A push whose app has a filter, against what is live: it goes no further when nothing that the app is made of
        differs. That the push itself touched nothing of it is no reason: an earlier one may not have come."""
        if self._work.candidate.kind is not Kind.PUSH:
            return
        with self._dependencies.db.read(tenant_id=self._work.tenant_id) as session:
            live = live_tree(session, self._work)
        if live is None or not is_comparable(live):
            return
        self._attempt.go_on_if(self.is_stale())
        try:
            changed = self._dependencies.sources.changed(
                self._repository, live.commit_sha, self._sha, folders.folder, stopped=self._attempt.stopped
            )
        except DeploymentFailed as error:
            why = f"{self._sha[:7]} can't be compared with what is live ({live.commit_sha[:7]}), so it is built"
            self._attempt.output.line(f"{why}: {error.message}")
            return
        self._attempt.go_on_if(changes_nothing(live, changed))

    def _fetch_if_current(self, folders: Scratch) -> None:
        """Fetch, and for a push look at its branch meanwhile: one that is stale goes no further, fetched or not."""
        if self._work.candidate.kind is not Kind.PUSH:
            self._remember(self._fetch(folders))
            return
        with ThreadPoolExecutor(1) as pool:
            compared = pool.submit(self.is_stale)
            try:
                commit = self._fetch(folders)
            finally:
                self._attempt.go_on_if(compared.result())
        self._remember(commit)

    def _fetch(self, folders: Scratch) -> Commit:
        self._attempt.output.line(f"fetching {self._sha} from {self._work.repository}")
        stopped = self._attempt.stopped
        return self._dependencies.sources.fetch(self._repository, self._sha, folders.source, stopped=stopped)

    def _remember(self, commit: Commit) -> None:
        """What the row does not know of its commit yet, and the next step."""
        with self._attempt.lease.write() as (_, row):
            row.message = row.message or self._attempt.output.redact(commit.message)
            row.pushed_by = row.pushed_by or commit.author
            lifecycle.advance(row, State.BUILDING)

    def _recipe(self, folders: Scratch) -> BuildPlan:
        build_plan = self._dependencies.build_planner.make(
            SourceTree(folders.source), self._work.settings, self._arguments()
        )
        for note in build_plan.notes:
            self._attempt.output.line(note)
        (folders.build_plan / "Dockerfile").write_text(build_plan.dockerfile)
        if build_plan.ignore is not None:
            (folders.build_plan / "Dockerfile.dockerignore").write_text(build_plan.ignore)
        return build_plan

    def _arguments(self) -> dict[str, str]:
        """Build arguments. The namespace keeps tenants' cache mounts apart; names are never reused, ids neither."""
        return {"BUILDKIT_CACHE_MOUNT_NS": f"{self._dependencies.settings.instance}-tenant-{self._work.tenant_id}"}

    def _spec(self, folders: Scratch, build_plan: BuildPlan) -> BuildSpec:
        work = self._work
        return BuildSpec(
            tenant=work.tenant,
            tenant_id=work.tenant_id,
            app=work.app,
            app_id=work.app_id,
            deployment_id=work.deployment_id,
            context=build_plan.context,
            dockerfile=folders.build_plan / "Dockerfile",
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
            arguments=self._arguments(),
            shares=self._shares(),
            secrets=self._attempt.secrets,
            target=build_plan.target,
        )

    def _shares(self) -> str:
        """Steps are shared within the tenant, by builds that have the same secrets: BuildKit's own key holds neither
        what is in secrets nor what is in cache mounts."""
        whose = [self._dependencies.settings.instance, self._work.tenant_id]
        return self._dependencies.vault.digest(["build steps", *whose, self._attempt.secrets])

    def _built(self, spec: BuildSpec) -> Built:
        return self._dependencies.images.build(
            spec,
            output=self._attempt.output.line,
            stopped=self._attempt.stopped,
            timeout_s=self._dependencies.settings.build_timeout_s,
        )

    def _start(self, spec: BuildSpec, build_plan: BuildPlan, built: Built) -> None:
        self._attempt.output.line(f"built {built.digest} in {time.monotonic() - self._attempt.begun:.1f} s")
        self._attempt.start(
            spec.image,
            built,
            note=f"{built.steps_cached} of {plural(built.steps_total, 'step')} from cache",
            builder=build_plan.builder,
            file_settings=dict(build_plan.file_settings),
            processes=dict(build_plan.processes),
            steps_total=built.steps_total,
            steps_cached=built.steps_cached,
        )

    def _forget_sources(self) -> None:
        try:
            self._dependencies.images.forget_sources()
        except DependencyUnavailable as error:
            log.warning("sources are forgotten later", extra={"why": error.message})

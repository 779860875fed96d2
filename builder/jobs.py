"""A deployment's way from queued to starting: claim, fetch, build, record; then the rollout is followed to its end.

Every job can run twice, and at any moment another worker may have been given the deployment: each write goes through
the hold, which checks. Whatever ends the work, its processes and its sources are gone before the row says so.
"""

from __future__ import annotations

import logging
import secrets
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from sqlalchemy import select

from builder import scratch
from builder.heart import Heart, Stop
from builder.hold import Hold, Lost, claim
from builder.output import Output
from builder.recipes import Recipe
from builder.scratch import Scratch
from builder.source_tree import SourceTree
from builder.tools import Tools, connected
from slipway import intents, lifecycle, logs, settings
from slipway.adapters.commit_status import StatusState
from slipway.adapters.vault import SealBroken
from slipway.core.ordering import Verdict, push_is_stale
from slipway.core.states import ENDED, Kind, State
from slipway.errors import DependencyUnavailable, DeploymentFailed, SlipwayError
from slipway.models import Build, Deployment
from slipway.ports.building import BuildSpec, Built, Commit, Interrupted, Repository

log = logging.getLogger(__name__)

FOLLOW_S = 3300.0
FOLLOW_POLL_S = 0.25
_told_to_end = threading.Event()
"""This process was asked to end: what it has in hand goes back into the queue."""

_STATUS: dict[State, tuple[StatusState, str]] = {
    State.LIVE: ("success", "is live"),
    State.RETIRED: ("success", "was live"),
    State.SKIPPED: ("success", "was skipped"),
    State.FAILED: ("failure", "failed"),
    State.CANCELLED: ("error", "was cancelled"),
    State.SUPERSEDED: ("error", "was superseded"),
}


def build(deployment_id: int, attempt: int) -> dict[str, Any]:
    """The job. Its result is the deployment's outcome: `{"state": …}`; `{"state": None}` when there was nothing to do.

    Raises:
        SlipwayError: the database or the key file is away; the heartbeat lapses and the agent hands it out again.
    """
    with logs.bind(deployment=deployment_id, attempt=attempt), connected(settings.load()) as tools:
        hold = claim(tools.db, deployment_id, attempt)
        if hold is None:
            log.info("nothing to do: done before, ended, or handed out again")
            return {"state": None}
        log.info("claimed", extra={"tenant": hold.work.tenant, "app": hold.work.app, "commit": hold.work.commit_sha})
        return work_on(tools, hold)


def work_on(tools: Tools, hold: Hold) -> dict[str, Any]:
    """Work on what was claimed, to its end."""
    try:
        job = Job(tools, hold)
    except SealBroken as error:
        return _failed_at_once(hold, DeploymentFailed("secret-unreadable", error.message, remedy=error.remedy))
    except Exception:
        log.exception("a fault of ours")
        return _failed_at_once(hold, _internal(hold.work.deployment_id))
    return job.run()


def _failed_at_once(hold: Hold, error: DeploymentFailed) -> dict[str, Any]:
    with hold.write() as (_, row):
        lifecycle.fail(row, error)
    return {"state": str(State.FAILED)}


def end_with_the_worker() -> None:
    """SIGTERM hands the work back instead of dropping it. For the work-horse's main thread."""

    def told(_signal: int, _frame: FrameType | None) -> None:
        _told_to_end.set()

    signal.signal(signal.SIGTERM, told)


class Job:
    """One attempt at one deployment."""

    def __init__(self, tools: Tools, hold: Hold) -> None:
        self._tools = tools
        self._hold = hold
        self._work = hold.work
        self._started = time.monotonic()
        place = (self._work.tenant_id, self._work.app_id)
        opened = tools.vault.open
        self._secrets = {
            name: opened(sealed, *place, self._work.environment, name) for name, sealed in self._work.variables.items()
        }
        credential = self._work.credential
        self._repository = Repository(
            self._work.repository, opened(credential, *place, "credential") if credential else None
        )
        chosen = tools.settings
        self._heart = Heart(
            hold, interval_s=chosen.heartbeat_s, lapse_s=chosen.lapse_s, is_stale=self._compare_with_branch
        )
        hidden = [*self._secrets.values(), *filter(None, [self._repository.credential, chosen.github_token])]
        self._output = Output(tools.log, self._work.deployment_id, hidden, self._is_lost)
        self._sha = self._work.commit_sha

    def run(self) -> dict[str, Any]:
        """From claimed to the end of the rollout."""
        with self._heart:
            reached = self._guarded(self._make_image)
        if reached is None:
            return {"state": None}
        if reached is State.STARTING:
            self._follow()
        else:
            self._tell_status()
        self._tools.statuses.settle()
        outcome = self._hold.outcome()
        return {"state": str(outcome) if outcome else None}

    # how it ends

    def _guarded(self, work: Callable[[], None]) -> State | None:
        """Do the work, and write down how it ended. None: it was no longer ours to end."""
        try:
            work()
        except Lost:
            log.warning("the deployment is in other hands; nothing was written")
            return None
        except Interrupted:
            return self._stop(self._heart.stop)
        except DeploymentFailed as error:
            return self._fail(error)
        except SlipwayError as error:
            log.warning("could not go on", extra={"why": error.message})
            return self._fail(DeploymentFailed("unavailable", error.message, remedy=error.remedy))
        except Exception:
            log.exception("a fault of ours")
            return self._fail(_internal(self._work.deployment_id))
        return State.STARTING

    def _stop(self, stop: Stop | None) -> State | None:
        if stop is None:
            self._hand_back()
            return None
        if stop.lost:
            log.warning("stopped: the deployment is in other hands")
            return None
        self._output.line(f"{stop.state}: {stop.why}")
        try:
            with self._hold.write() as (_, row):
                lifecycle.stop(row, stop.state, stop.why)
        except Lost:
            return None
        self._tools.log.finish(self._work.deployment_id)
        log.info("stopped", extra={"state": str(stop.state), "why": stop.why})
        return stop.state

    def _hand_back(self) -> None:
        """The worker ends: the next one takes the deployment over, at once."""
        try:
            with self._hold.write() as (_, row):
                lifecycle.end_step(row, ok=False, note="the worker was restarted")
                lifecycle.advance(row, State.QUEUED)
                row.attempt += 1
                row.heartbeat_at = None
                attempt = row.attempt
        except Lost:
            return
        self._output.line("the worker was restarted; another one takes over")
        self._tools.queue.enqueue_build(self._work.deployment_id, attempt)
        log.info("handed back")

    def _fail(self, error: DeploymentFailed) -> State | None:
        redact = self._output.redact
        error.message, error.tail = redact(error.message), redact(error.tail)
        try:
            with self._hold.write() as (_, row):
                if row.stop_requested:
                    lifecycle.stop(row, State(row.stop_requested), row.stop_why)
                else:
                    lifecycle.fail(row, error)
                state = State(row.state)
        except Lost:
            return None
        self._output.line(f"{error.reason}: {error.message}")
        self._tools.log.finish(self._work.deployment_id)
        log.info("failed", extra={"reason": error.reason, "why": error.message})
        return state

    def _is_lost(self) -> bool:
        return self._heart.stop is not None and self._heart.stop.lost

    def _stopped(self) -> bool:
        return self._heart.stopped() or _told_to_end.is_set()

    def _go_on(self) -> None:
        if self._stopped():
            raise Interrupted

    # the work, in order

    def _make_image(self) -> None:
        chosen = self._tools.settings
        base = scratch.base_folder(chosen.scratch_dir, chosen.instance)
        name = f"{self._work.deployment_id}-{self._work.attempt}"
        try:
            with scratch.scratch(base, name, room_bytes=min(chosen.source_max_bytes, 256 << 20)) as folders:
                self._find_commit()
                self._fetch_if_current(folders)
                recipe = self._recipe(folders)
                spec = self._spec(folders, recipe)
                built = self._built(spec)
            self._record(spec, recipe, built)
        except BaseException:
            self._forget_sources()
            raise
        self._tools.queue.wake_agent(self._work.app_id)
        self._forget_sources()

    def _find_commit(self) -> None:
        """A push names its commit; a ref given by hand is looked up."""
        if not self._sha:
            self._resolve()
        self._tell_pending()

    def _resolve(self) -> None:
        ref = self._work.ref or self._work.branch
        sha = self._tools.sources.resolve(self._repository, ref)
        if sha is None:
            raise DeploymentFailed(
                "commit-missing",
                f"the repository has no branch, tag or full commit id {ref}",
                remedy=f"name one that is there: slipway deploy --ref {self._work.branch}",
            )
        self._sha = sha
        with self._hold.write() as (_, row):
            row.commit_sha = sha

    def _compare_with_branch(self) -> Verdict:
        """The push against its branch's head now. Asked again while it builds, when a newer push has come."""
        ref = self._work.ref or f"refs/heads/{self._work.branch}"
        head = self._tools.sources.resolve(self._repository, ref)
        with self._tools.db.read(tenant_id=self._work.tenant_id) as session:
            live = intents.live_deployment(session, self._work.app_id, self._work.environment)
        return push_is_stale(self._sha, head, live.commit_sha if live else None)

    def _fetch_if_current(self, folders: Scratch) -> None:
        """Fetch, and for a push look at its branch meanwhile: one that is stale goes no further, fetched or not."""
        if self._work.candidate.kind is not Kind.PUSH:
            self._remember(self._fetch(folders))
            return
        with ThreadPoolExecutor(1) as pool:
            compared = pool.submit(self._compare_with_branch)
            try:
                commit = self._fetch(folders)
            finally:
                self._stop_unless(compared.result())
        self._remember(commit)

    def _fetch(self, folders: Scratch) -> Commit:
        self._output.line(f"fetching {self._sha} from {self._work.repository}")
        return self._tools.sources.fetch(self._repository, self._sha, folders.source, stopped=self._stopped)

    def _stop_unless(self, verdict: Verdict) -> None:
        if not verdict.goes_on:
            self._heart.stop = self._heart.stop or Stop(verdict.end, verdict.why)
        self._go_on()

    def _remember(self, commit: Commit) -> None:
        """What the row does not know of its commit yet, and the next step."""
        with self._hold.write() as (_, row):
            row.message = row.message or self._output.redact(commit.message)
            row.pushed_by = row.pushed_by or commit.author
            lifecycle.advance(row, State.BUILDING)

    def _recipe(self, folders: Scratch) -> Recipe:
        recipe = self._tools.recipes.make(SourceTree(folders.source), self._work.settings, self._arguments())
        for note in recipe.notes:
            self._output.line(note)
        (folders.recipe / "Dockerfile").write_text(recipe.dockerfile)
        if recipe.ignore is not None:
            (folders.recipe / "Dockerfile.dockerignore").write_text(recipe.ignore)
        return recipe

    def _arguments(self) -> dict[str, str]:
        """Build arguments. The namespace keeps tenants' cache mounts apart; names are never reused, ids neither."""
        return {"BUILDKIT_CACHE_MOUNT_NS": f"{self._tools.settings.instance}-tenant-{self._work.tenant_id}"}

    def _spec(self, folders: Scratch, recipe: Recipe) -> BuildSpec:
        work = self._work
        return BuildSpec(
            tenant=work.tenant,
            app=work.app,
            deployment_id=work.deployment_id,
            context=recipe.context,
            dockerfile=folders.recipe / "Dockerfile",
            image=f"slipway/{secrets.token_hex(16)}:{self._sha[:12]}",
            labels={
                "slipway.instance": self._tools.settings.instance,
                "slipway.tenant": work.tenant,
                "slipway.app": work.app,
                "slipway.deployment": str(work.deployment_id),
                "org.opencontainers.image.source": work.repository,
                "org.opencontainers.image.revision": self._sha,
                "org.opencontainers.image.created": datetime.now(UTC).isoformat(timespec="seconds"),
            },
            arguments=self._arguments(),
            secrets=self._secrets,
            target=recipe.target,
        )

    def _built(self, spec: BuildSpec) -> Built:
        timeout_s = self._tools.settings.build_timeout_s
        built = self._tools.images.build(spec, output=self._output.line, stopped=self._stopped, timeout_s=timeout_s)
        if self._stopped():
            self._tools.images.remove_image(spec.image)
            raise Interrupted
        return built

    def _record(self, spec: BuildSpec, recipe: Recipe, built: Built) -> None:
        """The image is known and the wish to run it stands, in one transaction."""
        self._output.line(f"built {built.digest} in {time.monotonic() - self._started:.1f} s")
        try:
            with self._hold.write() as (session, row):
                session.add(self._build_row(row, spec, recipe, built))
                lifecycle.note_step(row, f"{built.steps_cached} of {built.steps_total} steps from cache")
                lifecycle.advance(row, State.STARTING)
        except Lost:
            self._tools.images.remove_image(spec.image)
            raise

    def _build_row(self, row: Deployment, spec: BuildSpec, recipe: Recipe, built: Built) -> Build:
        return Build(
            tenant_id=row.tenant_id,
            app_id=row.app_id,
            deployment_id=row.id,
            image=spec.image,
            digest=built.digest,
            exposed_port=built.exposed_port,
            builder=recipe.builder,
            file_settings=dict(recipe.file_settings),
            processes=dict(recipe.processes),
            steps_total=built.steps_total,
            steps_cached=built.steps_cached,
            size_bytes=built.size_bytes,
        )

    def _forget_sources(self) -> None:
        try:
            self._tools.images.forget_sources()
        except DependencyUnavailable as error:
            log.warning("sources are forgotten later", extra={"why": error.message})

    # after it

    def _follow(self) -> None:
        """Wait for its outcome. Live is one: that old replicas still drain, which may take minutes, holds no worker."""
        deadline = time.monotonic() + FOLLOW_S
        while not _told_to_end.wait(FOLLOW_POLL_S) and time.monotonic() < deadline:
            state = self._hold.outcome()
            if state is None:
                return
            if state in ENDED:
                self._tell_status()
                self._tools.log.finish(self._work.deployment_id)
                return

    def _tell_pending(self) -> None:
        self._send("pending", "is being deployed")

    def _tell_status(self) -> None:
        with self._tools.db.read(tenant_id=self._work.tenant_id) as session:
            row = session.scalar(select(Deployment).filter_by(id=self._work.deployment_id))
        if row is None or State(row.state) not in _STATUS:
            return
        status, verb = _STATUS[State(row.state)]
        self._send(status, f"{verb}: {row.detail}" if row.detail else verb)

    def _send(self, status: StatusState, what: str) -> None:
        work = self._work
        self._tools.statuses.send(
            work.repository,
            self._sha,
            status,
            app=work.app,
            description=f"{work.app} {what}",
            target_url=f"{self._tools.settings.public_url.rstrip('/')}/deployments/{work.deployment_id}",
        )


def _internal(deployment_id: int) -> DeploymentFailed:
    return DeploymentFailed(
        "internal",
        "Slipway stumbled over a fault of its own. The app serves on as before.",
        remedy="try again: slipway deploy; the host's owner finds the fault in the worker's log, "
        f"at deployment {deployment_id}",
    )

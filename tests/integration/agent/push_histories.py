"""Random histories of pushes with the platform's own webhook, worker, polling and agent, and git's own server. Only
images are not really built, nor containers started."""

from __future__ import annotations

import random
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

from builder import jobs
from builder.agent.maintenance.polling import Polling
from builder.dependencies import Dependencies
from builder.lease import claim
from builder.sources.build_plan import BuildPlanner
from router.principal import Kind, Principal
from router.services import Services
from router.usecases import apps, deployments
from slipway.adapters.git.git_sources import GitSources, Limits
from slipway.adapters.vault import HOOKS, Vault, create_key_file
from slipway.core.access.roles import Role
from slipway.core.build.dockerfile_policy import Rules
from slipway.core.build.templates.template import BaseImages
from slipway.core.deployment.states import UNFINISHED, WITH_IMAGE_TO_MAKE, State
from slipway.core.naming.validation import repository_identity
from slipway.demo.forge.bare import git_environment
from slipway.demo.forge.forge import Forge
from slipway.domain import intents
from slipway.errors import Conflict, DeploymentFailed, NotFound
from slipway.models import Deployment, now
from slipway.ports.building import BuildSpec
from tests.building_fakes import FakeImages, FakeLog, FakePulls, FakeQueue
from tests.fixtures.rows import add_hook
from tests.integration.agent.rig import Rig
from tests.integration.webhook.sender import TestClientSender, push
from webhook.app import create_app

NAME = "acme/shop"
BROKEN = "broken"
APIS = ("one", "two", "three", BROKEN)
FILTERS = ("", "api/**", "docs/**")
"""Empty: none."""
EVENTS = 9
DEEPEST = 2


@dataclass(frozen=True)
class Commit:
    """A tree, by what is in its files."""

    sha: str
    api: str
    docs: str
    filter: str
    """In its slipway.toml; empty: it has no such file."""

    def differs_under(self, paths: str, other: Commit) -> bool:
        """What a filter of one folder sees; a changed slipway.toml is seen by each."""
        if self.filter != other.filter or not paths:
            return self != other
        return self.api != other.api if paths == "api/**" else self.docs != other.docs


class Sources(GitSources):
    """With what happens between a comparison and what is written of it."""

    def __init__(self, limits: Limits, folder: Path) -> None:
        super().__init__(limits, folder, {})
        self.history: History | None = None

    def changed(self, *arguments: Any, **named: Any) -> frozenset[str]:
        found = super().changed(*arguments, **named)
        if self.history:
            self.history.meanwhile()
        return found


class World:
    """A forge, and a platform whose apps each follow a branch of their own."""

    def __init__(self, rig: Rig, forge: Forge, folder: Path) -> None:
        self.rig = rig
        forge.create_repository(NAME)
        self.url = forge.clone_url(NAME)
        [head] = (folder / "forge").rglob("HEAD")
        self._served = head.parent
        self.commits = [self._commit(api, docs, paths) for paths in FILTERS for docs in "012" for api in APIS]
        self.sources = Sources(Limits((urlsplit(forge.base_url).netloc,), 64 << 20), folder)
        self.images = FakeImages(during=self._build)
        self.services = cast(Services, SimpleNamespace(settings=rig.settings, db=rig.db, queue=self._queue))
        self.owner = Principal(Kind.TOKEN, "0", "a test", rig.tenant_id, "acme", Role.OWNER)
        self.polling = Polling(rig.db, self._queue, self.sources, rig.vault, every_s=1e6)
        create_key_file(rig.settings.key_dir / HOOKS)
        self.sender = TestClientSender(create_app(rig.settings, rig.db, self._queue))
        hooks = Vault(rig.settings.key_dir / HOOKS)
        self.hook_id = add_hook(rig.db, hooks, rig.tenant_id, repository=self.url)

    def move(self, branch: str, commit: Commit) -> None:
        """What a push does, forced or not."""
        self._git("update-ref", f"refs/heads/{branch}", commit.sha)

    def work(self, deployment: Deployment) -> None:
        lease = claim(self.rig.db, deployment.id, deployment.attempt)
        if lease:
            jobs.work_on(self._dependencies, lease)

    @property
    def _queue(self) -> Any:
        return FakeQueue()

    @property
    def _dependencies(self) -> Dependencies:
        settings = self.rig.settings
        bases = Rules(frozenset(settings.base_images), frozenset(settings.frontends))
        return Dependencies(
            settings=settings,
            db=self.rig.db,
            queue=self._queue,
            sources=self.sources,
            images=self.images,
            pulls=FakePulls(),
            build_planner=BuildPlanner(bases, BaseImages("python", "python"), self.images, lambda: 20),
            log=FakeLog(),
            vault=self.rig.vault,
        )

    def _build(self, spec: BuildSpec, _output: object) -> None:
        api = (spec.context / "api" / "app.py").read_text()
        if self.sources.history:
            self.sources.history.meanwhile()
        if api == BROKEN:
            raise DeploymentFailed("build-failed", "it can't be built")

    def _commit(self, api: str, docs: str, paths: str) -> Commit:
        """Histories are of commits without parents: what is compared are their trees."""
        files = {"Dockerfile": "FROM python\n", "api/app.py": api, "docs/a.md": docs}
        files |= {"slipway.toml": f'paths = ["{paths}"]\n'} if paths else {}
        stream = ["commit refs/made\ncommitter a <a@example.org> 0 +0000\ndata 0\ndeleteall\n"]
        stream += [f"M 644 inline {name}\ndata {len(text)}\n{text}\n" for name, text in files.items()]
        self._git("fast-import", "--quiet", "--force", text="".join(stream))
        return Commit(self._git("rev-parse", "refs/made"), api, docs, paths)

    def _git(self, *argv: str, text: str = "") -> str:
        command = ["git", "-C", str(self._served), *argv]
        done = subprocess.run(command, env=git_environment(), input=text, capture_output=True, text=True, check=True)
        return done.stdout.strip()


@dataclass(frozen=True)
class Chosen:
    """What somebody chose by hand, and what had happened by then."""

    deployment: int
    pushes: int
    received: frozenset[int]
    is_head_known: bool
    """A delivery or a comparison of heads had reported the newest push."""


@dataclass
class History:
    """One app, live with its first commit, and what happens to it."""

    world: World
    seed: int
    heads: list[Commit] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    on_the_way: list[int] = field(default_factory=list)
    received: set[int] = field(default_factory=set)
    reported: set[int] = field(default_factory=set)
    """Pushes that were received, or found by comparing heads while they were the newest."""
    chosen: list[Chosen] = field(default_factory=list)
    filters: list[tuple[int, str]] = field(default_factory=lambda: [(0, "api/**")])
    """Set by API: how many pushes there were by then, and the filter."""
    depth: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        rig = self.world.rig
        self.app = rig.add_app(f"app-{self.seed}", paths=["api/**"])
        identity = repository_identity(self.world.url)
        rig.change(self.app, repository=self.world.url, repository_identity=identity, branch=self.branch)
        self.push(self.world.commits[0])
        self.deliver(0)
        self.settle()

    @property
    def branch(self) -> str:
        return f"run-{self.seed}"

    def go_on(self) -> None:
        """Some events in any order, until everybody is idle again."""
        self.world.sources.history = self
        for _ in range(EVENTS):
            self.event()
        self.world.sources.history = None
        self.settle()

    def end(self) -> None:
        self.world.rig.change(self.app, deleted_at=now())

    # -- what happens --------------------------------------------------------------------------------------------------

    def event(self) -> None:
        rare = self.chance.choice([self.poll, self.roll_back, self.replay, self.set_filter, self.deploy])
        often = [self.push, self.push, self.deliver_any, self.deliver_any, self.work, self.work, self.roll_out]
        self.chance.choice([*often, rare])()

    def meanwhile(self) -> None:
        """Within a job of a worker."""
        if self.depth < DEEPEST and self.chance.random() < 0.6:
            self.depth += 1
            self.event()
            self.depth -= 1

    def push(self, commit: Commit | None = None) -> None:
        """Its delivery is sent, lost, or sent twice; it says nothing of force, and only of the docs."""
        after = commit or self._next_commit()
        before = self.heads[-1].sha if self.heads else "0" * 40
        self.world.move(self.branch, after)
        self.heads.append(after)
        ref = f"refs/heads/{self.branch}"
        number = len(self.sent)
        message = {"id": after.sha, "message": f"Push {number}"}
        body = push(ref, repository=NAME, before=before, after=after.sha, files=("docs/a.md",), head_commit=message)
        self.sent.append(body)
        self.on_the_way += [number] * self.chance.choice([0, 1, 1, 1, 2] if commit is None else [0])

    def _next_commit(self) -> Commit:
        """Mostly with the slipway.toml of the one before, and another api or other docs alone."""
        if self.chance.random() < 0.3:
            return self.chance.choice(self.world.commits)
        head = self.heads[-1]
        seen_by = self.chance.choice(["api/**", "docs/**"])
        return self.chance.choice([each for each in self.world.commits if not each.differs_under(seen_by, head)])

    def deliver_any(self) -> None:
        if self.on_the_way:
            self.deliver(self.on_the_way.pop(self.chance.randrange(len(self.on_the_way))))

    def replay(self) -> None:
        if self.received:
            self.deliver(self.chance.choice(sorted(self.received)), again=f"-{self.chance.random()}")

    def deliver(self, number: int, again: str = "") -> None:
        answer = self.world.sender.send(
            self.world.hook_id, self.sent[number], delivery_id=f"{self.seed}-{number}{again}"
        )
        assert answer.status_code < 300, answer.data
        self.received.add(number)
        self.reported.add(number)

    def work(self) -> bool:
        queued = [row for row in self.rows() if row.state == State.QUEUED and row.kind in WITH_IMAGE_TO_MAKE]
        if queued:
            self.world.work(self.chance.choice(queued))
        return bool(queued)

    def roll_out(self) -> None:
        self.world.rig.settle(self.app)

    def poll(self) -> int:
        self.world.rig.change(self.app, polled_at=None)
        made = self.world.polling.check() + self.world.polling.check()
        if made:
            self.reported.add(len(self.heads) - 1)
        return made

    def roll_back(self) -> None:
        was_live = [row.release_id for row in self.rows() if row.live_at]
        to = self.chance.randrange(1, len(was_live) + 1)
        try:
            row = self.world.rig.intend(self.app, intents.rollback, to=to, actor="a test")
        except (Conflict, NotFound):
            return
        self._note_choice(row.id)

    def _note_choice(self, deployment: int) -> None:
        is_head_known = len(self.heads) - 1 in self.reported
        self.chosen.append(Chosen(deployment, len(self.heads), frozenset(self.received), is_head_known))

    def deploy(self) -> None:
        """By hand: the branch, or a commit, which may be live already."""
        commit = self.chance.choice([None, self.chance.choice(self.world.commits).sha])
        anew = self.chance.random() < 0.3
        made = deployments.deploy(self.world.services, self.world.owner, self.app.name, commit=commit, rebuild=anew)
        self._note_choice(made.id)

    def set_filter(self) -> None:
        """Through the API."""
        paths = self.chance.choice([*FILTERS, *FILTERS[1:]])
        changes = {"settings": {"paths": [paths] if paths else None}}
        apps.change_app(self.world.services, self.world.owner, self.app.name, changes)
        self.filters.append((len(self.heads), paths))

    def settle(self) -> None:
        while self.on_the_way:
            self.deliver_any()
        for _ in range(20):
            while self.work() or any(row.state in UNFINISHED for row in self.rows()):
                self.roll_out()
            if not self.poll():
                return
        raise AssertionError("comparing heads deploys without end")

    # -- the oracle ----------------------------------------------------------------------------------------------------

    def wrong(self) -> str:
        """Why what is live is not what it ought to be; empty when it is."""
        rows = {row.id: row for row in self.rows()}
        commits = {commit.sha: commit for commit in self.world.commits}
        [live] = [row for row in rows.values() if row.state == State.LIVE]
        head = self.heads[-1]
        stood = [each for each in self.chosen if rows[each.deployment].live_at]
        if stood:
            choice = stood[-1]
            if live.commit_sha == rows[choice.deployment].commit_sha and self._may_stand(choice):
                return ""
            if self._must_stand(choice):
                return f"deployment {choice.deployment}, chosen by hand, does not stand"
        if self._is_what_head_asks_for(commits[live.commit_sha]):
            return ""
        if head.api == BROKEN:
            pushes = [row for row in rows.values() if row.kind == "push" and row.state != State.SUPERSEDED]
            tried = (pushes[-1].commit_sha, pushes[-1].state) == (head.sha, State.FAILED)
            return "" if tried else "the head, which can't be built, was not tried"
        return f"{commits[live.commit_sha]} is live, not {head}"

    def _is_what_head_asks_for(self, live: Commit) -> bool:
        """The filter in the live commit's own slipway.toml holds; else one that was set while the head was there."""
        filters = {live.filter} if live.filter else self._filters_since(self._head_came())
        return any(not live.differs_under(paths, self.heads[-1]) for paths in filters)

    def _head_came(self) -> int:
        """Which push it was; of one that came back without a delivery the first, since nobody may have noticed."""
        newest = len(self.heads) - 1
        return newest if newest in self.received else self.heads.index(self.heads[-1])

    def _filters_since(self, push: int) -> set[str]:
        before = [paths for pushes, paths in self.filters if pushes <= push]
        return {before[-1], *(paths for pushes, paths in self.filters if pushes > push)}

    def _may_stand(self, choice: Chosen) -> bool:
        """Nothing was pushed since, or the branch came back to where it had been: that nobody may have noticed."""
        then, since = self.heads[: choice.pushes], self.heads[choice.pushes :]
        return not since or self.heads[-1] in then

    def _must_stand(self, choice: Chosen) -> bool:
        """Nothing was pushed since, the head was known by then, and no body that came late looks like a push of it."""
        late = {self.heads[number] for number in self.received - choice.received}
        return choice.is_head_known and len(self.heads) == choice.pushes and self.heads[-1] not in late

    def rows(self) -> list[Deployment]:
        return sorted(self.world.rig.all(Deployment, app_id=self.app.id), key=lambda row: row.sequence)

    def described(self) -> list[tuple[Any, ...]]:
        """For whoever looks at a failure."""
        return [(row.kind, row.commit_sha[:7], row.state, row.actor, row.detail) for row in self.rows()]

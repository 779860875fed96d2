"""A platform in miniature: one app with a filter, its repository, and everything that happens to a push on its way.

What decides is the real `slipway.core`; what is played is what lies around it: rows, workers, the agent. Each step of a
worker is one of its own, so that anything may come in between.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from slipway.core.deployment import ordering
from slipway.core.deployment.ordering import Candidate, LiveTree, ManualOverride, Verdict
from slipway.core.deployment.states import BY_HAND, UNFINISHED, Kind, State, move
from slipway.core.push.missed_pushes import NOT_COMPARED, Decided, is_missed

PATHS = ("api/**",)
BROKEN = 9
"""A version of the api that can't be built."""
_CAME_TO_NOTHING = (State.FAILED, State.CANCELLED, State.SUPERSEDED, State.SKIPPED)


@dataclass(frozen=True)
class Commit:
    sha: str
    api: int
    docs: int

    def changed(self, other: Commit) -> set[str]:
        differs = {"api/app.py": self.api != other.api, "docs/a.md": self.docs != other.docs}
        return {name for name, does in differs.items() if does}


@dataclass(frozen=True)
class Body:
    """What a sender says; `before` only where a rule trusts it."""

    number: int
    before: Commit
    after: Commit


@dataclass
class Row:
    """A deployment."""

    sequence: int
    kind: Kind
    commit: Commit
    state: State = State.QUEUED
    frozen: bool = False
    delivered: bool = False
    repeats: bool = False
    on_branch: bool = True
    stop_requested: State | None = None
    verdict: Verdict | None = None
    """What the worker is about to write down."""
    compared: LiveTree | None = None
    """What it is being compared with."""
    was_live: bool = False
    previous: int = 0
    """What was live when it switched: what it gives way to while it is watched."""
    watched: bool = False
    started: bool = False
    reason: str = ""

    def candidate(self) -> Candidate:
        return Candidate(self.sequence, self.sequence, self.sequence, self.kind, self.state, self.frozen)

    def advance(self, state: State) -> None:
        self.state = move(self.state, state)
        self.was_live = self.was_live or state is State.LIVE
        self.started = self.started or state is State.FETCHING


@dataclass
class Platform:
    chance: random.Random
    commits: list[Commit] = field(default_factory=list)
    heads: list[Commit] = field(default_factory=list)
    """Every commit that the branch was at, in order."""
    on_the_way: list[Body] = field(default_factory=list)
    sent: list[Body] = field(default_factory=list)
    seen_bodies: set[int] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)
    last_seen: str | None = None
    gave_way: Row | None = None
    """What went live last, where it did not hold."""
    choices: list[tuple[Row, int]] = field(default_factory=list)
    """What was chosen by hand, and how many pushes there were by then."""

    def __post_init__(self) -> None:
        first = Commit("c0", 0, 0)
        self.commits.append(first)
        self.heads.append(first)
        self.rows.append(Row(1, Kind.PUSH, first, State.LIVE, was_live=True))

    @property
    def head(self) -> Commit:
        return self.heads[-1]

    @property
    def live(self) -> Row:
        return next(row for row in self.rows if row.state is State.LIVE)

    # -- the repository and what it sends ------------------------------------------------------------------------------

    def push(self) -> None:
        """A commit on top, a branch set back, or another history; its delivery is sent, lost, or sent twice."""
        before = self.head
        if self.chance.random() < 0.25:
            after = self.chance.choice(self.commits)
        else:
            base = self.head if self.chance.random() < 0.8 else self.chance.choice(self.commits)
            after = self._commit(base)
        if after is before:
            return
        self.heads.append(after)
        body = Body(len(self.sent), before, after)
        self.sent.append(body)
        self.on_the_way += [body] * self.chance.choice([0, 1, 1, 1, 2])

    def _commit(self, base: Commit) -> Commit:
        touches_api, touches_docs = self.chance.choice([(1, 0), (0, 1), (0, 1), (1, 1)])
        api = self.chance.choice([0, 1, 2, 3, BROKEN]) if touches_api else base.api
        commit = Commit(f"c{len(self.commits)}", api, base.docs + touches_docs)
        self.commits.append(commit)
        return commit

    def deliver(self) -> None:
        """In any order."""
        if self.on_the_way:
            body = self.on_the_way.pop(self.chance.randrange(len(self.on_the_way)))
            self.receive(body)

    def replay(self) -> None:
        """A body that somebody kept comes under a number of its own."""
        if self.seen_bodies:
            self.receive(self.sent[self.chance.choice(sorted(self.seen_bodies))])

    def receive(self, body: Body) -> None:
        row = self._add(Kind.PUSH, body.after)
        row.delivered, row.repeats = True, body.number in self.seen_bodies
        self.seen_bodies.add(body.number)

    def poll(self) -> bool:
        reported = [row for row in self.rows if self._reports(row) and not self._came_to_nothing_by_hand(row)]
        given_up = [row for row in reported if row.state is State.SUPERSEDED or row.reason == ordering.BRANCH_GONE]
        kept = [row for row in reported if row not in given_up and not self._is_cancelled_unbegun(row)]
        or_else = self._cancelled_unbegun_since(kept, reported)
        compared = kept[-1].state not in NOT_COMPARED if kept else True
        decided = Decided(kept[-1].commit.sha if kept else None, compared, or_else)
        missed = is_missed(self.head.sha, decided, self.last_seen)
        self.last_seen = self.head.sha
        if missed:
            self._add(Kind.PUSH, self.head)
        return missed

    # -- what people choose --------------------------------------------------------------------------------------------

    def roll_back(self) -> None:
        goals = [row for row in self.rows if row.was_live and row.state is not State.LIVE]
        if not goals:
            return
        row = self._add(Kind.ROLLBACK, self.chance.choice(goals).commit)
        unfinished = [each.candidate() for each in self.rows if each.state in UNFINISHED]
        for each in ordering.cancelled_by_rollback(row.sequence, unfinished):
            self._request_stop(self._row(each), State.CANCELLED)
        self.choices.append((row, len(self.heads)))

    def deploy_by_hand(self) -> None:
        """The branch, or a commit."""
        on_branch = self.chance.random() < 0.5
        commit = self.head if on_branch else self.chance.choice(self.commits)
        row = self._add(Kind.REBUILD, commit, on_branch=on_branch)
        self.choices.append((row, len(self.heads)))

    # -- workers -------------------------------------------------------------------------------------------------------

    def work(self) -> bool:
        """One step of one worker."""
        at = [row for row in self.rows if row.kind is not Kind.ROLLBACK and row.state in UNFINISHED - {State.STARTING}]
        if at:
            row = self.chance.choice(at)
            step = {State.QUEUED: self.claim, State.FETCHING: self.fetch, State.BUILDING: self.build}[row.state]
            (self._write_verdict if row.verdict else step)(row)
        return bool(at)

    def claim(self, row: Row) -> None:
        row.advance(State.FETCHING)
        live = self.live_tree(row)
        if row.kind is Kind.PUSH and ordering.is_comparable(live):
            row.compared = live
            row.verdict = self._stopping(row, self.is_stale(row))

    def fetch(self, row: Row) -> None:
        """Compared with what was live; or fetched, and compared with the branch's head meanwhile."""
        if row.stop_requested:
            row.advance(row.stop_requested)
        elif row.compared:
            changed = row.commit.changed(self._commit_of(row.compared))
            row.verdict = self._stopping(row, ordering.changes_nothing(row.compared, changed, "main"))
            row.compared = None
        elif row.kind is Kind.PUSH and (verdict := self._stopping(row, self.is_stale(row))):
            row.verdict = verdict
        else:
            row.advance(State.BUILDING)

    def build(self, row: Row) -> None:
        """A heartbeat, or the end."""
        if row.stop_requested:
            row.advance(row.stop_requested)
        elif self.chance.random() < 0.4:
            self._beat(row)
        else:
            row.advance(State.FAILED if row.commit.api == BROKEN else State.STARTING)

    def _beat(self, row: Row) -> None:
        row.verdict = self._stopping(row, ordering.may_switch(row.candidate(), self.live.candidate()))
        newer = [each for each in self.rows if each.kind is Kind.PUSH and each.sequence > row.sequence]
        if row.kind is Kind.PUSH and not row.verdict and any(each.commit != row.commit for each in newer):
            row.verdict = self._stopping(row, self.is_stale(row))

    def is_stale(self, row: Row) -> Verdict:
        verdict = ordering.push_is_stale(row.commit.sha, self.head.sha, self.live_tree(row))
        return ordering.is_stale_redelivery(row.commit.sha, self._choice(row)) if verdict.goes_on else verdict

    def live_tree(self, row: Row) -> LiveTree:
        others = [each.candidate() for each in self.rows if each.state in UNFINISHED]
        unsettled = ordering.unsettled_choice(row.candidate(), others)
        return LiveTree(self.live.sequence, self.live.commit.sha, PATHS, unsettled=unsettled)

    def _write_verdict(self, row: Row) -> None:
        verdict, row.verdict = row.verdict, None
        assert verdict
        if verdict.live and not self.is_still(verdict.live, row):
            row.advance(State.QUEUED)
            row.compared = None
            return
        if verdict.live:
            self.supersede_earlier(row)
        row.reason = verdict.reason
        row.advance(verdict.end)

    def is_still(self, live: LiveTree, row: Row) -> bool:
        return live == self.live_tree(row)

    def supersede_earlier(self, row: Row) -> None:
        for each in ordering.superseded_by_skip(row.candidate(), [other.candidate() for other in self.rows]):
            self._request_stop(self._row(each), State.SUPERSEDED)

    # -- the agent -----------------------------------------------------------------------------------------------------

    def roll_out(self) -> bool:
        """One step of the agent's."""
        waiting = [row for row in self.rows if row.state is State.STARTING or self._is_rollback_to_do(row)]
        for row in waiting:
            if row.stop_requested:
                row.advance(row.stop_requested)
                return True
        chosen = ordering.next_to_start([row.candidate() for row in waiting])
        if chosen:
            self._bring_live(self._row(chosen))
        return bool(chosen)

    def _bring_live(self, row: Row) -> None:
        if row.state is State.QUEUED:
            row.advance(State.STARTING)
        verdict = ordering.may_switch(row.candidate(), self.live.candidate())
        if not verdict.goes_on:
            row.advance(verdict.end)
        elif not row.frozen:
            row.frozen = True
        else:
            row.previous = self.live.sequence
            self.live.watched = False
            self.live.advance(State.RETIRED)
            row.advance(State.LIVE)
            row.watched, self.gave_way = True, None

    def give_way(self) -> None:
        """What is live does not hold: it fails, and what was live before it is live again."""
        row = self.live
        if row.watched:
            row.watched, self.gave_way = False, row
            row.advance(State.FAILED)
            self.rows[row.previous - 1].advance(State.LIVE)

    def hold(self) -> None:
        """The watch is over."""
        self.live.watched = False

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _add(self, kind: Kind, commit: Commit, *, on_branch: bool = True) -> Row:
        row = Row(len(self.rows) + 1, kind, commit, on_branch=on_branch)
        self.rows.append(row)
        return row

    def _row(self, candidate: Candidate) -> Row:
        return self.rows[candidate.sequence - 1]

    def _commit_of(self, live: LiveTree) -> Commit:
        return next(commit for commit in self.commits if commit.sha == live.commit_sha)

    def _choice(self, row: Row) -> ManualOverride | None:
        chooses = [each for each in self.rows[: row.sequence - 1] if each.kind in BY_HAND | {Kind.ROLLBACK}]
        standing = [each for each in chooses if each.state not in _CAME_TO_NOTHING]
        if not standing:
            return None
        choice = standing[-1]
        reported = [each for each in self.rows[: row.sequence - 1] if self._reports(each) and not each.repeats]
        before = [each for each in reported if each.sequence < choice.sequence]
        heads = [
            each for each in before if not self._is_cancelled_unbegun(each) and each.reason != ordering.BRANCH_MOVED
        ]
        then = self._cancelled_unbegun_since(heads, before) | {each.commit.sha for each in heads[-1:]}
        since = [each for each in reported if each.sequence > choice.sequence and each.commit != row.commit]
        if row.repeats:
            since = [each for each in since if each.state not in NOT_COMPARED | {State.SUPERSEDED}]
        return ManualOverride(choice.sequence, choice.kind, then, moved_since=bool(since))

    def _cancelled_unbegun_since(self, known: list[Row], reported: list[Row]) -> frozenset[str]:
        since = known[-1].sequence if known else 0
        return frozenset(row.commit.sha for row in reported if row.sequence > since and self._is_cancelled_unbegun(row))

    @staticmethod
    def _is_cancelled_unbegun(row: Row) -> bool:
        return row.kind is Kind.PUSH and row.state is State.CANCELLED and not row.started

    @staticmethod
    def _reports(row: Row) -> bool:
        return row.kind is Kind.PUSH or (row.kind in BY_HAND and row.on_branch)

    @staticmethod
    def _came_to_nothing_by_hand(row: Row) -> bool:
        ended = row.state in (State.FAILED, State.CANCELLED, State.SUPERSEDED)
        return row.kind in BY_HAND and ended and not row.was_live

    @staticmethod
    def _is_rollback_to_do(row: Row) -> bool:
        return row.kind is Kind.ROLLBACK and row.state is State.QUEUED

    @staticmethod
    def _request_stop(row: Row, state: State) -> None:
        if row.state is State.QUEUED:
            row.advance(state)
            row.reason = ordering.BRANCH_MOVED if state is State.SUPERSEDED else ""
        elif row.state in UNFINISHED:
            row.stop_requested = row.stop_requested or state

    @staticmethod
    def _stopping(row: Row, verdict: Verdict) -> Verdict | None:
        return None if verdict.goes_on or row.stop_requested else verdict

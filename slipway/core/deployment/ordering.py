"""The order of intents: which deployment may go live after which, decided from sequence numbers alone.

Every intent takes its app's next sequence number. A deployment also carries the number of the intent that chose its
image (`image_sequence`): its own for a push, a manual deployment, a promotion and a rollback; the live one's for a
configuration change, which keeps the image: the one that is live when it begins. Comparing image sequences is what lets
a configuration change overtake a running build without losing the push, while a rollback stops it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from slipway.core.app_settings.file_name import FILE_NAME
from slipway.core.deployment.states import MANUAL_OVERRIDES, UNFINISHED, Kind, State
from slipway.core.push import path_patterns


@dataclass(frozen=True, slots=True)
class Candidate:
    """A deployment as the ordering sees it."""

    id: int
    sequence: int
    image_sequence: int
    kind: Kind
    state: State
    frozen: bool = False
    """It is starting, and what it makes live is frozen."""


@dataclass(frozen=True, slots=True)
class LiveTree:
    """What a push is compared with: the files of what is live, as far as the app is made of them."""

    deployment: int
    commit_sha: str
    """Empty: what is live was not built from a commit, or its settings are no longer known."""
    paths: tuple[str, ...] = ()
    """The filter; empty: every file counts."""
    outdated: bool = False
    """Something else that its build took was changed since, so that equal files are no equal image."""
    unsettled: int | None = None
    """A rollback or a deployment by hand before the push that has not ended: what it will find live is not known."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a deployment goes on; if not, the state it ends in and the sentence why."""

    goes_on: bool
    end: State = State.SUPERSEDED
    why: str = ""
    remedy: str = ""
    reason: str = ""
    """Stable code, where the state alone does not say enough."""
    live: LiveTree | None = None
    """It is skipped for being the same as this: which has to be live still when that is written down."""


@dataclass(frozen=True, slots=True)
class LiveImage:
    """What serves, for whoever asks for the same once more."""

    version: str
    """The commit, or an image's digest."""
    release: int
    message: str
    kind: Kind
    serves: bool
    """A replica of it is ready."""
    outdated: bool
    """Something that a build takes was changed since."""
    leaving: bool = False
    """A deployment of something else is about to replace it."""


@dataclass(frozen=True, slots=True)
class ManualOverride:
    """The last time that somebody chose by hand what serves, and where the branch was before and after."""

    deployment: int
    kind: Kind
    heads_then: frozenset[str]
    """The branch's last commit that was reported before, and those of later pushes that were cancelled before a worker
    had compared them: each may have been the head."""
    moved_since: bool
    """The branch was at another commit since. A body that came before, come once more, does not say so."""


@dataclass(frozen=True, slots=True)
class GaveWay:
    """The newest deployment of the branch's head that was live and gave way to the release before."""

    deployment: int
    commit_sha: str
    moved_since: bool
    """The branch was at another commit since, as in `ManualOverride`."""


GOES_ON = Verdict(True)
BRANCH_GONE = "branch-gone"
"""Says nothing of its commit: the branch may come back with it."""
BRANCH_MOVED = "branch-moved"
"""A newer push came in its place, and nobody's choice: whoever wants the branch's head goes on with that."""
CHANGES_NOTHING = "changes-nothing"
"""A push was skipped by its app's paths: what is live is the same, as far as the app is made of it."""

SKIP_ASKED = "skip-asked"
"""A push was skipped because its head commit's message asks for that."""


def may_switch(candidate: Candidate, live: Candidate | None) -> Verdict:
    """May `candidate` become live now, with `live` serving? Asked in the transaction that switches."""
    if live is None or candidate.kind is Kind.CONFIGURATION:
        return GOES_ON
    if candidate.image_sequence > live.image_sequence:
        return GOES_ON
    if live.kind is Kind.ROLLBACK:
        return Verdict(False, State.CANCELLED, f"a rollback (deployment {live.id}) came after it")
    reason = BRANCH_MOVED if live.kind is Kind.PUSH else ""
    return Verdict(False, State.SUPERSEDED, f"a newer deployment ({live.id}) is live", reason=reason)


def must_refreeze(candidate: Candidate, live: Candidate | None) -> bool:
    """Has a configuration change frozen an image that is the live one no longer? To go on would lose whatever chose
    the image of now."""
    if live is None or candidate.kind is not Kind.CONFIGURATION:
        return False
    return candidate.frozen and candidate.image_sequence != live.image_sequence


def cancelled_by_rollback(rollback_sequence: int, others: list[Candidate]) -> list[Candidate]:
    """Everything unfinished that came before a rollback, which cancels it."""
    return [other for other in others if other.sequence < rollback_sequence and other.state in UNFINISHED]


def rolled_back_by(rollback: int) -> str:
    """Why what a rollback cancels has ended."""
    return f"rolled back by deployment {rollback}"


def next_to_start(waiting: list[Candidate]) -> Candidate | None:
    """Which of an app's deployments the agent rolls out now, one at a time: what is frozen is brought to its end, then
    the oldest intent follows, with what is live by then. A rollback comes before everything, since what is earlier is
    cancelled and what is later waits for it."""
    rollbacks = [each for each in waiting if each.kind is Kind.ROLLBACK]
    frozen = [each for each in waiting if each.frozen]
    return min(rollbacks or frozen or waiting, key=lambda each: each.sequence, default=None)


def push_is_stale(commit_sha: str, branch_head: str | None, live: LiveTree | None) -> Verdict:
    """A push against its branch's head at this moment. `branch_head` is None when the branch is gone.

    Arrival is not push order, and a replayed body must not downgrade: what is no longer the head is superseded by the
    push that made it so; what is live already is skipped.
    """
    if branch_head is None:
        return Verdict(False, State.SKIPPED, "the branch no longer exists", reason=BRANCH_GONE)
    if branch_head != commit_sha:
        why = f"the branch has moved on to {branch_head[:7]}"
        return Verdict(False, State.SUPERSEDED, why, reason=BRANCH_MOVED)
    if live and live.unsettled is None and live.commit_sha == commit_sha:
        return Verdict(False, State.SKIPPED, f"{commit_sha[:7]} is live already", live=live)
    return GOES_ON


def is_comparable(live: LiveTree | None) -> bool:
    """May a push be skipped for changing nothing that the app is made of? What can't be compared is deployed."""
    return live is not None and not live.outdated and live.unsettled is None and bool(live.commit_sha and live.paths)


def changes_nothing(live: LiveTree, changed: Collection[str], branch: str) -> Verdict:
    """A push that is the head of `branch`, by the files that differ between the live commit and its own. A change of
    slipway.toml may be one of the filter itself. Paths are not looked at where the branch is named by hand."""
    if FILE_NAME in changed or path_patterns.any_matches(changed, live.paths):
        return GOES_ON
    why = f"nothing under {', '.join(live.paths)} differs from what is live ({live.commit_sha[:7]})"
    remedy = f"to deploy it all the same: slipway deploy --ref {branch}"
    return Verdict(False, State.SKIPPED, why[:500], remedy=remedy, reason=CHANGES_NOTHING, live=live)


def unsettled_choice(candidate: Candidate, others: Collection[Candidate]) -> int | None:
    """An unfinished deployment before `candidate` that somebody asked for by hand, and that brings another image."""
    return next((each.id for each in _earlier(candidate, others) if each.kind in MANUAL_OVERRIDES), None)


def superseded_by_skip(candidate: Candidate, others: Collection[Candidate]) -> list[Candidate]:
    """What may not go live any more once `candidate`, its branch's head, is skipped for being live already: unfinished
    pushes before it."""
    return [each for each in _earlier(candidate, others) if each.kind is Kind.PUSH]


def _earlier(candidate: Candidate, others: Collection[Candidate]) -> list[Candidate]:
    return [each for each in others if each.sequence < candidate.sequence and each.state in UNFINISHED]


def is_stale_redelivery(commit_sha: str, choice: ManualOverride | None) -> Verdict:
    """A push of its branch's head against what was chosen by hand. A rollback stands until the branch moves:
    another report of the same head (a delivery sent again, or a body that somebody kept) does not undo it."""
    if choice is None or choice.moved_since or commit_sha not in choice.heads_then:
        return GOES_ON
    what = "a rollback" if choice.kind is Kind.ROLLBACK else "by hand"
    why = f"{commit_sha[:7]} was the branch's head before deployment {choice.deployment} ({what}), and is no new push"
    return Verdict(False, State.SKIPPED, why, remedy="to deploy it all the same: slipway deploy")


def failed_before(commit_sha: str, gave_way: GaveWay | None) -> Verdict:
    """A push of its branch's head against what was live and did not hold. Until the branch moves, only who asks for it
    by hand gets the same commit once more."""
    if gave_way is None or gave_way.moved_since or gave_way.commit_sha != commit_sha:
        return GOES_ON
    why = f"{commit_sha[:7]} was live and gave way (deployment {gave_way.deployment}), and is no new push"
    return Verdict(False, State.SKIPPED, why, remedy="to deploy it all the same: slipway deploy")


def skip_asked(mark: str, undeployed: int | None) -> Verdict:
    """A push of its branch's head whose message has a mark that asks for no deployment. `undeployed` is an earlier push
    of the branch that this one took the place of before it was live: what that one changed would be lost."""
    if not mark or undeployed is not None:
        return GOES_ON
    why = f"the message of its head commit asks for no deployment: {mark}"
    remedy = "to deploy it all the same: slipway deploy"
    return Verdict(False, State.SKIPPED, why, remedy=remedy, reason=SKIP_ASKED)


def is_redundant(kind: Kind, version: str, live: LiveImage | None) -> Verdict:
    """A deployment by hand against what is live. Only what serves with the configuration of now, and would come out the
    same, need not be made anew: what a rollback brought back has an older one, and what is about to be replaced by
    something else would not serve any more."""
    if kind is not Kind.MANUAL or live is None or live.version != version:
        return GOES_ON
    if not live.serves or live.outdated or live.leaving or live.kind is Kind.ROLLBACK:
        return GOES_ON
    why = f"{version[:7]} is live already (v{live.release})"
    return Verdict(False, State.SKIPPED, why, remedy="build it anew all the same: slipway deploy --rebuild")

"""A push, a configuration change, a rollback and a scale in every order, with the agent at work in between: what is
live in the end follows from the order in which they were asked for, however long each of them took."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest

from builder.agent.rollout import reconcile
from slipway.core.deployment.states import UNFINISHED
from slipway.domain import intents
from slipway.models import Deployment, Release, Variable
from tests.integration.agent.rig import NOT_READY, WHY, Rig

pytestmark = pytest.mark.histories

FIRST, SECOND, PUSHED = "a" * 40, "b" * 40, "c" * 40
EVENTS = ("push", "built", "change", "rollback")
ORDERS = [order for order in itertools.permutations(EVENTS) if order.index("push") < order.index("built")]


@dataclass(frozen=True)
class Outcome:
    """What serves."""

    commit: str
    digest: str
    chosen_by: str
    variable: str
    replicas: int


def test_what_is_live_in_the_end_follows_from_the_order_of_intents(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "_ROUNDS", 10)  # asked without end, what is slow gets no readier
    wrong = {order: found for order, found in _runs(rig) if found != _expected(order)}
    assert not wrong


def _runs(rig: Rig) -> Iterator[tuple[Sequence[str], Outcome]]:
    """From the second event on nothing that begins gets ready before all have happened."""
    for number, order in enumerate(ORDERS):
        yield order, Story(rig, f"app-{number}").outcome_of([order[0], "slow", *order[1:], "scale"])


def _expected(order: Sequence[str]) -> Outcome:
    pushed, changed, went_back = (order.index(name) for name in ("push", "change", "rollback"))
    commit, chosen_by = (PUSHED, "push") if pushed > went_back else (FIRST, "rollback")
    variable = "new" if max(pushed, changed) > went_back else "old"
    return Outcome(commit, f"sha256:{commit[:7]}", chosen_by, variable, replicas=2)


class Story:
    """One app, live with its second release, and what happens to it."""

    def __init__(self, rig: Rig, name: str) -> None:
        self._rig = rig
        rig.prober.errors.clear()
        self._app = rig.add_app(name)
        self._set("old")
        for commit in (FIRST, SECOND):
            rig.live(self._app, commit)
        self._asked: dict[str, Deployment] = {}
        self._do: dict[str, Callable[[], None]] = {
            "push": self._push,
            "built": self._built,
            "change": self._change,
            "rollback": self._roll_back,
            "slow": lambda: rig.prober.errors.update({"*": NOT_READY}),
            "scale": lambda: rig.intend(self._app, intents.scale, replicas=2),
        }

    def outcome_of(self, events: Sequence[str]) -> Outcome:
        for event in events:
            self._do[event]()
            self._rig.settle(self._app)
        self._rig.prober.errors.clear()
        while self._rig.settle(self._app) is not None and self._unfinished():
            pass
        return self._outcome()

    def _push(self) -> None:
        self._asked["push"] = self._rig.building(self._app, PUSHED)

    def _built(self) -> None:
        self._rig.build_ends(self._asked["push"])

    def _change(self) -> None:
        self._set("new")
        self._asked["change"] = self._rig.intend(self._app, intents.reconfigure, what="V set", actor="a test")

    def _roll_back(self) -> None:
        self._asked["rollback"] = self._rig.intend(self._app, intents.rollback, to=1, actor="a test")

    def _set(self, value: str) -> None:
        place = (self._rig.tenant_id, self._app.id, "production", "V")
        with self._rig.db.write(platform=WHY) as session:
            row = session.query(Variable).filter_by(app_id=self._app.id, name="V").one_or_none()
            row = row or Variable(tenant_id=self._rig.tenant_id, app_id=self._app.id, name="V", scope="run")
            row.sealed = self._rig.vault.seal(value, *place)
            session.add(row)

    def _unfinished(self) -> list[Deployment]:
        return [row for row in self._rig.all(Deployment, app_id=self._app.id) if row.state in UNFINISHED]

    def _outcome(self) -> Outcome:
        assert not self._unfinished()
        [live] = self._rig.all(Deployment, app_id=self._app.id, state="live")
        [release] = self._rig.all(Release, id=live.release_id)
        assert release.commit_sha == live.commit_sha
        chosen_by = {row.sequence: name for name, row in self._asked.items()}
        sealed = release.configuration["variables"]["V"]
        place = (self._rig.tenant_id, self._app.id, "production", "V")
        served = [row for row in self._rig.replicas(self._app) if row.address in self._rig.addresses(self._app)]
        assert {row.release_id for row in served} == {release.id}
        return Outcome(
            commit=live.commit_sha,
            digest=release.digest,
            chosen_by=chosen_by.get(live.image_sequence, "nobody"),
            variable=self._rig.vault.open(sealed, *place),
            replicas=len(served),
        )

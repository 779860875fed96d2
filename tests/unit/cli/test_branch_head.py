"""`slipway deploy` alone: what it follows, what it deploys, and of which commit it says that it is live."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from slipway import cli
from slipway.cli.checkout import branch_head
from slipway.cli.invocation import Invocation
from slipway.cli.streams import watching
from slipway.core.deployment.ordering import CHANGES_NOTHING
from tests.unit.cli.api_stand_in import client
from tests.unit.cli.documents import COMMIT, OLD, deployment, live, step

HEAD = COMMIT
NEWER = "c0ffee0" + "0" * 33


@dataclass
class Platform:
    """An app, its branch, and what it was deployed; `moves` are what happens between one look and the next."""

    head: str | None = HEAD
    delivered: bool = True
    hook: str | None = "h1"
    image: str = ""
    deployments: list[dict[str, Any]] = field(default_factory=list)
    moves: list[Any] = field(default_factory=list)
    posted: list[dict[str, Any]] = field(default_factory=list)
    unreadable: bool = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api")
        if request.method == "POST":
            return httpx.Response(202, json=self._post(json.loads(request.content)))
        if path == "/apps/shop/head":
            return self._head()
        if path == "/apps/shop/deployments":
            return httpx.Response(200, json={"deployments": self._looked_at()})
        if path.startswith("/deployments/"):
            number = int(path.rpartition("/")[2])
            return httpx.Response(200, json=next(each for each in self._looked_at() if each["id"] == number))
        return httpx.Response(
            200, json={"name": "shop", "image": self.image, "branch": "main", "urls": [], "replicas": {"wanted": 1}}
        )

    def change(self, number: int, **values: Any) -> None:
        next(each for each in self.deployments if each["id"] == number).update(values)

    def add(self, number: int, **values: Any) -> None:
        """A deployment that came after the others."""
        self.deployments.insert(0, deployment(id=number, **values))

    def _looked_at(self) -> list[dict[str, Any]]:
        found = [dict(each) for each in self.deployments]
        if self.moves:
            self.moves.pop(0)()
        return found

    def _post(self, values: dict[str, Any]) -> dict[str, Any]:
        self.posted.append(values)
        ref = values.get("ref", self.image or "refs/heads/main")
        self.add(900 + len(self.posted), kind="manual", ref=ref, commit="")
        return self.deployments[0]

    def _head(self) -> httpx.Response:
        if self.unreadable:
            return httpx.Response(422, json={"detail": "the repository can't be read.", "status": 422})
        head = {"ref": "refs/heads/main", "commit": self.head, "delivered": self.delivered, "hook": self.hook}
        return httpx.Response(200, json=head)


def goes_live(platform: Platform, number: int, commit: str = HEAD) -> None:
    done = live(id=number, commit=commit, serving={"id": number, "release": 12, "commit": commit, "digest": ""})
    platform.change(number, **{name: done[name] for name in ("state", "steps", "live_at", "commit", "serving")})


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture(autouse=True)
def signed_in(monkeypatch: pytest.MonkeyPatch, platform: Platform) -> Iterator[None]:
    """Asks as fast as it can, and waits for no delivery longer than a test does."""
    made = client(platform.answer)
    monkeypatch.setattr(Invocation, "client", property(lambda _self: made))
    for module in (watching, branch_head):
        monkeypatch.setattr(module, "_ASK_S", 0.0)
    monkeypatch.setattr(branch_head, "DELIVERY_WAIT_S", 0.2)
    yield
    made.close()


def deploy(*arguments: str) -> Result:
    return CliRunner().invoke(cli.slipway, ["deploy", "-a", "shop", "--timeout", "5", *arguments])


def test_the_push_of_the_head_is_followed(platform: Platform) -> None:
    platform.add(317, commit=HEAD, state="building")
    platform.add(318, kind="configuration", commit=OLD, state="starting")
    platform.moves = [lambda: None, lambda: goes_live(platform, 317)]
    done = deploy("--watch")
    assert (done.exit_code, platform.posted) == (0, [])
    assert f'shop  {HEAD[:7]} "Fix the cart total"' in done.output


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "configuration", "commit": OLD, "state": "starting"},
        {"kind": "configuration", "commit": HEAD, "state": "starting"},
        {"kind": "push", "commit": OLD, "state": "building"},
        {"kind": "manual", "commit": "", "ref": "v1.2"},
        {"kind": "rollback", "commit": HEAD},
    ],
)
def test_what_will_not_deploy_the_head_is_not_followed(platform: Platform, other: dict[str, Any]) -> None:
    platform.add(317, **other)
    platform.moves = [lambda: None, lambda: goes_live(platform, 901)]
    done = deploy("--watch")
    assert (done.exit_code, platform.posted) == (0, [{}])


def test_one_by_hand_that_has_yet_to_look_its_branch_up_is_followed(platform: Platform) -> None:
    platform.add(317, kind="manual", commit="")
    assert "Deployment 317 is queued" in deploy().output
    assert platform.posted == []


def test_right_after_a_push_its_delivery_is_waited_for_and_that_is_said(platform: Platform) -> None:
    platform.delivered = False
    platform.moves = [
        lambda: platform.add(318, commit=HEAD),
        lambda: goes_live(platform, 318),
    ]
    done = deploy("--watch")
    assert (done.exit_code, platform.posted) == (0, [])
    assert f"Waiting up to 0.2 s for the delivery of {HEAD[:7]}" in done.stderr


def test_a_delivery_that_does_not_come_is_not_waited_for_for_ever(platform: Platform) -> None:
    platform.delivered = False
    done = deploy()
    assert platform.posted == [{}]
    assert "deploying it by hand" in done.stderr
    assert "slipway hooks deliveries h1" in done.stderr


@pytest.mark.parametrize(
    "values", [{"hook": None, "delivered": False}, {"delivered": True}, {"head": None, "delivered": False}]
)
def test_without_a_delivery_to_come_nothing_is_waited_for(platform: Platform, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(platform, name, value)
    assert "Waiting" not in deploy().stderr
    assert platform.posted == [{}]


def test_a_head_that_is_live_is_not_waited_for_either(platform: Platform) -> None:
    platform.delivered = False
    platform.add(317, commit=HEAD)
    goes_live(platform, 317)
    assert "Waiting" not in deploy().stderr
    assert platform.posted == [{}], "whether it would come out the same is for a worker to say"


def test_what_is_superseded_is_followed_by_what_makes_the_new_head_live(platform: Platform) -> None:
    def superseded() -> None:
        platform.change(
            317, state="superseded", reason="branch-moved", detail=f"the branch has moved on to {NEWER[:7]}"
        )
        platform.head = NEWER
        platform.add(318, commit=NEWER)

    platform.add(317, commit=HEAD, state="building")
    platform.moves = [lambda: None, superseded, lambda: None, lambda: None, lambda: goes_live(platform, 318, NEWER)]
    done = deploy("--watch")
    assert (done.exit_code, platform.posted) == (0, [])
    assert "Deployment 317 (9f3c1e2) ended as superseded" in done.stderr
    headings = [line for line in done.stdout.splitlines() if line.startswith("shop  ")]
    assert [line.split()[1] for line in headings] == [HEAD[:7], NEWER[:7]]
    assert done.stdout.splitlines()[-1].startswith("live")


def test_a_push_that_was_skipped_while_its_commit_is_not_live_is_deployed_by_hand(platform: Platform) -> None:
    def skipped() -> None:
        serving = {"id": 316, "release": 3, "commit": OLD, "digest": ""}
        platform.change(317, state="skipped", reason="skipped", detail="it is no new push", serving=serving)

    platform.add(317, commit=HEAD, state="fetching")
    platform.moves = [lambda: None, skipped, lambda: None, lambda: None, lambda: goes_live(platform, 901)]
    assert (deploy("--watch").exit_code, platform.posted) == (0, [{}])


def test_a_push_that_was_skipped_because_it_is_live_is_done(platform: Platform) -> None:
    def skipped() -> None:
        serving = {"id": 316, "release": 3, "commit": HEAD, "digest": ""}
        platform.change(317, state="skipped", reason="skipped", detail="9f3c1e2 is live already", serving=serving)

    platform.add(316, commit=HEAD)
    goes_live(platform, 316)
    platform.add(317, commit=HEAD, state="fetching")
    platform.moves = [lambda: None, skipped]
    assert (deploy("--watch").exit_code, platform.posted) == (0, [])


def without_changes(platform: Platform, number: int) -> None:
    """The app's paths skip the push; OLD serves."""
    serving = {"id": 316, "release": 3, "commit": OLD, "digest": ""}
    why = "nothing under api/** differs from what is live (77ab0d1)"
    remedy = "to deploy it all the same: slipway deploy -a shop --ref main"
    ended = {"detail": why, "remedy": remedy, "ended_at": datetime.now(UTC).isoformat()}
    platform.change(number, state="skipped", reason=CHANGES_NOTHING, serving=serving, **ended)


@pytest.mark.parametrize(
    ("had_ended", "watch"),
    [(True, []), (True, ["--watch"]), (False, ["--watch"])],
    ids=["unwatched", "ended", "under way"],
)
def test_a_push_whose_head_changes_nothing_of_the_app_is_done_and_says_how_to_deploy_it(
    platform: Platform, watch: list[str], *, had_ended: bool
) -> None:
    platform.add(316, commit=OLD)
    goes_live(platform, 316, OLD)
    platform.add(317, commit=HEAD, state="fetching")
    if had_ended:
        without_changes(platform, 317)
    platform.moves = [lambda: None, lambda: without_changes(platform, 317)]
    done = deploy(*watch)
    assert (done.exit_code, platform.posted) == (0, [])
    assert "v3 77ab0d1 serves it, as far as the app is made of it" in done.stderr
    assert "to deploy it all the same: slipway deploy -a shop --ref main" in done.output
    assert "Going on" not in done.output


def test_a_head_that_a_push_without_changes_is_no_longer_is_gone_on_with(platform: Platform) -> None:
    def skipped() -> None:
        without_changes(platform, 317)
        platform.head = NEWER
        platform.add(318, commit=NEWER)

    platform.add(316, commit=OLD)
    goes_live(platform, 316, OLD)
    platform.add(317, commit=HEAD, state="fetching")
    platform.moves = [lambda: None, skipped, lambda: None, lambda: None, lambda: goes_live(platform, 318, NEWER)]
    done = deploy("--watch")
    assert (done.exit_code, platform.posted) == (0, [])
    assert "serves it" not in done.stderr


@pytest.mark.parametrize("since", ["another deployment", "a minute"])
def test_a_push_without_changes_is_shown_only_while_nothing_came_after_it(platform: Platform, since: str) -> None:
    platform.add(317, commit=HEAD)
    without_changes(platform, 317)
    if since == "a minute":
        platform.change(317, ended_at="2020-01-01T12:00:00Z")
    else:
        platform.add(318, commit=OLD, kind="configuration")
        goes_live(platform, 318, OLD)
    deploy()
    assert platform.posted == [{}]


def test_what_somebodys_choice_superseded_ends_there_and_says_why(platform: Platform) -> None:
    why = "a newer deployment (318) is live"
    platform.add(317, commit=HEAD, state="building")
    platform.moves = [
        lambda: None,
        lambda: platform.change(317, state="superseded", reason="superseded", detail=why),
    ]
    done = deploy("--watch")
    assert (done.exit_code, platform.posted) == (1, [])
    assert why in done.output


def test_what_is_being_cancelled_is_not_followed(platform: Platform) -> None:
    platform.add(317, commit=HEAD, state="building", stopping=True)
    platform.moves = [lambda: None, lambda: goes_live(platform, 901)]
    assert (deploy("--watch").exit_code, platform.posted) == (0, [{}])


def watched(platform: Platform, number: int, kind: str = "push") -> None:
    """The head is live, and may give way."""
    platform.add(number, commit=HEAD, kind=kind)
    goes_live(platform, number)
    steps = [*live()["steps"][:-1], step("watch", None, ok=None, note="for 10 s; v11 stands by")]
    platform.change(number, steps=steps)


def gives_way(platform: Platform, number: int) -> None:
    note = "replica web.1 ended with exit code 3"
    steps = [*live()["steps"][:-1], step("watch", 4.0, ok=False, note=note)]
    platform.change(number, state="failed", reason="start-crashed", detail=note, steps=steps)


def holds(platform: Platform, number: int) -> None:
    platform.change(number, steps=[*live()["steps"][:-1], step("watch", 10.0)])


@pytest.mark.parametrize(("then", "code"), [(gives_way, 1), (holds, 0)])
def test_a_head_that_is_live_but_still_watched_is_followed(platform: Platform, then: Any, code: int) -> None:
    watched(platform, 317)
    platform.moves = [lambda: None, lambda: then(platform, 317)]
    done = deploy("--watch")
    assert (done.exit_code, platform.posted) == (code, [])
    assert ("exit code 3" in done.output) is (code == 1)


@pytest.mark.parametrize(("then", "code"), [(gives_way, 1), (holds, 0)])
@pytest.mark.parametrize("meanwhile", [False, True])
def test_after_a_skip_what_serves_is_followed_while_it_is_watched(
    platform: Platform, then: Any, code: int, *, meanwhile: bool
) -> None:
    """Also where its watch ends between the skip and the next look."""

    def skipped() -> None:
        serving = {"id": 316, "release": 12, "commit": HEAD, "digest": ""}
        platform.change(901, state="skipped", commit=HEAD, detail="9f3c1e2 is live already", serving=serving)

    watched(platform, 316, "configuration")
    later = [] if meanwhile else [lambda: None]
    platform.moves = [lambda: None, skipped, *later, lambda: then(platform, 316)]
    done = deploy("--watch")
    assert (done.exit_code, platform.posted) == (code, [{}])


@pytest.mark.parametrize("state", ["cancelled", "failed"])
def test_what_somebody_stopped_or_what_fails_is_not_begun_again(platform: Platform, state: str) -> None:
    platform.add(317, commit=HEAD, state="building")
    platform.moves = [lambda: None, lambda: platform.change(317, state=state, reason=state)]
    assert (deploy("--watch").exit_code, platform.posted) == (1, [])


@pytest.mark.parametrize(("commit", "posted"), [(HEAD, []), (OLD, [{}])])
def test_only_the_heads_own_failure_just_now_is_shown_instead(
    platform: Platform, commit: str, posted: list[dict[str, Any]]
) -> None:
    platform.add(317, commit=commit, state="failed", reason="build-failed", ended_at=datetime.now(UTC).isoformat())
    done = deploy()
    assert platform.posted == posted
    assert ("The push has just failed" in done.stderr) is (not posted)


def test_a_head_that_can_not_be_asked_for_is_deployed_by_hand_and_that_is_said(platform: Platform) -> None:
    platform.unreadable = True
    platform.add(317, commit=OLD, state="building")
    done = deploy()
    assert platform.posted == [{}]
    assert "The head of main could not be asked for (the repository can't be read): deploying by hand." in done.stderr


@pytest.mark.parametrize(
    ("values", "posted"),
    [
        ({"digest": "", "state": "queued"}, []),
        ({"digest": "sha256:1", "state": "fetching"}, [{}]),
        ({"digest": "", "ref": "registry.example/shop:2"}, [{}]),
    ],
)
def test_of_an_image_only_what_has_yet_to_look_its_tag_up_is_followed(
    platform: Platform, values: dict[str, Any], posted: list[dict[str, Any]]
) -> None:
    platform.image = "registry.example/shop:1"
    platform.add(317, **{"kind": "manual", "source": "image", "commit": "", "ref": platform.image} | values)
    deploy()
    assert platform.posted == posted


def test_what_is_named_is_deployed_whatever_is_under_way(platform: Platform) -> None:
    platform.add(317, commit=HEAD, state="building")
    deploy("--ref", "v1.2")
    assert platform.posted == [{"ref": "v1.2"}]

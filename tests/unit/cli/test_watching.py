"""Following a deployment: what is printed when, and with which code it ends."""

from __future__ import annotations

import json

import click
import httpx
import pytest

from slipway.cli.exit_codes import ApiAbsent, ApiProblem, Exit, WaitedTooLong
from slipway.cli.invocation import Invocation
from slipway.cli.output import Output
from slipway.cli.streams import watching
from slipway.cli.streams.following import follow, follow_change
from slipway.cli.streams.watching import Screen, code_of, watch
from tests.unit.cli.api_stand_in import answering, client
from tests.unit.cli.documents import COMMIT, OLD, deployment, failed, live, step

PATH = "/api/deployments/318"
AWAY = httpx.Response(503, json={"detail": "The platform's own service did not answer.", "status": 503})


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks as fast as it can."""
    monkeypatch.setattr(watching, "_ASK_S", 0.0)


def test_a_line_a_step_in_order_and_none_twice(capsys: pytest.CaptureFixture[str]) -> None:
    steps = live()["steps"]
    moves = [
        deployment(state="fetching", steps=[step("fetch", None, ok=None)]),
        deployment(state="building", steps=[*steps[:1], step("build", None, ok=None)]),
        deployment(state="building", steps=[*steps[:1], step("build", None, ok=None)]),
        live(steps=[*steps[:4], step("drain", None, ok=None)]),
        live(),
    ]
    code = code_of(watch(client(answering(moves, PATH)), Output(), deployment(), timeout_s=60))
    lines = capsys.readouterr().out.splitlines()
    assert code == Exit.DONE
    assert [line.split()[0] for line in lines] == ["shop", "✔", "✔", "✔", "✔", "✔", "live"]
    assert [line.split()[1] for line in lines[1:6]] == ["fetch", "build", "start", "switch", "drain"]


def test_a_notice_is_shown_once_when_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    steps, notices = live()["steps"], ["Volume data (/data) is shared: …"]
    moves = [
        deployment(state="fetching", steps=steps[:1]),
        *[deployment(state="starting", steps=steps[:2], notices=notices)] * 3,
        live(notices=notices),
    ]
    watch(client(answering(moves, PATH)), Output(), deployment(), timeout_s=60)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["shop", "✔", "✔", "!", "✔", "✔", "✔", "live"]
    assert lines[3] == "  ! Volume data (/data) is shared: …"


def test_a_failure_ends_with_what_to_do_and_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    ended = watch(client(answering([failed()])), Output(), deployment(), timeout_s=60)
    assert code_of(ended) == Exit.FAILED
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].startswith("  ✘ start")
    assert lines[-1] == "Error start-probe-failed · deployment 318"


def test_one_that_was_live_and_gave_way_ends_as_failed(capsys: pytest.CaptureFixture[str]) -> None:
    steps = live()["steps"][:4]
    output = "replica web.1 ended with exit code 3, 3.1 s after it went live; v1 serves again"
    moves = [
        live(steps=[*steps, step("watch", None, ok=None, note="for 10 s; v1 stands by")]),
        failed(steps=[*steps, step("watch", 3.1, ok=False, note=output)], reason="start-crashed", detail=output),
    ]
    ended = watch(client(answering(moves, PATH)), Output(), deployment(), timeout_s=60)
    assert code_of(ended) == Exit.FAILED
    lines = capsys.readouterr().out.splitlines()
    assert f"  ✘ watch        3.1 s   {output}" in lines
    assert lines[-1] == "Error start-crashed · deployment 318"
    assert not [line for line in lines if line.startswith("live")]


@pytest.mark.parametrize(("state", "code"), [("skipped", 1), ("superseded", 1), ("cancelled", 1), ("retired", 0)])
def test_the_code_says_whether_what_was_asked_for_holds(state: str, code: int) -> None:
    ended = deployment(state=state, reason=state)
    assert code_of(watch(client(answering([ended])), Output(), deployment(), timeout_s=60)) == code


@pytest.mark.parametrize(("commit", "code"), [(COMMIT, 0), (OLD, 1)])
def test_what_was_skipped_holds_only_where_it_is_live(commit: str, code: int) -> None:
    ended = deployment(state="skipped", serving={"id": 1, "release": 1, "commit": commit, "digest": ""})
    assert code_of(watch(client(answering([ended])), Output(), deployment(), timeout_s=60)) == code


def test_the_address_is_that_of_the_app(capsys: pytest.CaptureFixture[str]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        app = {"urls": ["https://shop.example.org/"], "replicas": {"wanted": 1, "ready": 1}}
        return httpx.Response(200, json=app if request.url.path == "/api/apps/shop" else live())

    watch(client(answer), Output(), deployment(), timeout_s=60)
    assert "live  v12  https://shop.example.org/   13.6 s from push" in capsys.readouterr().out


def test_json_is_one_document_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    moves = [deployment(state="building", steps=[step("fetch", 0.4)]), live()]
    call = Invocation(Output(as_json=True))
    call.signed_in_as(client(answering(moves)))
    with pytest.raises(SystemExit) as ended:
        follow(call, deployment(), wanted=True, timeout_s=60)
    assert (ended.value.code, json.loads(capsys.readouterr().out)) == (Exit.DONE, live())


def test_a_change_is_followed_as_its_deployment_is(capsys: pytest.CaptureFixture[str]) -> None:
    changed = {"changed": ["A"], "deployment": deployment(kind="configuration")}
    for as_json in (False, True):
        call = Invocation(Output(as_json=as_json), "shop")
        call.signed_in_as(client(answering([failed()])))
        with pytest.raises(SystemExit) as ended:
            follow_change(call, changed, "Set A on shop.", wanted=True, timeout_s=60)
        assert ended.value.code == Exit.FAILED
        output = capsys.readouterr().out
        if as_json:
            assert json.loads(output) == changed | {"deployment": failed()}
        else:
            assert output.splitlines()[0] == "Set A on shop. Restarting without downtime:"
            assert output.splitlines()[-1] == "Error start-probe-failed · deployment 318"


def test_a_change_without_a_deployment_has_nothing_to_follow(capsys: pytest.CaptureFixture[str]) -> None:
    follow_change(Invocation(Output(), "shop"), {"deployment": None}, "Set A on shop.", wanted=True, timeout_s=60)
    output = capsys.readouterr().out
    assert output == "Set A on shop. In force with the next deployment: slipway deploy -a shop\n"


def test_an_absence_of_the_api_is_waited_out() -> None:
    broken = [AWAY, httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.ReadError("cut")]
    ended = watch(client(answering([*broken, live()], PATH)), Output(), deployment(), timeout_s=60)
    assert code_of(ended) == Exit.DONE


def test_an_absence_that_lasts_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_ABSENCE_S", 0.0)
    with pytest.raises(ApiAbsent):
        watch(client(answering([AWAY])), Output(), deployment(), timeout_s=60)


def test_a_token_that_was_revoked_meanwhile_is_an_error_at_once() -> None:
    refused = httpx.Response(401, json={"detail": "This token is not known.", "status": 401})
    with pytest.raises(ApiProblem, match="not known"):
        watch(client(answering([refused])), Output(), deployment(), timeout_s=60)


def test_waiting_ends_in_time_and_says_that_the_deployment_goes_on() -> None:
    with pytest.raises(WaitedTooLong, match="still building after 0 s; it goes on") as late:
        watch(client(answering([deployment(state="building")])), Output(), deployment(state="building"), timeout_s=0)
    assert late.value.remedy == "slipway deployments show 318 --watch"


def test_the_heading_waits_for_the_commit(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(Output(), spins=False)
    screen.update(deployment(commit="", message=""))
    assert capsys.readouterr().out == ""
    screen.update(deployment())
    screen.update(deployment())
    assert capsys.readouterr().out.count("Fix the cart total") == 1


def test_the_running_step_spins_below_and_is_wiped_for_the_next_line(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(Output(), spins=True)
    screen.update(deployment(steps=[step("build", None, ok=None, note="3 of 9 steps")]))
    capsys.readouterr()
    screen.turn()
    first = capsys.readouterr().out
    assert click.unstyle(first).split()[1] == "build"
    assert first.endswith("3 of 9 steps")
    assert "\n" not in first
    screen.turn()
    assert capsys.readouterr().out.startswith("\r\x1b[2K")
    screen.update(deployment(steps=[step("build", 11.8)]))
    assert capsys.readouterr().out.startswith("\r\x1b[2K  ✔ build")
    screen.wipe()
    assert capsys.readouterr().out == ""


def test_that_it_is_live_stands_below_while_the_old_replicas_drain(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(Output(), spins=True)
    screen.update(live(steps=[*live()["steps"][:4], step("drain", None, ok=None, note="3 old replicas")]))
    screen.footer = "live  https://shop.example.org/"
    capsys.readouterr()
    screen.turn()
    turning, below = capsys.readouterr().out.split("\n")
    assert turning.endswith("3 old replicas")
    assert below == screen.footer
    screen.update(live())
    assert capsys.readouterr().out.startswith("\r\x1b[2K\x1b[1A\x1b[2K  ✔ drain")


def test_what_waits_for_a_worker_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(Output(), spins=True)
    screen.update(deployment(commit=""))
    screen.turn()
    assert "waits for a worker" in capsys.readouterr().out


def test_nothing_turns_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(Output(), spins=False)
    screen.update(deployment(steps=[step("build", None, ok=None)]))
    capsys.readouterr()
    screen.turn()
    assert capsys.readouterr().out == ""

"""Page, API and command say the same of the same thing: its state, its words, and what is wrong with a request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from slipway.core.deployment.app_state import AppState
from slipway.core.deployment.states import State
from slipway.models import App, Replica, Scale
from tests.fixtures.console import OWN_PAGE, Browser, Page
from tests.fixtures.releases import make_live
from tests.integration.cli.rig import Platform, User

PROBE_FAILED = {
    "reason": "start-probe-failed",
    "detail": "GET :8080/health answered 500 (6 tries)",
    "remedy": "slipway env set DATABASE_URL=…",
    "tail": "KeyError: 'DATABASE_URL'",
}


@pytest.fixture
def browser(platform: Platform, slipway: User, tenant: str) -> Browser:
    """The same owner's."""
    return Browser(platform.api, slipway.token)


def _fail(platform: Platform, slipway: User, app: str) -> int:
    number = int(slipway("deploy", "-a", app, "--no-watch", "--json").json["id"])
    platform.advance(number, State.FETCHING)
    platform.advance(number, State.FAILED, **PROBE_FAILED)
    return number


def _change(platform: Platform, app: str, state: AppState) -> None:
    """What makes a live app one of this state."""
    with platform.api.services.db.write(platform="a test's agent") as session:
        row = session.query(App).filter_by(name=app).one()
        if state is AppState.STOPPED:
            session.query(Scale).filter_by(app_id=row.id).one().replicas = 0
        for replica in session.query(Replica).filter_by(app_id=row.id):
            replica.state = "crashed" if state is AppState.FAILED else replica.state


def _in_state(platform: Platform, slipway: User, app: str, state: AppState) -> None:
    if state is AppState.DEPLOYING:
        slipway("deploy", "-a", app, "--no-watch")
    elif state is not AppState.EMPTY:
        make_live(platform.api.services.db, app, ready=1)
        _change(platform, app, state)


def _shown(page: Page) -> list[str]:
    return [each.lower() for each in page.text.split()]


@pytest.mark.parametrize("state", list(AppState))
def test_an_apps_state_is_one_word(
    platform: Platform, slipway: User, browser: Browser, app: str, state: AppState
) -> None:
    _in_state(platform, slipway, app, state)

    document = slipway("apps", "show", app, "--json").json
    listed = slipway("apps").out

    assert document["state"] == state
    assert f"{state} " in listed
    assert state in _shown(Page(browser.get(f"/apps/{app}").text))
    assert state in _shown(Page(browser.get("/").text))


def test_a_failed_deployment_has_one_reason_one_remedy_and_one_number(
    platform: Platform, slipway: User, browser: Browser, app: str
) -> None:
    number = _fail(platform, slipway, app)

    document = browser.get(f"/api/deployments/{number}").json
    page = Page(browser.get(f"/deployments/{number}").text).text
    said = slipway("deployments", "show", str(number)).out

    assert document is not None
    assert document["state"] == "failed"
    assert document["detail"] == PROBE_FAILED["detail"]
    for name in (*PROBE_FAILED, "meaning"):
        assert document[name][1:] in page, name
        assert document[name] in said, name


@pytest.mark.parametrize("state", [State.QUEUED, State.FETCHING, State.BUILDING, State.STARTING, State.CANCELLED])
def test_a_deployments_state_is_one_word(
    platform: Platform, slipway: User, browser: Browser, app: str, state: State
) -> None:
    number = int(slipway("deploy", "-a", app, "--no-watch", "--json").json["id"])
    way = (State.FETCHING, State.BUILDING, State.STARTING)
    for each in () if state is State.QUEUED else (*way[: way.index(state)], state) if state in way else (state,):
        platform.advance(number, each)

    assert slipway("deployments", "show", str(number), "--json").json["state"] == state
    assert f"{state} " in slipway("deployments", "-a", app).out
    assert state in _shown(Page(browser.get(f"/deployments/{number}").text))
    assert state in _shown(Page(browser.get(f"/apps/{app}").text))


@pytest.mark.parametrize(
    ("request_", "form", "words"),
    [
        (("PUT", "scale", {"replicas": 999}), ("scale", {"replicas": "999"}), ("scale", "999")),
        (("POST", "domains", {"host": "no host"}), ("domains", {"host": "no host"}), ("domains", "add", "no host")),
        (("POST", "rollback", {}), ("rollback", {}), ("rollback", "--no-watch")),
        (("GET", "nothing-here", None), ("nothing-here", None), None),
    ],
    ids=["too many replicas", "no host name", "nothing to go back to", "no such page"],
)
def test_a_refusal_has_one_text_and_one_code(
    slipway: User,
    browser: Browser,
    app: str,
    request_: tuple[str, str, Any],
    form: tuple[str, dict[str, str] | None],
    words: tuple[str, ...] | None,
) -> None:
    method, path, body = request_
    answer = browser.api.client.open(
        f"/api/apps/{app}/{path}", method=method, json=body, headers={"Authorization": f"Bearer {slipway.token}"}
    )
    assert answer.json is not None
    at_page, fields = form
    tenant = app.removeprefix("shop-")
    page = browser.call(
        "GET" if fields is None else "POST",
        f"/apps/{app}/{at_page}",
        {**fields, "tenant": tenant} if fields is not None else None,
        headers=OWN_PAGE,
    )
    text = Page(page.text).text

    assert answer.status_code == page.status_code >= 400
    assert answer.json["code"] in text
    assert answer.json["detail"][1:] in text
    if words:
        assert answer.json["detail"] in slipway.run(*words, "-a", app).err
        problem = json.loads(slipway.run(*words, "-a", app, "--json").err)
        assert (problem["code"], problem["detail"]) == (answer.json["code"], answer.json["detail"])


def test_what_a_viewer_may_not_do_is_refused_in_one_text(
    platform: Platform, slipway: User, viewer: User, app: str, tenant: str
) -> None:
    document = slipway.platform.api.client.delete(
        f"/api/apps/{app}", headers={"Authorization": f"Bearer {viewer.token}", "X-Slipway-Confirm": app}
    )
    page = Browser(platform.api, viewer.token).send(
        f"/apps/{app}/delete", {"confirmed": app, "tenant": tenant}, status=403
    )
    said = viewer.run("apps", "delete", app, "--confirm", app)

    assert document.status_code == 403
    assert document.json is not None
    assert document.json["detail"][1:] in Page(page.text).text
    assert document.json["detail"] in said.err
    with platform.api.services.db.read(platform="a test looks") as session:
        assert session.query(App).filter_by(name=app, deleted_at=None).one()

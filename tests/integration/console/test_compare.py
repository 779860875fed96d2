"""Two answers beside each other: what differs, what is the same, and whose answers nobody else gets at."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text as sql

from slipway.core.access.roles import Role
from tests.fixtures.api import Api
from tests.fixtures.console import Browser, Page
from tests.integration.console.edge_listener import Listener
from tests.integration.console.test_pages import HOSTILE
from tests.integration.console.trying import TRY, api, edge, send

__all__ = ["api", "edge"]
COMPARE = f"{TRY}/compare"


def answer(body: str | bytes = "", *headers: str, status: str = "200 OK", kind: str = "text/plain") -> bytes:
    content = body.encode() if isinstance(body, str) else body
    head = (f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(content)}", *headers)
    return "\r\n".join((*head, "", "")).encode() + content


def tried(browser: Browser, edge: Listener, *answers: bytes) -> list[int]:
    """The numbers of requests that were answered with those."""
    for each in answers:
        edge.answer = each
        send(browser)
    return numbers(browser)[: len(answers)][::-1]


def numbers(browser: Browser) -> list[int]:
    """Of what the caller may compare, the newest first."""
    options = [each["value"] for each in Page(browser.get(COMPARE).text).all("option")]
    return [int(each or "") for each in options[: len(options) // 2]]


def address(first: object, second: object) -> str:
    return f"{COMPARE}?first={first}&second={second}"


def compared(browser: Browser, edge: Listener, first: bytes, second: bytes) -> Page:
    return Page(browser.get(address(*tried(browser, edge, first, second))).text)


def test_statuses_replicas_times_and_sizes_stand_beside_each_other(browser: Browser, edge: Listener, shop: int) -> None:
    one = answer("hello", "X-Slipway-Target: shop-web-1", "X-Slipway-App-S: 0.012", "X-Slipway-Edge-S: 0.003")
    other = answer("goodbye", "X-Slipway-Target: shop-web-2", "X-Slipway-App-S: 0.5", status="500 Oh no")
    page = compared(browser, edge, one, other)
    assert "Status 200 OK 500 Oh no" in page.text
    assert "Replica shop-web-1 shop-web-2" in page.text
    assert "At the edge 3.0 ms –" in page.text
    assert "In the app 12 ms 500 ms" in page.text
    assert "Size of the body 5 B 7 B" in page.text


def test_headers_that_differ_are_listed_and_the_others_are_not(browser: Browser, edge: Listener, shop: int) -> None:
    one = answer("", "X-Gone: old", "X-Own: 1", "Vary: a", "X-Same: equal")
    other = answer("", "X-New: new", "x-own: 2", "Vary: a", "Vary: b", "x-same: equal")
    page = compared(browser, edge, one, other)
    assert "X-Gone removed old not there" in page.text
    assert "X-New added not there new" in page.text
    assert "X-Own changed 1 2" in page.text
    assert "Vary changed a a b" in page.text
    assert "equal" not in page.text


def test_bodies_are_a_unified_diff(browser: Browser, edge: Listener, shop: int) -> None:
    lines = [f"line {number}" for number in range(20)]
    page = compared(browser, edge, answer("\n".join(lines)), answer("\n".join([*lines[:10], "new", *lines[11:]])))
    assert "@@ -8,7 +8,7 @@ line 7 line 8 line 9 -line 10 +new line 11" in page.text
    assert "line 3" not in page.text


def test_json_is_compared_as_it_is_laid_out(browser: Browser, edge: Listener, shop: int) -> None:
    one, spaced, other = (answer(each, kind="application/json") for each in ('{"a":1}', '{ "a": 1 }', '{"a":2}'))
    assert '- "a": 1 + "a": 2' in compared(browser, edge, one, other).text
    assert "the same JSON, written differently" in compared(browser, edge, one, spaced).text


def test_answers_that_are_the_same_are_said_to_be(browser: Browser, edge: Listener, shop: int) -> None:
    page = compared(browser, edge, answer("hello"), answer("hello"))
    assert "The two answers are the same: status, headers and body." in page.text
    assert "The headers are the same." in page.text
    assert "The bodies are the same." in page.text
    assert "Neither has a body." in compared(browser, edge, answer(), answer()).text
    other_status = compared(browser, edge, answer("hello"), answer("hello", status="404 Not Found"))
    assert "The two answers are the same" not in other_status.text


def test_bodies_that_are_no_text_are_the_same_or_not(browser: Browser, edge: Listener, shop: int) -> None:
    one, other = (answer(each, kind="image/png") for each in (b"\x89PNG\0a", b"\x89PNG\0b"))
    page = compared(browser, edge, one, other)
    assert "The bodies differ, and at least one is no text, or compressed: 6 B and 6 B." in page.text
    assert "PNG" not in page.text
    assert "The bodies are the same." in compared(browser, edge, one, one).text
    assert "at least one is no text" in compared(browser, edge, one, answer("hello")).text


def test_long_answers_are_compared_as_far_as_they_are_kept(browser: Browser, edge: Listener, shop: int) -> None:
    one, other = answer("a" * 30_000), answer("a" * 30_000 + "b")
    assert "the same as far as they are kept" in compared(browser, edge, one, other).text
    lines = answer("\n".join(["x"] * 5_000)), answer("\n".join(["x"] * 4_999 + ["y"]))
    page = compared(browser, edge, *lines)
    assert "differ only after the part that is compared" in page.text
    page = compared(browser, edge, answer("a" * 30_000), answer("b" * 30_000))
    assert "The bodies are longer than what is compared" in page.text
    assert max(map(len, page.words)) <= 20_010
    page = compared(browser, edge, answer("", f"X-Long: {'a' * 3000}"), answer("", f"X-Long: {'a' * 3000}b"))
    assert "There are more or longer headers than are kept" in page.text
    assert "The two answers are the same" not in page.text


def test_both_answers_are_text_and_never_a_part_of_the_page(browser: Browser, edge: Listener, shop: int) -> None:
    ours = "Set-Cookie: slipway-login=secret-of-a-sign-in"
    hostile = [
        answer(
            f"{each}\n{HOSTILE}",
            f"X-{each}: {HOSTILE}",
            f"{ours}-{each}; Path=/",
            status=f"200 {HOSTILE}",
            kind="text/html",
        )
        for each in ("one", "other")
    ]
    send(browser, path="/?<script>alert(1)</script>")
    first, second = tried(browser, edge, *hostile)
    shown = browser.get(address(first, second))
    page = Page(shown.text)
    assert page.text.count("alert(1)") >= 7
    assert page.all("img") == []
    assert all((each.get("src") or "").startswith("/assets/") for each in page.all("script"))
    assert all(not name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert "secret-of-a-sign-in" not in shown.text
    assert "unsafe" not in shown.headers["Content-Security-Policy"]


def test_after_a_repeated_request_both_answers_are_one_link_apart(browser: Browser, edge: Listener, shop: int) -> None:
    send(browser, path="/other")
    send(browser)
    page = send(browser)
    link = next(each["href"] for each in page.all("a") if "second=" in (each.get("href") or ""))
    assert "The two answers are the same" in browser.get(link or "").text
    assert "second=" not in str(send(browser, path="/new").all("a"))


def test_answers_that_are_not_kept_any_more_are_said_not_to_be(browser: Browser, edge: Listener, shop: int) -> None:
    first, second = tried(browser, edge, answer("a"), answer("b"))
    assert "same answer twice" in Page(browser.get(address(first, first), 422).text).text
    for each in (address(first, 999), address(99_999_999_999, first)):
        page = Page(browser.get(each, 404).text)
        assert "is not kept, or not any more: your last 20 are, and those you saved." in page.text
        assert len(page.all("select")) == 2
    for _ in range(19):
        send(browser)
    browser.get(address(first, second), 404)
    for each in (f"{COMPARE}?first={first}", address("x", second), address("", ""), address("-1", "1e3")):
        assert len(Page(browser.get(each).text).all("select")) == 2


def test_a_burst_has_no_answer_to_compare(browser: Browser, edge: Listener, shop: int) -> None:
    send(browser, count="3")
    send(browser)
    assert len(numbers(browser)) == 0
    assert "Two of your own answers are needed" in browser.get(COMPARE).text


def test_nobody_elses_answer_is_compared_even_where_its_request_is_saved(
    api: Api, browser: Browser, browsers: dict[Role, Browser], edge: Listener, shop: int, stranger: Any
) -> None:
    first, second = tried(browser, edge, answer("canary-a"), answer("canary-b"))
    browser.send(f"{TRY}/save", {"request": first, "name": "the cart"})
    assert "canary-a" in browser.get(address(first, second)).text
    colleague = browsers[Role.DEVELOPER]
    own = tried(colleague, edge, answer("own"), answer("own"))[0]
    assert "the cart" in colleague.get(TRY).text
    for each in ((first, second), (own, first), (first, own)):
        page = colleague.get(address(*each), 404)
        assert "canary" not in page.text
        assert "is not kept, or not any more" in page.text
    browsers[Role.VIEWER].get(address(first, second), 403)
    foreign = Browser(api, stranger.token)
    foreign.get(address(first, second), 404)
    stranger.create_app("shop")
    assert "canary" not in foreign.get(address(first, second), 404).text


def test_another_apps_answer_is_not_compared(browser: Browser, owner: Any, edge: Listener, shop: int) -> None:
    owner.create_app("other")
    first, second = tried(browser, edge, answer("canary"), answer("canary"))
    assert "canary" not in browser.get(f"/apps/other/try/compare?first={first}&second={second}", 404).text


def test_answers_are_sealed_and_go_with_their_request(api: Api, browser: Browser, edge: Listener, shop: int) -> None:
    first, second = tried(browser, edge, answer("canary", "X-Own: canary"), answer("canary"))
    with api.services.db.read(platform="a test looks") as session:
        found = session.execute(sql("SELECT * FROM tried_requests")).all()
    assert len(found) == 2
    assert "canary" not in str(found)
    browser.send(f"{TRY}/forget", {"request": first})
    browser.get(address(first, second), 404)

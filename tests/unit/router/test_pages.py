"""Every page runs nothing, loads nothing, and is kept by nobody."""

from __future__ import annotations

import base64
import hashlib
import re
from itertools import pairwise

import pytest
from flask import Response
from markupsafe import Markup

from router import pages, welcome


@pytest.fixture(params=["welcome", "goes on"])
def page(request: pytest.FixtureRequest) -> Response:
    made = {
        "welcome": lambda: welcome.page("http://slipway.localhost", sign_on=True),
        "goes on": lambda: pages.page("Title", Markup("<h1>Title</h1>"), goes_on_to='https://id.example/?a=1&b="x'),
    }
    found: Response = made[request.param]()
    return found


def test_its_policy_allows_its_own_style_and_nothing_else(page: Response) -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", page.get_data(as_text=True), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert page.headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    assert " style=" not in page.get_data(as_text=True)
    assert "<script" not in page.get_data(as_text=True)


def test_it_is_kept_by_nobody_and_names_itself_to_no_other_site(page: Response) -> None:
    found = [page.headers[name] for name in ("Cache-Control", "Referrer-Policy", "X-Content-Type-Options")]
    assert found == ["no-store", "same-origin", "nosniff"]


def test_what_is_put_into_it_is_text() -> None:
    hostile = "<script>\"'&"
    page = pages.page(hostile, Markup("<p>{}</p>").format(hostile), goes_on_to=hostile).get_data(as_text=True)
    assert "<script" not in page
    assert 'content="0;url=&lt;script&gt;&#34;&#39;&amp;"' in page
    assert "<b>" not in welcome.page("<b>").get_data(as_text=True)


def test_it_leads_to_where_people_sign_in_on_this_host() -> None:
    assert 'href="/auth/login"' in welcome.page("http://slipway.localhost", sign_on=True).get_data(as_text=True)
    assert 'href="/auth/token"' in welcome.page("http://slipway.localhost").get_data(as_text=True)


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("text", "ground"), [("text", "ground"), ("quiet", "ground"), ("accent", "ground"), ("on-accent", "accent")]
)
def test_its_colours_have_contrast_in_light_and_dark(text: str, ground: str) -> None:
    page = welcome.page("").get_data(as_text=True)
    for name in (text, ground):
        assert len(re.findall(rf"--{name}: (#[0-9a-f]{{6}})", page)) == 2
    colours = [re.findall(rf"--{name}: (#[0-9a-f]{{6}})", page) for name in (text, ground)]
    for pair in zip(*colours, strict=True):
        darker, lighter = sorted(map(luminance, pair))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_its_headings_leave_no_level_out() -> None:
    levels = [int(each) for each in re.findall(r"<h(\d)", welcome.page("").get_data(as_text=True))]
    assert levels[:1] == [1]
    assert all(below - above <= 1 for above, below in pairwise(levels))

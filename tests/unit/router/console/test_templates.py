"""Templates have no words of their own, no script, no style, and print nothing unescaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jinja2 import UndefinedError

from router.console import rendering
from router.console.rendering import MACROS, TEMPLATES, environment
from router.console.states import SIGNS, sign_of
from router.console.texts import text, texts
from slipway.core.certificates import states as certificate_states
from slipway.core.deployment.app_state import AppState
from slipway.core.deployment.states import Kind, State
from slipway.core.rollout.replica_states import ReplicaState

NAMES = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_CODE = re.compile(r"<(code|pre)[^>]*>.*?</\1>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>", re.DOTALL)
_SAID = re.compile(r'(?:title|aria-label|placeholder|alt)="([^"]*)"')
_USED = re.compile(r"\bt\.(\w+)(?:\.(\w+)|\[)")
EXAMPLES = {"shop.example.org", "shop", "cache", "https://github.com/you/shop.git", "registry.example/shop:1.4"}
"""Placeholders that are no words."""


def source(name: str) -> str:
    return (TEMPLATES / name).read_text()


@pytest.mark.parametrize("name", NAMES)
def test_its_words_stand_with_the_texts(name: str) -> None:
    plain = _JINJA.sub("", source(name))
    shown = _TAG.sub("", _CODE.sub("", plain))
    assert re.findall(r"[A-Za-z]{2,}", shown) == []
    assert {each for each in _SAID.findall(plain) if re.search("[A-Za-z]", each)} <= EXAMPLES


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_and_styles_nothing_in_place(name: str) -> None:
    written = source(name)
    assert not re.search(r"\son\w+=|\sstyle=|javascript:|hx-on|<style|\|\s*safe\b|autoescape", written)
    assert all("src=" in each for each in re.findall(r"<script[^>]*>", written))


TO_GITHUB = "{{ form.url }}"
"""The one form that goes to another host: GitHub gets the manifest of an App."""


def test_every_form_that_sends_is_an_act_or_names_its_tenant() -> None:
    for name in NAMES:
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", source(name), re.DOTALL):
            leads = re.search(r'action="([^"]*)"', form)
            assert leads is not None
            is_exempt = leads[1] in ("/tenant/choice", "/auth/logout", "{{ viewer.signs_out_at }}", TO_GITHUB)
            assert is_exempt or 'name="tenant"' in form, (name, leads[1])


def keys(table: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in table.items():
        yield from keys(value, f"{prefix}{name}.") if isinstance(value, dict) else [f"{prefix}{name}"]


def test_each_text_is_used_and_each_that_is_used_is_there() -> None:
    written = "\n".join(map(source, NAMES))
    code = "\n".join(path.read_text() for path in TEMPLATES.parent.rglob("*.py"))
    known = set(keys(texts()))
    used = {".".join(each) for each in _USED.findall(written) if each[1]}
    by_name = {each[0] for each in _USED.findall(written) if not each[1]}
    assert used <= known
    named = {each for each in known if f'"{each}"' in code}
    assert {each for each in known - used - named if each.partition(".")[0] not in by_name} == set()


def test_a_name_that_is_not_there_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        environment().from_string("{{ t.apps.nothing }}").render()
    with pytest.raises(UndefinedError):
        environment().from_string("{{ nothing }}").render()
    with pytest.raises(KeyError):
        text("apps.nothing")


def test_what_is_printed_is_escaped() -> None:
    assert environment().from_string("<a title='{{ a }}'>{{ a }}</a>").render(a="<'\">&") == (
        "<a title='&lt;&#39;&#34;&gt;&amp;'>&lt;&#39;&#34;&gt;&amp;</a>"
    )
    assert "&lt;b&gt;" in str(environment().globals["m"].notice("<b>"))  # type: ignore[attr-defined]


def test_a_block_is_found_where_it_is_and_in_what_is_extended() -> None:
    assert rendering.has_fragment("app/overview.html", "app_replicas")
    assert rendering.has_fragment("app/overview.html", "app_head")
    assert not rendering.has_fragment("app/overview.html", "nothing")
    assert MACROS in NAMES


WORDS = {str(each) for states in (AppState, State, ReplicaState, certificate_states.State) for each in states}


def test_each_state_has_a_sign_that_is_drawn() -> None:
    drawn = (TEMPLATES.parent / "static" / "icons.svg").read_text()
    assert all(f'id="{sign_of(word).icon}"' in drawn for word in WORDS)
    going_on = {"queued", "fetching", "building", "starting", "deploying", "draining", "waiting", "checking", "issuing"}
    assert {word for word in WORDS if word not in SIGNS} == going_on


def test_signs_of_one_tone_differ_from_those_of_others() -> None:
    tones: dict[str, set[str]] = {}
    for word in WORDS:
        tones.setdefault(sign_of(word).icon, set()).add(sign_of(word).tone)
    assert all(len(each) == 1 for each in tones.values())


def test_each_kind_of_deployment_has_words() -> None:
    assert set(texts()["kinds"]) == {str(each) for each in Kind}

"""Templates made into pages. Whatever a template prints is escaped, and a name that is not there is an error."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from router.console import assets
from router.console.formats import FILTERS
from router.console.states import sign_of
from router.console.texts import texts

TEMPLATES = Path(__file__).parent / "templates"
MACROS = "macros.html"
"""Every template has them as `m`."""
_EXTENDS = re.compile(r'(?:\{#.*?#\}\s*)?\{% extends "([^"]+)" %\}')


@cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(FILTERS)
    made.globals.update(t=texts(), asset=assets.url_of, sign_of=sign_of)
    made.globals["m"] = made.get_template(MACROS).module
    return made


def whole(template: str, values: dict[str, Any]) -> str:
    return environment().get_template(template).render(values)


def has_fragment(template: str, name: str) -> bool:
    return _with_block(template, name) is not None


def fragment(template: str, name: str, values: dict[str, Any]) -> str:
    """One block of a template, or of one that it extends: nothing outside of it runs."""
    made = _with_block(template, name)
    if made is None:
        raise KeyError(f"{template} has no block {name}")
    return "".join(made.blocks[name](made.new_context(values)))


@cache
def _with_block(template: str, name: str) -> Template | None:
    """The first of the template and those above it that has the block."""
    made: Template | None = environment().get_template(template)
    while made is not None and name not in made.blocks:
        parent = _EXTENDS.match((TEMPLATES / str(made.name)).read_text())
        made = environment().get_template(parent[1]) if parent else None
    return made

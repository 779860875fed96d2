"""Who may use an app, as its settings say it. What the policies mean: `slipway.core.access`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from slipway.core.access import path_rules, policies
from slipway.core.access.path_rules import MOST_RULES, Access, PathRule
from slipway.core.access.policies import MOST_CHARACTERS, MOST_TERMS, Policy
from slipway.core.app_settings.checked import checked
from slipway.core.naming.validation_messages import faults
from slipway.errors import InvalidInput

DEFAULT_WITH_SIGN_ON, DEFAULT_WITHOUT = Policy(("tenant",)), Policy(("public",))
"""Where an app says nothing."""
_TERM = {"type": "string", "maxLength": MOST_CHARACTERS}


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _terms(terms: tuple[str, ...]) -> tuple[str, ...]:
    return policies.parse(terms).terms


Terms = Annotated[
    tuple[str, ...],
    BeforeValidator(_as_list),
    checked(_terms),
    WithJsonSchema({"anyOf": [_TERM, {"type": "array", "items": _TERM, "minItems": 1, "maxItems": MOST_TERMS}]}),
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class AccessRule(_Model):
    """Another policy for a path and what is below it."""

    path: Annotated[str, checked(path_rules.check_path)]
    """`/public/` for what is below; `/public` for itself too. The longest path that matches decides."""
    allow: Terms
    """Who may: a term, or a list of which one is enough."""


def _different(rules: tuple[AccessRule, ...]) -> tuple[AccessRule, ...]:
    path_rules.check_different(rule.path for rule in rules)
    return rules


class AccessSettings(_Model):
    """Who may use the app, and its paths."""

    allow: Terms | None = None
    """`public`, `signed-in`, `tenant`, `role:viewer|developer|owner`, `group:/its/full/path`, `token` or `nobody`; or a
    list, of which one is enough. None: `tenant` where people sign in, else `public`."""
    paths: Annotated[tuple[AccessRule, ...], Field(max_length=MOST_RULES), checked(_different)] = ()

    def resolved(self, *, sign_on: bool) -> Access:
        """The policies that hold. `sign_on`: people can sign in on this platform."""
        default = DEFAULT_WITH_SIGN_ON if sign_on else DEFAULT_WITHOUT
        allow = Policy(self.allow) if self.allow else default
        return Access(allow, tuple(PathRule(rule.path, Policy(rule.allow)) for rule in self.paths))

    def kept(self) -> dict[str, Any]:
        """What is said, in JSON, without defaults."""
        return self.model_dump(mode="json", exclude_defaults=True)


def parse(values: dict[str, Any]) -> AccessSettings:
    """From JSON values.

    Raises:
        InvalidInput: names the field and the rule.
    """
    try:
        return AccessSettings.model_validate(values)
    except ValidationError as error:
        found = "; ".join(faults(error, AccessSettings)).removeprefix("settings: ")
        raise InvalidInput(found, remedy="docs/guide/access.md has what a policy says") from None

"""Trusted publishers: which jobs of a CI system may deploy an app, by what the system itself says of them in a token.

A publisher names an issuer, and claims that have to be exactly so. To add another CI system, add a row to `KINDS`.

Claims: https://docs.github.com/en/actions/reference/security/oidc and
https://docs.gitlab.com/ci/secrets/id_token_authentication.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from slipway.errors import InvalidInput

Claims = Mapping[str, Any]
LONGEST_VALUE = 255
_DEPLOYED_FROM_REQUESTS = "a job of a pull or merge request deploys nothing, whatever it is of"


class IssuerKind(StrEnum):
    """What the tokens of an issuer say of a job."""

    GITHUB = "github"
    GITLAB = "gitlab"
    OIDC = "oidc"
    """Any other: its subject."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Made by `parse`."""

    kind: IssuerKind
    issuer: str
    constraints: Mapping[str, str]
    """What the owner said, by the names of the kind's table."""
    pinned: Mapping[str, str] = field(default_factory=dict)
    """Numbers that the first token brought, where the owner gave none: every later one has to have the same."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One thing that a publisher may demand."""

    form: re.Pattern[str]
    words: str
    """What it looks like, for people."""
    value_of: Callable[[Claims], Any]
    """What the token says of it."""
    read: Callable[[str], str] = str
    """What the owner wrote, in its one spelling."""


@dataclass(frozen=True, slots=True)
class PublisherKind:
    issuer: str
    """Of the public service; empty: there is none, and the owner names one."""
    needed: str
    """The constraint that every publisher has."""
    constraints: Mapping[str, Constraint]
    numbers: tuple[str, ...]
    """Claims that stay when a name changes hands: pinned at the first use, unless the owner gave them."""
    refusal: Callable[[Claims], str]
    """Why no job of this sort deploys; empty: it may."""
    ref: str = "ref"
    """The claim that says of which ref a job is."""


def parse(kind: IssuerKind, issuer: str, given: Mapping[str, str]) -> Publisher:
    """`issuer` is a checked one; empty: the kind's own. Empty constraints count as not given.

    Raises:
        InvalidInput: says what is missing, not known, or not well formed.
    """
    table = KINDS[kind]
    issuer = issuer or table.issuer
    if not issuer:
        raise InvalidInput("a publisher of this kind needs an issuer", remedy="--issuer https://ci.example.org")
    _refuse_other_kind(kind, issuer)
    constraints = {name: value for name, value in given.items() if value}
    unknown = sorted(constraints.keys() - table.constraints.keys())
    if unknown:
        raise InvalidInput(f"tokens of {kind} have no {unknown[0]}", remedy=f"say {', '.join(table.constraints)}")
    if table.needed not in constraints:
        raise InvalidInput(f"a publisher of the kind {kind} needs {table.needed}", remedy="say whose jobs may deploy")
    return Publisher(kind, issuer, {name: _read(table, name, value) for name, value in sorted(constraints.items())})


def _refuse_other_kind(kind: IssuerKind, issuer: str) -> None:
    """By its `sub` alone, a job of a well-known service would look like one of whoever gets its name next."""
    for other, table in KINDS.items():
        if other != kind and table.issuer == issuer:
            raise InvalidInput(f"tokens of {issuer} are of the kind {other}", remedy=f"make it one of the kind {other}")


def _read(table: PublisherKind, name: str, text: str) -> str:
    constraint = table.constraints[name]
    value = constraint.read(text)
    if len(value) > LONGEST_VALUE or not constraint.form.fullmatch(value):
        raise InvalidInput(f"{text[:80]!r} can't be the {name}", remedy=f"give {constraint.words}")
    return value


def mismatch(publisher: Publisher, claims: Claims) -> str:
    """Why the publisher does not accept a job of which its issuer says this; empty: it does."""
    table = KINDS[publisher.kind]
    if refusal := table.refusal(claims):
        return refusal
    for name, wanted in publisher.constraints.items():
        if (found := table.constraints[name].value_of(claims)) != wanted:
            return f"{name} is {_shown(found)}, not {wanted!r}"
    for name, wanted in publisher.pinned.items():
        if (found := claims.get(name)) != wanted:
            return f"{name} is {_shown(found)}, not {wanted!r}, which it was at the first use"
    return next((f"{name} is missing" for name in table.numbers if not _is_number(claims.get(name))), "")


def numbers_to_pin(publisher: Publisher, claims: Claims) -> dict[str, str]:
    """Of a job that the publisher accepts: what to hold later ones to."""
    known = publisher.constraints.keys() | publisher.pinned.keys()
    return {name: str(claims[name]) for name in KINDS[publisher.kind].numbers if name not in known}


def describe(publisher: Publisher, claims: Claims) -> str:
    """Which job it is, for people: `octo/shop@refs/heads/main`."""
    table = KINDS[publisher.kind]
    ref = claims.get(table.ref)
    whose = publisher.constraints[table.needed]
    return f"{whose}@{ref[:LONGEST_VALUE]}" if isinstance(ref, str) and ref.isprintable() else whose


def _shown(found: Any) -> str:
    return repr(found[:LONGEST_VALUE]) if isinstance(found, str) else "missing"


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and _NUMBER.fullmatch(value) is not None


_NUMBER = re.compile(r"[0-9]{1,20}")
_TEXT = re.compile(r"[^\x00-\x1f\x7f]+")
_REF = re.compile(r"refs/(?:heads|tags)/[^\x00-\x20\x7f~^:?*\[\\]+")
_NAME = r"[A-Za-z0-9_.-]+"
_WORKFLOWS = ".github/workflows/"


def _claim(name: str) -> Callable[[Claims], Any]:
    return lambda claims: claims.get(name)


def _workflow_file(claims: Claims) -> Any:
    """The name of the file, when it is one of the repository itself:
    `octo/shop/.github/workflows/deploy.yml@refs/heads/main`."""
    repository, workflow = claims.get("repository"), claims.get("workflow_ref")
    if not isinstance(repository, str) or not isinstance(workflow, str):
        return None
    folder = f"{repository}/{_WORKFLOWS}"
    return workflow.removeprefix(folder).partition("@")[0] if workflow.startswith(folder) else workflow


def _full_ref(text: str) -> str:
    """A branch's name alone is that branch, never a tag of the same name."""
    return text if text.startswith("refs/") else f"refs/heads/{text}"


def _of_pull_request(claims: Claims) -> str:
    """GitHub runs it in the name of the repository that would get the change, with that one's `repository`."""
    event, ref = claims.get("event_name"), claims.get("ref")
    is_one = not isinstance(event, str) or event.startswith("pull_request") or not isinstance(ref, str)
    return _DEPLOYED_FROM_REQUESTS if is_one or str(ref).startswith("refs/pull/") else ""


def _of_merge_request(claims: Claims) -> str:
    source, ref = claims.get("pipeline_source"), claims.get("ref_path")
    is_one = not isinstance(source, str) or source.endswith(("merge_request_event", "pull_request_event"))
    return _DEPLOYED_FROM_REQUESTS if is_one or not isinstance(ref, str) or ref.startswith("refs/merge-") else ""


def _number(claim: str) -> Constraint:
    return Constraint(_NUMBER, "a number, in digits", _claim(claim))


_ENVIRONMENT = Constraint(_TEXT, "an environment's name", _claim("environment"))
_REF_WORDS = "a branch, or refs/tags/… for a tag"
KINDS: Mapping[IssuerKind, PublisherKind] = {
    IssuerKind.GITHUB: PublisherKind(
        issuer="https://token.actions.githubusercontent.com",
        needed="repository",
        constraints={
            "repository": Constraint(re.compile(rf"{_NAME}/{_NAME}"), "owner/name, as GitHub", _claim("repository")),
            "ref": Constraint(_REF, _REF_WORDS, _claim("ref"), _full_ref),
            "environment": _ENVIRONMENT,
            "workflow": Constraint(
                re.compile(r"[^/@\x00-\x1f\x7f]+\.ya?ml"), f"a file's name in {_WORKFLOWS}", _workflow_file
            ),
            "repository_id": _number("repository_id"),
            "repository_owner_id": _number("repository_owner_id"),
        },
        numbers=("repository_id", "repository_owner_id"),
        refusal=_of_pull_request,
    ),
    IssuerKind.GITLAB: PublisherKind(
        issuer="https://gitlab.com",
        needed="project_path",
        constraints={
            "project_path": Constraint(re.compile(rf"{_NAME}(?:/{_NAME})+"), "group/project", _claim("project_path")),
            "ref": Constraint(_REF, _REF_WORDS, _claim("ref_path"), _full_ref),
            "ref_protected": Constraint(re.compile("true"), "true, or leave it out", _claim("ref_protected")),
            "environment": _ENVIRONMENT,
            "project_id": _number("project_id"),
            "namespace_id": _number("namespace_id"),
        },
        numbers=("project_id", "namespace_id"),
        refusal=_of_merge_request,
        ref="ref_path",
    ),
    IssuerKind.OIDC: PublisherKind(
        issuer="",
        needed="sub",
        constraints={"sub": Constraint(_TEXT, "the subject of its tokens, as they have it", _claim("sub"))},
        numbers=(),
        refusal=lambda _: "",
        ref="",
    ),
}

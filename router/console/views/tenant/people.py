"""People with a role in the tenant, and invitations to it."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for

from router.access import principal, services
from router.api.access.invitations import Invite
from router.api.access.users import ChangedUser
from router.console import responses
from router.console.routes import Done, Values, act, field, form, page
from router.console.texts import text
from router.usecases.access import invitations, users
from router.usecases.confirmation import require_confirmation
from slipway.core.access.roles import Role
from slipway.errors import InvalidInput

_DIGITS_MOST = 18


@page("/tenant/people", "tenant/people.html", role=Role.OWNER, waits=True)
def show_people() -> Values:
    return _values()


@act("/tenant/people/role", role=Role.OWNER)
def change_person() -> Done:
    login = field("login")
    changed = users.change_user(services(), principal(), login, role=form(ChangedUser, besides=["login"]).role)
    return _done("acts.person_changed", login=login, role=changed.role)


@act("/tenant/people/sessions", role=Role.OWNER)
def end_sessions() -> Done:
    users.end_sessions(services(), principal(), field("login"))
    return _done("acts.person_signed_out", login=field("login"))


@act("/tenant/people/remove", role=Role.OWNER)
def remove_person() -> Done:
    login = field("login")
    require_confirmation("person", login, field("confirm"))
    users.remove_user(services(), principal(), login)
    return _done("acts.person_removed", login=login)


@act("/tenant/invitations", role=Role.OWNER)
def invite() -> Response:
    """The link is in this answer only."""
    wanted = form(Invite)
    made = invitations.invite(services(), principal(), email=wanted.email, role=wanted.role)
    return responses.page("tenant/people.html", _values() | {"invited": made})


@act("/tenant/invitations/withdraw", role=Role.OWNER)
def withdraw_invitation() -> Done:
    invitations.revoke_invitation(services(), principal(), number_of("invitation"))
    return _done("acts.invitation_withdrawn", email=field("email"))


def number_of(name: str) -> int:
    """A field of the form that a page wrote there.

    Raises:
        InvalidInput: it is no number.
    """
    given = field(name)
    if not (given.isascii() and given.isdecimal() and len(given) <= _DIGITS_MOST):
        raise InvalidInput(f"{name} is no number", remedy="reload the page, and send its form again")
    return int(given)


def _values() -> Values:
    """Where sign-on is off there are no people: tokens alone are let in."""
    values: dict[str, Any] = {"tab": "people", "people": None, "invitations": [], "invited": None, "roles": list(Role)}
    if services().identity is None:
        return values
    people = users.list_users(services(), principal()).users
    return values | {
        "people": people,
        "invitations": invitations.list_invitations(services(), principal()).invitations,
    }


def _done(said: str, **values: str) -> Done:
    return Done(url_for("console.show_people"), (text(said, **values),))

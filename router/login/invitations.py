"""`/auth/invitations/<secret>`: who was invited comes here by the link. Looking changes nothing, also when a program
does it that reads mail for people: only a form of the page itself accepts."""

from __future__ import annotations

from flask import Blueprint, Response, request

from router.access import services
from router.identity.sign_on import required
from router.login import invitation_pages, pages, recording
from router.login.reading import origin_of, require_page_of_console, session_of
from router.login.redirects import see_other, to_provider
from router.problems import PROBLEMS
from router.usecases.access.users import provider_of
from slipway.adapters.redis.people_lock import people_lock
from slipway.core.identity.claims import Person
from slipway.domain.accepting_invitations import AcceptingInvitations
from slipway.domain.audit import Actor
from slipway.errors import Conflict, CrossSiteRequest, InvitationVoid, NotAuthenticated, SlipwayError
from slipway.web.problems import log_defect, log_failure
from slipway.web.requests import request_id

blueprint = Blueprint("invitation_links", __name__, url_prefix="/auth/invitations")
_RECORDED = "/auth/invitations"
"""What the audit log has of the path: the rest of it is the secret."""


@blueprint.errorhandler(SlipwayError)
def show_failure(error: SlipwayError) -> Response:
    if isinstance(error, NotAuthenticated | CrossSiteRequest | InvitationVoid):
        recording.refused(services().db, services().redis, origin_of(request), _RECORDED, error.message)
    if error.status >= 500:
        log_failure(error)
    return _failure(error)


@blueprint.errorhandler(Exception)
def show_defect(error: Exception) -> Response:
    log_defect(error)
    return _failure(PROBLEMS.defect)


@blueprint.get("/<secret>")
def show(secret: str) -> Response:
    """What the invitation is for, and what whoever looks can do about it."""
    person = _person()
    invited = _accepting().find(secret)
    if person is not None and invited.was_accepted_by(person.sub):
        return invitation_pages.accepted(invited, person)
    invited.require_open()
    return invitation_pages.offer(invited, _path(secret), person)


@blueprint.get("/<secret>/sign-in")
def sign_in(secret: str) -> Response:
    """To the identity provider, and back to the invitation."""
    _accepting().find(secret).require_open()
    return to_provider(services(), required(services().sign_on), request, target=_path(secret))


@blueprint.post("/<secret>/accept")
def accept(secret: str) -> Response:
    """Become a member, as the person whom the page named."""
    require_page_of_console(services(), request)
    person = _person()
    if person is None:
        raise NotAuthenticated("You are not signed in any more.", remedy="open the invitation again, and sign in")
    if request.form.get("as", "") != person.sub:
        raise Conflict(
            f"You are signed in as {person.login}, and the page was for somebody else: nothing was accepted",
            remedy="open the invitation again, and look as whom you accept it",
        )
    accepting, origin = _accepting(), origin_of(request)
    actor = Actor(f"person:{person.login}", origin.address, origin.request_id)
    with people_lock(services().redis, accepting.find(secret).row.tenant_id):
        accepting.accept(secret, person, actor)
    return see_other(_path(secret))


@blueprint.post("/<secret>/account")
def make_account(secret: str) -> Response:
    """An account for who has none. Its first password is in this answer only."""
    require_page_of_console(services(), request)
    accepting = _accepting()
    with people_lock(services().redis, accepting.find(secret).row.tenant_id):
        made = accepting.make_account(secret, origin_of(request))
    return invitation_pages.new_account(made, _path(secret))


def _accepting() -> AcceptingInvitations:
    changes = required(services().sign_on).changes
    return AcceptingInvitations(services().db, provider_of(services()).people, changes)


def _person() -> Person | None:
    session = session_of(services(), request)
    return None if session is None else session.person


def _failure(error: SlipwayError) -> Response:
    back = pages.Link(_path(str((request.view_args or {})["secret"])), "Back to the invitation")
    start = pages.Link("/", "To the start page")
    leads_on = start if isinstance(error, InvitationVoid) or error.code == "sign-on-off" else back
    return pages.failure(error, request_id(request), leads_on=leads_on)


def _path(secret: str) -> str:
    return f"/auth/invitations/{secret}"

"""`/internal/…`: what the edge itself asks."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from router.access import services
from router.identity.sign_on import required
from router.internal import questions, sign_in, verdicts

blueprint = Blueprint("internal", __name__, url_prefix="/internal")


@blueprint.post("/authorize")
def authorize() -> dict[str, Any]:
    """Who calls, and which of the policies admit them."""
    question = questions.question(questions.read(request.get_data()))
    return verdicts.authorize(services(), required(services().sign_on), question)


@blueprint.post("/sign-in")
def begin_sign_in() -> dict[str, Any]:
    """Where a browser that has to sign in is sent, and the cookie that it brings back."""
    asked = questions.sign_in_request(questions.read(request.get_data()))
    return sign_in.begin(services().settings, required(services().sign_on), asked)

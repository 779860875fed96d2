"""Who may use an app."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from router import documents
from router.access import principal, services
from router.api.operation import Input, Number, Text, operation
from router.usecases.access import policies as usecases
from router.usecases.access import questions as access_questions
from router.usecases.access.questions import Question
from slipway.core.access.roles import Role
from slipway.core.app_settings import access as settings

blueprint = APIBlueprint("access", __name__, tag="Access")

Terms = Text | tuple[Text, ...]


class NewRule(Input):
    path: Text
    allow: Terms


class NewAccess(Input):
    """Takes the place of all that the app's settings say of it; `allow` left out: the platform's default."""

    allow: Terms | None = None
    paths: tuple[NewRule, ...] = ()

    def settings(self) -> settings.AccessSettings:
        return settings.parse(self.model_dump())


class NewQuestion(Input):
    """A path as clients send it, and at most one of the others. With none of them: who could see it?"""

    path: Annotated[str, Field(max_length=8192)]
    anonymous: bool = False
    person: Text | None = None
    groups: Annotated[tuple[Text, ...], Field(max_length=100)] = ()
    token: Number | None = None


@operation(blueprint, "GET", "/api/apps/<app>/access", role=Role.VIEWER, output=documents.Access)
def show_access(app: str) -> documents.Access:
    """Who may use an app, and each of its paths"""
    return usecases.show_access(services(), principal(), app)


@operation(blueprint, "PUT", "/api/apps/<app>/access", role=Role.DEVELOPER, body=NewAccess, output=documents.Access)
def set_access(app: str, body: NewAccess) -> documents.Access:
    """Say who may use an app, and each of its paths

    It is in force within a second. What the slipway.toml of what serves says can't be changed here.
    """
    return usecases.set_access(services(), principal(), app, body.settings())


@operation(
    blueprint,
    "POST",
    "/api/apps/<app>/access/test",
    role=Role.DEVELOPER,
    body=NewQuestion,
    output=documents.AccessAnswer,
)
def test_access(app: str, body: NewQuestion) -> documents.AccessAnswer:
    """Whether somebody may see a path of an app, and why

    Of a `person` by login or e-mail address, one in these `groups`, a `token` by its number, or `anonymous`.
    """
    return access_questions.answer(services(), principal(), app, Question(**body.model_dump()))

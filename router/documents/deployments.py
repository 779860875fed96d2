"""Deployments, and what they are deployed from."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from router.documents.document import Document, Source, one_of
from slipway.core.deployment.states import Kind, State
from slipway.core.previews.decide import PreviewState


class ReleaseRef(Document):
    number: int
    digest: str = Field(description="The id, on this host, of the image that its replicas run.")


class DeploymentRef(Document):
    id: int
    release: int | None = Field(description="Its number.")
    commit: str
    digest: str = Field(description="As in a deployment.")


class Step(Document):
    name: str
    started_at: datetime
    ended_at: datetime | None
    seconds: float | None
    ok: bool | None = Field(description="null while it runs.")
    note: str


class Deployment(Document):
    """One try to make a commit or an image live."""

    id: int
    app: str
    environment: str
    kind: str = Field(description=one_of(Kind))
    sequence: int = Field(description="Its place in the order of the app's intents.")
    state: str = Field(description=one_of(State))
    stopping: bool = Field(description="It was asked to stop, and will not go live.")
    source: str = Field(description=one_of(Source))
    ref: str = Field(description="What was asked for: a branch, tag or commit, or an image's name.")
    commit: str = Field(description="Empty where an image was pulled, and until it is known.")
    digest: str = Field(description="Of a pulled image: its digest in the registry, sha256:…; else empty.")
    message: str
    pushed_by: str
    actor: str
    release: ReleaseRef | None
    previous: DeploymentRef | None = Field(description="What was live when this one switched.")
    reason: str = Field(description="Stable code of how it ended, such as build-failed.")
    detail: str
    meaning: str = Field(description="What serves now, after one that did not go live; as it is when it is asked.")
    remedy: str
    tail: str = Field(description="The last lines of the build's or the replica's output.")
    steps: list[Step]
    notices: list[str] = Field(description="What its owner should know although it goes on, such as a shared volume.")
    created_at: datetime
    started_at: datetime | None
    live_at: datetime | None
    ended_at: datetime | None
    url: str = Field(description="Its page in the console.")
    log_url: str
    serving: DeploymentRef | None = Field(description="What is live now; meaning says whether it serves.")


class BranchHead(Document):
    """Where an app's branch is now."""

    ref: str
    commit: str | None = Field(description="null: the repository has no such branch.")
    delivered: bool = Field(
        description="The branch's newest push has this commit, or a comparison with the repository has seen it since."
    )
    hook: str | None = Field(description="The hook that delivers the repository's pushes, if there is one.")


class Deployments(Document):
    deployments: list[Deployment]


class Preview(Document):
    """What one open pull request has of an app."""

    number: int = Field(description="The pull request's, at its forge.")
    title: str
    author: str
    branch: str = Field(description="The pull request's own, in its own repository.")
    head: str = Field(description="Its newest commit.")
    fork: bool = Field(description="Its branch is in another repository. Each commit has to be approved.")
    state: str = Field(description=one_of(PreviewState))
    detail: str = Field(description="Why it waits, or has failed.")
    app: str | None = Field(description="The app that was made for it; null: there is none.")
    url: str | None
    deployment: int | None = Field(description="The newest.")
    approved_by: str = Field(description="Who approved the newest commit of a fork.")
    expires_at: datetime = Field(description="It is removed then, unless somebody pushes before.")
    created_at: datetime


class Previews(Document):
    enabled: bool = Field(description="The app makes previews.")
    limit: int = Field(description="How many there may be at one time.")
    previews: list[Preview]

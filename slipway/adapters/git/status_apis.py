"""How each kind of forge takes the status of a commit: a row each.

GitHub: https://docs.github.com/en/rest/commits/statuses#create-a-commit-status. Gitea and Forgejo: `POST
/repos/{owner}/{repo}/statuses/{sha}` of their Swagger document. GitLab: https://docs.gitlab.com/api/commits/#set-commit-pipeline-status.
Bitbucket Cloud: https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/. Bitbucket Data Center:
https://developer.atlassian.com/server/bitbucket/rest/v906/api-group-builds-and-deployments/.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

StatusState = Literal["pending", "success", "failure", "error"]
CONTEXT = "slipway"
_GITHUB_DESCRIPTION, _DESCRIPTION = 140, 255
_LONGEST_KEY = 40
"""Of Bitbucket Cloud."""
_SCM = "scm/"
"""Before `project/name` in Data Center's clone addresses."""


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """How a deployment of a commit is. Its context names the tenant and the app, because several may deploy the same
    repository, and a status replaces the one before of the same context."""

    repository: str
    commit_sha: str
    state: StatusState
    tenant: str
    app: str
    description: str
    target_url: str

    @property
    def context(self) -> str:
        return f"{CONTEXT}/{self.tenant}/{self.app}"


Document = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StatusApi:
    """A kind of forge. `path` is of a repository (`owner/name`) and a commit, below the address in the settings."""

    path: Callable[[str, str], str]
    headers: Callable[[str], Mapping[str, str]]
    document: Callable[[CommitStatus], Document]
    segments: tuple[int, int] = (2, 2)
    """How many a repository's path has, at least and at most."""


def _bearer(token: str) -> Mapping[str, str]:
    """`user:password` stands for a password of an app, anything else for a token."""
    if ":" in token:
        return {"Authorization": f"Basic {base64.b64encode(token.encode()).decode()}"}
    return {"Authorization": f"Bearer {token}"}


def _github_document(status: CommitStatus) -> Document:
    return {
        "state": status.state,
        "context": status.context,
        "description": status.description[:_GITHUB_DESCRIPTION],
        "target_url": status.target_url,
    }


def _gitlab_document(status: CommitStatus) -> Document:
    states = {"pending": "running", "success": "success", "failure": "failed", "error": "canceled"}
    return {
        "state": states[status.state],
        "name": status.context,
        "description": status.description[:_DESCRIPTION],
        "target_url": status.target_url,
    }


def _bitbucket_document(stopped: str) -> Callable[[CommitStatus], Document]:
    states = {"pending": "INPROGRESS", "success": "SUCCESSFUL", "failure": "FAILED", "error": stopped}

    def document(status: CommitStatus) -> Document:
        return {
            "state": states[status.state],
            "key": _key(status.context),
            "name": status.context,
            "description": status.description[:_DESCRIPTION],
            "url": status.target_url,
        }

    return document


def _key(context: str) -> str:
    """One that is too long is known by its digest."""
    if len(context) <= _LONGEST_KEY:
        return context
    return f"{CONTEXT}-{hashlib.sha256(context.encode()).hexdigest()}"[:_LONGEST_KEY]


def _data_center_path(repository: str, commit_sha: str) -> str:
    project, _, name = repository.removeprefix(_SCM).partition("/")
    return f"/rest/api/latest/projects/{project}/repos/{name}/commits/{commit_sha}/builds"


_GITEA = StatusApi(
    path=lambda repository, commit_sha: f"/api/v1/repos/{repository}/statuses/{commit_sha}",
    headers=lambda token: {"Authorization": f"token {token}"},
    document=_github_document,
)
STATUS_APIS: Mapping[str, StatusApi] = {
    "github": StatusApi(
        path=lambda repository, commit_sha: f"/repos/{repository}/statuses/{commit_sha}",
        headers=lambda token: {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"},
        document=_github_document,
    ),
    "gitea": _GITEA,
    "forgejo": _GITEA,
    "gitlab": StatusApi(
        path=lambda repository, sha: f"/api/v4/projects/{quote(repository, safe='')}/statuses/{sha}",
        headers=lambda token: {"PRIVATE-TOKEN": token},
        document=_gitlab_document,
        segments=(2, 20),
    ),
    "bitbucket": StatusApi(
        path=lambda repository, sha: f"/2.0/repositories/{repository}/commit/{sha}/statuses/build",
        headers=_bearer,
        document=_bitbucket_document("STOPPED"),
    ),
    "bitbucket-data-center": StatusApi(
        path=_data_center_path,
        headers=_bearer,
        document=_bitbucket_document("CANCELLED"),
        segments=(2, 3),
    ),
}
"""By the kinds that `SLIPWAY_FORGE_TOKENS` names."""

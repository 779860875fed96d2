"""What GitHub is sent about a deployment: a GitHub Deployment with its statuses, and a check of the commit.

https://docs.github.com/en/rest/deployments/deployments, https://docs.github.com/en/rest/checks/runs
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.core.deployment.states import State

TASK = "deploy"
_DESCRIPTION, _SUMMARY = 140, 60_000
_NAME = "slipway"


@dataclass(frozen=True, slots=True)
class Row:
    """How GitHub calls a state of ours."""

    deployment: str
    check: str
    """`queued`, `in_progress` or `completed`."""
    conclusion: str = ""
    verb: str = ""


ROWS: Mapping[State, Row] = {
    State.QUEUED: Row("queued", "queued", verb="is queued"),
    State.FETCHING: Row("in_progress", "in_progress", verb="is being deployed"),
    State.BUILDING: Row("in_progress", "in_progress", verb="is being deployed"),
    State.STARTING: Row("in_progress", "in_progress", verb="is being deployed"),
    State.LIVE: Row("success", "completed", "success", "is live"),
    State.RETIRED: Row("inactive", "completed", "success", "was live"),
    State.SKIPPED: Row("inactive", "completed", "skipped", "was skipped"),
    State.FAILED: Row("failure", "completed", "failure", "failed"),
    State.CANCELLED: Row("inactive", "completed", "cancelled", "was cancelled"),
    State.SUPERSEDED: Row("inactive", "completed", "neutral", "was superseded"),
}


@dataclass(frozen=True, slots=True)
class DeploymentReport:
    """How a deployment of a commit is, with addresses that exist."""

    deployment_id: int
    tenant: str
    app: str
    commit_sha: str
    state: State
    detail: str = ""
    remedy: str = ""
    log_url: str = ""
    environment_url: str = ""
    """Empty: the app has no host."""
    is_transient: bool = False
    """A preview's, which will be gone one day."""

    @property
    def environment(self) -> str:
        return f"{self.tenant}/{self.app}"

    @property
    def check_name(self) -> str:
        return f"{_NAME}/{self.tenant}/{self.app}"

    @property
    def external_id(self) -> str:
        return f"{_NAME}-{self.deployment_id}"

    @property
    def sentence(self) -> str:
        what = f"{self.app} {ROWS[self.state].verb}"
        return f"{what}: {self.detail}" if self.detail else what


def deployment_of(external_id: str) -> int | None:
    """The deployment that an external id names; None: it is none of ours."""
    number = external_id.removeprefix(f"{_NAME}-")
    is_ours = external_id != number and number.isascii() and number.isdecimal() and len(number) < 10
    return int(number) if is_ours else None


def deployment_document(report: DeploymentReport) -> dict[str, Any]:
    """For `POST /repos/{owner}/{repo}/deployments`: nothing is merged, and no status is waited for."""
    return {
        "ref": report.commit_sha,
        "task": TASK,
        "auto_merge": False,
        "required_contexts": [],
        "environment": report.environment,
        "description": f"{report.app}, deployment {report.deployment_id}"[:_DESCRIPTION],
        "payload": {"slipway": report.external_id},
        "transient_environment": report.is_transient,
        "production_environment": not report.is_transient,
    }


def status_document(report: DeploymentReport) -> dict[str, Any]:
    """For `POST /repos/{owner}/{repo}/deployments/{id}/statuses`."""
    document = {
        "state": ROWS[report.state].deployment,
        "log_url": report.log_url,
        "description": report.sentence[:_DESCRIPTION],
        "auto_inactive": False,  # each deployment of ours says by itself when it serves no more
    }
    serves = report.state is State.LIVE and report.environment_url
    return {**document, "environment_url": report.environment_url} if serves else document


def check_document(report: DeploymentReport) -> dict[str, Any]:
    """For `POST /repos/{owner}/{repo}/check-runs`, and without `head_sha` for `PATCH …/{id}`."""
    row = ROWS[report.state]
    document = {
        "name": report.check_name,
        "head_sha": report.commit_sha,
        "external_id": report.external_id,
        "details_url": report.log_url,
        "status": row.check,
        "output": {"title": f"{report.app} {row.verb}", "summary": _summary(report)},
    }
    return {**document, "conclusion": row.conclusion} if row.conclusion else document


def _summary(report: DeploymentReport) -> str:
    """Markdown. What a build printed stands in it as text: GitHub shows no markup between these marks."""
    lines = [f"Deployment {report.deployment_id} of `{report.app}`: {report.log_url}"]
    for said in (report.detail, report.remedy):
        if said:
            lines += ["", "~~~text", said.replace("~~~", "~ ~ ~"), "~~~"]
    return "\n".join(lines)[:_SUMMARY]

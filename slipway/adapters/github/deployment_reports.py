"""A GitHub Deployment and a check, made once and changed as the deployment goes on.

What was made before an answer was lost, or before the agent was killed, is found again by the number of ours that both
carry.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from slipway.adapters.github.api import GitHubApi
from slipway.core.github import reports
from slipway.core.github.reports import DeploymentReport
from slipway.errors import GitHubRefused

_FOUND = 100


@dataclass(frozen=True, slots=True)
class DeploymentReports:
    """Of one repository."""

    api: GitHubApi
    owner: str
    name: str
    token: str

    def find_or_make_deployment(self, report: DeploymentReport) -> int:
        """Its id. Raises `DependencyUnavailable` or `GitHubRefused`, as all of these."""
        asked = {"sha": report.commit_sha, "environment": report.environment, "task": reports.TASK}
        for each in self._call("GET", "deployments", per_page=_FOUND, **asked) or []:
            if _payload(each).get("slipway") == report.external_id:
                return _id_of(each)
        return _id_of(self._call("POST", "deployments", reports.deployment_document(report)))

    def set_status(self, deployment: int, report: DeploymentReport) -> None:
        self._call("POST", f"deployments/{deployment}/statuses", reports.status_document(report))

    def find_or_make_check(self, report: DeploymentReport) -> int:
        """Its id; it says what the report says."""
        asked = {"check_name": report.check_name, "filter": "all"}
        answered = self._call("GET", f"commits/{report.commit_sha}/check-runs", per_page=_FOUND, **asked) or {}
        for each in answered.get("check_runs", []):
            if each.get("external_id") == report.external_id:
                self.change_check(_id_of(each), report)
                return _id_of(each)
        return _id_of(self._call("POST", "check-runs", reports.check_document(report)))

    def change_check(self, check: int, report: DeploymentReport) -> None:
        document = reports.check_document(report)
        del document["head_sha"]
        self._call("PATCH", f"check-runs/{check}", document)

    def _call(self, method: str, path: str, document: Any = None, **query: str | int) -> Any:
        return self.api.call(method, f"/repos/{self.owner}/{self.name}/{path}", self.token, document, **query)


def _payload(deployment: dict[str, Any]) -> dict[str, Any]:
    """GitHub gives it back as it was sent, or as a text of JSON."""
    found = deployment.get("payload")
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except ValueError:
            return {}
    return found if isinstance(found, dict) else {}


def _id_of(found: Any) -> int:
    number = found.get("id") if isinstance(found, dict) else None
    if not isinstance(number, int):
        raise GitHubRefused("GitHub answers without an id")
    return number

"""What a repository's owner reads when it does not have what is to be deployed. Names of branches are whoever's who
may push, so commands that are to be copied have them quoted."""

from __future__ import annotations

import shlex

from slipway.errors import DeploymentFailed
from slipway.ports.building import Branches

_NAMED, _LONGEST_NAME = 4, 60


def failure(asked: str, branch: str, branches: Branches) -> DeploymentFailed:
    """Of a branch, tag or commit id that is not there. `branch`: the one that the app follows."""
    if not branches.names:
        return DeploymentFailed(
            "commit-missing",
            "the repository is empty: nothing was ever pushed to it",
            remedy=f"commit something and push it: git push origin {shlex.quote(f'HEAD:{branch}')}",
        )
    if asked != branch:
        return DeploymentFailed(
            "commit-missing",
            f"the repository has no branch, tag or full commit id {asked}",
            remedy=f"name one that is there: slipway deploy --ref {branch}",
        )
    another = branches.default or branches.names[0]
    return DeploymentFailed(
        "commit-missing",
        f"the repository has no branch {branch}; it has {_listed(branches.names)}",
        remedy=f"have the app follow one that is there: slipway apps set {shlex.quote(f'branch={another}')}\n"
        f"or push it: git push origin {shlex.quote(f'HEAD:{branch}')}",
    )


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(name[:_LONGEST_NAME] for name in names[:_NAMED]) + more

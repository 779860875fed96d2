"""What a principal of one app may not do: everything, but for what is open to CI jobs and is about that app.

It is asked once for each request, in `router.access.requires`, before the view and its use case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from router.principal import Principal
from router.services import Services
from router.usecases.finding import NUMBER_MAX
from slipway.errors import NotAllowed, NotFound
from slipway.models import Deployment

APP, DEPLOYMENT = "app", "deployment"
"""What paths call the things that belong to an app."""


def require(
    services: Services, principal: Principal, *, for_jobs: bool, path: Mapping[str, Any], query: MultiDict[str, str]
) -> None:
    """`path` are the variables of the request's path: one of them has to say that it is about the principal's app. The
    query may not name another app.

    Raises:
        NotAllowed: the operation is not open to principals of one app.
        NotFound: it is about something else. Whether that exists is not said.
    """
    only = principal.only_app
    if only is None:
        return
    if not for_jobs:
        raise NotAllowed(
            f"A CI job may deploy {only.name} and read its deployments, and nothing else.",
            remedy="give the job a token for what else it does: slipway tokens create",
        )
    names = [*query.getlist(APP), *([path[APP]] if APP in path else [])]
    is_its_own = all(name == only.name for name in names)
    if APP not in path:
        is_its_own = is_its_own and _app_of_deployment(services, principal, path.get(DEPLOYMENT)) == only.id
    if not is_its_own:
        raise NotFound(f"A CI job of {only.name} finds that app and its deployments, and nothing else.")


def _app_of_deployment(services: Services, principal: Principal, number: Any) -> int | None:
    if not isinstance(number, int) or number > NUMBER_MAX:
        return None
    with services.db.read(tenant_id=principal.tenant_id) as session:
        found = session.get(Deployment, number)
        return found.app_id if found is not None and found.tenant_id == principal.tenant_id else None

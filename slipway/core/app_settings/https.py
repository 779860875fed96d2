"""What an app says of HTTP and HTTPS at its hosts."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field, ValidationError, model_validator

from slipway.core.app_settings.merge_patch import in_force
from slipway.core.naming.json_kinds import GivenValues

MOST_HSTS_S = 63_072_000
"""Two years."""
LEAST_PRELOAD_S = 31_536_000
"""What browsers' list asks for (https://hstspreload.org)."""
NAME = "https"


class HttpsSettings(GivenValues):
    """For the app's hosts that have a certificate."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    redirect: bool = True
    """HTTP requests are sent on to HTTPS."""
    hsts_s: int | None = Field(default=None, ge=0, le=MOST_HSTS_S)
    """For so many seconds browsers shall use HTTPS alone (HSTS). None: nothing is said; 0: they shall forget it."""
    hsts_subdomains: bool = False
    """Also for every name below the host, as long as none of them is somebody else's here."""
    hsts_preload: bool = False
    """Browsers may have it in their list from the beginning."""

    @model_validator(mode="after")
    def _complete(self) -> HttpsSettings:
        if self.hsts_subdomains and not self.hsts_s:
            raise ValueError("hsts_subdomains needs hsts_s, above 0")
        if self.hsts_preload and not (self.hsts_subdomains and (self.hsts_s or 0) >= LEAST_PRELOAD_S):
            raise ValueError(f"hsts_preload needs hsts_subdomains, and hsts_s of at least {LEAST_PRELOAD_S}")
        return self


PLAIN = HttpsSettings()


def chosen(app: dict[str, Any], file: dict[str, Any]) -> HttpsSettings:
    """What holds: the app's, with the file's of what serves over it. What can't be understood is as if nothing was
    said: it is checked where it is set."""
    values = in_force({NAME: app.get(NAME) or {}}, {NAME: file.get(NAME) or {}})[NAME]
    try:
        return HttpsSettings.model_validate(values) if values else PLAIN
    except ValidationError:
        return PLAIN

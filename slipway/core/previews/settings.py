"""What an app says of previews of its pull requests."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError

from slipway.core.app_settings.checked import checked
from slipway.core.app_settings.merge_patch import in_force
from slipway.core.naming import validation
from slipway.core.naming.json_kinds import GivenValues

NAME = "previews"
MOST_VARIABLES = 50

VariableName = Annotated[str, checked(validation.variable_name)]


class PreviewTable(GivenValues):
    """Each pull request into the app's branch gets an app of its own. The table of the app's live commit counts, never
    the pull request's."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    enabled: bool = True
    """False: none are made. `previews = true` stands for a table without values, `previews = false` for this one."""
    limit: int = Field(default=5, ge=1, le=50)
    """How many there may be at one time; others wait for one that ends."""
    expire_after_days: int = Field(default=7, ge=1, le=365)
    """A preview is removed so long after the last push to its pull request; the next push makes it anew."""
    inherit_variables: bool = False
    """Previews get the app's own variables, secret ones too: they reach the same database, and a pre-deploy command of
    a pull request changes it. Those of forks never do."""
    variables: dict[VariableName, Annotated[str, Field(max_length=4096)]] = Field(
        default_factory=dict, max_length=MOST_VARIABLES
    )
    """For previews alone, of forks too; they go before the app's own. No secrets: everybody can read them here."""


NONE_MADE = PreviewTable(enabled=False)


def _as_table(value: Any) -> Any:
    return {"enabled": value} if isinstance(value, bool) else value


PreviewSettings = Annotated[PreviewTable, BeforeValidator(_as_table, json_schema_input_type=bool | PreviewTable)]


def chosen(app: dict[str, Any], file: dict[str, Any]) -> PreviewTable:
    """What holds: the app's, with the file's of what serves over it. What can't be understood is as if nothing was
    said: it is checked where it is set."""
    given = [_as_table(each[NAME]) for each in (app, file) if each.get(NAME) is not None]
    if not all(isinstance(each, dict) for each in given):
        return NONE_MADE
    try:
        return PreviewTable.model_validate(in_force(given[0], given[-1])) if given else NONE_MADE
    except ValidationError:
        return NONE_MADE

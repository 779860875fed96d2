"""The JSON schema of `slipway.toml`, for editors: docs/reference/slipway.schema.json.

`python -m slipway.core.app_settings.settings_schema > docs/reference/slipway.schema.json` writes it anew.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from slipway.core.app_settings.file_name import FILE_NAME
from slipway.core.app_settings.model import AppSettings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Made from the model, without the nulls that TOML can't say."""
    made: dict[str, Any] = _plain(AppSettings.model_json_schema())
    return {"$schema": DIALECT, **made, "title": FILE_NAME}


def text() -> str:
    """As it is published."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _plain(part: Any) -> Any:
    if isinstance(part, list):
        return [_plain(each) for each in part]
    if not isinstance(part, dict):
        return part
    kept = {key: _plain(value) for key, value in part.items() if not (key == "default" and _says_null(value))}
    if isinstance(kept.get("title"), str):
        del kept["title"]  # pydantic's, which only repeats the field's name
    choices = [each for each in kept.get("anyOf", []) if each != {"type": "null"}]
    if len(choices) == 1:
        kept = choices[0] | {key: value for key, value in kept.items() if key != "anyOf"}
    elif choices:
        kept["anyOf"] = choices
    return kept


def _says_null(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and None in value.values())


if __name__ == "__main__":
    sys.stdout.write(text())

"""Settings over settings: a change (RFC 7396), and the values of a file."""

from __future__ import annotations

from typing import Any


def merge_patch(document: Any, patch: Any) -> Any:
    """`document` with `patch` over it: tables are merged, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def in_force(app: dict[str, Any], file: dict[str, Any]) -> dict[str, Any]:
    """The values that hold: the app's, with those of the deployed commit's file over them."""
    merged = dict(app)
    for key, value in file.items():
        old = merged.get(key)
        merged[key] = in_force(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged

"""RFC 7396: change parts of a JSON document."""

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

"""The user and group ids that an image runs as."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_ID = re.compile(r"[0-9]{1,10}")
_ID_MAX = (1 << 31) - 1
_NUMBER = 3
"""A line of /etc/passwd or /etc/group has more fields than this; the third is the id."""


@dataclass(frozen=True, slots=True)
class Owner:
    uid: int
    gid: int


ROOT = Owner(0, 0)


def owner_of(user: str, read: Callable[[str], str]) -> Owner:
    """The user and group of an image's USER: `name`, `10001`, `name:group` or `10001:10001`. `read` returns the text of
    /etc/passwd and /etc/group. A name that is not in them counts as root: the runtime refuses to start it."""
    name, _, group = user.partition(":")
    if not name or name in ("root", "0"):
        return ROOT
    if _is_id(name) and _is_id(group):
        return Owner(int(name), int(group))
    account = _entry(read("/etc/passwd"), name)
    uid = account[2] if account else name
    if not _is_id(uid):
        return ROOT
    return Owner(int(uid), _group(group, account, read))


def _group(group: str, account: list[str], read: Callable[[str], str]) -> int:
    if not group:
        gid = account[3] if account else ""
    elif _is_id(group):
        gid = group
    else:
        gid = (_entry(read("/etc/group"), group) or ["", "", ""])[2]
    return int(gid) if _is_id(gid) else ROOT.gid


def _entry(text: str, wanted: str) -> list[str]:
    """The fields of an account's line, found by name or else by id; empty when there is none."""
    lines = [line.split(":") for line in text.splitlines()]
    rows = [fields for fields in lines if len(fields) > _NUMBER and wanted in (fields[0], fields[2])]
    by_name = [fields for fields in rows if fields[0] == wanted]
    return next(iter(by_name or rows), [])


def _is_id(text: str) -> bool:
    return bool(_ID.fullmatch(text)) and int(text) <= _ID_MAX

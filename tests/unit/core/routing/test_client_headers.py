"""What a client may not say is the same in Python and at the edge."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slipway.core.routing import client_headers

LUA = (Path(__file__).parents[4] / "nginx/lua/slipway/request/client_headers.lua").read_text()


@pytest.mark.parametrize("table", ["BEGINNINGS", "WHOLE", "ALLOWED"])
def test_the_tables_are_those_of_the_edge(table: str) -> None:
    [lines] = re.findall(rf"^local {table} = \{{\n(.*?)^\}}", LUA, re.MULTILINE | re.DOTALL)
    assert set(getattr(client_headers, table)) == set(re.findall(r'"([a-z0-9-]+)"', lines))


def test_what_a_proxy_would_say_is_dropped_in_every_spelling() -> None:
    dropped = ("X-Forwarded-User", "x-slipway-identity", "X_Forwarded_User", "X.User", "CF-Connecting-IP", "x-user")
    assert all(map(client_headers.is_dropped, dropped))
    kept = ("Accept", "Authorization", "X-Auth-Token", "X-User-Id", "X-Forwarded-For")
    assert not any(map(client_headers.is_dropped, kept))

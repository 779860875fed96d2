"""Where the console is reached over TLS, nobody signs in without it."""

from __future__ import annotations

from typing import Any

import pytest

from router.internal import questions, sign_in
from slipway.errors import InvalidInput
from slipway.settings import load


def test_a_page_without_tls_begins_no_sign_in() -> None:
    asked = questions.sign_in_request({"host": "shop.example.org", "scheme": "http", "target": "/", "address": ""})
    services: Any = None  # it is refused before anything else is looked at
    with pytest.raises(InvalidInput, match="without TLS"):
        sign_in.begin(load({"SLIPWAY_PUBLIC_URL": "https://slipway.example.org"}), services, asked)

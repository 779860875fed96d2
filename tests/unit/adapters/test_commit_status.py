"""The status of a commit that is sent to a forge, without a forge."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from slipway.adapters.git.commit_status import CommitStatuses

SHA = "9" * 40


def test_two_tenants_apps_of_the_same_name_on_one_repository_have_a_status_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[dict[str, Any]] = []

    def post(_url: str, *, json: dict[str, Any], **_: Any) -> httpx.Response:
        sent.append(json)
        return httpx.Response(201)

    monkeypatch.setattr(httpx, "post", post)
    statuses = CommitStatuses("https://api.github.com", "token")
    for tenant in ("acme", "globex"):
        status = {"tenant": tenant, "app": "shop", "description": "shop is live", "target_url": "https://x.example"}
        statuses.send("https://github.com/acme/shop.git", SHA, "success", **status)
    statuses.settle()
    assert [each["context"] for each in sent] == ["slipway/acme/shop", "slipway/globex/shop"]

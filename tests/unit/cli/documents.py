"""Documents as the API answers with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

BEGAN = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)
COMMIT = "9f3c1e2" + "0" * 33
OLD = "77ab0d1" + "0" * 33


def moment(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def step(name: str, seconds: float | None, *, ok: bool | None = True, note: str = "") -> dict[str, Any]:
    ended = None if seconds is None else moment(seconds)
    return {"name": name, "started_at": moment(0), "ended_at": ended, "seconds": seconds, "ok": ok, "note": note}


def deployment(**values: Any) -> dict[str, Any]:
    """A push that was just taken."""
    return {
        "id": 318,
        "app": "shop",
        "environment": "production",
        "kind": "push",
        "sequence": 7,
        "state": "queued",
        "stopping": False,
        "source": "git",
        "ref": "refs/heads/main",
        "commit": COMMIT,
        "digest": "",
        "message": "Fix the cart total\n\nIt was off by one.",
        "pushed_by": "octocat",
        "actor": "hook:x",
        "release": None,
        "previous": None,
        "reason": "",
        "detail": "",
        "meaning": "",
        "remedy": "",
        "tail": "",
        "steps": [],
        "notices": [],
        "created_at": moment(0),
        "started_at": None,
        "live_at": None,
        "ended_at": None,
        "url": "https://slipway.example.org/deployments/318",
        "log_url": "https://slipway.example.org/api/deployments/318/log",
        "serving": None,
    } | values


def live(**values: Any) -> dict[str, Any]:
    """One that went well, after another."""
    return deployment(
        **{
            "state": "live",
            "release": {"number": 12, "digest": "sha256:1"},
            "previous": {"id": 317, "release": 11, "commit": OLD, "digest": ""},
            "serving": {"id": 318, "release": 12, "commit": COMMIT, "digest": ""},
            "live_at": moment(13.6),
            "steps": [
                step("fetch", 0.4),
                step("build", 11.8, note="7 of 9 steps from cache"),
                step("start", 1.1, note="2 replicas, both answered GET /health"),
                step("switch", 0.1, note="generation 412 in force on 1 edge"),
                step("drain", 3.0, note="2 old replicas"),
            ],
        }
        | values
    )


def failed(**values: Any) -> dict[str, Any]:
    """One whose replica never answered."""
    return deployment(
        **{
            "state": "failed",
            "reason": "start-probe-failed",
            "detail": "GET :8080/health answered 500 (6 tries)",
            "meaning": "v11 (77ab0d1) serves on.",
            "remedy": "DATABASE_URL is read but not set here: slipway env set -a shop DATABASE_URL=…\n"
            "or look at its output: slipway logs -a shop --deployment 318",
            "tail": "Traceback (most recent call last)\nKeyError: 'DATABASE_URL'",
            "serving": {"id": 317, "release": 11, "commit": OLD, "digest": ""},
            "ended_at": moment(40),
            "steps": [
                step("fetch", 0.4),
                step("build", 9.2),
                step("start", 30.0, ok=False, note="GET :8080/health answered 500 (6 tries)"),
            ],
        }
        | values
    )

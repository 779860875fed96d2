"""What settings may say of a job of the schedule."""

from __future__ import annotations

import math
from typing import Any

import pytest

from slipway.core.app_settings.configuration import Configuration, Defaults, snapshot
from slipway.core.app_settings.model import file_values, parse
from slipway.core.runs.cron_job import CronJob, Overlap
from slipway.errors import InvalidInput

HOST = Defaults(100 << 20, 0.5, 64, 30.0, 10.0, 30.0, 10.0, 600.0)
JOB = {"name": "report", "schedule": "@daily", "command": "report --to 'a b'"}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1, 0, 0.5, 86401, 1e300])
def test_no_time_is_without_bounds(value: float) -> None:
    with pytest.raises(InvalidInput, match="timeout_s"):
        parse({"cron": [JOB | {"timeout_s": value}]})


def test_a_file_names_the_line_of_a_job_that_is_none() -> None:
    with pytest.raises(InvalidInput, match=r"slipway.toml, line 3: .*schedule"):
        file_values(b'[[cron]]\nname = "a"\nschedule = "* * *"\ncommand = "c"\n')


def test_a_release_freezes_the_jobs_and_reads_them_again() -> None:
    more = JOB | {"name": "sweep", "overlap": "replace", "timezone": "Europe/Berlin", "timeout_s": 60}
    frozen = snapshot(parse({"cron": [JOB, more]}), HOST, variables={}, exposed_port=None)
    assert frozen.cron == (
        CronJob("report", "@daily", ("report", "--to", "a b"), "web", "UTC", Overlap.SKIP, None),
        CronJob("sweep", "@daily", ("report", "--to", "a b"), "web", "Europe/Berlin", Overlap.REPLACE, 60.0),
    )
    assert Configuration.from_json(frozen.to_json()).cron == frozen.cron


def test_a_release_of_before_has_no_jobs() -> None:
    kept: dict[str, Any] = snapshot(parse({}), HOST, variables={}, exposed_port=None).to_json()
    del kept["cron"]
    assert Configuration.from_json(kept).cron == ()


def test_a_job_of_a_process_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidInput, match="names the process 'none'"):
        snapshot(parse({"cron": [JOB | {"process": "none"}]}), HOST, variables={}, exposed_port=None)

"""Tests depend on the checkout alone: not on an installation that runs from it, its settings or its user's login."""

from __future__ import annotations

import os
from pathlib import Path

from slipway import settings
from slipway.host import checkout
from tests.fixtures.stack import every_setting


def test_no_setting_of_an_installation_reaches_a_test() -> None:
    assert [name for name in os.environ if name.startswith(settings.PREFIX)] == ["SLIPWAY_CONFIG_DIR"]
    assert not checkout.ENV_FILE.exists()
    assert not Path(settings.client()["config_dir"]).exists()


def test_the_platform_of_a_test_reads_nothing_of_the_checkouts_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLIPWAY_METRICS_LISTEN=127.0.0.1:9145\nSLIPWAY_GIT_HOSTS=public,127.0.0.1:8085\n")
    variables = settings.environment(tmp_path / ".env", None, every_setting())
    assert settings.load(variables) == settings.load({})

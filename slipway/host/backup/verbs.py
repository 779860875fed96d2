"""The commands of backups, with what they take from the command line."""

from __future__ import annotations

import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

from slipway.host.backup import secret
from slipway.host.backup.archive.manifest import describe
from slipway.host.backup.archive.unpacking import verified
from slipway.host.backup.making import Backup
from slipway.host.backup.restoring import Restore
from slipway.host.commands import Commands
from slipway.settings import Settings

Say = Callable[[str], None]


def backup(options: Namespace, environment: Mapping[str, str], settings: Settings, say: Say) -> None:
    signal.signal(signal.SIGTERM, _end)
    Backup(
        settings,
        environment,
        Commands(),
        say,
        with_images=not options.without_images,
        with_volumes=options.with_volumes,
        secret_file=options.key,
    ).write(Path(options.file).absolute())


def restore(options: Namespace, _environment: Mapping[str, str], settings: Settings, say: Say) -> None:
    signal.signal(signal.SIGTERM, _end)
    Restore(settings, Commands(), say, secret_file=options.key).run(Path(options.file))


def show(options: Namespace, _environment: Mapping[str, str], settings: Settings, say: Say) -> None:
    """What is in a backup, of which every byte was read."""
    say(describe(verified(Path(options.file), secret.to_read(settings, options.key))))


def _end(number: int, _frame: FrameType | None) -> None:
    """As an exception, so that nothing half-written stays."""
    sys.exit(128 + number)

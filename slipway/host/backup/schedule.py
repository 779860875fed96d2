"""Which backups of an installation are there, when the next one is due, and which go."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from slipway.core.text.amounts import ago
from slipway.core.text.counting import plural
from slipway.settings import Settings

_MISSED = 2
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup in the folder of scheduled ones; its name says when it was begun."""

    made_at: datetime
    file: Path


def kept(settings: Settings) -> list[Kept]:
    """This installation's, the oldest first. Other files of the folder are left alone."""
    folder = Path(settings.backup_folder)
    name = re.compile(rf"slipway-{re.escape(settings.instance)}-(\d{{8}}T\d{{6}}Z)\.backup")
    found = [(match, each) for each in _files(folder) if (match := name.fullmatch(each.name))]
    made = [Kept(datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC), each) for match, each in found]
    return sorted(made, key=lambda each: each.made_at)


def due_at(settings: Settings, now: datetime) -> datetime:
    """One that claims to be of the future was made before the clock was set: it counts for nothing."""
    past = [each.made_at for each in kept(settings) if each.made_at <= now]
    return past[-1] + timedelta(hours=settings.backup_every_h) if past else now


def file_for(settings: Settings, now: datetime) -> Path:
    return Path(settings.backup_folder) / f"slipway-{settings.instance}-{now.strftime(_STAMP)}.backup"


def remove_half_written(settings: Settings) -> None:
    """What backups that were killed left. Before the next one, which may need the room."""
    for each in Path(settings.backup_folder).glob(f"slipway-{settings.instance}-*.backup.partial"):
        each.unlink(missing_ok=True)


def trim(settings: Settings, now: datetime) -> list[Path]:
    """Remove all but the newest. Those that claim to be of the future are the first to go."""
    made = sorted(kept(settings), key=lambda each: (each.made_at <= now, each.made_at))
    going = [each.file for each in made[: -settings.backup_keep]]
    for each in going:
        each.unlink(missing_ok=True)
    return going


def judge(settings: Settings, now: datetime) -> tuple[bool, str, str]:
    """Whether the newest is young enough, in words, and what to do otherwise. While one is made, it is overdue."""
    made = kept(settings)
    remedy = f"look at {settings.log_dir / 'services' / 'backup-0.log'}; make status says whether it runs"
    if not made:
        return False, f"none yet in {settings.backup_folder}", remedy
    newest = made[-1].made_at
    said = f"{plural(len(made), 'backup')} in {settings.backup_folder}, the newest {ago(newest, now)}"
    if now - newest <= _MISSED * timedelta(hours=settings.backup_every_h):
        return True, said, ""
    return False, f"{said}, and one is due every {settings.backup_every_h:g} h", remedy


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []

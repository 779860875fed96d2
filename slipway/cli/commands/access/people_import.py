"""One run of an import of people: a file, in batches, and what became of each line."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from slipway.core.identity.import_file import FileLine, lines
from slipway.core.identity.people import BATCH_MOST, Outcome
from slipway.errors import InvalidInput

_FAILED = (Outcome.CONFLICT, Outcome.REFUSED)


class Send(Protocol):
    """Has a batch imported: an outcome for each line, in their order."""

    def __call__(self, batch: list[dict[str, Any]], *, dry_run: bool) -> list[dict[str, Any]]: ...


@dataclass
class ImportRun:
    """What was cut off is finished by another run of the same file: who is there already is found, and not changed."""

    send: Send
    dry_run: bool
    lines: list[dict[str, Any]] = field(default_factory=list)
    """What became of those that were dealt with, in the file's order."""
    is_complete: bool = False

    def do(self, content: bytes, progress: Callable[[str], None] | None) -> None:
        """
        Raises:
            InvalidInput: the file as a whole can't be read.
        """
        found = lines(_text(content))
        for batch in _batches(found):
            self.lines += self._outcomes(batch)
            if progress is not None:
                progress(f"{len(self.lines)} of {len(found)} lines")
        self.is_complete = True

    def _outcomes(self, batch: list[FileLine]) -> list[dict[str, Any]]:
        sent = [{"number": line.number, "fields": line.fields} for line in batch if not line.refused]
        answers = {each["number"]: each for each in (self.send(sent, dry_run=self.dry_run) if sent else [])}
        return [answers.get(line.number) or _refused(line) for line in batch]

    @property
    def failed(self) -> list[dict[str, Any]]:
        return [each for each in self.lines if each["outcome"] in _FAILED]

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(each["outcome"] for each in self.lines)
        return {str(outcome): found[str(outcome)] for outcome in Outcome}

    def document(self) -> dict[str, Any]:
        return {"dry_run": self.dry_run, "complete": self.is_complete, "counts": self.counts, "lines": self.lines}


def write_report(path: str, run: ImportRun) -> None:
    """Aside first, so that there is never half a report. It names people: only its owner may read it."""
    aside = Path(f"{path}.new")
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(run.document(), file, indent=2, ensure_ascii=False)
        file.write("\n")
    aside.replace(path)


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidInput(f"line {line} is not UTF-8", remedy="save the file as UTF-8") from None


def _batches(found: list[FileLine]) -> Iterator[list[FileLine]]:
    for first in range(0, len(found), BATCH_MOST):
        yield found[first : first + BATCH_MOST]


def _refused(line: FileLine) -> dict[str, Any]:
    return {"number": line.number, "login": "", "outcome": str(Outcome.REFUSED), "detail": line.refused}

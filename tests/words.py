"""`python -m tests.words`, a part of `make check`: the words that the project does not use, and what to write instead.

One thing has one name, the one that a newcomer would search for. Each rule below says where its words are refused:

- `ANYWHERE`: in names, comments, docstrings, messages and pages.
- `PROSE`: in comments, strings and pages only; as part of a name it may be right.
- `NAMES`: as a whole name in Python code only; as ordinary English it may be right.
- `LUA_NAMES`: as the name of a Lua module: of its file, and of the local that has it. A field may be right.
- `FILES`: as the name of a file, in the folder that stands before it.

With paths as arguments it reads those instead of the whole checkout.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]

ANYWHERE = {
    "doorkeepers?": "hook authentication, authenticate",
    "told": "reported, notified, or the verb itself: `the agent enqueues`, `until it is stopped`",
    "tell(s|ing)? of": "reports, lists, names",
    "in_hand": "claimed, in progress",
    "mend(s|ed|ing)?": "fix, repair",
    "hearts?": "heartbeat",
    "rehearsals?": "warm-up",
    "recipes?": "build plan",
    "attention": "change detection",
    "reality": "observed state",
    "wish(es|ed)?": "desired state; requests, asks for",
    "staff(ing|ed)": "replica actions",
    "recruit(s|ed|ing)?": "start a replica",
    "chores?": "background task",
    "outages?": "dependency back-off; `Redis is unreachable`",
    "upkeep": "maintenance",
    "housekeeping": "maintenance",
    "waking": "activation",
    "rous(e|es|ed|ing)": "activate, activation",
    "vacating": "address quarantine",
    "rest(s(?!_from)|ed)": "is quarantined, quarantine",
    "lapsed": "stale, expired",
    "strays?": "dangling",
    "patience": "timeout, deadline",
    "is_old_news": "is_stale_redelivery",
    "begins_anew": "must_refreeze",
    "asked_for_again": "is_redundant",
    "examin(e|es|ed|ing)": "doctor, check",
    "lookers?": "StateLoader",
    "hearers?": "handlers",
}
PROSE = {
    "in hand": "claimed, in progress",
    "at hand": "here, present, in use",
    "is away": "is unreachable, is missing",
    "are away": "are unreachable, are missing",
    "was away": "was unreachable, was missing",
    "were away": "were unreachable, were missing",
    "be(en|ing)? away": "be unreachable, be missing",
    "goes away": "becomes unreachable, disappears",
    "went away": "became unreachable, disappeared",
    r"hand(s|ed|ing)?( \w+)? out again": "requeue",
    "t(ake|akes|aking|ook) turns": "are processed one at a time",
    "in other hands": "another worker has claimed it",
    "old news": "a stale redelivery",
    "answers\\.lua": "responses.lua",
    "bodies\\.lua": "request_body.lua",
    "streaks\\.lua": "failure_state.lua",
    "trials\\.lua": "half_open.lua",
    "tally\\.lua": "worker_counts.lua",
    "roster\\.lua": "series_registry.lua",
    "units\\.lua": "series.lua",
    "follower\\.lua": "route_sync.lua",
    "exposition\\.lua": "prometheus.lua",
    "outcomes\\.lua": "log_phase.lua",
}
NAMES = {
    "turns": "delivery_lock",
    "admit": "authenticate",
    "announce": "enqueue",
    "(?<!ast[.])Call": "IncomingDelivery, or which call it is",
    "Known": "ExistingDelivery, or what is known",
    "Judged": "AppDecision",
    "Made": "CreatedDeployment, or what was made",
    "Hold": "Lease, Lock",
    "Lost": "LeaseLost",
    "Outside": "a narrow, named set of dependencies",
    "tools|Tools|Parts": "dependencies, a named, narrow set each",
    "PASSES": "RECONCILES",
    "tend": "the replica action's own name",
    "begun": "frozen (a configuration), started (a clock)",
    "wakes": "activation_requests",
}
LUA_NAMES = {
    "answers": "responses",
    "bodies": "request_body",
    "streaks": "failure_state",
    "trials": "half_open",
    "tally": "worker_counts",
    "roster": "series_registry",
    "units": "series",
    "follower": "route_sync",
    "exposition": "prometheus",
    "outcomes": "log_phase",
}
FILES = {
    "turns": "delivery_lock",
    "marks|attention": "change_detection, fingerprints",
    "reality|wish": "observed_state, desired_state",
    "passes|looker|staffing": "reconcile, state_loader, replica_actions",
    "chores|outages|upkeep|housekeeping": "background_tasks, dependency_backoff, maintenance, image_gc, retention",
    "agent/(.*/)?history": "retention",
    "waking|wakes|rousing": "event_listener, activation_requests, activation",
    "vacating|hold|heart|tools|parts|outside": "address_quarantine, lease, heartbeat, dependencies",
    "recipe|rehearsal|choice": "build_plan, warm_up, manual_override",
    "cli/access|cli/(.*/)?(running|endings|exits|pairs|nouns)": "the noun, errors, exit_codes, key_values",
    "host/(.*/)?(examine|caller|serving)": "doctor, invoking_user, exec_service",
    "utils?|helpers?|common|managers?": "the name of what is in it",
}
_OWN = ("tests/words.py", "tests/unit/test_words.py")
_KINDS = {".py", ".lua", ".conf", ".md", ".toml", ".yml", ".json", ".html", ".service", ".target", ".example", ""}
_SKIPPED = re.compile(r"\.(?!ci$|env\.example$).*|__pycache__|htmlcov|LICENSE|.*\.egg-info")
_PYTHON = re.compile(r'(?P<prose>"""(?:\\.|[^\\])*?"""|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|#[^\n]*)', re.DOTALL)
_LUA = re.compile(r'(?P<prose>--\[\[.*?\]\]|--[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')', re.DOTALL)
_BETWEEN = r"(?:\s|#|--|_)+"
"""What may stand between two words of a phrase: also a new line of a comment, and the underline of a test's name."""


class Finding(NamedTuple):
    path: Path
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.word!r}: write {self.instead}"


class Rules:
    """Rules of one kind as one pattern, so that a file that breaks none is read once."""

    def __init__(self, rules: dict[str, str], *, is_name: bool = False) -> None:
        edge = r"\w" if is_name else "a-z"
        words = "|".join(rule.replace(" ", _BETWEEN) for rule in rules)
        self._pattern = re.compile(f"(?<![{edge}])(?:{words})(?![{edge}])")
        self._each = [(re.compile(rule.replace(" ", _BETWEEN)), instead) for rule, instead in rules.items()]

    def find(self, text: str) -> Iterator[tuple[int, str, str]]:
        """Where each word that a rule refuses stands, the word, and what to write instead."""
        for match in self._pattern.finditer(text):
            instead = next(instead for rule, instead in self._each if rule.fullmatch(match.group()))
            yield match.start(), match.group(), instead


_LUA_LOCALS = {rf"local\s+{name}": instead for name, instead in LUA_NAMES.items()}
_WORDS = Rules({**ANYWHERE, **PROSE})
_NAMES = {".py": Rules(NAMES, is_name=True), ".lua": Rules(_LUA_LOCALS, is_name=True)}
_SYNTAX = {".py": _PYTHON, ".lua": _LUA}


def findings(path: Path, shown: Path) -> Iterator[Finding]:
    """What is refused in one file. It is named as `shown`."""
    yield from _in_name(shown)
    text = path.read_text(errors="replace")
    found = list(_WORDS.find(text.lower()))
    if syntax := _SYNTAX.get(path.suffix):
        found += _NAMES[path.suffix].find(syntax.sub(_blank, text))
    for at, word, instead in sorted(found):
        yield Finding(shown, text.count("\n", 0, at) + 1, " ".join(word.split()), instead)


def _in_name(shown: Path) -> Iterator[Finding]:
    stem = (shown.parent / shown.name.partition(".")[0].removeprefix("test_")).as_posix()
    for rule, instead in (FILES | LUA_NAMES if shown.suffix == ".lua" else FILES).items():
        if re.fullmatch(f"(?:.*/)?(?:{rule})", stem):
            yield Finding(shown, 0, shown.name, instead)


def _blank(prose: re.Match[str]) -> str:
    """Spaces instead of a comment or a string, so that what follows keeps its place."""
    return re.sub(r"[^\n]", " ", prose.group())


def files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_file():
            yield place
        else:
            yield from files(each for each in sorted(place.iterdir()) if _is_read(each))


def _is_read(path: Path) -> bool:
    return not _SKIPPED.fullmatch(path.name) and (path.is_dir() or path.suffix in _KINDS)


def main(arguments: list[str]) -> int:
    """Prints what it found; exit code 1 when that is anything."""
    found: list[Finding] = []
    for path in files(Path(each).resolve() for each in arguments or [ROOT]):
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        name = shown.as_posix()
        if name.endswith(_OWN):
            continue
        found += findings(path, shown)
    for each in found:
        print(each)
    if found:
        print(f"{len(found)} words that the project does not use (tests/words.py)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

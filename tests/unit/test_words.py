"""The check of words sees what a rule refuses, and nothing that is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import words

REFUSED = {
    "comment.py": "# the worker is told\n",
    "two_lines.py": "# Redis is\n# away\n",
    "docstring.py": 'def run():\n    """What it has in hand."""\n',
    "name.py": "rehearsal = 1\n",
    "part_of_a_name.py": "def is_told_twice(): ...\n",
    "class.py": "class Hold: ...\n",
    "log.py": 'log.info("lapsed", extra={})\n',
    "test_name.py": "def test_an_answer_while_redis_is_away(): ...\n",
    "page.md": "The chores of the agent.\n",
    "module.lua": "local tally = require('x')\n",
    "page_about_lua.md": "See `outcomes.lua`.\n",
    "outages.py": "",
    "tally.lua": "",
    "test_turns.py": "",
}
RIGHT = {
    "words.py": "# A call is answered; the holding pattern is a choice between parts that passes elsewhere.\n",
    "names.py": "parts = path.split('/')\nclick.Choice(['a'])\nelapsed = astray = heartbeat = ast.Call\n",
    "strings.py": "'Lost'  # Call, Made, Hold in a sentence\n",
    "page.md": "The router answers 404, and units, bodies and outcomes are counted.\n",
    "field.lua": "say({ bodies = totals(), units = 1 })\nreturn status.bodies\n",
    "choices.lua": "-- answers of a tally\nlocal x = answers_of\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_word_that_is_not_used_is_found(tmp_path: Path, name: str) -> None:
    assert _found(tmp_path, name, REFUSED[name])


@pytest.mark.parametrize("name", RIGHT)
def test_what_only_resembles_one_is_not(tmp_path: Path, name: str) -> None:
    assert _found(tmp_path, name, RIGHT[name]) == []


def test_a_finding_names_its_line_and_what_to_write(tmp_path: Path) -> None:
    (found,) = _found(tmp_path, "page.md", "One.\nRedis is\naway.\n")
    assert str(found) == "page.md:2: 'is away': write is unreachable, is missing"


def _found(folder: Path, name: str, text: str) -> list[words.Finding]:
    path = folder / name
    path.write_text(text)
    return list(words.findings(path, Path(name)))

"""A command that only a shell would understand is refused where it is written, with the command that works."""

from __future__ import annotations

import pytest

from slipway.core.app_settings import model
from slipway.core.naming.json_kinds import GIVEN
from slipway.errors import InvalidInput


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("cd shop && python app.py", "cd"),
        ("python migrate.py && python app.py", "&&"),
        ("python a.py || true", "||"),
        ("python a.py; python b.py", ";"),
        ("python a.py | tee log", "|"),
        ("python a.py > /tmp/log", ">"),
        ("python a.py >/tmp/log", ">/tmp/log"),
        ("python a.py 2>&1", "2>&1"),
        ("python a.py &", "&"),
        ("python a.py < /tmp/in", "<"),
        ("python a.py $(cat port)", "$("),
        ("python a.py `cat port`", "`"),
        ("DEBUG=1 python a.py", "DEBUG=1"),
        ("export A=1", "export"),
        ("exec gunicorn app:app", "exec"),
        ("source venv/bin/activate", "source"),
    ],
)
def test_shell_syntax_is_refused_with_the_command_that_works(command: str, word: str) -> None:
    for values in ({"processes": {"web": {"command": command}}}, {"pre_deploy": command}):
        with pytest.raises(InvalidInput) as refused:
            model.parse(values, GIVEN)
        assert f"{word!r} is a shell's, and no shell runs a command" in refused.value.message
        assert f"sh -c '{command}'" in refused.value.message


@pytest.mark.parametrize(
    "command",
    [
        "gunicorn --bind 0.0.0.0:$PORT app:app",
        "sh -c 'cd shop && python app.py'",
        'bash -c "DEBUG=1 python a.py | tee log"',
        "find . -name x -exec rm {} \\;",
        "program --separator '|' --and \"&&\" --to '>'",
        "run --name 'a b' $HOME;id",
        "cdxgen x",
        "java -Dx=1 -jar a.jar",
        "uvicorn app:app --log-config=a&b",
    ],
)
def test_what_a_program_may_get_as_it_is_stays(command: str) -> None:
    assert model.parse({"processes": {"web": {"command": command}}}, GIVEN).processes["web"].command == command


def test_one_that_was_kept_before_is_read_as_it_is() -> None:
    assert model.parse({"pre_deploy": "python a.py &"}).pre_deploy == "python a.py &"

"""The files of a foreign commit are written as they are, and those that its copy lacks are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.foreign import git_folder, read_list, write_tree
from tests.forge import WorkingCopy


def test_a_commits_files_are_written_and_absent_ones_are_named(tmp_path: Path) -> None:
    copy = WorkingCopy(tmp_path / "copy")
    commit = copy.commit(app__py="x = 1\n", large__bin="large\n")
    copy.commit("Later", app__py="x = 2\n")
    large = copy.git("rev-parse", f"{commit}:large.bin")
    (copy.path / ".git/objects" / large[:2] / large[2:]).unlink()
    written, absent = write_tree(copy.path / ".git", commit, tmp_path / "written")
    assert (written, absent) == (commit, ("large.bin",))
    assert {path.name for path in (tmp_path / "written").iterdir()} == {"app.py"}
    assert (tmp_path / "written/app.py").read_text() == "x = 1\n"


@pytest.mark.parametrize("below", ["", "repo", "repo/.git"])
def test_a_copys_git_folder_is_found_wherever_it_lies(tmp_path: Path, below: str) -> None:
    folder = tmp_path / "owner+name" / below
    (folder / "objects").mkdir(parents=True)
    assert git_folder(tmp_path, "owner/name") == folder


def test_a_row_of_the_list_has_settings_and_variables(tmp_path: Path) -> None:
    path = tmp_path / "list.toml"
    path.write_text(
        '[[repository]]\nname = "Owner/some_name"\nsettings.build.context = "app"\nvariables.KEY = "x"\n'
        'languages = ["node"]\n'
    )
    [row] = read_list(path)
    assert (row.app, row.settings, row.variables) == ("owner-some-name", {"build": {"context": "app"}}, {"KEY": "x"})

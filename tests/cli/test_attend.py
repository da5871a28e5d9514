"""`yanshi attend` finds its run, and says what would work where it does not."""

from pathlib import Path

import pytest

from yanshi.cli.attend import choose_door
from yanshi.core.errors import ConfigError
from yanshi.ports.attendance import Door

ONE, TWO = Door(Path("11.sock")), Door(Path("12.sock"))


def test_the_only_run_need_not_be_named():
    assert choose_door([ONE], None) == ONE
    assert choose_door([ONE, TWO], 12) == TWO


@pytest.mark.parametrize(
    ("doors", "run", "words"),
    [
        ([], None, "No run can be attended now.*--check-in 2"),
        ([ONE, TWO], None, "One run was to be attended; there are 11, 12.*yanshi attend 11"),
        ([ONE], 13, "Run 13 was to be attended; there are 11"),
    ],
)
def test_no_run_or_several_are_told(doors, run, words):
    with pytest.raises(ConfigError, match=words):
        choose_door(doors, run)


@pytest.mark.parametrize("option", [("--check-in", "2"), ("--apart",)])
@pytest.mark.parametrize("command", [("run", "wave"), ("chat", "--clock", "sim")])
def test_what_needs_real_time_says_so(typed, command, option):
    code, _, told = typed(*command, *option)
    assert code == 2
    assert told == f"{' '.join(option)} needs real time: add --clock wall.\n"

"""`yanshi plan`, as somebody types it."""

import json
import subprocess
import sys

import pytest

from yanshi.cli.plan import language_of, outcome_of, read_things
from yanshi.core.errors import ConfigError
from yanshi.mind.dialogue import Context, Seen
from yanshi.mind.language import PlanLanguage
from yanshi.worlds.home import build_home

LANGUAGE = PlanLanguage.of(build_home(0).floor_plan)


def run(*arguments, said=""):
    return subprocess.run(
        [sys.executable, "-m", "yanshi", "plan", *arguments],
        input=said,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_lines_become_objects_with_the_model_loaded_once():
    done = run("--json", said="stop\n站起来\n\n走到桌子前\n")
    assert done.returncode == 0, done.stderr
    first, second, third = map(json.loads, done.stdout.splitlines())
    assert set(first) == {"sentence", "language", "outcome", "plan", "ms", "mind"}
    assert (first["outcome"], first["plan"], first["mind"]) == ("stop", ["stop"], "stop")
    assert (second["language"], second["plan"], second["mind"]) == ("zh-Hans", ["getup"], "rule")
    assert (third["outcome"], third["plan"], third["mind"]) == ("plan", ["go table"], "on board")


def test_a_place_and_a_thing_that_were_never_taught_are_understood():
    done = run("走到窗户那边", "--places", "table, window", "--things", "red toy car on window")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("go window")


def test_an_order_that_is_refused_has_its_own_exit_code():
    done = run("")
    assert done.returncode == 3
    assert done.stdout.startswith("refuse empty")


def test_a_name_that_is_none_is_refused_with_an_example():
    done = run("go", "--things", 'red cup; go door "')
    assert done.returncode == 2
    assert "'red cup' or 'window'" in done.stderr


@pytest.mark.parametrize(
    ("plan", "outcome"),
    [
        ("go table; wave", "plan"),
        ('say "hi"', "say"),
        ('say "hi"; wave', "plan"),
        ("stop", "stop"),
        ("ask which", "ask"),
        ("go table; refuse unknown_skill", "refuse"),
    ],
)
def test_outcomes(plan, outcome):
    assert outcome_of(LANGUAGE.parse(plan)) == outcome


def test_things_are_read_with_their_places():
    assert read_things("red cup on table，核桃、 toy car ") == (
        Seen(name="red cup", place="table"),
        Seen(name="核桃"),
        Seen(name="toy car"),
    )
    with pytest.raises(ConfigError, match="name"):
        read_things("red cup on ;")


def test_what_was_seen_is_in_the_language():
    context = Context(things=read_things("red toy car, cup"), holding="blue drum")
    language = language_of(context, ["window"])
    assert str(language.parse("go red toy car; look drum; go window"))
    assert language.kinds.count("cup") == 1

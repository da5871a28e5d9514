"""The bench of finding: what it asks for, how it moves, what it counts."""

import numpy as np
import pytest

from yanshi.bench.find import (
    Glider,
    Studio,
    choose_names,
    list_failures,
    make_rows,
)
from yanshi.bodies.simulation import simulate
from yanshi.core.messages import Scene
from yanshi.senses.eyes import Eyes
from yanshi.skills.motion import turn_by


@pytest.fixture(scope="module")
def simulation():
    made = simulate("tidy", 20004)
    yield made
    made.body.close()


@pytest.fixture(scope="module")
def studio(simulation):
    made = Studio(simulation, Eyes())
    yield made
    made.close()


def test_it_is_asked_for_what_is_there_and_for_mixtures_of_that_which_are_not(simulation):
    there, absent = choose_names(simulation.home, np.random.default_rng(0))
    names = [thing.name for thing in simulation.home.things]
    assert all(names.count(name) == 1 for name in there)
    assert not set(absent) & set(names)
    assert {name.split()[0] for name in absent} <= {name.split()[0] for name in names}
    assert {name.split()[1] for name in absent} <= {name.split()[1] for name in names}


def test_a_glider_turns_as_it_is_told_and_sees_what_is_there(simulation, studio):
    glider = Glider(simulation, studio)
    start = glider.percept().base.yaw
    percept = glider.follow(turn_by(glider.tools, glider.percept(), 1.0), longest_s=10.0)
    assert percept.base.yaw - start == pytest.approx(1.0, abs=0.1)
    assert isinstance(percept.scene, Scene)
    names = {thing.name for thing in simulation.home.things} | {"person"}
    assert {thing.name for thing in percept.scene.things} & names


def test_a_picture_from_where_one_was_taken_is_not_taken_again(simulation, studio):
    pose, sway = np.array(simulation.floor_plan.start), np.zeros(5)
    assert studio.look(0, pose, sway) is studio.look(0, pose, sway)
    assert studio.look(0, pose + [0.1, 0.0, 0.0], sway) is not studio.look(0, pose, sway)


def test_two_who_are_asked_the_same_see_the_same(simulation, studio):
    looks = []
    for _ in range(2):
        glider = Glider(simulation, studio)
        percept = glider.follow(turn_by(glider.tools, glider.percept(), 0.9), longest_s=10.0)
        looks.append([(t.name, t.position, t.confidence) for t in percept.scene.things])
    assert looks[0] == looks[1]


def row(name, found, *, is_there=True, reason="", is_told=False):
    return {
        "home": 0,
        "name": name,
        "is_there": is_there,
        "found": found,
        "reason": reason,
        "facts": [],
        "is_told": is_told,
        "seconds": 5.0,
    }


def test_what_was_taken_for_another_silently_is_counted_apart_from_what_was_told():
    rows = [
        row("red cup", "red cup"),
        row("red can", "red cup"),
        row("red can", "red cup", is_told=True),
        row("red ball", "", reason="not_found_but"),
        row("blue cup", "", is_there=False, reason="not_found"),
        row("blue can", "nothing", is_there=False),
        row("blue ball", "", is_there=False, reason="which_instead"),
    ]
    figures = {made.name: (made.value, made.n) for made in make_rows(rows)}
    assert figures["there: found"] == (0.25, 4)
    assert figures["there: another taken for it silently"] == (0.25, 4)
    assert figures["there: another taken for it, and told so"] == (0.25, 4)
    assert figures["absent: said so"] == (pytest.approx(1 / 3), 3)
    assert figures["absent: another taken silently"] == (pytest.approx(1 / 3), 3)
    assert figures["absent: asked back"] == (pytest.approx(1 / 3), 3)
    assert len(list_failures(rows)) == 4

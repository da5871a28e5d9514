"""What a name may mean, and how the robot looks for it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.skills.rig import ROOM, TICK_S, Rig, thing

from yanshi.core.messages import Scene
from yanshi.skills.search import choose, get_bearings, matches
from yanshi.skills.skill import Percept

SCENE = Scene(
    t_ns=0,
    things=(
        thing("red cup", 1.8, 0.4),
        thing("blue cup", 1.8, -0.4),
        thing("green apple", 1.9, 0.0, confidence=0.35),
        thing("person", -1.0, 0.0, 1.0),
    ),
)


def names(name: str) -> list[str]:
    return [found.name for found in matches(SCENE, name)]


def test_a_colour_singles_out_and_its_absence_does_not():
    assert names("red cup") == ["red cup"]
    assert names("cup") == ["red cup", "blue cup"]
    assert names("yellow cup") == []
    assert names("person") == ["person"]


def test_an_unsure_sighting_is_not_acted_on():
    assert names("green apple") == []


def test_several_meanings_are_asked_about_and_one_is_taken():
    question = choose(matches(SCENE, "cup"), "cup")
    assert (question.kind, question.reason) == ("asked", "which")
    assert question.facts == ("blue cup", "red cup")
    assert choose(matches(SCENE, "red cup"), "red cup").name == "red cup"


def test_two_sightings_of_one_name_are_no_question():
    twice = (thing("red cup", 1.8, 0.4, confidence=0.7), thing("red cup", 1.9, 0.1))
    assert choose(twice, "cup").confidence == 0.9


def test_a_search_turns_until_it_sees_and_no_farther():
    rig = Rig(lurking=[(thing("red cup", 0.0, 2.0), 0.4)])
    outcome = rig.do("turn", "red cup")
    assert outcome.kind == "done"
    assert rig.off(0.0, 2.0) < np.deg2rad(6.0)
    assert rig.body.data.time < 9.0


def test_what_is_nowhere_is_looked_for_everywhere_and_then_owned_up_to():
    rig = Rig()
    closest = {place.name: np.inf for place in ROOM.places}

    def watch(rig: Rig) -> None:
        for place in ROOM.places:
            gap = np.linalg.norm(rig.position - place.centre)
            closest[place.name] = min(closest[place.name], gap)

    outcome = rig.do("go", "green cup", watch=watch)
    assert (outcome.kind, outcome.reason, outcome.facts) == ("failed", "not_found", ("green cup",))
    assert closest["table"] < 1.0
    assert closest["shelf"] < 1.0


def orient(rig: Rig, position_sd: Callable[[float], float]) -> float:
    """Let it find out where it is, told how unsure it is by its yaw; return how far it turned."""

    def unsure() -> Percept:
        percept = rig.percept()
        return replace(percept, base=replace(percept.base, position_sd=position_sd(rig.yaw)))

    turned, yaw = 0.0, rig.yaw
    search = get_bearings(rig.tools, unsure())
    try:
        target = next(search)
        for _ in range(1000):
            rig.body.write(target)
            rig.body.advance(TICK_S)
            turned += (rig.yaw - yaw + np.pi) % (2 * np.pi) - np.pi
            yaw = rig.yaw
            target = search.send(unsure())
    except StopIteration:
        return turned
    raise AssertionError("It never ended.")


def test_who_knows_the_place_does_not_look_round():
    rig = Rig()
    assert orient(rig, lambda yaw: 0.05) == 0.0
    assert rig.body.data.time == 0.0


def test_who_is_lost_turns_until_the_place_is_known_and_no_further():
    assert orient(Rig(), lambda yaw: 0.5 if yaw < 1.0 else 0.05) == pytest.approx(1.0, abs=0.1)


def test_where_nothing_is_known_one_turn_is_enough():
    assert orient(Rig(), lambda yaw: 0.5) == pytest.approx(2 * np.pi, abs=0.1)

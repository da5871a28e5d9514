"""What a name may mean, and how the robot looks for it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.skills.rig import ROOM, SHELF, TABLE, TICK_S, Ghost, Rig, thing

from yanshi.core.messages import Scene, Solid, Thing
from yanshi.skills.search import choose, find, get_bearings, is_still, matches, meant
from yanshi.skills.skill import Outcome, Percept

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
    rig = Rig(lurking=[(thing("red cup", 0.0, 2.0, 0.1), 0.4)])
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


def look_for(name: str, sees: Callable[[Ghost], list[Thing]]) -> tuple[Ghost, Thing | Outcome]:
    """Let a ghost look for a thing; return it and what it found."""
    ghost = Ghost(sees)
    _, found = ghost.go(lambda tools, percept: find(tools, percept, name))
    return ghost, found


AT = (1.9, 0.3)
"""A spot on the table."""
NEAR_M = 1.0


def ball_from_afar(from_near: dict[str, float]) -> Callable[[Ghost], list[Thing]]:
    """Return sight of a thing that looks like a ball from afar, and from near as told."""

    def sees(ghost: Ghost) -> list[Thing]:
        kinds = from_near if ghost.away(AT) < NEAR_M else {"ball": 0.6, "apple": 0.4}
        best = max(kinds, key=lambda kind: kinds[kind])
        return [thing(f"red {best}", *AT, kinds=kinds)]

    return sees


def test_what_may_be_it_is_looked_at_from_near_and_found_there():
    ghost, found = look_for("red ball", ball_from_afar({"ball": 0.95, "apple": 0.05}))
    assert (found.name, found.position[:2]) == ("red ball", AT)
    assert ghost.away(AT) < NEAR_M
    assert ghost.t_ns < 15e9
    assert ghost.remarks == []


def test_what_turns_out_to_be_something_else_from_near_is_not_it():
    ghost, found = look_for("red ball", ball_from_afar({"apple": 0.98, "ball": 0.02}))
    assert (found.kind, found.reason, found.facts) == ("failed", "not_found", ("red ball",))
    assert min(np.hypot(*np.subtract(spot, AT)) for spot in ghost.been) < NEAR_M
    assert ghost.remarks == []


def test_a_false_hope_does_not_end_the_search():
    hope = ball_from_afar({"apple": 0.98, "ball": 0.02})

    def sees(ghost: Ghost) -> list[Thing]:
        there = [thing("red ball", 0.2, 2.5)] if ghost.away(SHELF.centre) < NEAR_M else []
        return [*hope(ghost), *there]

    ghost, found = look_for("red ball", sees)
    assert found.position[:2] == (0.2, 2.5)
    assert min(np.hypot(*np.subtract(spot, AT)) for spot in ghost.been) < NEAR_M


def test_a_glimpse_that_does_not_come_again_is_not_looked_for_for_ever():
    def sees(ghost: Ghost) -> list[Thing]:
        return [thing("red ball", *AT, confidence=0.7)] if ghost.t_ns // 10**8 % 7 == 0 else []

    _, found = look_for("red ball", sees)
    assert (found.kind, found.reason) == ("failed", "not_found")


def test_what_is_seen_for_sure_is_not_walked_to():
    ghost, found = look_for("red ball", lambda ghost: [thing("red ball", *AT)])
    assert found.name == "red ball"
    assert ghost.been == []


def test_what_alone_resembles_it_is_taken_for_it_and_the_robot_says_so():
    ghost, found = look_for("red ball", ball_from_afar({"apple": 0.7, "ball": 0.3}))
    assert (found.name, found.position[:2]) == ("red ball", AT)
    (remark,) = ghost.remarks
    assert (remark.reason, remark.facts) == ("taken_for", ("red ball", "red apple"))


def test_what_is_not_made_out_from_near_either_is_taken_and_the_robot_says_that_it_is_unsure():
    sees = ball_from_afar({"ball": 0.45, "apple": 0.35, "walnut": 0.2})
    ghost, found = look_for("red ball", sees)
    assert found.name == "red ball"
    assert [remark.reason for remark in ghost.remarks] == ["unsure"]
    assert min(np.hypot(*np.subtract(spot, SHELF.centre)) for spot in ghost.been) < 1.0


def test_of_two_that_resemble_it_alike_the_robot_asks_which():
    shares = {"apple": 0.7, "ball": 0.3}
    pair = [
        thing("red apple", 1.9, 0.3, kinds=shares),
        thing("red walnut", 1.9, -0.3, kinds={"walnut": 0.75, "ball": 0.25}),
    ]
    ghost, found = look_for("red ball", lambda ghost: pair)
    assert (found.kind, found.reason) == ("asked", "which_instead")
    assert found.facts == ("red ball", "red apple", "red walnut")
    assert ghost.remarks == []


@pytest.mark.parametrize("is_hope", [True, False])
def test_who_is_held_up_on_the_way_goes_on_looking_by_what_is_known_there(is_hope):
    """On the way to what may be it, or to a table; it is no ball, seen from where it stops."""
    wall = 0.6

    def sees(ghost: Ghost) -> list[Thing]:
        kinds = {"apple": 0.98, "ball": 0.02} if ghost.x == wall else {"ball": 0.6, "apple": 0.4}
        return [thing("red ball", *AT, kinds=kinds)] if is_hope else []

    ghost = Ghost(sees, wall=wall)
    _, found = ghost.go(lambda tools, percept: find(tools, percept, "red ball"))
    assert (found.kind, found.reason) == ("failed", "not_found")
    assert max(x for x, _ in ghost.been) == wall
    assert min(np.hypot(*np.subtract(spot, SHELF.centre)) for spot in ghost.been) < 1.0


def test_nobody_asks_whether_what_bears_the_name_is_meant_or_another():
    pair = [
        thing("red ball", 1.9, 0.3, kinds={"ball": 0.42, "apple": 0.38, "walnut": 0.2}),
        thing("red apple", 1.9, -0.3, kinds={"apple": 0.55, "ball": 0.45}),
    ]
    ghost, found = look_for("red ball", lambda ghost: pair)
    assert (found.name, found.position[:2]) == ("red ball", (1.9, 0.3))
    assert [(remark.reason, remark.facts[-1]) for remark in ghost.remarks] == [
        ("unsure", "red ball")
    ]


@pytest.mark.parametrize("kinds", [{"ball": 0.7, "apple": 0.3}, {"ball": 0.98, "walnut": 0.02}])
def test_a_door_handle_is_no_ball_however_much_it_looks_like_one(kinds):
    handle = thing("red ball", 0.0, -2.9, 0.98, kinds=kinds)
    ghost, found = look_for("red ball", lambda ghost: [handle])
    assert (found.kind, found.reason) == ("failed", "not_found")
    assert ghost.been


def test_what_stands_behind_another_is_seen_from_another_side():
    can, behind = thing("red can", 2.0, 0.6), thing("red ball", 2.1, 0.6)

    def sees(ghost: Ghost) -> list[Thing]:
        return [can, behind] if ghost.x > 1.6 else [can]

    ghost, found = look_for("red ball", sees)
    assert found.name == "red ball"
    assert ghost.x > 1.6
    # Nobody walks round furniture with nothing on it.
    ghost, found = look_for("red ball", lambda ghost: sees(ghost)[1:])
    assert (found.kind, found.reason) == ("failed", "not_found")


@pytest.mark.parametrize(("share", "is_hint"), [(0.1, True), (0.01, False)])
def test_where_something_hardly_speaks_for_it_is_looked_before_where_nothing_does(share, is_hint):
    at = (0.2, 2.5)

    def sees(ghost: Ghost) -> list[Thing]:
        kinds = {"ball": 1.0} if ghost.away(at) < NEAR_M else {"apple": 1.0 - share, "ball": share}
        return [thing(f"red {max(kinds, key=lambda kind: kinds[kind])}", *at, kinds=kinds)]

    ghost, found = look_for("red ball", sees)
    assert found.position[:2] == at
    went_to_table = min(np.hypot(*np.subtract(spot, TABLE.centre)) for spot in ghost.been) < 1.1
    assert went_to_table is not is_hint


def test_in_the_place_of_what_is_not_found_another_of_its_kind_is_named():
    _, found = look_for("red ball", lambda ghost: [thing("blue ball", 1.9, 0.3)])
    assert (found.kind, found.reason) == ("failed", "not_found_but")
    assert found.facts == ("red ball", "blue ball", "table")


def test_a_search_walks_along_every_front():
    ghost, _ = look_for("red ball", lambda ghost: [])
    for place in (TABLE, SHELF):
        left = np.array([-np.sin(place.yaw), np.cos(place.yaw)])
        before = [s for s in ghost.been if np.hypot(*np.subtract(s, place.centre)) < 1.1]
        across = [float(left @ np.subtract(spot, place.centre)) for spot in before]
        assert max(across) > 0.5 * place.size[1] - 0.2
        assert min(across) < 0.2 - 0.5 * place.size[1]


def test_what_was_on_the_table_a_moment_ago_is_looked_for_there_alone():
    ghost = Ghost(lambda ghost: [thing("red apple", 0.2, 2.5)])
    _, found = ghost.go(lambda tools, percept: find(tools, percept, "red ball", only_on=TABLE))
    assert (found.kind, found.reason) == ("failed", "not_found")
    gaps = [np.hypot(*np.subtract(spot, SHELF.centre)) for spot in ghost.been]
    assert min(gaps) > 1.5
    assert min(np.hypot(*np.subtract(spot, TABLE.centre)) for spot in ghost.been) < 1.1
    assert ghost.remarks == []  # Nor is anything else taken for it.


def test_a_thing_that_looks_otherwise_now_is_another():
    ball = thing("red ball", 1.9, 0.3, kinds={"ball": 0.9, "apple": 0.1})
    assert is_still(thing("red apple", 1.9, 0.3, kinds={"apple": 0.6, "ball": 0.4}), ball)
    assert not is_still(thing("red apple", 1.9, 0.3, kinds={"apple": 0.8, "ball": 0.2}), ball)
    assert not is_still(thing("blue ball", 1.9, 0.3), ball)


def measured(name: str, shape: str, height: float = 0.07) -> Thing:
    """Return a thing whose shape the eyes have measured, and whose name they mistake."""
    solid = Solid(shape=shape, position=(1.9, 0.3, 0.5), size=(0.05, 0.05, height), yaw=0.0)
    return replace(thing(name, 1.9, 0.3), solid=solid)


def test_a_cube_that_looks_like_an_apple_now_is_still_the_cube_by_its_shape():
    seen, cube = measured, thing("green cube", 1.9, 0.3)
    assert is_still(seen("green apple", "box"), cube)
    assert not is_still(seen("green apple", "sphere"), cube)
    assert not is_still(seen("red apple", "box"), cube)
    assert not is_still(seen("green book", "box", 0.03), cube)  # It may well be one.


@pytest.mark.parametrize(
    ("before", "now", "height", "verdict"),
    [
        ("purple cube", "purple can", 0.064, True),  # No can is as low.
        ("purple cube", "purple can", 0.115, False),
        ("purple can", "purple cube", 0.115, True),
        ("green cup", "green bowl", 0.084, True),  # No bowl is as high.
        ("green cup", "green bowl", 0.060, False),
        ("green bowl", "green cup", 0.060, True),
        ("green cup", "red bowl", 0.084, False),
        ("green cup", "green bottle", 0.15, False),  # Neither is.
    ],
)
def test_a_thing_is_not_taken_for_another_that_cannot_be_as_high(before, now, height, verdict):
    assert is_still(measured(now, "cylinder", height), thing(before, 1.9, 0.3)) is verdict
    assert not is_still(thing(now, 1.9, 0.3), thing(before, 1.9, 0.3))  # Nothing was measured.


def test_what_looks_a_little_like_it_and_cannot_be_as_high_is_another_thing():
    bottle = thing("white bottle", 1.9, 0.3, kinds={"bottle": 0.55, "can": 0.45})
    seen = replace(
        measured("white can", "cylinder", 0.126), kind_shares={"can": 0.6, "bottle": 0.4}
    )
    assert not is_still(seen, bottle)
    assert is_still(replace(seen, solid=None), bottle)
    assert is_still(replace(seen, solid=replace(seen.solid, is_cut=True)), bottle)
    assert is_still(replace(seen, solid=replace(seen.solid, size=(0.07, 0.07, 0.22))), bottle)


def test_a_can_that_shows_its_white_lid_is_still_the_red_can():
    can = thing("red can", 1.9, 0.3)
    assert is_still(thing("white can", 1.9, 0.3), can)
    assert not is_still(thing("white cup", 1.9, 0.3), can)
    assert not is_still(thing("white apple", 1.9, 0.3), thing("red apple", 1.9, 0.3))


def test_a_name_means_what_bears_it_and_else_what_resembles_it_most():
    apple = thing("red apple", 1.9, 0.3, kinds={"apple": 0.7, "ball": 0.3})
    assert [t.name for t in meant(Scene(t_ns=0, things=(apple,)), "red ball")] == ["red ball"]
    ball = thing("red ball", 1.9, -0.3)
    assert meant(Scene(t_ns=0, things=(apple, ball)), "red ball") == (ball,)
    assert meant(Scene(t_ns=0, things=(apple,)), "red cup") == ()


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

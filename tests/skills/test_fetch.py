"""What stands in the way of a hand, and where a robot goes to take a thing."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.skills.rig import SHELF, Ghost, SightedRig, thing

from yanshi.control.palm import Approach
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import Scene, Solid, Thing
from yanshi.skills import fetch
from yanshi.skills.fetch import CLOSE_M, best_spot, in_the_way
from yanshi.skills.grip import plan_reach
from yanshi.skills.ground import place_under
from yanshi.skills.hands import hands_of
from yanshi.skills.motion import tick
from yanshi.skills.skill import Outcome
from yanshi.skills.stances import standing, was_tried

APPLE = 0.07
"""Its width, m."""


def solid_thing(name: str, x: float, y: float, size=(0.06, 0.06, 0.12), z: float = 0.8) -> Thing:
    """Return a thing that stands on something at a height, seen from near."""
    solid = Solid(shape="box", position=(x, y, z + 0.5 * size[2]), size=size, yaw=0.0)
    return replace(thing(name, *solid.position), solid=solid)


WANTED = solid_thing("red apple", 1.0, 0.0, (APPLE, APPLE, APPLE))


def blocker(*others: Thing) -> str | None:
    """Return the name of what is in the way of the apple."""
    found = in_the_way(Scene(t_ns=0, things=(*others, WANTED)), WANTED)
    return found and found.name


@settings(max_examples=60, deadline=None)
@given(st.floats(0.0, 0.3), st.floats(0.0, 0.3))
def test_the_nearest_is_in_the_way_if_it_is_close(one, other):
    can = solid_thing("red can", 1.0 + 0.065 + one, 0.0)
    cup = solid_thing("blue cup", 1.0, 0.065 + other)
    near, gap = min(((can.name, one), (cup.name, other)), key=lambda pair: pair[1])
    if abs(one - other) > 1e-6 and abs(gap - CLOSE_M) > 1e-6:
        assert blocker(can, cup) == (near if gap < CLOSE_M else None)


def test_what_no_hand_takes_is_not_put_aside_and_neither_is_what_is_not_sure():
    assert blocker(solid_thing("red bowl", 1.12, 0.0, (0.16, 0.16, 0.06))) is None
    assert blocker(solid_thing("red plate", 1.08, 0.0, (0.08, 0.08, 0.02))) is None
    assert blocker(solid_thing("red can", 1.08, 0.0)) == "red can"
    assert blocker(replace(solid_thing("red can", 1.08, 0.0), confidence=0.3)) is None
    assert blocker(replace(solid_thing("red can", 1.08, 0.0), solid=None)) is None
    assert blocker(replace(solid_thing("red can", 1.08, 0.0), kind="person")) is None


def test_what_stands_on_another_board_or_is_the_thing_itself_is_not_in_the_way():
    assert blocker(solid_thing("red can", 1.08, 0.0, z=1.1)) is None
    assert blocker(solid_thing("red ball", 1.01, 0.0, (APPLE, APPLE, APPLE))) is None


def test_alone_or_unmeasured_nothing_is_in_the_way():
    assert blocker() is None
    unmeasured = replace(WANTED, solid=None)
    scene = Scene(t_ns=0, things=(unmeasured, solid_thing("red can", 1.08, 0.0)))
    assert in_the_way(scene, unmeasured) is None


BANANA_ON_UPPER_BOARD = 5031
"""A home whose shelf bears one, so deep that most arms meet the board's edge."""


@pytest.fixture(scope="module")
def shelf_rig():
    """A robot that sees such a home, and what it knows at its start."""
    rig = SightedRig(seed=BANANA_ON_UPPER_BOARD)
    return rig, rig.percept()


def chosen(rig, percept, banana, tried=()):
    """Return where the robot would stand for the banana."""
    place = place_under(rig.plan, banana)
    return best_spot(rig.tools, percept, banana, place, tuple(Approach), tried)


def can_be_taken(rig, percept, banana, spot):
    """Whether there is a grasp for who stands there just so."""
    hands = hands_of(rig.tools)
    hand = hands[spot.stance.side]
    others = [t for t in percept.scene.things if t is not banana]
    there = standing(rig.tools, percept, spot)
    try:
        plan_reach(rig.tools, there, hand, banana.solid, others, from_angles=hands.ready(hand.side))
    except UnreachableError:
        return False
    return True


def test_it_walks_to_where_there_is_a_grasp_though_the_map_of_reach_has_others_first(shelf_rig):
    rig, percept = shelf_rig
    (banana,) = (t for t in percept.scene.things if t.name == "yellow banana")
    by_the_map = chosen(rig, percept, replace(banana, solid=None))
    thought_through = chosen(rig, percept, banana)
    assert not can_be_taken(rig, percept, banana, by_the_map)
    assert can_be_taken(rig, percept, banana, thought_through)


def test_it_does_not_walk_where_it_has_been_in_vain(shelf_rig):
    rig, percept = shelf_rig
    (banana,) = (t for t in percept.scene.things if t.name == "yellow banana")
    tried = []
    for _ in range(3):
        spot = chosen(rig, percept, banana, tried)
        assert not was_tried(spot, tried)
        tried.append(spot)


CUP_AND_LOW_TABLE = 8294
"""A home whose cup is taken best from the side, which no low table bears it from."""


def test_what_is_to_go_on_a_low_table_is_taken_from_above_where_that_can_be():
    rig = SightedRig(seed=CUP_AND_LOW_TABLE)
    percept = rig.percept()

    (cup,) = (t for t in percept.scene.things if t.name == "green cup")
    others = [t for t in percept.scene.things if t is not cup]
    thin_above = replace(cup, solid=replace(cup.solid, is_tapered=True))

    def approach(wanted: Thing, approaches: tuple[Approach, ...]) -> Approach:
        """Return from where a thing is taken at the stance that is chosen for that."""
        place = place_under(rig.plan, wanted)
        spot = best_spot(rig.tools, percept, wanted, place, approaches, ())
        hand = hands_of(rig.tools)[spot.stance.side]
        there, folded = standing(rig.tools, percept, spot), hands_of(rig.tools).ready(hand.side)
        solid, seek = wanted.solid, partial(plan_reach, rig.tools, there, hand)
        return seek(solid, others, from_angles=folded, approaches=approaches).grasp.approach

    assert approach(cup, tuple(Approach)) is Approach.SIDE
    assert approach(cup, (Approach.ABOVE,)) is Approach.ABOVE
    assert approach(thin_above, (Approach.ABOVE,)) is Approach.SIDE
    # What cannot be taken so is taken from where it would be anyway.
    place, ask = place_under(rig.plan, thin_above), partial(best_spot, rig.tools, percept)
    one, other = (ask(thin_above, place, ways, ()) for ways in ((Approach.ABOVE,), tuple(Approach)))
    assert one.stance == other.stance


CAN_BETWEEN_BOARDS = 8298
"""A home whose can stands on a shelf's middle board, under the upper one."""


def test_what_should_be_taken_from_above_and_stands_under_a_board_is_taken_from_the_side():
    rig = SightedRig(seed=CAN_BETWEEN_BOARDS)
    percept = rig.percept()
    (can,) = (t for t in percept.scene.things if t.name == "white can")
    place = place_under(rig.plan, can)
    spot = best_spot(rig.tools, percept, can, place, (Approach.ABOVE,), ())
    hand = hands_of(rig.tools)[spot.stance.side]
    there, folded = standing(rig.tools, percept, spot), hands_of(rig.tools).ready(hand.side)
    others = [t for t in percept.scene.things if t is not can]
    reach = plan_reach(
        rig.tools, there, hand, can.solid, others, from_angles=folded, approaches=(Approach.ABOVE,)
    )
    assert reach.grasp.approach is Approach.SIDE


@pytest.mark.parametrize(
    ("ended", "told"),
    [("missed", "knocked_over"), ("slipped", "slipped"), ("lost_sight", "not_found")],
)
@pytest.mark.parametrize("is_found_again", [False, True])
def test_what_is_gone_after_a_try_is_told_as_what_became_of_it(
    monkeypatch, ended, told, is_found_again
):
    tries: list[str] = []

    def take(tools, percept, wanted, spot, approaches=()):
        """Touch a thing so that it is gone; the second time, take it."""
        tries.append(wanted.name)
        percept = yield tick(tools, percept)
        done = Outcome(kind="done") if len(tries) > 1 else None
        return percept, done or Outcome(kind="failed", reason=ended, facts=(wanted.name,))

    def sees(ghost: Ghost) -> list[Thing]:
        is_there = not tries or (is_found_again and ghost.t_ns > 5e9)
        return [replace(WANTED, position=(1.9, 0.3, 0.84), solid=None)] if is_there else []

    monkeypatch.setattr(fetch, "take", take)
    monkeypatch.setattr(fetch, "best_spot", lambda *_, **__: None)  # A ghost has no arms.
    ghost = Ghost(sees)
    _, outcome = ghost.go(lambda tools, percept: fetch.fetch(tools, percept, WANTED.name))
    if is_found_again:
        assert outcome.kind == "done"
    else:
        assert (outcome.kind, outcome.reason, outcome.facts) == ("failed", told, (WANTED.name,))
        shelf_m = min(np.hypot(*np.subtract(spot, SHELF.centre)) for spot in ghost.been)
        # Only what was not touched may be on other furniture.
        assert (shelf_m < 1.1) == (ended == "lost_sight")

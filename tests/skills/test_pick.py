"""The simulator judges what is in a hand; its truth stands for the eyes."""

from dataclasses import replace

import numpy as np
import pytest
from tests.skills.rig import SHELF, TABLE, Rig, SightedRig, thing

from yanshi.control.grasp import GraspConfig
from yanshi.control.kinematics import LEFT, RIGHT
from yanshi.core.messages import Scene, Solid
from yanshi.skills.grip import bottom_and_top, heights_on, seen_again
from yanshi.skills.hands import hands_of, map_from_pelvis
from yanshi.skills.pick import Pick
from yanshi.worlds import goals


def test_a_can_is_taken_off_the_furniture_and_nothing_else_is_moved():
    rig = SightedRig(seed=1)
    assert rig.carry_out(Pick(("purple can",), rig.tools)).kind == "done"
    rig.stand(1.0)
    witness = rig.witness
    assert goals.lifted("purple can").is_met(witness)
    assert goals.held("purple can").met_at(witness, float(witness.t[-1]) - 0.9) is not None
    assert goals.undisturbed("purple can").is_met(witness)
    assert not witness.has_fallen

    hands = hands_of(rig.tools)
    assert hands.held_names == ("purple can",)
    assert [hand.held.is_heavy for hand in hands.hands if hand.held] == [True]
    (free,) = hands.free
    hand = hands[LEFT + RIGHT - free]
    # What it believes of the thing in its hand is so.
    percept = rig.percept()
    palm = map_from_pelvis(percept) @ hand.arm.pelvis_from_palm(percept.state.joint_position)
    believed = (palm @ hand.held.palm_from_thing)[:3, 3]
    true = witness.things[-1, witness.thing_number("purple can")]
    np.testing.assert_allclose(believed, true, atol=0.03)

    # And with it in hand it is picked already.
    again = rig.carry_out(Pick(("can",), rig.tools))
    assert (again.kind, again.reason) == ("done", "already_held")


def test_what_is_not_there_is_looked_for_and_not_found_and_nothing_is_touched():
    rig = SightedRig(seed=1)
    names = {placed.name for placed in rig.simulation.home.things}
    assert "white plate" not in names
    outcome = rig.carry_out(Pick(("white plate",), rig.tools))
    assert (outcome.kind, outcome.reason) == ("failed", "not_found")
    assert goals.undisturbed(allowed=0.005).is_met(rig.witness)
    assert not rig.witness.is_gripped.any()
    assert hands_of(rig.tools).held_names == ()


def test_what_looks_like_another_thing_from_near_is_not_grasped_under_its_old_name():
    asked = thing("white ball", 1.9, 0.3, kinds={"ball": 0.9, "apple": 0.1})

    def seen(name: str, **shares: float) -> Scene:
        return Scene(t_ns=0, things=(thing(name, 1.92, 0.3, kinds=shares),))

    assert seen_again(seen("white apple", apple=0.95, ball=0.05), asked) is None
    renamed = seen_again(seen("white apple", apple=0.55, ball=0.45), asked)
    assert renamed is not None
    assert renamed.name == "white apple"
    # A neighbour of its kind is not it, nor what bears its name farther away than eyes err.
    assert seen_again(Scene(t_ns=0, things=(thing("red ball", 1.95, 0.3),)), asked) is None
    assert seen_again(Scene(t_ns=0, things=(thing("white ball", 2.3, 0.3),)), asked) is None


def test_with_both_hands_full_nothing_more_is_taken(rig: Rig):
    rig.hold(LEFT, "red cup")
    rig.hold(RIGHT, "blue ball")
    outcome = rig.carry_out(Pick(("apple",), rig.tools))
    assert (outcome.kind, outcome.reason) == ("failed", "hands_full")
    assert outcome.facts == ("red cup", "blue ball")
    held = rig.carry_out(Pick(("ball",), rig.tools))
    assert (held.kind, held.reason) == ("done", "already_held")
    assert rig.body.data.time == 0.0


def test_of_two_cups_it_asks_which_without_a_step():
    rig = Rig(seen=[thing("red cup", 1.8, 0.4), thing("blue cup", 1.8, -0.4)])
    outcome = rig.carry_out(Pick(("cup",), rig.tools))
    assert (outcome.kind, outcome.facts) == ("asked", ("blue cup", "red cup"))
    assert rig.body.data.time == 0.0


@pytest.mark.parametrize(
    ("person_y", "reason"), [(0.0, "somebody_there"), (2.0, "lost_sight")], ids=["there", "away"]
)
def test_who_stands_where_the_robot_would_have_to_stand_is_told_so(person_y, reason):
    rig = Rig(seen=[thing("red cup", 1.75, 0.0), thing("person", 1.1, person_y, 1.0)])
    outcome = rig.carry_out(Pick(("red cup",), rig.tools))
    assert (outcome.kind, outcome.reason) == ("failed", reason)


@pytest.mark.parametrize(
    ("x", "y", "z"), [(-1.5, 1.0, 0.05), (2.0, 0.0, 1.9)], ids=["on the floor", "too high"]
)
def test_what_no_stance_reaches_is_said_to_be_out_of_reach(x, y, z):
    rig = Rig(seen=[thing("red cup", x, y, z)])
    outcome = rig.carry_out(Pick(("red cup",), rig.tools))
    assert (outcome.kind, outcome.reason) == ("failed", "out_of_reach")
    assert outcome.facts == ("red cup",)
    assert np.linalg.norm(rig.position) < 0.05


@pytest.mark.parametrize("kind", ["cup", "can", "apple"])
def test_a_thing_stands_where_its_solid_says_and_else_as_high_as_its_kind(kind):
    known = thing(f"red {kind}", 0.0, 0.0, 0.8)
    bottom, top = bottom_and_top(known)
    assert 0.5 * (bottom + top) == pytest.approx(0.8)
    assert GraspConfig().width_min < top - bottom < 0.15
    solid = Solid(shape="box", position=(0.0, 0.0, 0.82), size=(0.05, 0.05, 0.1), yaw=0.0)
    assert bottom_and_top(replace(known, solid=solid)) == pytest.approx((0.77, 0.87))


def test_what_seems_to_stand_a_little_off_a_surface_stands_on_it():
    for seems in (0.83, 0.88):
        can = thing("red can", 2.0, 0.0, seems)
        bottom, top = heights_on(can, TABLE)
        assert bottom == pytest.approx(TABLE.height)
        assert top - bottom == pytest.approx(np.diff(bottom_and_top(can))[0])
    held_up = thing("red can", 2.0, 0.0, 1.2)
    assert heights_on(held_up, TABLE) == bottom_and_top(held_up)
    boards = replace(SHELF, boards=(0.45, 0.75, 1.0))
    assert heights_on(thing("red can", 0.0, 2.6, 0.79), boards)[0] == pytest.approx(0.75)

"""Where things are put: the simulator judges a tray, geometry the free spots of furniture."""

from dataclasses import replace

import pytest
from tests.skills.rig import ROOM, Rig, SightedRig

from yanshi.control.kinematics import LEFT, RIGHT
from yanshi.control.palm import Approach
from yanshi.safety.plan_gate import KeepOut
from yanshi.skills.fetch import _take_in_turn
from yanshi.skills.ground import edge_distance
from yanshi.skills.hands import hands_of
from yanshi.skills.place import PutDown
from yanshi.skills.release import LOST_S
from yanshi.skills.search import matches
from yanshi.worlds import goals
from yanshi.worlds.floor_plan import Place

BIN = Place(
    name="bin", centre=(-2.0, -2.0), size=(0.28, 0.28), yaw=0.0, height=0.32, is_container=True
)


def test_a_can_is_fetched_and_put_on_the_tray_and_nothing_else_is_moved():
    rig = SightedRig(seed=3)
    outcome = rig.carry_out(PutDown(("blue can", "in", "orange tray"), rig.tools))
    assert outcome.kind == "done"
    rig.stand(1.0)
    assert goals.inside("blue can", "orange tray").is_met(rig.witness)
    assert goals.undisturbed("blue can", "orange tray").is_met(rig.witness)
    assert not rig.witness.has_fallen
    assert hands_of(rig.tools).free == (LEFT, RIGHT)


def test_nothing_is_put_on_a_door_and_no_step_is_made_for_it(rig: Rig):
    outcome = rig.carry_out(PutDown(("red cup", "door"), rig.tools))
    assert (outcome.kind, outcome.reason) == ("failed", "no_surface")
    assert outcome.facts == ("door",)
    assert rig.body.data.time == 0.0


def test_furniture_with_a_surface_and_the_bin_take_things():
    rig = Rig(plan=replace(ROOM, places=(*ROOM.places, BIN)))
    for name in ("table", "shelf", "bin"):
        assert PutDown(("red cup", name), rig.tools).check(rig.percept()) is None


def test_with_both_hands_full_of_other_things_nothing_is_fetched(rig: Rig):
    rig.hold(LEFT, "red cup")
    rig.hold(RIGHT, "blue ball")
    outcome = rig.carry_out(PutDown(("apple", "table"), rig.tools))
    assert (outcome.kind, outcome.reason) == ("failed", "hands_full")
    assert outcome.facts == ("red cup", "blue ball")
    assert rig.body.data.time == 0.0


def test_what_is_lost_on_the_way_is_noticed_before_anything_is_put_down():
    rig = SightedRig(world="tidy", seed=3)
    hands, data = hands_of(rig.tools), rig.body.data
    body = rig.body.model.body(
        rig.simulation.home.things[rig.witness.thing_number("blue can")].body
    )
    address = rig.body.model.jnt_qposadr[body.jntadr[0]]
    held_s: list[float] = []

    def take_away(rig: SightedRig) -> None:
        """Eight seconds after it was lifted it lies on the floor in a far corner."""
        if hands.held_names:
            held_s.append(float(data.time))
            if held_s[-1] > held_s[0] + 8.0:
                data.qpos[address : address + 3] = 9.0, 9.0, 0.05

    order = PutDown(("blue can", "in", "tray"), rig.tools)
    outcome = rig.carry_out(order, take_away, stays_up=False)
    assert (outcome.kind, outcome.reason) == ("failed", "slipped")
    assert held_s[-1] < held_s[0] + 8.0 + 2.0 * LOST_S


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_a_hand_is_raised_with_what_it_holds_for_a_high_board(rig: Rig, side):
    hands = hands_of(rig.tools)
    rig.hold(side, "red cube")
    before = rig.percept()
    hands.raise_held(before, side, 1.1)
    rig.stand(2.5)
    palm = hands[side].arm.pelvis_from_palm(rig.percept().state.joint_position)
    assert palm[2, 3] + before.base.position[2] == pytest.approx(1.1, abs=0.05)


RIGHT_KEPT_OUT = KeepOut(centre=(2.6, -1.13), size=(1.9, 2.0))
"""In home 3: who stands beside this zone comes to the tray with the left hand alone."""


class TakeWith(PutDown):
    """Takes a thing with the right hand, whatever is to become of it."""

    def act(self, percept):
        (wanted,) = matches(percept.scene, self.arguments[0])
        ways = tuple(Approach)
        _, outcome, _ = yield from _take_in_turn(
            self.tools, percept, wanted, ways, spares_neighbours=True, sides=[RIGHT]
        )
        return outcome


@pytest.mark.parametrize("is_left_free", [True, False])
def test_what_only_the_other_hand_brings_to_its_goal_changes_hands(is_left_free):
    rig, order = SightedRig(seed=3), ("blue can", "in", "orange tray")
    hands = hands_of(rig.tools)
    assert rig.carry_out(TakeWith(order, rig.tools)).kind == "done"
    assert hands.holding("blue can").side == RIGHT
    plan = replace(rig.plan, keep_out=(RIGHT_KEPT_OUT,))
    rig.tools = replace(rig.tools, floor_plan=plan)
    if not is_left_free:
        rig.hold(LEFT, "red cup")
        assert rig.carry_out(PutDown(order, rig.tools)).reason == "out_of_reach"
        assert hands.holding("blue can").side == RIGHT
        assert not rig.remarks
        return
    assert rig.carry_out(PutDown(order, rig.tools)).kind == "done"
    rig.stand(1.0)
    assert [(o.reason, *o.facts) for o in rig.remarks] == [("changes_hands", "blue can")]
    assert goals.inside("blue can", "orange tray").is_met(rig.witness)
    assert goals.undisturbed("blue can", "orange tray").is_met(rig.witness)


def test_what_blocks_the_hand_is_put_aside_and_that_is_said():
    rig = SightedRig(world="tidy", seed=8210)
    outcome = rig.carry_out(PutDown(("red apple", "table"), rig.tools))
    assert outcome.kind == "done"
    rig.stand(1.0)
    assert [(o.reason, *o.facts) for o in rig.remarks] == [("makes_way", "red apple", "purple can")]
    assert goals.on("red apple", "table").is_met(rig.witness)
    assert goals.undisturbed("red apple", "purple can").is_met(rig.witness)
    can = rig.witness.thing_number("purple can")
    coffee_table = rig.plan.place("coffee_table")
    assert edge_distance(coffee_table, tuple(rig.witness.things[-1, can, :2])) == 0.0
    assert rig.witness.lowest[-1, can] == pytest.approx(coffee_table.height, abs=0.01)

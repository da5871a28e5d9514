"""What a hand is offered: the simulator judges, its truth stands for the eyes."""

from dataclasses import replace
from functools import partial

import mujoco
import numpy as np
import pytest
from tests.skills.rig import Ghost, Rig, SightedRig, thing

from yanshi.control.kinematics import LEFT, RIGHT
from yanshi.control.palm import Approach
from yanshi.control.reach_map import Stance, load_reach_map
from yanshi.core.messages import Scene, Solid
from yanshi.skills import hand, release
from yanshi.skills.grip import body_of
from yanshi.skills.hand import Handover
from yanshi.skills.hands import hands_of, map_from_pelvis
from yanshi.skills.release import LOST_S, open_slowly
from yanshi.skills.stances import Spot
from yanshi.worlds import goals

HERE = (0.0, 0.0, 0.0)


def test_a_can_is_fetched_and_laid_into_the_open_hand_and_nothing_else_is_moved(monkeypatch):
    rig = SightedRig(world="handover", seed=1)
    pressed = []

    def opening(tools, percept, *how):
        """Open as ever, noting with how much a person's hand is pressed meanwhile, N."""
        flow = open_slowly(tools, percept, *how)
        try:
            ordered = next(flow)
            while True:
                pressed.append(force_on(rig, "person"))
                ordered = flow.send((yield ordered))
        except StopIteration as end:
            return end.value

    monkeypatch.setattr(release, "open_slowly", opening)
    assert rig.carry_out(Handover(("purple can",), rig.tools)).kind == "done"
    rig.stand(1.0)
    witness = rig.witness
    end_s = float(witness.t[-1])
    assert goals.handed("purple can").met_at(witness, end_s - 0.9) is not None
    assert goals.undisturbed("purple can").is_met(witness)
    assert not witness.has_fallen
    assert hands_of(rig.tools).held_names == ()
    assert np.median(pressed) < 6.0  # It bears the can, and no hand that presses on.


def force_on(rig: Rig, name: str) -> float:
    """Return the sum of what presses on a body of the world, N."""
    model, data = rig.body.model, rig.body.data
    total, force = 0.0, np.zeros(6)
    for number, contact in enumerate(data.contact):
        bodies = {model.body(model.geom_bodyid[geom]).name for geom in contact.geom}
        if name in bodies:
            mujoco.mj_contactForce(model, data, number, force)
            total += float(force[0])
    return total


def test_a_hand_that_is_lower_than_it_seemed_is_not_felt_and_the_thing_is_kept(monkeypatch):
    monkeypatch.setattr(hand, "TRIES", 1)
    rig = SightedRig(world="handover", seed=1, open_hand_lift_m=0.08)
    outcome = rig.carry_out(Handover(("purple can",), rig.tools))
    assert (outcome.kind, outcome.reason) == ("failed", "nobody_took")
    assert hands_of(rig.tools).held_names == ("purple can",)
    rig.stand(1.0)
    end_s = float(rig.witness.t[-1])
    assert goals.held("purple can").met_at(rig.witness, end_s - 0.9) is not None


def test_a_can_that_stands_where_an_arm_would_be_folded_is_not_knocked_off():
    rig = SightedRig(world="handover", seed=5389)
    assert rig.carry_out(Handover(("green can",), rig.tools)).kind == "done"
    rig.stand(1.0)
    end_s = float(rig.witness.t[-1])
    assert goals.handed("green can").met_at(rig.witness, end_s - 0.9) is not None


def test_what_is_taken_for_the_open_hand_from_near_leads_nobody_astray():
    rig = SightedRig(world="handover", seed=1, takes_person_for_hand=True)
    assert rig.carry_out(Handover(("purple can",), rig.tools)).kind == "done"
    rig.stand(1.0)
    end_s = float(rig.witness.t[-1])
    assert goals.handed("purple can").met_at(rig.witness, end_s - 0.9) is not None


@pytest.mark.parametrize(("approach", "height"), [(Approach.ABOVE, 1.05), (Approach.SIDE, 1.08)])
def test_who_holds_a_thing_out_in_the_best_stance_for_that_stays_where_they_are(
    rig: Rig, approach, height
):
    rig.hold(RIGHT, "red cube")
    stances = load_reach_map().stances(height, approach=approach, ahead_min=0.17)
    stance = next(stance for stance in stances if stance.side == RIGHT)
    spot = Spot(pose=HERE, upright=HERE, before=HERE, stance=stance, score=0.0)
    rig.stand(0.5)
    held_out = hands_of(rig.tools)[RIGHT]
    percept = rig.percept()
    held_out.angles = percept.state.joint_position[held_out.arm.joints]
    way = hand._way_out(rig.tools, percept, held_out, spot, height - 0.03 - hand.OVER_M)
    for angles in way.angles:
        held_out.angles = angles
        rig.stand(0.02)
    start = rig.position
    rig.stand(3.0, body_of(spot))
    assert np.linalg.norm(rig.position - start) < 0.035


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_over_a_hand_as_far_as_the_arm_reaches_a_thing_is_held_out_a_little_nearer(rig: Rig, side):
    rig.hold(side, "red cube")
    rig.stand(0.5)
    held_out = hands_of(rig.tools)[side]
    percept = rig.percept()
    held_out.angles = percept.state.joint_position[held_out.arm.joints]
    mirror = 1.0 if side == LEFT else -1.0
    stance = Stance(
        ahead=0.43,
        left=0.18 * mirror,
        height=0.71,
        lean=0.0,
        side=side,
        approach=Approach.ABOVE,
        heading=0.0,
        score=0.0,
    )
    spot = Spot(pose=HERE, upright=HERE, before=HERE, stance=stance, score=0.0)
    way = hand._way_out(rig.tools, percept, held_out, spot, 0.953)
    joints = percept.state.joint_position.copy()
    joints[held_out.arm.joints] = way.angles[-1]
    palm = map_from_pelvis(percept) @ held_out.arm.pelvis_from_palm(joints)
    x, y, z = (palm @ held_out.held.palm_from_thing)[:3, 3] - (*rig.position, 0.0)
    assert 0.25 < x < 0.42
    assert y == pytest.approx(0.18 * mirror, abs=0.04)
    base = percept.base.position[2] - stance.height
    assert z - base == pytest.approx(0.953 + hand.OVER_M + 0.03, abs=0.03)


def test_where_nobody_holds_a_hand_out_it_waits_and_keeps_the_thing(monkeypatch):
    monkeypatch.setattr(hand, "SIDES", (0.0,))
    monkeypatch.setattr(hand, "WAIT_S", 1.0)
    rig = SightedRig(world="handover", seed=1, sees_open_hand=False)
    outcome = rig.carry_out(Handover(("purple can",), rig.tools))
    assert (outcome.kind, outcome.reason) == ("failed", "no_open_hand")
    assert outcome.facts == ("purple can",)
    assert hands_of(rig.tools).held_names == ("purple can",)
    person = rig.simulation.home.person
    x, y = rig.body.data.body(person).xpos[:2] - rig.position
    assert np.hypot(x, y) == pytest.approx(hand.LOOK_FROM_M, abs=0.25)
    assert rig.off(*rig.body.data.body(person).xpos[:2]) < 0.3


def test_what_is_lost_on_the_way_is_noticed_before_it_is_held_out(monkeypatch):
    monkeypatch.setattr(hand, "FETCHES", 1)
    rig = SightedRig(world="handover", seed=1)
    rig.hold(RIGHT, "red cube")  # It believes so; there is nothing in the hand.
    outcome = rig.carry_out(Handover(("cube",), rig.tools))
    assert (outcome.kind, outcome.reason) == ("failed", "slipped")
    assert hands_of(rig.tools).held_names == ()
    assert rig.body.data.time < LOST_S + 0.5


def test_with_both_hands_full_of_other_things_nothing_is_fetched(rig: Rig):
    rig.hold(LEFT, "red cup")
    rig.hold(RIGHT, "blue ball")
    outcome = rig.carry_out(Handover(("apple",), rig.tools))
    assert (outcome.kind, outcome.reason) == ("failed", "hands_full")
    assert rig.body.data.time == 0.0


def person_with_hand(x: float, y: float, at=(0.0, 0.0)):
    """Return a person, at the origin of the floor by default, who holds a hand out."""
    solid = Solid(shape="box", position=(x, y, 0.95), size=(0.17, 0.09, 0.02), yaw=0.0)
    return replace(thing("person", *at, 0.9), solid=solid)


def test_an_open_hand_that_was_seen_from_aside_is_looked_at_from_before_it():
    at, (u, v) = (1.0, -1.5), (1.0, -1.06)

    def sees(ghost: Ghost):
        """Return the person, their hand 8 cm off unless it is seen from before it."""
        is_before = abs(ghost.x - u) < 0.35 and ghost.away((u, v)) < 0.9
        return (person_with_hand(u + (0.0 if is_before else 0.08), v, at=at),)

    ghost = Ghost(sees=sees)
    look = partial(hand._see_open_hand, person=sees(ghost)[0])
    _, person = ghost.go(look)
    assert person.solid.position[:2] == (u, v)
    assert ghost.away(at) == pytest.approx(hand.LOOK_FROM_M, abs=0.1)


@pytest.mark.parametrize(
    ("now", "known"),
    [((0.45, 0.03), (0.45, 0.03)), ((0.2, 0.3), (0.42, 0.0)), (None, (0.42, 0.0))],
    ids=["a little off", "something else", "not seen"],
)
def test_from_near_an_open_hand_is_where_it_was_or_a_little_off(rig: Rig, now, known):
    before = person_with_hand(0.42, 0.0)
    seen = replace(before, solid=None) if now is None else person_with_hand(*now)
    percept = replace(rig.percept(), scene=Scene(t_ns=0, things=(seen,)))
    assert hand._seen_from_near(percept, before).solid.position[:2] == known


@pytest.mark.parametrize("angle", [0.0, 1.2, -2.5])
def test_an_open_hand_is_come_to_from_before_it(rig: Rig, angle):
    x, y = 0.42 * np.cos(angle), 0.42 * np.sin(angle)
    plan = hand._with_person(rig.plan, person_with_hand(x, y))
    open_hand, body = plan.places[-2:]
    assert open_hand.yaw == pytest.approx(angle)
    assert open_hand.surface_heights == (pytest.approx(0.96),)
    assert body.centre == (0.0, 0.0)
    assert body.is_solid
    assert not body.has_surface

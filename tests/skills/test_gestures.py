"""Waving, bowing and dancing are read off links in physics."""

import numpy as np
from tests.skills.rig import ROOM, WALKER, Rig

from yanshi.robots.g1.spec import G1
from yanshi.skills.skill import make_skill
from yanshi.worlds.floor_plan import FloorPlan


def lean_deg(rig: Rig) -> float:
    return float(np.rad2deg(np.arccos(rig.body.data.body("torso_link").xmat[8])))


def test_a_wave_swings_the_raised_hand_to_and_fro(rig: Rig):
    track: list[np.ndarray] = []
    hand = "right_wrist_yaw_link"
    rig.stand(0.5)
    spot = rig.position
    outcome = rig.do("wave", watch=lambda r: track.append(r.body.data.body(hand).xpos.copy()))
    assert outcome.kind == "done"
    path = np.array(track)
    raised = path[:, 2] > 1.1
    assert raised.sum() * 0.02 > 2.5
    sideways = path[raised, 1]
    swings = np.abs(np.diff(np.sign(np.diff(sideways[::5])))).sum() / 2
    assert swings >= 4
    assert np.ptp(sideways) > 0.1
    assert np.linalg.norm(rig.position - spot) < 0.05
    assert rig.body.data.body(hand).xpos[2] < 0.95


def test_a_hand_under_the_edge_of_a_table_is_drawn_back_before_it_is_raised():
    rig = Rig(world="home", seed=114)
    rig.stand(0.5)
    assert rig.do("go", "table").kind == "done"
    heights: list[float] = []
    hand = "right_wrist_yaw_link"
    rig.do("wave", watch=lambda r: heights.append(r.body.data.body(hand).xpos[2]))
    assert np.mean(np.array(heights) > 1.06) * len(heights) * 0.02 > 2.5


def test_a_bow_is_deep_is_held_and_ends_upright(rig: Rig):
    leans: list[float] = []
    assert rig.do("bow", watch=lambda r: leans.append(lean_deg(r))).kind == "done"
    assert np.sort(leans)[-round(0.8 / 0.02)] > 25.0
    assert leans[-1] < 6.0


def test_a_dance_moves_arms_and_legs_and_ends_standing(rig: Rig):
    joints: list[np.ndarray] = []
    away: list[float] = []
    rig.stand(1.0)
    spot = rig.position

    def watch(rig: Rig) -> None:
        joints.append(rig.body.read().joint_position)
        away.append(float(np.linalg.norm(rig.position - spot)))

    assert rig.do("dance", watch=watch).kind == "done"
    spread = np.ptp(np.array(joints), axis=0)
    assert spread[G1.joint_index("left_knee")] > 0.5
    assert spread[G1.joint_index("right_shoulder_roll")] > 0.5
    assert max(away) < 0.8
    here = rig.position
    rig.stand(2.0)
    assert np.linalg.norm(rig.position - here) < 0.15
    assert rig.body.warnings() == 0


def test_the_walker_hands_over_and_takes_over_without_a_jump(rig: Rig):
    """Standing, a target moves by a few hundredths a tick; a bare switch moves it by tenths."""
    rig.stand(1.0)
    dance = make_skill("dance", (), rig.tools)
    percept = rig.percept()
    standing = WALKER.step(percept.state, (0.0, 0.0, 0.0))
    rig.body.write(standing)
    rig.body.advance(0.02)
    percept = rig.percept()
    dance.start(percept)
    first = dance.step(percept)
    assert np.abs(first.position - standing.position).max() < 0.05
    dancer = rig.tools.shared["dancer"]
    target = first
    while dancer.elapsed_s < dancer.duration_s:
        last = target
        rig.body.write(target)
        rig.body.advance(0.02)
        target = dance.step(rig.percept())
    rig.body.write(target)
    rig.body.advance(0.02)
    after = dance.step(rig.percept())
    arms = [any(part in name for part in ("shoulder", "elbow", "wrist")) for name in G1.joint_names]
    for change in (target.position - last.position, after.position - target.position):
        assert np.abs(change[arms]).max() < 0.15
        assert np.abs(change).max() < 0.4  # Legs and waist begin to step on the spot.


def test_a_dance_broken_off_in_the_middle_leaves_the_robot_on_its_feet(rig: Rig):
    rig.stand(1.0)
    dance = make_skill("dance", (), rig.tools)
    percept = rig.percept()
    dance.start(percept)
    for _ in range(300):
        rig.body.write(dance.step(percept))
        rig.body.advance(0.02)
        percept = rig.percept()
    rig.stand(3.0)
    assert rig.is_up
    assert WALKER.is_standing


def test_a_room_too_small_to_dance_in_is_owned_up_to():
    closet = FloorPlan(name="closet", size=(1.6, 1.6), places=(), start=(0.0, 0.0, 0.0))
    outcome = Rig(plan=closet).do("dance")
    assert (outcome.kind, outcome.reason) == ("failed", "no_room")


def test_a_dance_by_the_wall_walks_to_free_floor_first():
    edge = FloorPlan(name="edge", size=(6.0, 6.0), places=(), start=(2.4, 0.0, 0.0))
    rig = Rig(plan=edge)
    doing = make_skill("dance", (), rig.tools)
    percept = rig.percept()
    doing.start(percept)
    for _ in range(350):
        rig.body.write(doing.step(percept))
        rig.body.advance(0.02)
        percept = rig.percept()
    assert percept.base.position[0] < 2.1
    assert ROOM.size == edge.size

"""Feet and their places are the simulator's."""

import numpy as np
import pytest
from tests.skills.rig import ROOM, TABLE, TICK_S, Ghost, Rig, SightedRig

from yanshi.control.route import STILL
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import Scene
from yanshi.policies.walker import UpperBody
from yanshi.skills.behaviour import Behaviour
from yanshi.skills.ground import floor_of
from yanshi.skills.hands import hands_of
from yanshi.skills.motion import (
    HELD_UP_S,
    LAST_S,
    LEVEL_M,
    level_feet,
    stagger,
    stand,
    step_to,
    tick,
    walk_to,
)
from yanshi.skills.skill import Percept


def feet_of(rig: Rig) -> np.ndarray:
    """Return where the feet are on the floor, shape (2, 2)."""
    sides = ("left", "right")
    return np.array([rig.body.data.body(f"{side}_ankle_roll_link").xpos[:2] for side in sides])


def go(rig: Rig, flow: Behaviour[Percept]) -> Percept:
    """Follow a behaviour to its end and return the last percept."""
    try:
        target = next(flow)
        while rig.body.data.time < 60.0:
            rig.body.write(target)
            rig.body.advance(TICK_S)
            target = flow.send(rig.percept())
    except StopIteration as end:
        return end.value
    raise AssertionError("It goes on for more than a minute.")


def fold_arms(rig: Rig) -> None:
    hands = hands_of(rig.tools)
    hands.fold(rig.percept(), hands.free)


def stop_in_mid_stride(rig: Rig, at_s: float) -> Percept:
    """Walk ahead and stop with one foot ahead of the other."""

    def walk(percept: Percept) -> Behaviour[Percept]:
        while percept.state.t_ns < at_s * 1e9:
            percept = yield tick(rig.tools, percept, (0.3, 0.0, 0.0))
        return (yield from stand(rig.tools, percept, 0.6))

    return go(rig, walk(rig.percept()))


def pose_of(rig: Rig) -> tuple[float, float, float]:
    x, y = rig.position
    return float(x), float(y), rig.yaw


MID_STRIDE_S = 2.3


def test_how_far_a_foot_is_ahead_is_what_the_simulator_says(rig: Rig):
    percept = stop_in_mid_stride(rig, MID_STRIDE_S)
    left, right = feet_of(rig)
    ahead = abs(float((left - right) @ (np.cos(rig.yaw), np.sin(rig.yaw))))
    assert ahead > 3.0 * LEVEL_M
    assert stagger(rig.tools, percept) == pytest.approx(ahead, abs=0.015)


@pytest.mark.parametrize("at_s", [2.1, MID_STRIDE_S, 2.6])
def test_on_feet_brought_side_by_side_a_low_squat_moves_no_foot(rig: Rig, at_s):
    fold_arms(rig)
    percept = stop_in_mid_stride(rig, at_s)
    assert stagger(rig.tools, percept) > LEVEL_M
    pose = pose_of(rig)
    percept = go(rig, level_feet(rig.tools, percept, pose))
    assert stagger(rig.tools, percept) < LEVEL_M
    assert np.linalg.norm(rig.position - pose[:2]) < 0.08
    were = feet_of(rig)
    for posture, seconds in (((0.7, 0.5), 0.8), ((0.46, 0.5), 3.0)):
        percept = go(rig, stand(rig.tools, percept, seconds, UpperBody(posture=posture)))
    assert rig.body.data.body("pelvis").xpos[2] < 0.5
    assert np.linalg.norm(feet_of(rig) - were, axis=1).max() < 0.04


def test_feet_that_are_side_by_side_stay(rig: Rig):
    percept = go(rig, stand(rig.tools, rig.percept(), 0.5))
    assert go(rig, level_feet(rig.tools, percept, pose_of(rig))) is percept


FRONT_X = TABLE.centre[0] - 0.5 * TABLE.size[0]
EDGE_Y = 0.5 * TABLE.size[1]


def test_from_beside_a_table_steps_to_its_front_lead_round_the_corner():
    ghost = Ghost(lambda ghost: [])
    ghost.x, ghost.y = FRONT_X + 0.1, -EDGE_Y - 0.25
    before = (FRONT_X - 0.35, -EDGE_Y + 0.5)
    ghost.go(lambda tools, percept: step_to(tools, percept, (*before, 0.0)))
    assert ghost.away(before) < 0.12
    floor = floor_of(ROOM, Scene(t_ns=0))
    assert min(floor.clearance(spot) for spot in ghost.been) > 0.24
    straight = np.linspace(ghost.been[0], before, 50)
    assert min(floor.clearance((x, y)) for x, y in straight) < 0.2


PERSON_IN_THE_WAY = 3057
"""A home of the world `tidy` in which somebody stands before the shelf; the rig's eyes do not see
people."""


def test_who_walks_against_what_it_does_not_see_gives_up_after_a_few_seconds():
    rig = SightedRig(seed=PERSON_IN_THE_WAY)
    person = rig.body.data.body(rig.simulation.home.person).xpos[:2]
    start = rig.position
    behind = start + 1.6 * (person - start)
    with pytest.raises(UnreachableError, match="Something unseen"):
        go(rig, walk_to(rig.tools, rig.percept(), (float(behind[0]), float(behind[1]), np.pi)))
    assert np.hypot(*(rig.position - person)) < 0.6
    assert rig.body.data.time < 12.0
    assert rig.is_up


@pytest.mark.parametrize(("away", "longest_s"), [(1.0, HELD_UP_S), (0.2, LAST_S)])
def test_near_its_goal_who_comes_no_farther_has_more_time(away, longest_s):
    class Rooted(Ghost):
        """Stays where it is, whatever it is told."""

        def step(self, state, velocity=STILL, upper_body=None):
            self.told_s = self.t_ns * 1e-9

    ghost = Rooted(lambda ghost: [])
    with pytest.raises(UnreachableError, match="Something unseen"):
        ghost.go(lambda tools, percept: step_to(tools, percept, (away, 0.0, 0.0)))
    assert longest_s - 0.1 < ghost.told_s < longest_s + 1.0

"""How a body that glides comes to a low table; how far a thing is lifted."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.skills.rig import ROOM, TABLE, Ghost, Rig, SightedRig, thing

from yanshi.control.kinematics import LEFT, RIGHT
from yanshi.control.palm import Approach, palm_turn
from yanshi.control.reach_map import Stance
from yanshi.core.messages import RobotState, Scene, Solid, Thing
from yanshi.policies.walker import AT_REST, UPRIGHT, UpperBody
from yanshi.skills.grip import (
    AHEAD_OFF_M,
    BESIDE_M,
    BOARD_M,
    LIFT_M,
    LIFT_MAX_M,
    OFF_M,
    STEPS_FROM_M,
    _way_back,
    back_off,
    come_to,
    is_one,
    level_frames,
    lift_over,
)
from yanshi.skills.ground import floor_of
from yanshi.skills.hands import hands_of
from yanshi.skills.pick import Pick
from yanshi.skills.stances import Spot, boxes_about, sinking

FRONT_X, EDGE_Y = TABLE.centre[0] - 0.5 * TABLE.size[0], 0.5 * TABLE.size[1]
HEIGHT = 0.46
STANCE = Stance(
    ahead=0.4,
    left=0.1,
    height=HEIGHT,
    lean=0.5,
    side=LEFT,
    approach=Approach.ABOVE,
    heading=0.0,
    score=1.0,
)
UPRIGHT_AT = (FRONT_X - 0.22, -EDGE_Y + 0.15)
"""Near the table's corner."""
SPOT = Spot(
    pose=(UPRIGHT_AT[0] - sinking(HEIGHT), UPRIGHT_AT[1], 0.0),
    upright=(*UPRIGHT_AT, 0.0),
    before=(FRONT_X - 0.55, UPRIGHT_AT[1], 0.0),
    stance=STANCE,
    score=1.0,
)


class Sinker(Ghost):
    """Goes back a little while it sinks, and the first time steps aside."""

    def __init__(self, aside: float) -> None:
        super().__init__(lambda ghost: [])
        self.x, self.y, self.yaw = SPOT.before
        self.aside = aside
        self.postures: list[tuple[float, float]] = []

    @property
    def is_standing(self) -> bool:
        return self.order == (0.0, 0.0, 0.0)

    def step(
        self,
        state: RobotState,
        velocity: tuple[float, float, float] = (0.0, 0.0, 0.0),
        upper_body: UpperBody = AT_REST,
    ) -> None:
        super().step(state, velocity)
        was_low = bool(self.postures) and self.postures[-1][0] < STEPS_FROM_M
        is_low = upper_body.posture[0] < STEPS_FROM_M
        self.postures.append(upper_body.posture)
        if is_low and not was_low:
            self.x -= sinking(HEIGHT)
            self.y += self.aside
            self.aside = 0.0
        elif was_low and not is_low:
            self.x += sinking(HEIGHT)


@pytest.mark.parametrize("aside", [0.2, -0.25, 0.4])
def test_who_stepped_aside_while_sinking_goes_back_to_where_it_is_to_stand(aside):
    sinker = Sinker(aside)
    sinker.go(lambda tools, percept: come_to(tools, percept, SPOT))
    assert abs(sinker.x - SPOT.pose[0]) < AHEAD_OFF_M
    assert sinker.away(SPOT.pose) < OFF_M
    assert sinker.aside == 0.0
    # It never went beyond the stance on the way back.
    farther = np.sign(aside) * (UPRIGHT_AT[1] - np.array(sinker.been)[:, 1])
    assert farther.max() < 0.1
    sinks = np.diff([height < STEPS_FROM_M for height, _ in sinker.postures])
    assert np.count_nonzero(sinks) == 3  # Down, up and down again.


def test_before_a_low_squat_it_leans_upright():
    sinker = Sinker(0.0)
    sinker.go(lambda tools, percept: come_to(tools, percept, SPOT))
    changes = [b for a, b in zip(sinker.postures[:-1], sinker.postures[1:], strict=True) if a != b]
    assert changes[:2] == [(UPRIGHT[0], STANCE.lean), (HEIGHT, STANCE.lean)]


def test_backing_off_from_beside_a_table_leads_round_the_corner():
    ghost = Ghost(lambda ghost: [])
    ghost.x, ghost.y = FRONT_X + 0.1, -EDGE_Y - 0.25
    before = (FRONT_X - 0.35, -EDGE_Y + 0.5)
    ghost.go(lambda tools, percept: back_off(tools, percept, before))
    assert ghost.away(before) < 0.12
    floor = floor_of(ROOM, Scene(t_ns=0))
    assert min(floor.clearance(spot) for spot in ghost.been) > 0.24
    straight = np.linspace(ghost.been[0], before, 50)
    assert min(floor.clearance((x, y)) for x, y in straight) < 0.2


def standing(name: str, x: float, tall: float, base: float = TABLE.height) -> Thing:
    """Return a measured thing on the table, 6 cm wide."""
    solid = Solid(
        shape="box", position=(x, 0.0, base + 0.5 * tall), size=(0.06, 0.06, tall), yaw=0.0
    )
    return replace(thing(name, *solid.position), solid=solid)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.05, 0.25), st.lists(st.tuples(st.floats(0.07, 0.4), st.floats(0.05, 0.3))))
def test_a_thing_is_lifted_over_what_stands_close_to_it(tall, neighbours):
    x = TABLE.centre[0]
    others = [standing("red can", x + away, height) for away, height in neighbours]
    lift = lift_over(ROOM, standing("blue bottle", x, tall), others)
    assert LIFT_M <= lift <= LIFT_MAX_M
    close = [height for away, height in neighbours if away - 0.06 < BESIDE_M - 1e-9]
    assert lift >= min(max(close, default=0.0), LIFT_MAX_M) - 1e-9  # Its lower end.
    far = [away - 0.06 > BESIDE_M + 1e-9 for away, _ in neighbours]
    if all(far):
        assert lift == pytest.approx(LIFT_M)


def test_a_thing_is_not_lifted_against_a_board_above_nor_over_what_stands_on_another():
    shelf = replace(TABLE, height=1.0, boards=(0.45, 0.75, 1.0))
    plan = replace(ROOM, places=(shelf,))
    x = shelf.centre[0]
    low, can = standing("blue cup", x, 0.1, 0.75), standing("red can", x + 0.1, 0.15, 0.75)
    free = lift_over(replace(ROOM, places=(replace(TABLE, height=0.75),)), low, [can])
    assert free > lift_over(plan, low, [can]) == pytest.approx(1.0 - BOARD_M - 0.85)
    assert lift_over(plan, low, [standing("red can", x + 0.1, 0.15, 1.0)]) == pytest.approx(LIFT_M)


@pytest.mark.parametrize(("heading", "ahead"), [(0.7, 0.15), (0.9, 0.15), (0.7, 0.2)])
def test_an_arm_that_cannot_be_folded_is_drawn_off_farther_than_it_sways(rig: Rig, heading, ahead):
    """A bottle, with 3 cm of room about it, stands right before the belly between the fingers."""
    rig.stand(0.5)
    hand, percept = hands_of(rig.tools)[RIGHT], rig.percept()
    palm = np.eye(4)
    palm[:3, :3] = palm_turn(Approach.SIDE, RIGHT, heading)
    palm[:3, 3] = (0.2, -0.3, 0.28)
    joints = percept.state.joint_position.copy()
    hand.angles = joints[hand.arm.joints] = hand.arm.solve(joints, palm)
    x, y, z = percept.base.position + (ahead, -0.15, 0.34)
    solid = Solid(shape="box", position=(x, y, z), size=(0.13, 0.13, 0.22), yaw=0.0)
    bottle = replace(thing("white bottle", x, y, z), solid=solid)

    def air(angles: np.ndarray) -> float:
        joints[hand.arm.joints] = angles
        clearance = hand.planners[0].clearance
        clearance.surround(boxes_about(ROOM, [bottle], level_frames(percept)[0]))
        return clearance.from_boxes(joints, 0.2)

    assert air(hand.angles) < 0.06
    way, is_folded = _way_back(rig.tools, percept, hand, [bottle])
    assert not is_folded
    assert air(way.angles[-1]) > 0.1
    # Nothing is nearer on the way than at its start.
    start = air(hand.angles)
    assert min(air(angles) for angles in way.angles[:-1]) > min(start, 0.015) - 0.005


def test_who_rises_from_a_low_table_with_a_thing_in_a_hand_does_not_tip():
    """On standing feet the robot tipped by 26° here before it took a step."""
    rig, most = SightedRig(seed=8034), 0.0

    def watch(rig):
        nonlocal most
        up = rig.body.data.body("pelvis").xmat[8]
        most = max(most, float(np.arccos(min(up, 1.0))))

    assert rig.carry_out(Pick(("green ball",), rig.tools), watch).kind == "done"
    assert most < np.deg2rad(18.0)
    (held,) = (hand.held for hand in hands_of(rig.tools).hands if hand.held is not None)
    assert not held.is_heavy


@pytest.mark.parametrize(
    ("ahead", "aside", "up", "is_same"),
    [
        (0.02, 0.0, 0.0, True),
        (0.05, 0.05, 0.0, True),  # No other thing's middle is inside a book.
        (0.05, 0.05, 0.05, False),
        (0.09, 0.0, 0.0, False),
        (0.0, 0.09, 0.0, True),
        (0.0, 0.12, 0.0, False),
    ],
)
@given(yaw=st.floats(-np.pi, np.pi))
def test_two_memories_of_which_one_is_inside_the_other_are_of_one_thing(
    yaw, ahead, aside, up, is_same
):
    book = Solid(shape="box", position=(1.0, 2.0, 0.8), size=(0.15, 0.21, 0.03), yaw=yaw)
    cos, sin = np.cos(yaw), np.sin(yaw)
    x, y = 1.0 + ahead * cos - aside * sin, 2.0 + ahead * sin + aside * cos
    cube = Solid(shape="box", position=(x, y, 0.8 + up), size=(0.06, 0.06, 0.03), yaw=0.3)
    pair = [
        replace(thing(name, *solid.position), solid=solid)
        for name, solid in (("red book", book), ("red cube", cube))
    ]
    assert is_one(*pair) == is_same
    assert is_one(*reversed(pair)) == is_same


def test_what_is_in_a_bowl_is_another_thing():
    bowl = Solid(shape="cylinder", position=(1.0, 2.0, 0.8), size=(0.15, 0.15, 0.06), yaw=0.0)
    nut = Solid(shape="sphere", position=(1.03, 2.0, 0.8), size=(0.05, 0.05, 0.05), yaw=0.0)
    in_bowl = replace(thing("brown walnut", *nut.position), solid=nut)
    assert not is_one(in_bowl, replace(thing("red bowl", *bowl.position), solid=bowl))
    assert is_one(in_bowl, replace(thing("red cup", *bowl.position), solid=bowl))

"""What both arms are told and where they come in physics; the mirror judges left and right."""

from dataclasses import replace

import numpy as np
import pytest
from tests.skills.rig import TICK_S, Rig

from yanshi.control.fingers import OPEN
from yanshi.control.kinematics import LEFT, RIGHT
from yanshi.control.palm import NO_LEAN, TIP_DOWN, Approach, Lean
from yanshi.core.messages import BaseEstimate, RobotState, Scene
from yanshi.policies.walker import AT_REST, UpperBody
from yanshi.robots.g1.spec import G1
from yanshi.skills.hands import (
    ARM_FIRMNESS,
    ARM_STEP,
    BIAS_MAX,
    HOLD_PALMS,
    INTEGRAL_PER_S,
    Hands,
    Held,
    hands_of,
)
from yanshi.skills.motion import tick
from yanshi.skills.skill import Percept
from yanshi.skills.stances import TALL_LEAN

MIRROR = np.array([1.0, -1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
BOTH = (LEFT, RIGHT)
TOOLS = Rig().tools
CUP = Held(
    name="red cup",
    palm_from_thing=np.eye(4),
    size=(0.08, 0.08, 0.09),
    approach=Approach.SIDE,
    grip_height=0.05,
)


@pytest.fixture
def hands() -> Hands:
    return Hands(TOOLS)


def percept(joints=None, torque=None) -> Percept:
    """Return what an upright robot feels whose joints are there."""
    n = len(G1.joint_names)
    state = RobotState(
        t_ns=0,
        joint_position=G1.default_position if joints is None else joints,
        joint_velocity=np.zeros(n),
        joint_torque=np.zeros(n) if torque is None else torque,
        orientation_wxyz=(1.0, 0.0, 0.0, 0.0),
        angular_velocity=np.zeros(3),
        acceleration=(0.0, 0.0, 9.81),
    )
    base = BaseEstimate(
        t_ns=0,
        position=(0.0, 0.0, 0.7),
        orientation_wxyz=(1.0, 0.0, 0.0, 0.0),
        velocity=np.zeros(3),
    )
    return Percept(state=state, base=base, scene=Scene(t_ns=0))


def pressing(hands: Hands, side: int) -> np.ndarray:
    """Return the torques of a hand whose digits all press on something."""
    torque = np.zeros(len(G1.joint_names))
    fingers = hands[side].fingers
    torque[fingers.joints] = np.sign(fingers.angles(np.ones(3)) - fingers.angles(np.zeros(3)))
    return torque


def test_hands_at_rest_change_nothing(hands):
    asked = UpperBody(joints={3: 0.2})
    assert hands.body(percept(), asked) is asked


@pytest.mark.parametrize("side", BOTH)
@pytest.mark.parametrize("joint", ["shoulder_pitch", "elbow", "wrist_yaw", "hand_index_0"])
def test_a_joint_that_is_asked_for_does_as_asked(hands, side, joint):
    hands[side].angles, hands[side].closure = hands.ready(side), np.zeros(3)
    index = G1.joint_index(f"{('left', 'right')[side]}_{joint}")
    asked = UpperBody(joints={index: 0.123}, effort={index: 4.0}, posture=(0.6, 0.2))
    told = hands.body(percept(), asked)
    assert told.joints[index] == 0.123
    assert told.effort[index] == 4.0
    assert told.posture == asked.posture


@pytest.mark.parametrize("side", BOTH)
def test_an_arm_that_waves_leaves_the_other_one_holding(hands, side):
    for each in BOTH:
        hands[each].angles, hands[each].held = hands.ready(each), CUP
    asked = UpperBody(joints=dict.fromkeys(hands[side].arm.joints.tolist(), 0.1))
    told = hands.body(percept(), asked)
    other = hands[LEFT + RIGHT - side]
    assert all(told.joints[j] == 0.1 for j in hands[side].arm.joints)
    wanted = [told.joints[j] for j in other.arm.joints]
    np.testing.assert_allclose(wanted, hands.ready(other.side), atol=0.01)
    assert set(other.arm.joints) <= set(told.effort)


@pytest.mark.parametrize("side", BOTH)
def test_fingers_round_a_thing_close_until_they_press_and_empty_ones_stay(hands, side):
    hand = hands[side]
    hand.closure = np.array([0.2, 0.2, 0.2])
    hands.body(percept(), AT_REST)
    np.testing.assert_array_equal(hand.closure, 0.2)
    hand.held = CUP
    closures = []
    for _ in range(40):
        told = hands.body(percept(), AT_REST)
        closures.append(hand.closure)
        angles = [told.joints[j] for j in hand.fingers.joints]
        np.testing.assert_allclose(angles, hand.fingers.angles(hand.closure))
    steps = np.diff(np.array(closures), axis=0)
    assert (steps > 0.0).all()
    assert steps.max() <= hand.fingers.config.speed * hand.fingers.config.tick_s + 1e-12
    before = hand.closure
    hands.body(percept(torque=pressing(hands, side)), AT_REST)
    np.testing.assert_array_equal(hand.closure, before)


def test_after_a_fall_nothing_is_held_and_both_arms_hang(hands):
    for side in BOTH:
        hands[side].held, hands[side].closure = CUP, np.ones(3)
        hands[side].bias = np.full(7, 0.1)
    hands.fold(percept(), BOTH)
    assert hands.free == ()
    hands.drop_all()
    assert hands.free == BOTH
    assert hands.held_names == ()
    assert hands.body(percept(), AT_REST) is AT_REST
    hands.fold(percept(), [LEFT])
    hands.body(percept(), AT_REST)
    assert np.abs(hands[LEFT].bias).max() < 0.01


def test_what_is_held_is_found_by_its_name_and_by_its_kind(hands):
    hands[RIGHT].held = CUP
    assert hands.holding("red cup") is hands.holding("cup") is hands[RIGHT]
    assert hands.holding("blue cup") is hands.holding("red") is hands.holding("ball") is None
    assert hands.free == (LEFT,)
    assert hands.held_names == ("red cup",)


def test_a_run_has_one_pair_of_hands():
    tools = Rig().tools
    assert hands_of(tools) is hands_of(tools)


def test_one_arm_is_the_mirror_image_of_the_other(hands):
    joints = G1.default_position.copy()
    np.testing.assert_allclose(hands.ready(LEFT), MIRROR * hands.ready(RIGHT))
    ways = [(approach, NO_LEAN) for approach in Approach] + [(Approach.ABOVE, Lean(roll=0.35))]
    for approach, lean in ways:
        palms = []
        for side in BOTH:
            posed = joints.copy()
            arm = hands[side].arm
            posed[arm.joints] = hands.carry_angles(side, approach, joints, lean)
            palms.append(arm.pelvis_from_palm(posed))
        left, right = palms
        flip = np.diag([1.0, -1.0, 1.0, 1.0])
        assert np.abs(right[:3, 3] - np.array(HOLD_PALMS)).max(axis=1).min() < 0.01
        np.testing.assert_allclose(flip @ left @ flip, right, atol=0.03)
    # A palm that leaned, leans on.
    assert right[2, 1] == pytest.approx(-np.cos(0.35) * np.cos(TIP_DOWN), abs=0.03)


@pytest.mark.parametrize("error", [0.02, -0.05, 1.0])
def test_the_integral_grows_slowly_and_no_farther_than_its_bound(hands, error):
    hand = hands[RIGHT]
    hand.angles = hands.ready(RIGHT)
    joints = G1.default_position.copy()
    joints[hand.arm.joints] = hand.angles - error
    biases = []
    for _ in range(2000):
        told = hands.body(percept(joints), AT_REST)
        biases.append(hand.bias.copy())
    wanted = [told.joints[j] for j in hand.arm.joints]
    np.testing.assert_allclose(wanted, hand.angles + hand.bias)
    counted = np.clip(error, -0.1, 0.1)
    np.testing.assert_allclose(biases[0], INTEGRAL_PER_S * 0.02 * counted)
    # Nor does it ask for angles that the joints do not have: the elbow is folded to its limit.
    far = hand.angles + np.sign(error) * BIAS_MAX
    lower, upper = (bound[hand.arm.joints] for bound in (G1.limits.lower, G1.limits.upper))
    np.testing.assert_allclose(wanted, np.clip(far, lower, upper))


def test_arms_fold_and_hang_again_at_a_bounded_speed_and_end_at_rest():
    rig = Rig()
    hands = hands_of(rig.tools)
    rig.stand(1.0)
    spot, hanging = rig.position, rig.percept().state.joint_position

    def act(seconds):
        """Return what was wanted of both arms, and where they came, at each tick."""
        wanted, came = [], []
        for _ in range(round(seconds / 0.02)):
            now = rig.percept()
            wanted.append([h.angles for h in hands.hands if h.angles is not None])
            target = tick(rig.tools, now)
            rig.body.write(target)
            rig.body.advance(0.02)
            came.append([now.state.joint_position[h.arm.joints] for h in hands.hands])
        return wanted, np.array(came)

    hands.fold(rig.percept(), BOTH)
    wanted, came = act(4.0)
    assert np.abs(np.diff(wanted, axis=0)).max() <= ARM_STEP + 1e-9
    for side in BOTH:
        assert hands[side].goal is None
        # Folded to its limit the elbow's motor has little torque left.
        off = np.abs(came[-1, side] - hands.ready(side))
        assert (off < [0.03, 0.03, 0.03, 0.08, 0.03, 0.03, 0.03]).all()
    assert np.ptp(came[-25:], axis=0).max() < 0.02
    assert np.abs(np.diff(came, axis=0)).max() < 2.0 * ARM_STEP

    hands.lower(rig.percept(), BOTH)
    _, came = act(4.0)
    for hand in hands.hands:
        assert hand.angles is hand.goal is hand.bias is None
        np.testing.assert_allclose(came[-1, hand.side], hanging[hand.arm.joints], atol=0.03)
    assert np.ptp(came[-25:], axis=0).max() < 0.02
    assert np.abs(np.diff(came, axis=0)).max() < 2.5 * ARM_STEP
    assert np.linalg.norm(rig.position - spot) < 0.1
    assert rig.is_up


ELBOW_OUT = np.array([0.0, 0.0, 0.0, 0.8, 0.0, 0.0, 0.0])


def test_an_elbow_that_was_folded_for_long_comes_out_as_far_as_it_is_told():
    """What was learnt against the joint's limit would keep it folded."""
    rig = Rig()
    hands = hands_of(rig.tools)
    hands.fold(rig.percept(), [RIGHT])
    rig.stand(6.0)
    hand = hands[RIGHT]
    hand.goal = hand.angles + ELBOW_OUT
    rig.stand(0.8 / ARM_STEP * 0.02 + 0.4)
    assert hand.goal is None
    elbow = hand.arm.joints[3]
    assert abs(rig.percept().state.joint_position[elbow] - hand.angles[3]) < 0.05


def test_an_arm_learns_to_bear_what_hangs_on_it():
    rig = Rig()
    hands = hands_of(rig.tools)
    hands.fold(rig.percept(), [RIGHT])
    hand = hands[RIGHT]
    hand.goal = hand.goal + ELBOW_OUT
    rig.stand(3.0)

    def sag():
        return float(
            np.abs(rig.percept().state.joint_position[hand.arm.joints] - hand.angles).max()
        )

    rig.body.data.body("right_wrist_yaw_link").xfrc_applied[2] = -5.0
    rig.stand(0.3)
    at_first = sag()
    rig.stand(4.0)
    assert sag() < 0.5 * at_first
    assert sag() < 0.03


def test_open_hands_are_the_same_left_and_right(hands):
    left, right = (hands[side].fingers.angles(OPEN) for side in BOTH)
    np.testing.assert_allclose(left, -right)


def test_what_is_thought_in_a_thread_does_not_pose_the_skeleton_that_balances(rig: Rig):
    """A tick may ask for a link while a thought poses the arms: neither must see the other."""
    hands = hands_of(rig.tools)
    resting, bent = G1.default_position, G1.default_position.copy()
    bent[hands[LEFT].arm.joints] += 0.3
    link = rig.tools.kinematics.links.hands[LEFT]
    before = rig.tools.kinematics.pelvis_from_link(resting, link)
    rig.tools.kinematics.pelvis_from_link(resting, link)
    hands[LEFT].arm.pelvis_from_palm(bent)
    # Read without posing anew, as a tick that is interrupted would.
    body = rig.tools.kinematics._data.body(link)
    np.testing.assert_array_equal(body.xpos, before[:3, 3])


@pytest.mark.parametrize("side", BOTH)
def test_with_a_hand_raised_for_a_high_board_the_robot_stays_where_it_is(rig: Rig, side):
    tall = UpperBody(posture=(0.76, TALL_LEAN))

    def stand(seconds: float, body: UpperBody) -> None:
        for _ in range(round(seconds / TICK_S)):
            rig.body.write(tick(rig.tools, rig.percept(), upper_body=body))
            rig.body.advance(TICK_S)

    stand(1.0, AT_REST)
    rig.hold(side, "red bottle")
    hands = hands_of(rig.tools)
    hands.fold(rig.percept(), [LEFT + RIGHT - side])
    hands.raise_held(rig.percept(), side, 1.25)
    stand(3.0, AT_REST)
    stand(1.0, tall)
    before = rig.position
    stand(4.0, tall)
    assert np.linalg.norm(rig.position - before) < 0.03


@pytest.mark.parametrize("side", BOTH)
def test_what_is_heavy_is_held_more_firmly_than_what_is_light(rig: Rig, side):
    hands, felt = hands_of(rig.tools), rig.percept()
    held = rig.hold(side, "red can")
    for is_heavy in (True, False):
        hands[side].held = replace(held, is_heavy=is_heavy)
        assert closes_on(hands, side, felt) is is_heavy


def closes_on(hands, side, felt):
    """Whether digits that press with 0.8 N·m close on."""
    hand, torque = hands[side], felt.state.joint_torque.copy()
    closing = hand.fingers.angles((1.0, 1.0, 1.0)) - hand.fingers.angles(OPEN)
    torque[hand.fingers.joints] = 0.8 * np.sign(closing)
    hand.closure = np.full(3, 0.4)
    hands.body(replace(felt, state=replace(felt.state, joint_torque=torque)), AT_REST)
    return bool(hand.closure.max() > 0.4)


@pytest.mark.parametrize("side", BOTH)
def test_an_arm_that_holds_a_thing_is_firm_and_an_empty_one_at_rest_is_not(rig: Rig, side):
    hands, felt = hands_of(rig.tools), rig.percept()
    assert hands.body(felt, AT_REST).firmness == 1.0
    rig.hold(side, "red cup")
    hands[side].closure = np.full(3, 0.5)
    assert hands.body(felt, AT_REST).firmness == ARM_FIRMNESS > 1.0
    hands[side].pinches = True
    assert hands.body(felt, AT_REST).firmness == 1.0
    hands[side].held = None
    hands.lower(felt, [side])
    assert not hands[side].pinches

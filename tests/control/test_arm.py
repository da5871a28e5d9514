"""The robot's own kinematics are the oracle for where a solved arm has its palm."""

import time

import numpy as np
import pytest

from yanshi.control.arm import SIDES, Arm
from yanshi.control.kinematics import ARM_JOINTS, LEFT, RIGHT, Kinematics
from yanshi.core.errors import UnknownNameError, UnreachableError
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1, HEAD_CAMERA

BOTH = pytest.mark.parametrize("side", [LEFT, RIGHT], ids=SIDES)
MIRROR = np.diag([1.0, -1.0, 1.0, 1.0])
WAIST = G1.joint_indices(["waist_yaw", "waist_roll", "waist_pitch"])


@pytest.fixture(scope="module")
def kinematics():
    return Kinematics(G1, load_g1(with_looks=False), G1_LINKS, HEAD_CAMERA)


@pytest.fixture(scope="module")
def arms(kinematics):
    return [Arm(kinematics, load_g1(with_looks=False), side) for side in (LEFT, RIGHT)]


def posed(arm, angles, joints=G1.default_position):
    whole = joints.copy()
    whole[arm.joints] = angles
    return whole


def reachable_goals(arm, n, seed):
    """Return postures with a bent waist, and palms that the arm had at random angles."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        joints = G1.default_position.copy()
        joints[WAIST] = rng.uniform(-0.4, 0.4, 3)
        comfortable = G1.default_position[arm.joints]
        angles = comfortable + 0.5 * (rng.uniform(arm.lower, arm.upper) - comfortable)
        yield joints, arm.pelvis_from_palm(posed(arm, angles, joints))


@BOTH
def test_a_palm_comes_to_where_it_can_come(arms, side):
    arm, missed = arms[side], 0
    for joints, goal in reachable_goals(arm, 100, seed=side):
        try:
            angles = arm.solve(joints, goal)
        except UnreachableError:
            missed += 1
            continue
        assert ((arm.lower <= angles) & (angles <= arm.upper)).all()
        found = arm.pelvis_from_palm(posed(arm, angles, joints))
        assert np.linalg.norm(found[:3, 3] - goal[:3, 3]) < 0.004
        assert np.trace(found[:3, :3].T @ goal[:3, :3]) > 1.0 + 2.0 * np.cos(0.04)
    assert missed <= 5


def test_mirrored_goals_have_mirrored_answers(arms):
    left, right = arms
    goal = np.eye(4)
    goal[:3, 3] = (0.3, 0.2, 0.1)
    signs = np.array([1.0, -1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    a = left.solve(G1.default_position, goal)
    b = right.solve(G1.default_position, MIRROR @ goal @ MIRROR)
    np.testing.assert_allclose(a, signs * b, atol=0.01)


@BOTH
def test_ticks_lead_to_the_goal_no_faster_than_joints_may(arms, side):
    arm = arms[side]
    joints, goal = next(reachable_goals(arm, 1, seed=7 + side))
    most = arm.config.speed_max * arm.config.tick_s
    for _ in range(150):
        angles = arm.step(joints, goal)
        assert np.abs(angles - joints[arm.joints]).max() < most + 1e-6
        joints = posed(arm, angles, joints)
    assert np.linalg.norm(arm.pelvis_from_palm(joints)[:3, 3] - goal[:3, 3]) < 0.002


@BOTH
def test_ticks_towards_what_is_out_of_reach_stay_within_the_limits(arms, side):
    arm, joints = arms[side], G1.default_position
    goal = np.eye(4)
    goal[:3, 3] = (2.0, 0.0, 1.0)
    for _ in range(150):
        joints = posed(arm, arm.step(joints, goal), joints)
        assert (joints[arm.joints] >= arm.lower).all()
        assert (joints[arm.joints] <= arm.upper).all()
    assert arm.pelvis_from_palm(joints)[0, 3] > 0.3  # As near as the arm is long.


def test_joints_outside_their_limits_are_brought_inside(arms):
    arm = arms[RIGHT]
    joints = posed(arm, arm.upper + 0.1)
    angles = arm.step(joints, arm.pelvis_from_palm(G1.default_position))
    assert (angles <= arm.upper).all()


def test_a_goal_out_of_reach_is_refused_with_what_would_work(arms):
    arm, goal = arms[RIGHT], np.eye(4)
    goal[:3, 3] = (0.8, -0.2, 0.1)
    with pytest.raises(UnreachableError, match=r"right palm .* stays .* within 0.42 m") as refused:
        arm.solve(G1.default_position, goal)
    shoulder = arm.kinematics.shoulder_in_pelvis(G1.default_position, RIGHT)
    short = np.linalg.norm(goal[:3, 3] - shoulder) - arm.reach
    found = float(str(refused.value).split("stays ")[1].split(" cm")[0])
    assert found == pytest.approx(100.0 * short, abs=3.0)


def test_a_palm_that_cannot_be_turned_so_is_refused(arms):
    goal = np.diag([-1.0, -1.0, 1.0, 1.0])  # Fingers back to the shoulder.
    goal[:3, 3] = (0.4, -0.15, 0.2)
    with pytest.raises(UnreachableError, match="Another direction of the palm"):
        arms[RIGHT].solve(G1.default_position, goal)


def test_a_straight_arm_moves_less_freely_than_a_bent_one(arms):
    arm = arms[LEFT]
    straight = posed(arm, [0.0, 0.2, 0.0, np.pi / 2.0, 0.0, 0.0, 0.0])
    bent = posed(arm, [0.0, 0.3, 0.0, 0.4, 0.0, 0.0, 0.0])
    assert arm.dexterity(straight) < 0.3 < arm.dexterity(bent) <= 1.0
    assert arm.dexterity(posed(arm, arm.upper)) == 0.0


def test_a_step_fits_many_times_into_a_tick(arms):
    """2 ms on one core is asked for; ten times that would mean a dense or wrong programme."""
    arm, joints = arms[RIGHT], G1.default_position
    goal = arm.pelvis_from_palm(joints)
    goal[0, 3] += 0.1
    times = []
    for _ in range(50):
        start = time.perf_counter()
        arm.step(joints, goal)
        times.append(time.perf_counter() - start)
    assert np.median(times) < 0.02


def test_a_model_without_the_arm_is_refused(kinematics):
    spec = load_g1(with_looks=False)
    spec.joint("left_elbow").name = "left_elbo"
    with pytest.raises(UnknownNameError, match="left_elbow"):
        Arm(kinematics, spec, LEFT)


def test_the_arm_is_named_by_its_joints(arms):
    for arm, side in zip(arms, SIDES, strict=True):
        assert [G1.joint_names[j] for j in arm.joints] == [f"{side}_{n}" for n in ARM_JOINTS]


@BOTH
def test_the_torques_of_a_push_do_the_work_of_its_force(arms, side):
    arm, at, force = arms[side], np.array([0.06, 0.01, -0.02]), np.array([3.0, -20.0, 9.0])
    joints, _ = next(reachable_goals(arm, 1, seed=5))
    torque = arm.torque(joints, force, at)

    def touched(angles):
        return (arm.pelvis_from_palm(posed(arm, angles, joints)) @ [*at, 1.0])[:3]

    for joint, small in enumerate(1e-6 * np.eye(7)):
        angles = joints[arm.joints]
        moved = touched(angles + small) - touched(angles - small)
        assert torque[joint] == pytest.approx(force @ moved / 2e-6, abs=1e-4)

"""Poses for pictures: possible, on their feet, seeing what hands do."""

import mujoco
import numpy as np
import pytest

from yanshi.bodies.standing_pose import REACH_HEIGHT_M, sample_pose, sample_reach
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1

STAND = (0.4, -0.3, 1.0)


@pytest.fixture(scope="module")
def model():
    return load_g1(with_looks=False).compile()


def posed(model, root, joints):
    data = mujoco.MjData(model)
    data.qpos[:7] = root
    data.qpos[[model.joint(name).qposadr[0] for name in G1.joint_names]] = joints
    mujoco.mj_kinematics(model, data)
    return data


def samplers():
    rng = np.random.default_rng(2)
    return [lambda: sample_pose(G1, STAND, rng), lambda: sample_reach(STAND, rng)]


@pytest.mark.parametrize("sampler", samplers())
def test_a_pose_is_inside_the_limits_of_the_joints(sampler):
    for _ in range(50):
        root, joints = sampler()
        assert (joints >= G1.limits.lower).all()
        assert (joints <= G1.limits.upper).all()
        np.testing.assert_allclose(root[:2], STAND[:2])


def test_who_reaches_stands_on_the_floor_at_any_height(model):
    rng = np.random.default_rng(0)
    heights = []
    for _ in range(60):
        data = posed(model, *sample_reach(STAND, rng))
        heights.append(data.qpos[2])
        for foot in G1_LINKS.feet:
            assert -0.05 < data.body(foot).xpos[2] < 0.12  # Swaying lifts one and sinks one.
    assert min(heights) < REACH_HEIGHT_M[0] + 0.03
    assert max(heights) > REACH_HEIGHT_M[1] - 0.03


def test_who_squats_leans_ahead():
    rng = np.random.default_rng(1)
    waist = G1.joint_index("waist_pitch")
    low = [
        joints[waist]
        for root, joints in (sample_reach(STAND, rng) for _ in range(200))
        if root[2] < 0.52
    ]
    assert len(low) > 5
    assert min(low) > 0.2


def test_an_arm_is_before_the_trunk_now_and_then_on_either_side(model):
    rng = np.random.default_rng(4)
    ahead = {"left": 0, "right": 0}
    for _ in range(100):
        root, joints = sample_reach((0.0, 0.0, 0.0), rng)
        data = posed(model, root, joints)
        for side in ahead:
            ahead[side] += data.body(f"{side}_wrist_yaw_link").xpos[0] > 0.2
    assert all(10 <= count <= 60 for count in ahead.values()), ahead

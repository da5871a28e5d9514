"""MuJoCo's own pose of the whole robot is the oracle for the skeleton's."""

import mujoco
import numpy as np
import pytest

from yanshi.bodies.simulation import Simulation, simulate
from yanshi.control.kinematics import LEFT, RIGHT, Kinematics
from yanshi.core.errors import UnknownNameError, UnreachableError
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1, HEAD_CAMERA

UP = np.array([0.0, 0.0, 1.0])
LEG = ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll")


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate("empty", 0)


@pytest.fixture(scope="module")
def kinematics(simulation: Simulation) -> Kinematics:
    return simulation.kinematics


def random_joints(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(G1.limits.lower, G1.limits.upper)


def pose_truth(simulation: Simulation, joints: np.ndarray) -> mujoco.MjData:
    model = simulation.body.model
    data = mujoco.MjData(model)
    data.qpos[:7] = (0.3, -0.2, 1.0, *np.array([0.9, 0.1, -0.2, 0.3]) / np.sqrt(0.95))
    for name, angle in zip(G1.joint_names, joints, strict=True):
        data.joint(name).qpos[0] = angle
    mujoco.mj_forward(model, data)
    return data


def in_pelvis(data: mujoco.MjData, point: np.ndarray) -> np.ndarray:
    pelvis = data.body("pelvis")
    return pelvis.xmat.reshape(3, 3).T @ (point - pelvis.xpos)


@pytest.mark.parametrize("seed", range(4))
def test_links_lie_where_mujoco_puts_them(simulation, kinematics, seed):
    joints = random_joints(seed)
    data = pose_truth(simulation, joints)
    for link in ("torso_link", "left_ankle_roll_link", "right_wrist_yaw_link"):
        T = kinematics.pelvis_from_link(joints, link)
        np.testing.assert_allclose(T[:3, 3], in_pelvis(data, data.body(link).xpos), atol=1e-9)
        np.testing.assert_allclose(
            data.body("pelvis").xmat.reshape(3, 3) @ T[:3, :3],
            data.body(link).xmat.reshape(3, 3),
            atol=1e-9,
        )


def test_the_camera_sits_where_the_model_has_it(simulation, kinematics):
    joints = random_joints(9)
    data = pose_truth(simulation, joints)
    T = kinematics.pelvis_from_head_camera(joints)
    camera = data.camera("head")
    np.testing.assert_allclose(T[:3, 3], in_pelvis(data, camera.xpos), atol=1e-9)
    # MuJoCo's camera looks along its own -z; ours along z.
    ahead = data.body("pelvis").xmat.reshape(3, 3) @ T[:3, 2]
    np.testing.assert_allclose(ahead, -camera.xmat.reshape(3, 3)[:, 2], atol=1e-9)


def test_soles_of_a_standing_robot_touch_the_floor(kinematics):
    soles = kinematics.soles_in_pelvis(G1.default_position)
    assert soles.shape == (2, 4, 3)
    np.testing.assert_allclose(soles[..., 2], -G1.standing_height, atol=0.005)


def test_holding_torques_are_those_of_mujocos_gravity(simulation, kinematics):
    """At rest the bias force of a joint is what gravity asks of it."""
    joints = random_joints(3)
    data = pose_truth(simulation, joints)
    up = in_pelvis(data, data.body("pelvis").xpos + UP)
    torque = kinematics.holding_torque(joints, up)
    for name in ("left_shoulder_pitch", "right_elbow", "right_wrist_pitch", "left_knee"):
        bias = data.qfrc_bias[simulation.body.model.joint(name).dofadr[0]]
        assert torque[G1.joint_index(name)] == pytest.approx(bias, abs=1e-6)


def test_poses_are_right_again_after_torques(kinematics):
    before = kinematics.hand_in_pelvis(G1.default_position, LEFT)
    kinematics.holding_torque(random_joints(1), UP)
    np.testing.assert_array_equal(before, kinematics.hand_in_pelvis(G1.default_position, LEFT))


TARGETS = [(2.0, 0.3, 0.1), (1.0, 0.0, -0.4), (0.65, 0.2, 0.1), (3.0, 1.5, 1.0), (1.5, -0.1, 0.6)]


@pytest.mark.parametrize("target", TARGETS)
def test_a_pointing_palm_lies_on_the_line_from_shoulder_to_target(kinematics, target):
    target = np.array(target)
    for side, mirrored in ((LEFT, target), (RIGHT, target * (1.0, -1.0, 1.0))):
        arm = kinematics.point_arm(G1.default_position, side, mirrored)
        joints = G1.default_position.copy()
        joints[list(arm)] = list(arm.values())
        shoulder = kinematics.shoulder_in_pelvis(joints, side)
        hand = kinematics.hand_in_pelvis(joints, side) - shoulder
        line = mirrored - shoulder
        cosine = hand @ line / np.linalg.norm(hand) / np.linalg.norm(line)
        assert np.rad2deg(np.arccos(cosine)) < 4.0
        assert np.linalg.norm(hand) < np.linalg.norm(line) - 0.12
        assert (joints >= G1.limits.lower).all()
        assert (joints <= G1.limits.upper).all()


def test_arms_point_as_mirror_images(kinematics):
    target = np.array([1.2, 0.4, 0.1])
    left = list(kinematics.point_arm(G1.default_position, LEFT, target).values())
    right = list(kinematics.point_arm(G1.default_position, RIGHT, target * (1, -1, 1)).values())
    np.testing.assert_allclose(np.array(left)[[0, 3]], np.array(right)[[0, 3]], atol=1e-2)
    np.testing.assert_allclose(left[1], -right[1], atol=1e-2)


def test_a_target_behind_the_back_is_unreachable(kinematics):
    with pytest.raises(UnreachableError, match="stays"):
        kinematics.point_arm(G1.default_position, LEFT, np.array([-1.0, -1.5, 0.3]))


def test_the_loaded_leg_is_told_by_its_torques(simulation, kinematics):
    """Lift one foot of a robot hung by nothing: only the other one is pushed by the floor."""
    torque = np.zeros(len(G1.joint_names))
    joints = G1.default_position
    jacobian = np.zeros((3, 4))
    legs = [f"left_{name}" for name in LEG[:4]]
    sole = kinematics.soles_in_pelvis(joints)[LEFT].mean(axis=0)
    for column, name in enumerate(legs):
        nudged = joints.copy()
        nudged[G1.joint_index(name)] += 1e-6
        jacobian[:, column] = (kinematics.soles_in_pelvis(nudged)[LEFT].mean(axis=0) - sole) / 1e-6
    torque[G1.joint_indices(legs)] = -jacobian.T @ np.array([0.0, 0.0, 300.0])
    loads = kinematics.leg_loads(joints, torque, UP)
    np.testing.assert_allclose(loads, [300.0, 0.0], atol=1.0)


@pytest.mark.parametrize("seed", range(4))
def test_what_the_floor_does_to_both_feet_is_told_by_all_torques_of_their_legs(kinematics, seed):
    """Virtual work, by small turns of each joint: torques of random wrenches on random legs."""
    rng = np.random.default_rng(seed)
    joints, torque = G1.default_position.copy(), np.zeros(len(G1.joint_names))
    wrenches = np.empty((2, 6))
    for side, (prefix, foot) in enumerate(zip(("left", "right"), G1_LINKS.feet, strict=True)):
        legs = G1.joint_indices([f"{prefix}_{name}" for name in LEG])
        joints[legs] += rng.normal(0.0, 0.1, 6)
        joints[legs[3]] = rng.uniform(0.6, 1.0)
        force = [rng.normal(0.0, 20.0), rng.normal(0.0, 20.0), rng.uniform(50.0, 400.0)]
        wrenches[side] = [*force, *rng.normal(0.0, 5.0, 3)]
        T = kinematics.pelvis_from_link(joints, foot)
        sole = kinematics.soles_in_pelvis(joints)[side].mean(axis=0)
        for joint in legs:
            nudged = joints.copy()
            nudged[joint] += 1e-6
            moved = kinematics.soles_in_pelvis(nudged)[side].mean(axis=0) - sole
            S = (kinematics.pelvis_from_link(nudged, foot)[:3, :3] - T[:3, :3]) @ T[:3, :3].T
            turned = np.array([S[2, 1] - S[1, 2], S[0, 2] - S[2, 0], S[1, 0] - S[0, 1]]) / 2
            work = wrenches[side] @ np.concatenate((moved, turned))
            torque[joint] = -work / 1e-6
    found = kinematics.foot_wrenches(joints, torque)
    np.testing.assert_allclose(found[:, :3], wrenches[:, :3], atol=0.06 * 400.0)
    np.testing.assert_allclose(found[:, 3:], wrenches[:, 3:], atol=2.0)
    np.testing.assert_allclose(kinematics.foot_wrenches(joints, 0.0 * torque), 0.0)


def test_an_unknown_link_is_refused_with_what_is_known(kinematics):
    with pytest.raises(UnknownNameError, match="torso_link"):
        kinematics.pelvis_from_link(G1.default_position, "torso_lnk")


def test_a_model_without_the_joints_is_refused():
    spec = load_g1(with_looks=False)
    spec.joint("left_knee").name = "left_nee"
    with pytest.raises(UnknownNameError, match="left_knee"):
        Kinematics(G1, spec, G1_LINKS, HEAD_CAMERA)


def test_what_feet_carry_is_reckoned_anew_for_every_sample_and_every_slope():
    kinematics, rng = simulate("empty", 0).kinematics, np.random.default_rng(0)
    samples = []
    for _ in range(4):
        joints = G1.default_position + rng.normal(0.0, 0.1, len(G1.joint_names))
        samples += [(joints, rng.normal(0.0, 20.0, len(joints)), up) for up in np.eye(3)]
    for joints, torque, up in [*samples, *samples[::-1]]:
        fresh = simulate("empty", 0).kinematics.leg_loads(joints, torque, up)
        np.testing.assert_allclose(kinematics.leg_loads(joints, torque, up), fresh, atol=1e-9)
        torque = torque + 1.0
        assert not np.allclose(kinematics.leg_loads(joints, torque, up), fresh)

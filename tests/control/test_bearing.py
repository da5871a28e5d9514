"""Targets that bear a motion: by physics itself, they hold the robot where it was planned to be."""

import mujoco
import numpy as np
import pytest

from yanshi.control.bearing import _rates, _smooth, bear, weight_shares
from yanshi.control.reference import RATE_HZ, plan_reference
from yanshi.control.routine import read_routine
from yanshi.policies.contract import policy_folder
from yanshi.robots.g1.spec import G1

REST = -8
"""A tick at which the robot has stood still for a while."""


@pytest.fixture(scope="module")
def borne(figure):
    routine = read_routine(policy_folder("g1_kick") / "routine.toml", G1)
    reference = plan_reference(routine, figure)
    return reference, bear(reference, figure)


def floating(figure, reference, tick):
    """Return the robot at a tick, without a floor."""
    data = mujoco.MjData(figure.model)
    data.qpos[:3] = reference.root_position[tick]
    data.qpos[3:7] = reference.root_orientation_wxyz[tick]
    for name, angle in zip(G1.joint_names, reference.joint_position[tick], strict=True):
        data.joint(name).qpos[0] = angle
    return data


def test_at_rest_the_floor_and_the_motors_hold_the_robot_still(borne, figure):
    """The soles carry all of the weight, and with that and the torques nothing accelerates."""
    reference, bearing = borne
    model = figure.model
    data = floating(figure, reference, REST)
    mujoco.mj_forward(model, data)
    bias = data.qfrc_bias.copy()
    dofs = [model.joint(name).dofadr[0] for name in G1.joint_names]
    left_over = bias.copy()
    left_over[dofs] -= bearing.torque[REST]
    # What is left over must be a push of the floor on the soles alone.
    pushes = np.zeros((12, model.nv))
    for side, foot in enumerate(figure.feet):
        sole = reference.corners[REST, side].mean(axis=0)
        mujoco.mj_jac(
            model, data, pushes[6 * side : 6 * side + 3], pushes[6 * side + 3 : 6 * side + 6],
            sole, foot,
        )  # fmt: skip
    push, *_ = np.linalg.lstsq(pushes.T, left_over, rcond=None)
    np.testing.assert_allclose(pushes.T @ push, left_over, atol=1e-2)
    weight = 9.81 * model.body_mass.sum()
    assert push[2] + push[8] == pytest.approx(weight, rel=1e-3)
    assert push[2] == pytest.approx(push[8], rel=0.02)


def test_torques_of_the_stance_are_the_same_on_both_sides(borne):
    _, bearing = borne
    for name in ("hip_pitch", "knee", "ankle_pitch", "shoulder_pitch", "elbow"):
        left, right = (
            bearing.torque[REST, G1.joint_index(f"{s}_{name}")] for s in ("left", "right")
        )
        assert left == pytest.approx(right, abs=0.3), name


def test_on_one_foot_its_leg_bears_everything(borne):
    reference, _ = borne
    shares = weight_shares(reference)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert (shares[~reference.stands[:, 1]] == (1.0, 0.0)).all()


def test_a_targets_spring_gives_the_torque_where_no_limit_is_in_the_way(borne):
    reference, bearing = borne
    given = G1.stiffness * (bearing.target - reference.joint_position)
    given -= G1.damping * reference.joint_velocity
    inside = (bearing.target > G1.limits.lower) & (bearing.target < G1.limits.upper)
    np.testing.assert_allclose(given[inside], bearing.torque[inside], atol=1e-6)
    body = [i for i, name in enumerate(G1.joint_names) if "hand" not in name]
    assert inside[:, body].mean() > 0.95  # Open fingers rest against their stops.


def test_an_arm_held_out_is_lifted_by_what_statics_asks(borne, figure):
    """With the hips fixed, the shoulder bears mass times lever of the arm: no feet involved."""
    reference, bearing = borne
    data = floating(figure, reference, REST)
    model = figure.model
    mujoco.mj_forward(model, data)
    shoulder = model.joint("left_shoulder_pitch")
    arm = model.body(shoulder.bodyid[0])
    lever = data.subtree_com[arm.id] - data.joint("left_shoulder_pitch").xanchor
    weight = np.array([0.0, 0.0, -9.81 * model.body_subtreemass[arm.id]])
    wanted = -np.cross(lever, weight) @ data.joint("left_shoulder_pitch").xaxis
    found = bearing.torque[REST, G1.joint_index("left_shoulder_pitch")]
    assert found == pytest.approx(wanted, abs=0.15)


def test_swinging_limbs_are_driven_as_inverse_dynamics_asks(borne, figure):
    """No foot pushes an arm: there MuJoCo's own inverse dynamics must say the same."""
    reference, bearing = borne
    model = figure.model
    arms = [i for i, n in enumerate(G1.joint_names) if "shoulder" in n or "elbow" in n]
    dofs = [model.joint(G1.joint_names[i]).dofadr[0] for i in arms]
    poses = np.array([floating(figure, reference, t).qpos for t in range(reference.ticks)])
    speeds = _rates(model, poses)
    accelerations = _smooth(np.gradient(speeds, 1.0 / RATE_HZ, axis=0))
    fastest = int(np.abs(accelerations[:, dofs]).max(axis=1).argmax())
    data = floating(figure, reference, fastest)
    data.qvel[:], data.qacc[:] = speeds[fastest], accelerations[fastest]
    flags = model.opt.disableflags
    passive = mujoco.mjtDisableBit.mjDSBL_CONTACT | mujoco.mjtDisableBit.mjDSBL_CONSTRAINT
    model.opt.disableflags = flags | passive
    mujoco.mj_inverse(model, data)
    model.opt.disableflags = flags
    wanted = data.qfrc_inverse[dofs] + data.qfrc_passive[dofs]
    np.testing.assert_allclose(bearing.torque[fastest, arms], wanted, atol=0.02)
    assert np.abs(wanted).max() > 8.0

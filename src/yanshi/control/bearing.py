"""What the motors must hold so that a planned motion bears its own weight.

A motor is a spring about its target. Held at the reference itself, a knee would give way until its
spring bears the robot. So the torques that the motion needs are computed (recursive Newton and
Euler; the floor's push is shared by the feet as the weight is), and each target is set off from the
reference by torque over stiffness.
"""

from dataclasses import dataclass

import mujoco
import numpy as np

from yanshi.control.figure import Array, Figure
from yanshi.control.reference import RATE_HZ, Reference

_TWIST_WORTH = 0.01
"""m²: a moment counts as a force at a lever of a tenth of a metre when feet share the push."""
_SHARE_MIN = 0.01
_SMOOTH = 5
"""Ticks over which accelerations are averaged: a tenth of a second."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bearing:
    """What a motion asks of the motors, one row per tick of its reference."""

    torque: Array
    """N·m, shape (n, n_joints)."""
    target: Array
    """Angles to hold so that the robot's own gains give that torque, rad, (n, n_joints)."""


def bear(reference: Reference, figure: Figure) -> Bearing:
    """Return torques and targets of a motion for the robot's own gains."""
    robot, model = figure.robot, figure.model
    data = mujoco.MjData(model)
    addresses = [model.joint(name).qposadr[0] for name in robot.joint_names]
    dofs = np.array([model.joint(name).dofadr[0] for name in robot.joint_names])
    qpos = np.tile(data.qpos, (reference.ticks, 1))
    qpos[:, :3], qpos[:, 3:7] = reference.root_position, reference.root_orientation_wxyz
    qpos[:, addresses] = reference.joint_position
    qvel = _rates(model, qpos)
    qacc = _smooth(np.gradient(qvel, 1.0 / RATE_HZ, axis=0))
    shares = weight_shares(reference)
    torque = np.empty((reference.ticks, len(dofs)))
    needed = np.empty(model.nv)
    for tick in range(reference.ticks):
        data.qpos[:], data.qvel[:], data.qacc[:] = qpos[tick], qvel[tick], qacc[tick]
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_comVel(model, data)
        mujoco.mj_rne(model, data, 1, needed)
        needed += model.dof_armature * qacc[tick]
        soles = reference.corners[tick].mean(axis=1)
        torque[tick] = _joint_torque(figure, data, needed, soles, shares[tick])[dofs]
    damped = torque + robot.damping * reference.joint_velocity
    limits = robot.limits
    target = np.clip(
        reference.joint_position + damped / robot.stiffness, limits.lower, limits.upper
    )
    return Bearing(torque=torque, target=target)


def _joint_torque(
    figure: Figure, data: mujoco.MjData, needed: Array, soles: Array, share: Array
) -> Array:
    """Return what the motors add when the floor pushes the feet as hard as the root needs it.

    Args:
        needed: Generalised forces that the motion asks for, shape (nv,).
        soles: Where the floor pushes each foot, m, shape (2, 3).
        share: Of the weight on each foot, shape (2,).
    """
    nv = figure.model.nv
    pushes = np.zeros((12, nv))  # Rows: force and moment on the left foot, then on the right.
    worth = np.zeros(12)
    for side, foot in enumerate(figure.feet):
        rows = slice(6 * side, 6 * side + 6)
        J = np.zeros((6, nv))
        mujoco.mj_jac(figure.model, data, J[:3], J[3:], soles[side], foot)
        pushes[rows] = J
        worth[rows] = share[side] * np.array([1.0] * 3 + [_TWIST_WORTH] * 3)
    A = pushes[:, :6].T  # (6, 12): what the floor's pushes do to the root.
    weighted = worth[:, None] * A.T
    push = weighted @ np.linalg.solve(A @ weighted + 1e-9 * np.eye(6), needed[:6])
    torque: Array = needed - pushes.T @ push
    return torque


def weight_shares(reference: Reference) -> Array:
    """Return the share of the weight on each foot, by where the centre of mass is, (n, 2)."""
    left, right = reference.corners[..., :2].mean(axis=2).transpose(1, 0, 2)
    way = left - right
    along = ((reference.centre_of_mass[:, :2] - right) * way).sum(axis=1) / (way**2).sum(axis=1)
    both = np.clip(np.stack([along, 1.0 - along], axis=1), _SHARE_MIN, 1.0 - _SHARE_MIN)
    alone = reference.stands.sum(axis=1) == 1
    return np.where(alone[:, None], reference.stands, both)


def _rates(model: mujoco.MjModel, qpos: Array) -> Array:
    """Return the velocities between ticks, by central differences, shape (n, nv)."""
    rates = np.empty((len(qpos), model.nv))
    last = len(qpos) - 1
    for tick in range(len(qpos)):
        one, two = max(tick - 1, 0), min(tick + 1, last)
        mujoco.mj_differentiatePos(model, rates[tick], (two - one) / RATE_HZ, qpos[one], qpos[two])
    return rates


def _smooth(values: Array) -> Array:
    window = np.ones(_SMOOTH) / _SMOOTH
    padded = np.pad(values, ((_SMOOTH // 2, _SMOOTH // 2), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, window, "valid") for column in padded.T], axis=1)

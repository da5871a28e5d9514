"""How robots begin to rise: on the floor in any way, limbs gathered, or on both feet, bent."""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.policies.riser import Restraint, restrained
from yanshi.robots.g1.spec import G1
from yanshi.train.fleet import Array, Fleet
from yanshi.train.g1_fleet import HANDS, INDICES, JOINTS

N = len(JOINTS)
POSE = slice(8, 8 + N)
"""The joint angles in a state: after the time and the pose of the pelvis."""
_FALL_TICKS, _LIMP_TICKS = 25, 65
_LYING_M = 0.4
"""A pelvis that is higher does not lie."""
_HIP_M, _THIGH_M, _SHIN_M = 0.103, 0.331, 0.300
"""From the pelvis down to the hips, to the knees, to the ankles, seen from the side."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lying:
    """Robots at rest on the floor."""

    state: Array
    """Time, pose and velocity of each, shape (n, width)."""
    target: Array
    """Where the motors of each pull, rad, shape (n, n_joints)."""
    model: NDArray[np.intp]
    """Which model of the bank each is, shape (n,): it has that one's slope."""


def lie_down(
    fleet: Fleet, slope_of: Array, rng: np.random.Generator, count: int, restraint: Restraint
) -> Lying:
    """Drop robots of the fleet in any pose, let them go limp, and draw their limbs together.

    Args:
        fleet: Its robots lie on the floor afterwards.
        slope_of: How far the floor of each model of the bank falls towards +x, rad.
        rng: Where poses come from.
        count: How many to return, at least.
        restraint: How slowly they draw them together.
    """
    states: list[Array] = []
    targets: list[Array] = []
    models: list[NDArray[np.intp]] = []
    default, limits, n = G1.default_position[INDICES], G1.limits, fleet.n
    while sum(len(state) for state in states) < count:
        fleet.model_of[:] = rng.integers(len(fleet.bank), size=n)
        fleet.delay_steps[:] = 0
        state = np.tile(fleet.reference, (n, 1))
        state[:, 3] = rng.uniform(0.45, 0.7, n)
        state[:, 4:8] = any_way_of_lying(rng, n)
        pose = default + rng.uniform(0.2, 1.0, (n, 1)) * rng.normal(0.0, 1.0, (n, N))
        pose = np.clip(pose, limits.lower[INDICES], limits.upper[INDICES])
        state[:, POSE] = pose
        fleet.place(np.arange(n), state, pose)
        is_bad = np.zeros(n, dtype=bool)
        for tick in range(_FALL_TICKS + _LIMP_TICKS):
            if tick >= _FALL_TICKS:
                pose = fleet.joint_position.copy()  # A spring without tension: damping alone.
            is_bad |= fleet.step(pose) | is_absurd(fleet)
        target, blew_up = _gather(fleet, restraint)
        good = ~is_bad & ~blew_up & (height_above_floor(fleet, slope_of) < _LYING_M)
        states.append(fleet.state[good].copy())
        targets.append(target[good])
        models.append(fleet.model_of[good].copy())
    lying = np.concatenate(states)
    lying[:, 0] = 0.0
    return Lying(state=lying, target=np.concatenate(targets), model=np.concatenate(models))


def _gather(fleet: Fleet, restraint: Restraint) -> tuple[Array, NDArray[np.bool_]]:
    """Let all robots draw their limbs into the default pose, as a riser does before it rises.

    Returns:
        Their targets in the end, and who blew up.
    """
    target, tick_s = fleet.joint_position.copy(), fleet.physics.tick_s
    rates, is_bad = restraint.rates(JOINTS), np.zeros(fleet.n, dtype=bool)
    for tick in range(round(restraint.gather_s / tick_s)):
        target = restrained(
            G1.default_position[INDICES],
            target,
            fleet.joint_position,
            fleet.joint_velocity,
            share=restraint.share,
            step=restraint.rates_after((tick + 1) * tick_s, rates) * tick_s,
            stiffness=G1.stiffness[INDICES],
            damping=G1.damping[INDICES],
            torque=restraint.torque_share * G1.limits.torque[INDICES],
        )
        is_bad |= fleet.step(target) | is_absurd(fleet)
    return target, is_bad


def height_above_floor(fleet: Fleet, slope_of: Array) -> Array:
    """Return how high the pelvises are above the floor below them, m, shape (n,)."""
    tangent = np.tan(slope_of[fleet.model_of])
    result: Array = fleet.position[:, 2] + tangent * fleet.position[:, 0]
    return result


def is_absurd(fleet: Fleet) -> NDArray[np.bool_]:
    """Whether the coarse physics threw a robot about as no motor could, shape (n,)."""
    return (
        (np.abs(fleet.joint_velocity).max(axis=1) > 40.0)
        | (np.abs(fleet.angular_velocity).max(axis=1) > 15.0)
        | (np.abs(fleet.velocity).max(axis=1) > 5.0)
    )


def crouch(reference: Array, rng: np.random.Generator, n: int, *, spread: float = 0.15) -> Array:
    """Return states on both feet, from upright to a deep squat, shape (n, width).

    Args:
        reference: The state of a robot that stands relaxed, shape (width,).
        rng: Where they come from.
        n: How many.
        spread: How far joints and velocities are from that, rad, rad/s and m/s.
    """
    state = np.tile(reference, (n, 1))
    depth, yaw = rng.uniform(0.0, 1.0, n), rng.uniform(-np.pi, np.pi, n)
    lean = 0.6 * depth
    state[:, 4:8] = times(_about(2, yaw), _about(1, lean))
    joints, relaxed = state[:, POSE], reference[POSE]
    hip, knee = relaxed[JOINTS.index("left_hip_pitch")], relaxed[JOINTS.index("left_knee")]
    joints += rng.normal(0.0, spread, (n, N))
    # How far thigh and shin lean back from upright.
    thigh, shin = lean + hip - 2.0 * depth, lean + hip + knee - 0.1 * depth
    for side in ("left", "right"):
        joints[:, JOINTS.index(f"{side}_hip_pitch")] = thigh - lean
        joints[:, JOINTS.index(f"{side}_knee")] = shin - thigh
        joints[:, JOINTS.index(f"{side}_ankle_pitch")] = -shin  # The sole lies flat.
    shorter = _HIP_M * (1.0 - np.cos(lean))
    shorter += _THIGH_M * (np.cos(hip) - np.cos(thigh))
    shorter += _SHIN_M * (np.cos(hip + knee) - np.cos(shin))
    state[:, 3] += 0.01 - shorter
    limits = G1.limits
    np.clip(joints, limits.lower[INDICES], limits.upper[INDICES], out=joints)
    state[:, POSE.stop :] = rng.normal(0.0, spread, (n, state.shape[1] - POSE.stop))
    return state


def any_way_of_lying(rng: np.random.Generator, n: int) -> Array:
    """Return orientations on back, front and both sides, heading anywhere, wxyz, (n, 4)."""
    way = rng.integers(4, size=n)
    lean = np.where(way % 2 == 0, 1.0, -1.0) * (0.5 * np.pi + rng.normal(0.0, 0.35, n))
    turn = np.where((way < 2)[:, None], _about(1, lean), _about(0, lean))
    twist = _about(2, rng.normal(0.0, 0.35, n))
    return times(_about(2, rng.uniform(-np.pi, np.pi, n)), times(turn, twist))


def times(a: Array, b: Array) -> Array:
    """Return the products of quaternions, wxyz, shape (n, 4)."""
    w = a[:, :1] * b[:, :1] - (a[:, 1:] * b[:, 1:]).sum(axis=1, keepdims=True)
    u = a[:, :1] * b[:, 1:] + b[:, :1] * a[:, 1:] + np.cross(a[:, 1:], b[:, 1:])
    return np.concatenate([w, u], axis=1)


def add_touch(world: mujoco.MjSpec) -> None:
    """Add sensors of hands and head: the net force of their contacts, place and velocity."""
    for geom in world.body("torso_link").geoms:
        if geom.type == mujoco.mjtGeom.mjGEOM_CAPSULE:
            geom.name = "head"
    kinds, sensors = mujoco.mjtObj, mujoco.mjtSensor
    force, net = 2, 3  # Only the force, summed over all contacts.
    for name, kind, middle, what in (
        ("left_hand", kinds.mjOBJ_XBODY, kinds.mjOBJ_BODY, HANDS[0]),
        ("right_hand", kinds.mjOBJ_XBODY, kinds.mjOBJ_BODY, HANDS[1]),
        ("head", kinds.mjOBJ_GEOM, kinds.mjOBJ_GEOM, "head"),
    ):
        for quantity, sensor, of, intprm in (
            ("touch", sensors.mjSENS_CONTACT, kind, [force, net, 1]),
            ("middle", sensors.mjSENS_FRAMEPOS, middle, [0, 0, 0]),
            ("velocity", sensors.mjSENS_FRAMELINVEL, middle, [0, 0, 0]),
        ):
            world.add_sensor(
                name=f"{name}_{quantity}", type=sensor, objtype=of, objname=what, intprm=intprm
            )


def _about(axis: int, angle: Array) -> Array:
    """Return turns about an axis, wxyz, shape (n, 4)."""
    turn = np.zeros((len(angle), 4))
    turn[:, 0] = np.cos(0.5 * angle)
    turn[:, 1 + axis] = np.sin(0.5 * angle)
    return turn

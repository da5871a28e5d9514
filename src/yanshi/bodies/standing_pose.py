"""How does a robot hold itself when it looks? Poses for pictures, without any physics."""

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.robots.g1.spec import G1
from yanshi.robots.g1.stance import HEIGHTS, LEAN_MAX, LEAN_MIN, LEG_ANGLES
from yanshi.robots.spec import RobotSpec

HEIGHT_SPREAD_M = 0.012
TILT_SPREAD = 0.035
"""Standard deviation of roll and pitch, rad: what walking does to the trunk."""
JOINT_SPREAD = 0.06
RAISED_ARM_SHARE = 0.15
"""How often each arm is somewhere else than hanging down."""
ARM_JOINTS = ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow")
REACH_HEIGHT_M = (0.5, 0.78)
"""Of the pelvis above the floor when it takes something."""
REACHING_ARM_SHARE = 0.3
"""How often each arm is before the trunk then."""
REACHING_ARM = {
    "shoulder_pitch": (-1.3, 0.3),
    "shoulder_roll": (-0.1, 0.8),
    "shoulder_yaw": (-0.8, 0.8),
    "elbow": (-0.9, 0.9),
    "wrist_roll": (-1.6, 1.6),
    "wrist_pitch": (-0.8, 0.8),
    "wrist_yaw": (-0.6, 0.6),
}
"""Where the left arm may be, rad; rolls and yaws of the right one have the other sign."""


def sample_pose(
    robot: RobotSpec, stand: tuple[float, float, float], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sample how the robot stands at a spot: swaying a little, an arm raised now and then.

    Args:
        robot: What stands there, with arms named as `ARM_JOINTS` after `left_` and `right_`.
        stand: x and y in m and heading in rad.
        rng: Where the pose comes from.

    Returns:
        Position and orientation (wxyz) of the root link, shape (7,), and the joint angles in
        rad, shape (n_joints,).
    """
    height = robot.standing_height + rng.normal(0.0, HEIGHT_SPREAD_M)
    root = _sway(stand, float(height), rng)
    angles = robot.default_position + rng.normal(0.0, JOINT_SPREAD, len(robot.joint_names))
    for side in ("left", "right"):
        if rng.random() < RAISED_ARM_SHARE:
            arm = robot.joint_indices(f"{side}_{name}" for name in ARM_JOINTS)
            angles[arm] += rng.normal(0.0, 0.8, len(arm))
    return root, np.clip(angles, robot.limits.lower, robot.limits.upper)


def sample_reach(
    stand: tuple[float, float, float], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sample how a G1 holds itself that takes something: bent knees, leaning, arms before it.

    Args:
        stand: x and y in m and heading in rad.
        rng: Where the pose comes from.

    Returns:
        Position and orientation (wxyz) of the pelvis, shape (7,), and the joint angles in rad,
        shape (n_joints,).
    """
    height = float(rng.uniform(*REACH_HEIGHT_M))
    root = _sway(stand, height, rng)
    angles = G1.default_position + rng.normal(0.0, 0.5 * JOINT_SPREAD, len(G1.joint_names))
    for side in ("left", "right"):
        legs = G1.joint_indices(f"{side}_{name}" for name in LEG_ANGLES)
        angles[legs] = [np.interp(height, HEIGHTS, bent) for bent in LEG_ANGLES.values()]
        if rng.random() < REACHING_ARM_SHARE:
            arm = G1.joint_indices(f"{side}_{name}" for name in REACHING_ARM)
            mirror = [
                -1.0 if side == "right" and name.endswith(("roll", "yaw")) else 1.0
                for name in REACHING_ARM
            ]
            angles[arm] = mirror * rng.uniform(*np.array(list(REACHING_ARM.values())).T)
        hand = [n for n, name in enumerate(G1.joint_names) if name.startswith(f"{side}_hand")]
        closing = np.where(G1.limits.upper[hand] > -G1.limits.lower[hand], 1.0, -1.0)
        angles[hand] = closing * rng.uniform(0.0, 1.5)
    least = max(0.0, float(np.interp(height, HEIGHTS, LEAN_MIN)))
    angles[G1.joint_index("waist_pitch")] = rng.uniform(least, LEAN_MAX)
    return root, np.clip(angles, G1.limits.lower, G1.limits.upper)


def _sway(
    stand: tuple[float, float, float], height: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return position and orientation (wxyz) of a root link that sways a little, shape (7,)."""
    x, y, yaw = stand
    pitch, roll = rng.normal(0.0, TILT_SPREAD, 2)
    orientation_wxyz = np.zeros(4)
    mujoco.mju_euler2Quat(orientation_wxyz, np.array([yaw, pitch, roll]), "zyx")
    return np.array([x, y, height, *orientation_wxyz])

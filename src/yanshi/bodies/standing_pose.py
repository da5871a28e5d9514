"""How does a robot hold itself when it looks? Poses for pictures, without any physics."""

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.robots.spec import RobotSpec

HEIGHT_SPREAD_M = 0.012
TILT_SPREAD = 0.035
"""Standard deviation of roll and pitch, rad: what walking does to the trunk."""
JOINT_SPREAD = 0.06
RAISED_ARM_SHARE = 0.15
"""How often each arm is somewhere else than hanging down."""
ARM_JOINTS = ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow")


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
    x, y, yaw = stand
    height = robot.standing_height + rng.normal(0.0, HEIGHT_SPREAD_M)
    pitch, roll = rng.normal(0.0, TILT_SPREAD, 2)
    orientation_wxyz = np.zeros(4)
    mujoco.mju_euler2Quat(orientation_wxyz, np.array([yaw, pitch, roll]), "zyx")
    angles = robot.default_position + rng.normal(0.0, JOINT_SPREAD, len(robot.joint_names))
    for side in ("left", "right"):
        if rng.random() < RAISED_ARM_SHARE:
            arm = robot.joint_indices(f"{side}_{name}" for name in ARM_JOINTS)
            angles[arm] += rng.normal(0.0, 0.8, len(arm))
    angles = np.clip(angles, robot.limits.lower, robot.limits.upper)
    return np.array([x, y, height, *orientation_wxyz]), angles

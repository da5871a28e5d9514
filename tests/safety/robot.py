"""A robot of three joints, and messages for it."""

import numpy as np

from yanshi.core.messages import JointTarget, RobotState
from yanshi.robots.spec import JointLimits
from yanshi.safety.gate import Bounds, Gated, first_target

TICK_NS = 2_000_000
STEP = 0.01
"""How far a joint may move in a tick, rad."""
REACH = 0.8
"""How far ahead of the measured angle a joint of gain 10 may be sent, rad."""
LIMITS = JointLimits(
    lower=np.array([-1.0, -0.5, 0.25]),
    upper=np.array([1.0, 0.75, 1.5]),
    velocity=np.full(3, 5.0),
    torque=np.full(3, 8.0),
)
LIMP = np.array([0.5, 0.6, 0.7])
BOUNDS = Bounds.of(LIMITS, LIMP)
MIDDLE = (0.0, 0.0, 0.5)


def target(*position: float, t_ns: int = 0, gain: float = 10.0) -> JointTarget:
    gains = np.full(len(position), gain)
    return JointTarget(t_ns=t_ns, position=position, stiffness=gains, damping=gains)


def measured(*position: float, t_ns: int = 0) -> RobotState:
    zeros = np.zeros(len(position))
    return RobotState(
        t_ns=t_ns,
        joint_position=position,
        joint_velocity=zeros,
        joint_torque=zeros,
        orientation_wxyz=(1.0, 0.0, 0.0, 0.0),
        angular_velocity=np.zeros(3),
        acceleration=np.zeros(3),
    )


def sent_at(*position: float, gain: float = 10.0) -> Gated:
    """Return what went to the motors while the joints were at rest there."""
    gains = np.full(len(position), gain)
    return first_target(measured(*position), gains, gains, BOUNDS)

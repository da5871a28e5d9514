"""What a robot is: names, order, limits and motors. No way of reaching one."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yanshi.core.errors import UnknownNameError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointLimits:
    """Limits per joint, each of shape (n_joints,)."""

    lower: NDArray[np.float64]
    """Smallest angle, rad."""
    upper: NDArray[np.float64]
    """Largest angle, rad."""
    velocity: NDArray[np.float64]
    """Largest speed either way, rad/s."""
    torque: NDArray[np.float64]
    """Largest motor torque either way, N·m."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RobotSpec:
    """Everything Yanshi knows about a kind of robot."""

    name: str
    joint_names: tuple[str, ...]
    """The one joint order. Every joint array in Yanshi follows it."""
    limits: JointLimits
    armature: NDArray[np.float64]
    """Rotor inertia seen at the joint, kg·m², shape (n_joints,)."""
    default_position: NDArray[np.float64]
    """Relaxed standing pose, rad, shape (n_joints,)."""
    stiffness: NDArray[np.float64]
    """Default proportional gains, N·m/rad, shape (n_joints,)."""
    damping: NDArray[np.float64]
    """Default derivative gains, N·m·s/rad, shape (n_joints,)."""
    standing_height: float
    """Height of the pelvis above the floor in that pose, m."""
    mass_kg: float
    battery_wh: float
    price_usd: float

    def joint_index(self, name: str) -> int:
        """Return the place of a joint in every joint array."""
        if name not in self.joint_names:
            raise UnknownNameError("joint", name, self.joint_names)
        return self.joint_names.index(name)

    def joint_indices(self, names: Iterable[str]) -> NDArray[np.intp]:
        """Return the places of several joints, in the order asked."""
        return np.array([self.joint_index(name) for name in names], dtype=np.intp)

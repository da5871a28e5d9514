"""What a robot is: names, order, limits, motors and eyes. No way of reaching one."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSpec:
    """Where a robot's RGB-D camera sits and what it takes in.

    The camera's own frame is the usual one of picture processing: x to the right of the
    picture, y down, z along the optical axis.
    """

    name: str
    link: str
    """The link that it is fixed to."""
    position: tuple[float, float, float]
    """The lens in the link's frame, m."""
    pitch_down: float
    """Angle of the optical axis below the link's x axis, rad."""
    fov_deg: float
    """Field of view from the top of the picture to its bottom."""
    width: int
    """Columns of a picture."""
    height: int
    """Rows of a picture."""
    depth_max: float
    """Farthest distance measured, m; beyond it the depth is unknown."""

    @property
    def focal_length_px(self) -> float:
        """Focal length, the same in x and y."""
        return float(0.5 * self.height / np.tan(0.5 * np.deg2rad(self.fov_deg)))

    @property
    def link_from_camera(self) -> NDArray[np.float64]:
        """Pose of the camera's frame in the link's frame, shape (4, 4)."""
        sin, cos = np.sin(self.pitch_down), np.cos(self.pitch_down)
        T = np.eye(4)
        T[:3, 0] = (0.0, -1.0, 0.0)
        T[:3, 1] = (-sin, 0.0, -cos)
        T[:3, 2] = (cos, 0.0, -sin)
        T[:3, 3] = self.position
        return T

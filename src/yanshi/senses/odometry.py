"""Where the pelvis is, from the IMU and the legs alone.

A foot that carries the robot stands still on the floor, so the pelvis moves against it. At
each tick every sole point of both feet proposes how far the pelvis moved since the last one;
the points that touch the floor are believed. That is dead reckoning: the error grows with
the distance walked, by slip and by the parts of a step in which the sole rolls.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yanshi.control.kinematics import Kinematics
from yanshi.core.messages import BaseEstimate, RobotState


@dataclass(frozen=True, slots=True, kw_only=True)
class OdometryConfig:
    """How contact is judged and noise is smoothed."""

    contact_height: float = 0.004
    """Height above the lowest sole point at which belief has fallen to 1/e, m."""
    height_share: float = 0.5
    """Part of a new pelvis height taken over per tick."""
    velocity_share: float = 0.3
    """Part of a new velocity taken over per tick: a time constant of about three ticks."""


class Odometry:
    """Follows the pelvis on the map from a known start. Call `update` 50 times a second or more."""

    def __init__(
        self,
        kinematics: Kinematics,
        start: tuple[float, float, float],
        config: OdometryConfig | None = None,
    ) -> None:
        """Begin at `start`: x, y in m and heading in rad on the map, at switch-on."""
        self.config = config or OdometryConfig()
        self._kinematics = kinematics
        x, y, yaw = start
        self._position = np.array([x, y, kinematics.robot.standing_height])
        self._velocity = np.zeros(3)  # On the map.
        self._map_from_start = np.array([np.cos(0.5 * yaw), 0.0, 0.0, np.sin(0.5 * yaw)])
        self._soles: NDArray[np.float64] | None = None  # In level axes at the pelvis, (n, 3).
        self._last_ns = 0

    def update(self, state: RobotState) -> BaseEstimate:
        """Take in one measurement and return where the pelvis is now."""
        orientation_wxyz = _product(self._map_from_start, state.orientation_wxyz)
        R = _matrix(orientation_wxyz)
        soles = self._kinematics.soles_in_pelvis(state.joint_position).reshape(-1, 3) @ R.T
        heights = soles[:, 2] - soles[:, 2].min()
        if self._soles is not None and state.t_ns > self._last_ns:
            self._advance(soles, heights, (state.t_ns - self._last_ns) * 1e-9)
        self._position[2] += self.config.height_share * (-soles[:, 2].min() - self._position[2])
        self._soles = soles
        self._last_ns = state.t_ns
        return BaseEstimate(
            t_ns=state.t_ns,
            position=self._position,
            orientation_wxyz=orientation_wxyz,
            velocity=self._in_heading(R),
        )

    def _advance(
        self, soles: NDArray[np.float64], heights: NDArray[np.float64], elapsed_s: float
    ) -> None:
        assert self._soles is not None
        heights_before = self._soles[:, 2] - self._soles[:, 2].min()
        belief = np.exp(-(heights + heights_before) / self.config.contact_height)
        moved = belief @ (self._soles - soles) / belief.sum()  # (3,)
        self._position[:2] += moved[:2]
        self._velocity += self.config.velocity_share * (moved / elapsed_s - self._velocity)

    def _in_heading(self, map_from_pelvis: NDArray[np.float64]) -> NDArray[np.float64]:
        yaw = np.arctan2(map_from_pelvis[1, 0], map_from_pelvis[0, 0])
        cos, sin = np.cos(yaw), np.sin(yaw)
        x, y, z = self._velocity
        return np.array([cos * x + sin * y, -sin * x + cos * y, z])


def _product(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply two wxyz quaternions; the result has w ≥ 0."""
    aw, ax, ay, az = a
    bw, bx, by, bz = b
    c = np.array(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ]
    )
    return -c if c[0] < 0.0 else c


def _matrix(wxyz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation matrix of a unit quaternion, shape (3, 3)."""
    w, x, y, z = wxyz
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )

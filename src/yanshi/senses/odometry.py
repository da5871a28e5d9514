"""Where the pelvis is, from the IMU and the legs alone.

A foot that carries the robot stands still on the floor, so the pelvis moves against it. At
each tick every sole point of both feet proposes how far the pelvis moved since the last one;
the lowest points of the foot that the torques show to be loaded are believed. That is dead
reckoning: the error grows with the distance walked, by slip and by the rolling of soles.
A robot that has fallen rolls: then whatever part of the body is lowest is believed to touch.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yanshi.control.kinematics import Kinematics
from yanshi.core.frames import rotation_matrix
from yanshi.core.messages import BaseEstimate, RobotState


@dataclass(frozen=True, slots=True, kw_only=True)
class OdometryConfig:
    """How contact is judged and noise is smoothed."""

    contact_height: float = 0.008
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
        self._soles: NDArray[np.float64] | None = None  # In map axes at the pelvis, (2, n, 3).
        self._belief: NDArray[np.float64] = np.empty(0)
        self._tumbling: tuple[NDArray[np.float64], ...] | None = None  # As `_roll` left it.
        self._last_ns = 0

    def update(self, state: RobotState, *, has_feet: bool = True) -> BaseEstimate:
        """Take in one measurement and return where the pelvis is now.

        Args:
            state: What joints and IMU measured.
            has_feet: Whether the feet carry; if not, any part of the body may.
        """
        orientation_wxyz = _product(self._map_from_start, state.orientation_wxyz)
        R = rotation_matrix(orientation_wxyz)
        soles = self._kinematics.soles_in_pelvis(state.joint_position) @ R.T  # (2, n, 3)
        belief = self._believe(state, soles, R[2])
        height = -soles[..., 2].min()
        if not has_feet:
            height = self._roll(state, R)
        elif state.t_ns > self._last_ns and self._soles is not None:
            self._tumbling = None
            self._advance(soles, belief, (state.t_ns - self._last_ns) * 1e-9)
        self._position[2] += self.config.height_share * (height - self._position[2])
        self._soles, self._belief = soles, belief
        self._last_ns = state.t_ns
        return BaseEstimate(
            t_ns=state.t_ns,
            position=self._position,
            orientation_wxyz=orientation_wxyz,
            velocity=self._in_heading(R),
        )

    def shift(self, shift: NDArray[np.float64]) -> None:
        """Move the estimate by x and y, m, and turn it about the pelvis by yaw, rad, shape (3,).

        Only while the feet carry.
        """
        x, y, yaw = shift
        turn = np.array([np.cos(0.5 * yaw), 0.0, 0.0, np.sin(0.5 * yaw)])
        self._position[:2] += x, y
        self._map_from_start = _product(turn, self._map_from_start)
        R = rotation_matrix(turn)
        self._velocity = R @ self._velocity
        if self._soles is not None:
            self._soles = self._soles @ R.T

    def _believe(
        self, state: RobotState, soles: NDArray[np.float64], up_in_pelvis: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return how much each sole point seems to carry, shape (2, n)."""
        loads = self._kinematics.leg_loads(state.joint_position, state.joint_torque, up_in_pelvis)
        loads = np.maximum(loads, 1.0)
        heights = soles[..., 2] - soles[..., 2].min()
        near: NDArray[np.float64] = np.exp(-heights / self.config.contact_height)
        belief: NDArray[np.float64] = near * (loads / loads.sum())[:, None]
        return belief

    def _advance(
        self, soles: NDArray[np.float64], belief: NDArray[np.float64], elapsed_s: float
    ) -> None:
        assert self._soles is not None
        share = belief * self._belief
        moved = np.einsum("fp,fpk->k", share, self._soles - soles) / share.sum()  # (3,)
        self._position[:2] += moved[:2]
        self._velocity += self.config.velocity_share * (moved / elapsed_s - self._velocity)

    def _roll(self, state: RobotState, map_from_pelvis: NDArray[np.float64]) -> float:
        """Roll over the floor on whatever touches it; return the pelvis' height, m.

        The body is taken as balls. The point at which a ball touches does not slide, so its
        middle moves as the link that it is fixed to turns.
        """
        middles, turns = self._kinematics.skin_in_pelvis(state.joint_position)
        middles, turns = middles @ map_from_pelvis.T, map_from_pelvis @ turns  # In map axes.
        lowest = middles[:, 2] - self._kinematics.skin_radius
        belief = np.exp((lowest.min() - lowest) / self.config.contact_height)
        if self._tumbling is not None:
            middles_before, turns_before, belief_before = self._tumbling
            arm = np.zeros_like(middles)
            arm[:, 2] = -self._kinematics.skin_radius
            turned = np.einsum("nij,nkj,nk->ni", turns, turns_before, arm)
            share = belief * belief_before
            moved = share @ (middles_before - middles + arm - turned) / share.sum()
            self._position[:2] += moved[:2]
        self._tumbling = middles, turns, belief
        self._velocity[:] = 0.0
        return -float(lowest.min())

    def _in_heading(self, map_from_pelvis: NDArray[np.float64]) -> NDArray[np.float64]:
        yaw = math.atan2(map_from_pelvis[1, 0], map_from_pelvis[0, 0])
        cos, sin = math.cos(yaw), math.sin(yaw)
        x, y, z = self._velocity.tolist()
        return np.array([cos * x + sin * y, -sin * x + cos * y, z])


def _product(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply two wxyz quaternions; the result has w ≥ 0."""
    aw, ax, ay, az = a.tolist()
    bw, bx, by, bz = b.tolist()
    c = np.array(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ]
    )
    return -c if c[0] < 0.0 else c

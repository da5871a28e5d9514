"""Point at a place, a thing or a person."""

import numpy as np
from numpy.typing import NDArray

from yanshi.control.kinematics import LEFT, RIGHT
from yanshi.control.route import STILL, wrap
from yanshi.core.errors import UnreachableError
from yanshi.core.frames import rotation_matrix
from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.motion import heading_to, held_out, move_arm, tick, turn_to, way_up
from yanshi.skills.search import position_of
from yanshi.skills.skill import DONE, Outcome, Percept

_AHEAD_RAD = np.deg2rad(50.0)
"""Farther aside than this the robot turns before it points."""
_MOVE_S = 0.8
"""From one posture of the arm to the next."""
_HOLD_S = 2.2
_AIM_SHARE = 0.1
"""Part of a new aim taken over per tick."""


class Point(Flow):
    """Turn to it, hold the nearer arm out at it, and let the arm sink."""

    syntax = ("{place}", "{thing}", "{person}")
    summary = ("Point at a place, a thing or a person", "用手指向某个地方、物品或人")
    called = {"": ("point at {0}", "指向{0}")}
    verb = ("point", "指东西")
    risk = "moves"
    timeout_s = 150.0

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Find it, face it, point."""
        tools, name = self.tools, self.arguments[0]
        percept, found = yield from position_of(tools, percept, name)
        if isinstance(found, Outcome):
            return found
        target = np.array(found)
        yaw = heading_to(percept, (found[0], found[1]))
        if abs(wrap(yaw - percept.base.yaw)) > _AHEAD_RAD:
            percept = yield from turn_to(tools, percept, yaw)
        side = LEFT if _in_pelvis(percept, target)[1] > 0.0 else RIGHT
        try:
            yield from self._raise_hold_lower(percept, side, target)
        except UnreachableError:
            return Outcome(kind="failed", reason="unreachable", facts=(name,))
        return DONE

    def _raise_hold_lower(
        self, percept: Percept, side: int, target: NDArray[np.float64]
    ) -> Behaviour[Percept]:
        tools = self.tools
        aimed = self._aim(percept, side, target)
        now = {joint: float(percept.state.joint_position[joint]) for joint in aimed}
        way = way_up(tools, percept, "left" if side == LEFT else "right", aimed)
        before = now
        for posture in (*way, aimed):
            percept = yield from move_arm(tools, percept, before, posture, _MOVE_S)
            before = posture
        # The pelvis leans back against the arm's weight: aim again until the hand is steady.
        end_ns = percept.state.t_ns + round(_HOLD_S * 1e9)
        while percept.state.t_ns < end_ns:
            better = self._aim(percept, side, target)
            aimed = {j: aimed[j] + _AIM_SHARE * (better[j] - aimed[j]) for j in aimed}
            percept = yield tick(tools, percept, STILL, held_out(tools, percept, aimed))
        resting = {joint: float(tools.robot.default_position[joint]) for joint in aimed}
        for posture in (*reversed(way), resting):
            percept = yield from move_arm(tools, percept, aimed, posture, _MOVE_S)
            aimed = posture
        return percept

    def _aim(self, percept: Percept, side: int, target: NDArray[np.float64]) -> dict[int, float]:
        """Return the arm's angles that point at `target` on the map from where the robot is."""
        joints = percept.state.joint_position
        in_pelvis = _in_pelvis(percept, target)
        return dict(self.tools.kinematics.point_arm(joints, side, in_pelvis))


def _in_pelvis(percept: Percept, point_on_map: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a point of the map in the pelvis frame, shape (3,)."""
    offset = point_on_map - percept.base.position
    in_pelvis: NDArray[np.float64] = rotation_matrix(percept.base.orientation_wxyz).T @ offset
    return in_pelvis

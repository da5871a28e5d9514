"""Point at a place, a thing or a person."""

import numpy as np
from numpy.typing import NDArray

from yanshi.control.kinematics import LEFT, RIGHT
from yanshi.control.route import wrap
from yanshi.core.errors import UnreachableError
from yanshi.policies.walker import UpperBody
from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.motion import heading_to, move_arm, stand, turn_to
from yanshi.skills.search import position_of
from yanshi.skills.skill import DONE, Outcome, Percept

_AHEAD_RAD = np.deg2rad(50.0)
"""Farther aside than this the robot turns before it points."""
_RAISE_S = 0.9
_HOLD_S = 1.8
_ELBOW_FOLDED = -0.3
"""The forearm is folded up on the way, so that it clears the edge of a table."""


class Point(Flow):
    """Turn to it, hold the nearer arm out at it, and let the arm sink."""

    syntax = ("{place}", "{thing}", "{person}")
    summary = ("Point at a place, a thing or a person", "用手指向某个地方、物品或人")
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
        target_in_pelvis = _in_pelvis(percept, target)
        side = LEFT if target_in_pelvis[1] > 0.0 else RIGHT
        try:
            aimed = tools.kinematics.point_arm(percept.state.joint_position, side, target_in_pelvis)
        except UnreachableError:
            return Outcome(kind="failed", reason="unreachable", facts=(name,))
        resting = {joint: float(tools.robot.default_position[joint]) for joint in aimed}
        now = {joint: float(percept.state.joint_position[joint]) for joint in aimed}
        elbow = tools.robot.joint_index("left_elbow" if side == LEFT else "right_elbow")
        folded = dict(aimed) | {elbow: _ELBOW_FOLDED}
        percept = yield from move_arm(tools, percept, now, folded, _RAISE_S)
        percept = yield from move_arm(tools, percept, folded, aimed, _RAISE_S)
        percept = yield from stand(tools, percept, _HOLD_S, UpperBody(joints=aimed))
        percept = yield from move_arm(tools, percept, aimed, folded, _RAISE_S)
        yield from move_arm(tools, percept, folded, resting, _RAISE_S)
        return DONE


def _in_pelvis(percept: Percept, point_on_map: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a point of the map in the pelvis frame, shape (3,)."""
    w, x, y, z = percept.base.orientation_wxyz
    offset = point_on_map - percept.base.position
    # v + 2 u × (u × v + w v) turns by a quaternion (w, u); its inverse has -u.
    u = -np.array([x, y, z])
    turned: NDArray[np.float64] = offset + 2.0 * np.cross(u, np.cross(u, offset) + w * offset)
    return turned

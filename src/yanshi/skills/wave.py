"""Wave with the right hand."""

import numpy as np

from yanshi.control.route import STILL
from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.motion import held_out, move_arm, tick, way_up
from yanshi.skills.skill import DONE, Outcome, Percept, Tools

_RAISED = {
    "shoulder_pitch": -1.1,
    "shoulder_roll": -0.5,
    "shoulder_yaw": 0.0,
    "elbow": -0.2,
    "wrist_roll": 0.0,
    "wrist_pitch": 0.0,
    "wrist_yaw": 0.0,
}
_RAISE_S = 0.9
"""From one posture of the arm to the next."""
_SWINGS = 4
_SWING_HZ = 1.1
_SWING_RAD = 0.45


class Wave(Flow):
    """Raise the right hand, swing it and let it sink."""

    syntax = ("",)
    summary = ("Wave with the right hand", "挥挥右手")
    called = {"": ("wave", "挥手")}
    risk = "moves"
    timeout_s = 15.0

    def __init__(self, arguments: tuple[str, ...], tools: Tools) -> None:
        super().__init__(arguments, tools)
        joint = tools.robot.joint_index
        self._raised = {joint(f"right_{name}"): angle for name, angle in _RAISED.items()}
        self._swinging = joint("right_shoulder_yaw")

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Up, to and fro, down."""
        tools = self.tools
        resting = {joint: float(tools.robot.default_position[joint]) for joint in self._raised}
        now = {joint: float(percept.state.joint_position[joint]) for joint in self._raised}
        way = way_up(tools, percept, "right", self._raised)
        for posture in (*way, self._raised):
            percept = yield from move_arm(tools, percept, now, posture, _RAISE_S)
            now = posture
        start_ns = percept.state.t_ns
        elapsed_s = 0.0
        while elapsed_s < _SWINGS / _SWING_HZ:
            swing = _SWING_RAD * np.sin(2.0 * np.pi * _SWING_HZ * elapsed_s)
            joints = self._raised | {self._swinging: float(swing)}
            percept = yield tick(tools, percept, STILL, held_out(tools, percept, joints))
            elapsed_s = (percept.state.t_ns - start_ns) * 1e-9
        for posture in (*reversed(way), resting):
            percept = yield from move_arm(tools, percept, now, posture, _RAISE_S)
            now = posture
        return DONE

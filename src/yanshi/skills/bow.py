"""Bow from the waist."""

from yanshi.control.route import STILL
from yanshi.core.easing import smoothstep
from yanshi.policies.walker import UPRIGHT, UpperBody
from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.motion import stand, tick
from yanshi.skills.skill import DONE, Outcome, Percept

_LEAN_RAD = 0.54
"""Of the torso. Measured, 20 of 20 upright."""
_DOWN_S = 1.3
_HOLD_S = 1.0


class Bow(Flow):
    """Lean the torso forward, stay a moment and straighten up."""

    syntax = ("",)
    summary = ("Bow from the waist", "鞠躬")
    called = {"": ("bow", "鞠躬")}
    risk = "moves"
    timeout_s = 15.0

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Down, hold, up."""
        start_ns = percept.state.t_ns
        elapsed_s = 0.0
        while elapsed_s < 2.0 * _DOWN_S + _HOLD_S:
            left_s = 2.0 * _DOWN_S + _HOLD_S - elapsed_s
            share = min(1.0, elapsed_s / _DOWN_S, left_s / _DOWN_S)
            lean = _LEAN_RAD * smoothstep(share)
            body = UpperBody(posture=(UPRIGHT[0], lean))
            percept = yield tick(self.tools, percept, STILL, body)
            elapsed_s = (percept.state.t_ns - start_ns) * 1e-9
        yield from stand(self.tools, percept, 0.5)
        return DONE

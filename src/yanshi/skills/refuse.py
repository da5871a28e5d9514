"""Decline what cannot or should not be done."""

from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.motion import stand
from yanshi.skills.skill import Outcome, Percept


class Refuse(Flow):
    """Say no, and why."""

    syntax = ("impossible", "unsafe", "unknown_thing", "unknown_place", "unknown_skill")
    summary = ("Say no, and why", "说明为什么做不到")
    called = {"": ("say no", "说明原因")}
    risk = "none"
    timeout_s = 5.0

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Stand a moment; the reason travels with the outcome."""
        yield from stand(self.tools, percept, 0.3)
        return Outcome(kind="refused", reason=f"refuse_{self.arguments[0]}")

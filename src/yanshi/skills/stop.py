"""Stand still at once."""

from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.motion import stand
from yanshi.skills.skill import DONE, Outcome, Percept


class Stop(Flow):
    """Stop walking and let the arms sink."""

    syntax = ("",)
    summary = ("Stand still at once", "立刻停下站好")
    called = {"": ("stop", "停下")}
    risk = "none"
    timeout_s = 5.0

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Command no velocity until the robot has come to rest."""
        yield from stand(self.tools, percept, 1.0)
        return DONE

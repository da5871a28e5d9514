"""Dance."""

from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.motion import stand
from yanshi.skills.skill import DONE, Outcome, Percept


class Dance(Flow):
    """Dance a while on a free spot."""

    syntax = ("",)
    summary = ("Dance a while on a free spot", "找块空地跳一段舞")
    timeout_s = 90.0

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        yield from stand(self.tools, percept, 0.3)
        return DONE

"""Ask back when a sentence leaves something open."""

from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.motion import stand
from yanshi.skills.skill import Outcome, Percept


class Ask(Flow):
    """Ask which one is meant, what to do, or where to."""

    syntax = ("which", "what", "where")
    summary = ("Ask which one, what to do or where to", "反问是哪一个、做什么或去哪里")
    called = {"": ("ask back", "问清楚")}
    risk = "none"
    timeout_s = 5.0

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Stand a moment; the question travels with the outcome."""
        yield from stand(self.tools, percept, 0.3)
        return Outcome(kind="asked", reason=f"ask_{self.arguments[0]}")

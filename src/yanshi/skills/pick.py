"""Take a thing off the furniture and hold it."""

from yanshi.core.errors import UnreachableError
from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.fetch import fetch
from yanshi.skills.hands import hands_of
from yanshi.skills.skill import Outcome, Percept, Tools


class Pick(Flow):
    """Walk to where a hand reaches it, look again, grasp it, lift it, and see that it is held."""

    syntax = ("{thing}",)
    summary = ("Take a thing off the furniture and hold it", "把物品拿起来并握住")
    called = {"": ("pick up {0}", "拿起{0}")}
    verb = ("pick things up", "拿东西")
    risk = "travels"
    timeout_s = 300.0

    @staticmethod
    def prepare(tools: Tools) -> None:
        """Make the arms' skeletons before the motors are on."""
        hands_of(tools)

    def check(self, percept: Percept) -> Outcome | None:
        """Refuse anything while no hand is free; what is held already is picked."""
        hands = hands_of(self.tools)
        if hands.holding(self.arguments[0]) is not None:
            return Outcome(kind="done", reason="already_held", facts=self.arguments)
        if not hands.free:
            return Outcome(kind="failed", reason="hands_full", facts=hands.held_names)
        return None

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Try up to three times, from another side each time."""
        name = self.arguments[0]
        try:
            percept, outcome = yield from fetch(self.tools, percept, name)
        except UnreachableError:
            return Outcome(kind="failed", reason="out_of_reach", facts=(name,))
        return outcome

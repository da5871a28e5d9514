"""Say a text."""

from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.motion import stand
from yanshi.skills.skill import Outcome, Percept


class Say(Flow):
    """Say the text of the plan, word for word."""

    syntax = ('"{text}"',)
    summary = ("Say a text", "说一句话")
    called = {"": ("say {0}", "说{0}")}
    verb = ("say things", "说话")
    risk = "none"
    timeout_s = 5.0

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Stand a moment; the words travel with the outcome."""
        yield from stand(self.tools, percept, 0.3)
        return Outcome(kind="done", reason="say", facts=(self.arguments[0].strip('"'),))

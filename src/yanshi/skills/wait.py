"""Stand and wait."""

from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.motion import stand
from yanshi.skills.skill import DONE, Outcome, Percept, Tools


class Wait(Flow):
    """Stand for some seconds."""

    syntax = ("{seconds}",)
    summary = ("Stand and wait", "站着等一会儿")
    called = {"": ("wait {0} s", "等 {0} 秒")}
    verb = ("wait", "等待")
    risk = "none"

    def __init__(self, arguments: tuple[str, ...], tools: Tools) -> None:
        super().__init__(arguments, tools)
        self._seconds = float(arguments[0])
        self.timeout_s = self._seconds + 5.0

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Let the time pass."""
        yield from stand(self.tools, percept, self._seconds)
        return DONE

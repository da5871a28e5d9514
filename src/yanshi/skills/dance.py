"""Dance, on a spot with room for it."""

from collections.abc import Generator
from dataclasses import replace

from yanshi.control.route import STILL
from yanshi.core.easing import smoothstep
from yanshi.core.messages import JointTarget
from yanshi.policies.contract import policy_folder
from yanshi.policies.tracker import Tracker
from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.motion import march, stand, tick, walk_to_room
from yanshi.skills.skill import DONE, Outcome, Percept, Tools

_ROOM_M = (1.15, 1.0)
"""Room about the spot: what is looked for, and what is enough. The dance strays 0.45 m and
the arms reach as far again."""
_BLEND_IN_S = 0.6
_BLEND_OUT_S = 0.4
_FEET_TOGETHER_S = 1.5
"""The dance ends with the feet apart: a few steps on the spot bring them together."""


class Dance(Flow):
    """Walk to a free spot if need be, dance the learned motion and stand."""

    syntax = ("",)
    summary = ("Dance a while on a free spot", "找块空地跳一段舞")
    called = {"": ("dance", "跳舞")}
    risk = "travels"
    timeout_s = 90.0

    def __init__(self, arguments: tuple[str, ...], tools: Tools) -> None:
        super().__init__(arguments, tools)
        self.prepare(tools)
        self.is_performing = False
        """Whether the dancer has the robot."""

    @staticmethod
    def prepare(tools: Tools) -> None:
        """Load the dance and check it against the robot.

        Raises:
            ContractError: It does not fit.
        """
        if "dancer" not in tools.shared:
            folder = policy_folder("g1_dance")
            tools.shared["dancer"] = Tracker(tools.robot, tools.kinematics, folder)

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Make room, dance, stand."""
        tools = self.tools
        self.is_performing = False
        percept, has_room = yield from walk_to_room(tools, percept, _ROOM_M)
        if not has_room:
            return Outcome(kind="failed", reason="no_room", facts=(f"{_ROOM_M[1]:g}",))
        percept = yield from self._dance(percept)
        percept = yield from march(tools, percept, _FEET_TOGETHER_S)
        yield from stand(tools, percept, 1.5)
        return DONE

    def _dance(self, percept: Percept) -> Generator[JointTarget, Percept, Percept]:
        """Go over from walker to dancer, and back before the motion ends."""
        dancer: Tracker = self.tools.shared["dancer"]
        dancer.start(percept.state)
        self.is_performing = True
        while True:
            begun_s = dancer.elapsed_s
            left_s = dancer.duration_s - begun_s
            target = dancer.step(percept.state)
            if target is None:
                return percept
            share = smoothstep(min(begun_s / _BLEND_IN_S, left_s / _BLEND_OUT_S, 1.0))
            if share < 1.0:
                standing = tick(self.tools, percept, STILL)
                position = (1.0 - share) * standing.position + share * target.position
                target = replace(target, position=position)
            percept = yield target

"""Walk to a place, a thing or a person, or some way ahead, back or sideways."""

import numpy as np

from yanshi.core.errors import UnreachableError
from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.ground import Pose, floor_of, pose_before_place, pose_before_thing
from yanshi.skills.motion import here, is_line_free, step_to, walk_to
from yanshi.skills.search import find, is_place
from yanshi.skills.skill import DONE, Outcome, Percept

_WAYS = {"forward": (1.0, 0.0), "back": (-1.0, 0.0), "left": (0.0, 1.0), "right": (0.0, -1.0)}


class Go(Flow):
    """Walk there, stop and face it."""

    syntax = (
        "{place}",
        "{thing}",
        "{person}",
        "forward {metres}",
        "back {metres}",
        "left {metres}",
        "right {metres}",
    )
    summary = (
        "Walk to a place, a thing or a person, or a distance in a direction",
        "走到某个地方、物品或人面前，或者朝某个方向走一段距离",
    )
    called = {
        "": ("go to {0}", "走到{0}那里"),
        "forward": ("walk {0} m ahead", "往前走 {0} 米"),
        "back": ("walk {0} m back", "往后退 {0} 米"),
        "left": ("step {0} m to the left", "往左走 {0} 米"),
        "right": ("step {0} m to the right", "往右走 {0} 米"),
    }
    verb = ("walk", "走路")
    risk = "travels"
    timeout_s = 150.0
    _goal: Pose | None = None

    def check(self, percept: Percept) -> Outcome | None:
        """Refuse a straight way that leads into something."""
        if self.arguments[0] not in _WAYS:
            return None
        x, y, _ = self._straight_goal(percept)
        floor = floor_of(self.tools.floor_plan, percept.scene)
        if is_line_free(floor, here(percept), (x, y)):
            return None
        return Outcome(kind="failed", reason="blocked", facts=self.arguments)

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Find it, then walk up to it."""
        tools, name = self.tools, self.arguments[0]
        if name in _WAYS:
            try:
                yield from step_to(tools, percept, self._straight_goal(percept))
            except UnreachableError:
                return Outcome(kind="failed", reason="blocked", facts=self.arguments)
            return DONE
        try:
            if is_place(tools, name):
                floor = floor_of(tools.floor_plan, percept.scene)
                place = tools.floor_plan.place(name)
                pose = pose_before_place(tools.floor_plan, floor, place, here(percept))
                yield from walk_to(tools, percept, pose)
                return DONE
            percept, found = yield from find(tools, percept, name)
            if isinstance(found, Outcome):
                return found
            floor = floor_of(tools.floor_plan, percept.scene)
            pose = pose_before_thing(tools.floor_plan, floor, found, here(percept))
            yield from walk_to(tools, percept, pose)
        except UnreachableError:
            return Outcome(kind="failed", reason="unreachable", facts=(name,))
        return DONE

    def _straight_goal(self, percept: Percept) -> Pose:
        """Return where the way ends; it stays there when a fall makes the step begin anew."""
        if self._goal is None:
            self._goal = self._ahead_of(percept)
        return self._goal

    def _ahead_of(self, percept: Percept) -> Pose:
        ahead, left = _WAYS[self.arguments[0]]
        metres = float(self.arguments[1])
        yaw = percept.base.yaw
        cos, sin = np.cos(yaw), np.sin(yaw)
        x, y = here(percept)
        return (
            float(x + metres * (cos * ahead - sin * left)),
            float(y + metres * (sin * ahead + cos * left)),
            yaw,
        )

"""Turn on the spot: by an angle, right round, or towards something."""

import numpy as np

from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.motion import turn_by
from yanshi.skills.search import face, position_of
from yanshi.skills.skill import DONE, Outcome, Percept


class Turn(Flow):
    """Turn on the spot and stand."""

    syntax = (
        "left {degrees}",
        "right {degrees}",
        "around",
        "{place}",
        "{thing}",
        "{person}",
    )
    summary = (
        "Turn left or right by an angle, right round, or towards something",
        "向左或向右转一个角度，向后转，或者转向某个目标",
    )
    called = {
        "": ("turn to {0}", "转向{0}"),
        "left": ("turn {0} degrees to the left", "向左转 {0} 度"),
        "right": ("turn {0} degrees to the right", "向右转 {0} 度"),
        "around": ("turn around", "转过身"),
    }
    verb = ("turn", "转身")
    risk = "moves"
    timeout_s = 120.0

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Turn by the angle, or find it and face it."""
        word = self.arguments[0]
        if word in ("left", "right"):
            sign = 1.0 if word == "left" else -1.0
            angle = sign * np.deg2rad(float(self.arguments[1]))
            yield from turn_by(self.tools, percept, float(angle))
            return DONE
        if word == "around":
            yield from turn_by(self.tools, percept, np.pi)
            return DONE
        percept, found = yield from position_of(self.tools, percept, word)
        if isinstance(found, Outcome):
            return found
        yield from face(self.tools, percept, found[:2])
        return DONE

"""Look at a place, a thing or a person, or all round, and tell what is there."""

import numpy as np

from yanshi.core.errors import UnreachableError
from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.ground import edge_distance, floor_of, is_on, pose_before_place
from yanshi.skills.motion import here, stand, turn_by, walk_to
from yanshi.skills.search import LOOK_S, SEARCH_TURN_SPEED, SURE, face, find, is_place, matches
from yanshi.skills.skill import DONE, Outcome, Percept

_NEAR_M = 1.3
"""From here the eyes tell small things apart; farther away, walk up first."""


class Look(Flow):
    """Face it long enough for several pictures."""

    syntax = ("{place}", "{thing}", "{person}", "around")
    summary = (
        "Look at something or all round, and tell what is seen",
        "看某个地方、物品或四周，并说出看到了什么",
    )
    called = {
        "": ("look at {0}", "看看{0}"),
        "around": ("look around", "看看四周"),
    }
    verb = ("look", "看东西")
    risk = "travels"
    timeout_s = 150.0

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Look where the plan says."""
        name = self.arguments[0]
        if name == "around":
            return (yield from self._look_around(percept))
        if is_place(self.tools, name):
            return (yield from self._look_at_place(percept, name))
        percept, found = yield from find(self.tools, percept, name)
        if isinstance(found, Outcome):
            if found.reason != "which":
                return found
            # Its words fit several: it looks at the surest and tells of all.
            found = max(matches(percept.scene, name), key=lambda thing: thing.confidence)
        percept = yield from face(self.tools, percept, found.position[:2])
        percept = yield from stand(self.tools, percept, LOOK_S)
        return self._tell_of(percept, name)

    def _tell_of(self, percept: Percept, name: str) -> Outcome:
        """Tell which things of a name are remembered, and on which place each."""
        facts: list[str] = []
        for thing in sorted(matches(percept.scene, name), key=lambda thing: thing.name):
            places = self.tools.floor_plan.places
            facts += [thing.name, next((p.name for p in places if is_on(p, thing)), "")]
        return Outcome(kind="done", reason="saw_where", facts=tuple(facts)) if facts else DONE

    def _look_around(self, percept: Percept) -> Behaviour[Outcome]:
        begun_ns = percept.state.t_ns
        percept = yield from turn_by(self.tools, percept, 2.0 * np.pi, SEARCH_TURN_SPEED)
        seen = [t.name for t in percept.scene.things if t.confidence >= SURE and t.t_ns >= begun_ns]
        return _report(seen, ())

    def _look_at_place(self, percept: Percept, name: str) -> Behaviour[Outcome]:
        tools = self.tools
        place = tools.floor_plan.place(name)
        if edge_distance(place, here(percept)) > _NEAR_M:
            floor = floor_of(tools.floor_plan, percept.scene)
            try:
                pose = pose_before_place(tools.floor_plan, floor, place, here(percept))
                percept = yield from walk_to(tools, percept, pose)
            except UnreachableError:
                return Outcome(kind="failed", reason="unreachable", facts=(name,))
        else:
            percept = yield from face(tools, percept, place.centre)
        percept = yield from stand(tools, percept, LOOK_S)
        seen = [
            thing.name
            for thing in percept.scene.things
            if thing.confidence >= SURE and is_on(place, thing)
        ]
        return _report(seen, (name,))


def _report(seen: list[str], where: tuple[str, ...]) -> Outcome:
    if not seen:
        return Outcome(kind="done", reason="saw_nothing", facts=where)
    return Outcome(kind="done", reason="saw", facts=tuple(sorted(seen)))

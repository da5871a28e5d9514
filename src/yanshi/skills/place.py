"""Put a thing down: on a piece of furniture, on another thing or in a container."""

from collections.abc import Sequence
from functools import partial

from yanshi.control.palm import Approach
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import Scene
from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.fetch import FETCHES, change_hands, fetch
from yanshi.skills.hands import Hand, hands_of
from yanshi.skills.motion import here
from yanshi.skills.release import (
    Disc,
    Goal,
    approaches_to,
    by_nearness,
    free_spot,
    goal_upon,
    is_in_reach,
    put,
    without_held,
)
from yanshi.skills.search import choose, find, is_place, meant
from yanshi.skills.skill import Outcome, Percept, Tools

BIN_AIR_M = 0.25
"""How far above a bin a thing is let go, m."""


class PutDown(Flow):
    """Walk to where the hand reaches the goal, lower the thing, let go."""

    syntax = ("{thing} in {thing}", "{thing} on {thing}", "{thing} {place}", "{thing}")
    summary = (
        "Put a thing on furniture, on another thing or in a container",
        "把物品放到家具上、别的物品上或容器里",
    )
    called = {"": ("put down {0}", "放下{0}")}
    verb = ("put things down", "放东西")
    risk = "travels"
    timeout_s = 360.0

    @staticmethod
    def prepare(tools: Tools) -> None:
        """Make the arms' skeletons before the motors are on."""
        hands_of(tools)

    def check(self, percept: Percept) -> Outcome | None:
        """Refuse a place on which nothing can stand."""
        name = self.arguments[-1]
        if len(self.arguments) == 2 and is_place(self.tools, name):
            place = self.tools.floor_plan.place(name)
            if not (place.has_surface or place.is_container):
                return Outcome(kind="failed", reason="no_surface", facts=(name,))
        return None

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Fetch the thing unless it is in a hand already, then put it down."""
        tools, name = self.tools, self.arguments[0]
        hands = hands_of(tools)
        lost: Outcome | None = None
        try:
            for _ in range(FETCHES):
                hand = hands.holding(name)
                if hand is None:
                    if not hands.free:
                        return Outcome(kind="failed", reason="hands_full", facts=hands.held_names)
                    percept, outcome = yield from fetch(
                        tools, percept, name, self._approaches(percept)
                    )
                    if outcome.kind != "done":
                        return lost or outcome
                    hand = hands.holding(name)
                    assert hand is not None
                percept, outcome = yield from self._put(percept, hand)
                if outcome.reason == "out_of_reach":
                    percept, outcome = yield from self._put_otherwise(percept, hand, outcome)
                if outcome.reason != "slipped":
                    return outcome
                lost = outcome
        except UnreachableError:
            return lost or Outcome(
                kind="failed", reason="out_of_reach", facts=(self.arguments[-1],)
            )
        assert lost is not None
        return lost

    def _put(self, percept: Percept, hand: Hand) -> Behaviour[tuple[Percept, Outcome]]:
        """Put down what a hand holds, looking before for what the step names if need be."""
        if len(self.arguments) == 3:
            percept, found = yield from find(self.tools, percept, self.arguments[2])
            if isinstance(found, Outcome):
                return percept, found
        goal_in = partial(self._goal_in, hand=hand)
        return (yield from put(self.tools, percept, hand, goal_in, where=self.arguments[-1]))

    def _put_otherwise(
        self, percept: Percept, hand: Hand, outcome: Outcome
    ) -> Behaviour[tuple[Percept, Outcome]]:
        """Put down with the other hand what this one does not bring to the goal.

        Args:
            percept: What is known now.
            hand: What holds it.
            outcome: How it ends where this hand has a stance, which did not do, the other hand is
                full, or has none either.
        """
        tools = self.tools
        hands, held = hands_of(tools), hand.held
        if held is None:
            return percept, outcome
        goal = self._goal_in(without_held(percept.scene, hand, percept), percept, (), hand=hand)
        if isinstance(goal, Outcome):
            return percept, outcome
        reaches = partial(is_in_reach, tools, percept, held, goal)
        if reaches(hand.side) or not any(reaches(side) for side in hands.free):
            return percept, outcome
        tools.remark(Outcome(kind="done", reason="changes_hands", facts=(held.name,)))
        percept, other = yield from change_hands(tools, percept, hand, self._approaches(percept))
        if other is None:
            return percept, outcome
        return (yield from self._put(percept, other))

    def _approaches(self, percept: Percept) -> Sequence[Approach]:
        """Return how the thing should be taken, so that it can be put where it is to go."""
        plan, name = self.tools.floor_plan, self.arguments[-1]
        if len(self.arguments) == 2:
            heights = plan.place(name).surface_heights or (plan.place(name).height + BIN_AIR_M,)
            height = max(heights)
        else:
            known = meant(percept.scene, name) if len(self.arguments) == 3 else ()
            height = known[0].position[2] if known else 0.0
        return approaches_to(height)

    def _goal_in(
        self, scene: Scene, percept: Percept, spare: Sequence[Disc], *, hand: Hand
    ) -> Goal | Outcome:
        """Return where the thing is to go, by what is seen."""
        plan = self.tools.floor_plan
        if len(self.arguments) == 1:
            surfaces = by_nearness(plan, here(percept))
            if not surfaces:
                return Outcome(kind="failed", reason="no_surface", facts=())
            return free_spot(scene, percept, spare, place=surfaces[0], hand=hand)
        if len(self.arguments) == 2:
            place = plan.place(self.arguments[1])
            if place.is_container:
                height = place.height + BIN_AIR_M
                return Goal(point=(*place.centre, height), place=place)
            return free_spot(scene, percept, spare, place=place, hand=hand)
        name = self.arguments[2]
        known = meant(scene, name)
        if not known:
            return Outcome(kind="failed", reason="lost_sight", facts=(name,))
        found = choose(known, name)
        if isinstance(found, Outcome):
            return found
        return goal_upon(self.tools, found, is_inside=self.arguments[1] == "in")

"""Find a thing and take it into a hand; what blocks the way to it is put aside first."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from yanshi.control.grasp import GraspConfig
from yanshi.control.kinematics import LEFT, RIGHT
from yanshi.control.palm import Approach
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import Scene, Thing
from yanshi.skills.aside import aside
from yanshi.skills.behaviour import Behaviour
from yanshi.skills.grip import (
    TRIES,
    heights_on,
    is_one,
    is_tapered,
    plan_reach,
    take,
)
from yanshi.skills.ground import place_under, with_people_and_without
from yanshi.skills.hands import Hand, hands_of
from yanshi.skills.motion import here
from yanshi.skills.release import Disc, Goal, approaches_to, by_nearness, free_spot, put
from yanshi.skills.search import SURE, find, is_still, meant
from yanshi.skills.skill import Outcome, Percept, Tools
from yanshi.skills.stances import (
    Spot,
    foreseen,
    grips_of,
    short_way_across,
    spots,
    standing,
    was_tried,
)
from yanshi.worlds.floor_plan import Place

DOUBT_M = 0.03
"""How much nearer to the edge a thing may be than it seems from afar."""
BLOCKED = 2
"""From so many stances no grasp is found before a neighbour is put aside …"""
ASIDE = 2
"""… and at most so many are."""
CLOSE_M = 0.06
"""What stands farther from a thing than this, from side to side, leaves room for a hand."""
GOOD_GRASP = 0.4
"""What is taken with a lower score than this is easily lost on the way."""
MAKESHIFT = 0.1
"""What share of its score a grasp counts with which a thing cannot be put where it is to go."""
TOUCHED = {"missed": "knocked_over", "slipped": "slipped"}
"""What is told of a thing that is not found again after a try that ended so."""
FETCHES = 2
"""How often a thing is fetched that is lost on the way."""
SPARE_M = 0.25
"""Nothing is put aside nearer to the thing that it was in the way of."""


def fetch(
    tools: Tools,
    percept: Percept,
    name: str,
    approaches: Sequence[Approach] = tuple(Approach),
) -> Behaviour[tuple[Percept, Outcome]]:
    """Find a thing and take it into a hand, from another stance at each try.

    Where no stance has a grasp, what stands nearest to it is put aside, which is said before.

    Args:
        tools: The run's.
        percept: What is known now.
        name: Of the thing.
        approaches: From where it is taken if that can be.

    Raises:
        UnreachableError: No way leads to it.
    """
    percept, found = yield from find(tools, percept, name)
    if isinstance(found, Outcome):
        return percept, found
    count = 0
    while True:
        percept, outcome, again = yield from _take_in_turn(
            tools, percept, found, approaches, spares_neighbours=count == ASIDE
        )
        neighbour = None if again is None else in_the_way(percept.scene, again)
        if outcome.reason != "no_grasp" or again is None or neighbour is None or count == ASIDE:
            return percept, outcome
        tools.remark(Outcome(kind="done", reason="makes_way", facts=(again.name, neighbour.name)))
        percept, is_aside = yield from _put_aside(tools, percept, neighbour, again)
        if not is_aside:
            return percept, outcome
        found, count = again, count + 1


def _take_in_turn(
    tools: Tools,
    percept: Percept,
    thing: Thing,
    approaches: Sequence[Approach],
    *,
    spares_neighbours: bool,
    sides: Sequence[int] | None = None,
) -> Behaviour[tuple[Percept, Outcome, Thing | None]]:
    """Try to take a thing from one stance after the other, with one of these hands or a free one.

    Returns:
        The newest percept, how it ended, and what the thing is now in memory: None where it is
        not found any more. Unless its neighbours are spared it ends with `no_grasp` as soon as
        that was so from `BLOCKED` stances and one of them is in the way.
    """
    outcome = Outcome(kind="failed", reason="out_of_reach", facts=(thing.name,))
    tried: list[Spot] = []
    blocked = 0
    for _ in range(TRIES):
        percept, spot = yield from _choose_spot(tools, percept, thing, approaches, tried, sides)
        if isinstance(spot, Outcome):
            return percept, spot, thing
        tried.append(spot)
        place = place_under(tools.floor_plan, thing)
        ways = approaches if place is None else _possible(thing, place, approaches)
        percept, outcome = yield from take(tools, percept, thing, spot, ways)
        if outcome.kind == "done":
            return percept, outcome, thing
        again = _nearest_again(percept.scene, thing)
        if again is None:
            # What a hand has touched is where it was, or has fallen: not on other furniture.
            is_touched = outcome.reason in TOUCHED
            where = place if is_touched else None
            percept, refound = yield from find(tools, percept, thing.name, only_on=where)
            if isinstance(refound, Outcome):
                is_lost = is_touched and refound.kind == "failed"
                lost = replace(outcome, reason=TOUCHED[outcome.reason]) if is_lost else refound
                return percept, lost, None
            again = refound
        thing = again
        blocked += outcome.reason == "no_grasp"
        if blocked >= BLOCKED and not spares_neighbours and in_the_way(percept.scene, thing):
            return percept, replace(outcome, reason="no_grasp"), thing
    return percept, outcome, thing


def in_the_way(scene: Scene, thing: Thing) -> Thing | None:
    """Return what stands closest to a thing, if it is close and one hand takes it."""
    if thing.solid is None:
        return None
    config = GraspConfig()
    gaps: list[tuple[float, Thing]] = []
    for other in scene.things:
        if other.solid is None or other.kind == "person":
            continue
        if other.confidence < SURE or is_one(other, thing):
            continue
        wide, low = min(other.solid.size[:2]), other.solid.size[2]
        if wide > config.width_max or low < config.width_min:
            continue
        away = np.subtract(other.solid.position, thing.solid.position)
        if abs(away[2]) > 0.5 * (other.solid.size[2] + thing.solid.size[2]):
            continue  # It is on another board.
        widths = sum(max(solid.size[:2]) for solid in (thing.solid, other.solid))
        gaps.append((float(np.hypot(*away[:2])) - 0.5 * widths, other))
    gap, nearest = min(gaps, key=lambda pair: pair[0], default=(np.inf, None))
    return nearest if gap < CLOSE_M else None


def _put_aside(
    tools: Tools, percept: Percept, neighbour: Thing, thing: Thing
) -> Behaviour[tuple[Percept, bool]]:
    """Take what is in the way of a thing and put it elsewhere, on the same furniture if it can.

    Returns:
        The newest percept, and whether it is out of the way.
    """
    place = place_under(tools.floor_plan, neighbour)
    if place is None:
        return percept, False
    bottom, _ = heights_on(neighbour, place)
    hands = hands_of(tools)
    free = hands.free
    percept, outcome, _ = yield from _take_in_turn(
        tools, percept, neighbour, approaches_to(bottom), spares_neighbours=True
    )
    if outcome.kind != "done":
        return percept, False
    (hand,) = (hands[side] for side in free if hands[side].held is not None)
    x, y, _ = thing.position
    others = [p for p in by_nearness(tools.floor_plan, here(percept)) if p != place]
    for goes_to in (place, *others):
        spot = partial(_spot_off, place=goes_to, hand=hand, off=(x, y, SPARE_M))
        percept, outcome = yield from put(tools, percept, hand, spot, where=goes_to.name)
        if outcome.reason not in ("out_of_reach", "no_space"):
            return percept, outcome.kind == "done"
    return percept, False


def _spot_off(
    scene: Scene, percept: Percept, spare: Sequence[Disc], *, place: Place, hand: Hand, off: Disc
) -> Goal | Outcome:
    """Return a free spot on a place that is also off a disc."""
    return free_spot(scene, percept, [*spare, off], place=place, hand=hand)


def change_hands(
    tools: Tools, percept: Percept, hand: Hand, approaches: Sequence[Approach]
) -> Behaviour[tuple[Percept, Hand | None]]:
    """Put down what a hand holds where that is nearest, and take it with the other hand.

    Args:
        tools: The run's.
        percept: What is known now.
        hand: What holds it.
        approaches: From where the other hand takes it if that can be.

    Returns:
        The newest percept, and the other hand; None if it does not hold the thing in the end.

    Raises:
        UnreachableError: No way leads there.
    """
    assert hand.held is not None
    hands, name = hands_of(tools), hand.held.name
    for place in by_nearness(tools.floor_plan, here(percept)):
        spot = partial(free_spot, place=place, hand=hand)
        percept, outcome = yield from put(tools, percept, hand, spot, where=place.name)
        if outcome.kind == "done":
            break
        if outcome.reason not in ("out_of_reach", "no_space"):
            return percept, None
    else:
        return percept, None
    percept, found = yield from find(tools, percept, name)
    if isinstance(found, Outcome):
        return percept, None
    other = hands[RIGHT if hand.side == LEFT else LEFT]
    percept, outcome, _ = yield from _take_in_turn(
        tools, percept, found, approaches, spares_neighbours=True, sides=[other.side]
    )
    return percept, other if outcome.kind == "done" else None


def _choose_spot(
    tools: Tools,
    percept: Percept,
    thing: Thing,
    approaches: Sequence[Approach],
    tried: Sequence[Spot],
    sides: Sequence[int] | None,
) -> Behaviour[tuple[Percept, Spot | Outcome]]:
    """Return from where a thing is taken best, and from nowhere that was tried if that can be.

    Or why no stance reaches it.
    """
    refused = Outcome(kind="failed", reason="out_of_reach", facts=(thing.name,))
    place = place_under(tools.floor_plan, thing)
    if place is None:
        return percept, refused
    for known, is_alone in with_people_and_without(percept):
        think = partial(best_spot, tools, known, thing, place, approaches, tried, sides=sides)
        for nearer in (0.0, DOUBT_M):  # Seen from afar it may be nearer than it seems.
            percept, spot = yield from aside(tools, percept, partial(think, nearer=nearer))
            if not isinstance(spot, UnreachableError):
                crowded = replace(refused, reason="somebody_there")
                return percept, crowded if is_alone else spot
    return percept, refused


def best_spot(
    tools: Tools,
    percept: Percept,
    thing: Thing,
    place: Place,
    approaches: Sequence[Approach],
    tried: Sequence[Spot],
    nearer: float = 0.0,
    sides: Sequence[int] | None = None,
) -> Spot:
    """Return the best way to stand from which there is a good grasp as far as can be foreseen.

    Of those that have none, the one with the best.

    Args:
        tools: The run's.
        percept: What is known now.
        thing: What is to be taken; while its shape is not known, nothing is foreseen.
        place: What it is on.
        approaches: From where it is taken if that can be.
        tried: Where it was tried in vain.
        nearer: How much nearer to the edge than it seems the thing may be, m.
        sides: Hands that may take it; those that are free if None.

    Raises:
        UnreachableError: No stance reaches the thing.
    """
    hands = hands_of(tools)
    approaches = _possible(thing, place, approaches)
    grips = grips_of(*heights_on(thing, place), is_tapered=is_tapered(thing))
    seek = partial(
        spots,
        tools,
        percept.scene,
        here(percept),
        thing.position[:2],
        place,
        sides=hands.free if sides is None else sides,
        across=short_way_across(thing),
        nearer=nearer,
    )
    try:
        ways = seek(grips=[grip for grip in grips if grip[0] in approaches])
    except UnreachableError:  # Between two boards nothing is taken from above.
        ways = seek(grips=grips)
    new = [spot for spot in ways if not was_tried(spot, tried)] or ways
    if thing.solid is None:
        return new[0]
    others = [other for other in percept.scene.things if not is_one(other, thing)]
    solid = thing.solid

    def score(spot: Spot) -> float:
        hand = hands[spot.stance.side]
        there, folded = standing(tools, percept, spot), hands.ready(hand.side)
        reach = plan_reach(
            tools, there, hand, solid, others, from_angles=folded, approaches=approaches
        )
        share = 1.0 if reach.grasp.approach in approaches else MAKESHIFT
        return share * reach.grasp.score

    return foreseen(new, score, GOOD_GRASP)


def _possible(thing: Thing, place: Place, approaches: Sequence[Approach]) -> Sequence[Approach]:
    """Return these if a thing may be taken from one of them by its shape, else all."""
    grips = grips_of(*heights_on(thing, place), is_tapered=is_tapered(thing))
    return approaches if {way for way, _ in grips} & set(approaches) else tuple(Approach)


def _nearest_again(scene: Scene, thing: Thing) -> Thing | None:
    """Return what a thing is now in memory, if it is still there."""
    still = [t for t in meant(scene, thing.name) if is_still(t, thing)]
    return min(
        still,
        key=lambda t: float(np.linalg.norm(np.subtract(t.position, thing.position))),
        default=None,
    )

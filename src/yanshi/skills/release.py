"""The flows of putting down: come with a thing, lower it, let go, see whether it stays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from yanshi.control.arm_path import ArmPath
from yanshi.control.palm import Approach, palm_turn
from yanshi.control.route import STILL, Point
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import Scene, Solid, Thing
from yanshi.policies.walker import AT_REST, UpperBody
from yanshi.skills.aside import aside
from yanshi.skills.behaviour import Behaviour, as_long_as
from yanshi.skills.grip import (
    MISSES_M,
    TRIES,
    body_of,
    come_to,
    follow,
    level_frames,
    palm_off,
    palm_to,
    servo,
    withdraw,
)
from yanshi.skills.ground import place_under
from yanshi.skills.hands import Hand, Held, hands_of, map_from_pelvis, open_fingers
from yanshi.skills.motion import here, stand, tick, walk_to
from yanshi.skills.search import SURE
from yanshi.skills.skill import DONE, Outcome, Percept, Tools
from yanshi.skills.stances import Spot, boxes_about, foreseen, spots, standing, was_tried
from yanshi.worlds.floor_plan import FloorPlan, Place

FALL_M = 0.008
"""How far above a surface a thing is let go, m."""
RIM_AIR_M = 0.02
"""How far above a container's rim its lowest point is let go, m."""
ABOVE_M = 0.12
"""From so far above a hand comes down with a thing, m."""
LIFTS_M = (ABOVE_M, 0.06, 0.03)
"""… or, where it does not come there, from nearer."""
EASE_S, OPEN_S = 0.2, 0.8
"""How long a hand eases that has felt something below, and how long it opens."""
BESIDE_M = 0.03
"""What was let go may stand so far beside where it is thought to: it creeps in the hand."""
LOWER_SPEED = 0.1
"""m/s."""
OVER_EDGE_M, HIGH_M, RAISE_S = 0.08, 0.2, 2.0
"""How high over a surface's edge the palm is brought that is to pass it, where that is so much
above the pelvis; and the time for that."""
IN_HAND_M, GHOST_M = 0.15, 0.4
"""What is seen so near a palm is in it; of the held thing's name it may be what was seen before."""
LOST_S = 1.0
"""What a hand has not felt for so long is not in it any more."""
LOW_M = 0.62
"""Only from above does a hand come to surfaces lower than this, m."""
EDGE_M = 0.10
"""How far from a surface's edge the middle of a thing is put at least, m …"""
LEDGE_M, NEARER_MAX_M, NEARER_STEP_M = 0.03, 0.1, 0.02
"""… and its side where the arm does not reach farther; how much nearer than was meant a thing is
put at most, in steps of how much, m."""
SAME_M = 0.12
APART_M = 0.03
"""Air to what stands there already, m."""
FEEL_SPEED = 0.02
"""How fast a hand goes down to feel what is below, m/s."""
BEHIND_M, BEHIND_S = 0.008, 0.6
"""What is below is felt when the palm stays so far behind for so long: in the air it is up to
11 mm off, to and fro, as the body sways."""
LOOKS_S = 2.0
"""How long it looks for what it has put down."""
STAYS_M, SEES_S = 0.2, 1.0
"""What is seen farther than this from where it was let go, and no longer ago, did not stay."""


LetGo = Literal["let_go", "kept", "slipped"]
"""How it ended that a hand was to let go: it did; it holds the thing still; that had slipped."""
Disc = tuple[float, float, float]
"""Middle and radius on the map, m."""
ELSEWHERE_M = 0.15
"""So far round a point to which the hand did not come the next one is not looked for, m."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Where a thing is to end."""

    point: tuple[float, float, float]
    """Its lowest point on the map when it is let go, m."""
    place: Place
    """What one stands before."""
    nearer: float = 0.0
    """How much nearer to who stands there it may end where the arm does not reach farther, m."""


GoalIn = Callable[[Scene, Percept, Sequence[Disc]], Goal | Outcome]
"""Tells where a thing is to end, or why nowhere, by what is seen without what is in the hand; where
there is a choice, not on the floor of these discs."""


def put(
    tools: Tools,
    percept: Percept,
    hand: Hand,
    goal_in: GoalIn,
    *,
    where: str,
) -> Behaviour[tuple[Percept, Outcome]]:
    """Come to a goal with what a hand holds and put it down there, from another stance each time.

    Where the hand does not come to a point it goes to another one, if the goal has others.

    Args:
        tools: The run's.
        percept: What is known now.
        hand: What holds it.
        goal_in: Tells where it is to end; it is asked again when the goal was seen from near.
        where: What the goal is called.

    Returns:
        The newest percept, and done, `not_stayed`, `slipped` (lost on the way), `out_of_reach` or
        why there is no goal.

    Raises:
        UnreachableError: No way leads there.
    """
    assert hand.held is not None
    held = hand.held
    missed: list[Disc] = []
    goal = goal_in(without_held(percept.scene, hand, percept), percept, missed)
    if isinstance(goal, Outcome):
        return percept, goal
    out_of_reach = Outcome(kind="failed", reason="out_of_reach", facts=(where,))
    tried: list[Spot] = []
    for _ in range(TRIES):
        percept, goal, spot = yield from _goal_in_reach(
            tools, percept, hand, goal, goal_in, tried, missed
        )
        if spot is None:
            break
        tried.append(spot)
        coming = _come_with(tools, percept, hand, spot, goal)
        percept, come = yield from as_long_as(percept, coming, Feeling(tools, hand))
        if come is None:
            hand.held = None
            return percept, Outcome(kind="failed", reason="slipped", facts=(held.name,))
        percept, scene = come
        near = without_held(scene, hand, percept)
        again = goal_in(near, percept, missed)  # Better known from near.
        if isinstance(again, Goal) and _is_same(again, goal):
            goal = again
        percept, ended = yield from let_go_at(
            tools, percept, hand, goal.point, spot, scene.things, nearer=goal.nearer
        )
        if ended == "let_go":
            if goal.place.is_container:  # There it need not be seen.
                return percept, DONE
            return (yield from look_after(tools, percept, held.name, goal.point))
        if ended == "slipped":
            return (yield from look_for_slipped(tools, percept, held.name, goal.point))
        percept, is_held = yield from _still_holds(tools, percept, hand)
        if not is_held:
            hand.held = None
            return percept, Outcome(kind="failed", reason="slipped", facts=(held.name,))
        goal = _elsewhere(percept, hand, goal, goal_in, missed) or goal
    return percept, out_of_reach


def _goal_in_reach(
    tools: Tools,
    percept: Percept,
    hand: Hand,
    goal: Goal,
    goal_in: GoalIn,
    tried: Sequence[Spot],
    missed: list[Disc],
) -> Behaviour[tuple[Percept, Goal, Spot | None]]:
    """Return the first of a few goals that a stance reaches, and that; None if there is none."""
    for _ in range(TRIES):
        think = partial(best_spot_over, tools, percept, hand, goal, tried)
        percept, spot = yield from aside(tools, percept, think)
        if not isinstance(spot, UnreachableError):
            return percept, goal, spot
        other = _elsewhere(percept, hand, goal, goal_in, missed)
        if other is None:
            break
        goal = other
    return percept, goal, None


def _elsewhere(
    percept: Percept, hand: Hand, goal: Goal, goal_in: GoalIn, missed: list[Disc]
) -> Goal | None:
    """Note that a goal was missed, and return another one, if there is a choice."""
    x, y, _ = goal.point
    missed.append((x, y, ELSEWHERE_M))
    other = goal_in(without_held(percept.scene, hand, percept), percept, missed)
    return other if isinstance(other, Goal) and not _is_same(other, goal) else None


def best_spot_over(
    tools: Tools, percept: Percept, hand: Hand, goal: Goal, tried: Sequence[Spot]
) -> Spot:
    """Return the best way to stand that was not tried, and from which the arm comes to a goal.

    Args:
        tools: The run's.
        percept: What is known now.
        hand: What holds the thing.
        goal: Where that is to end.
        tried: From where it was tried in vain.

    Raises:
        UnreachableError: No stance reaches it, or all were tried.
    """
    assert hand.held is not None
    ways = _spots_over(tools, percept, hand.held, goal, hand.side)
    new = [spot for spot in ways if not was_tried(spot, tried)]
    if not new:
        raise UnreachableError(f"All {len(ways)} stances before the {goal.place.name} were tried.")
    loose = [t for t in percept.scene.things if not _is_held(t, hand, percept)]

    def comes_there(spot: Spot) -> float:
        there = standing(tools, percept, spot)
        _way_above(tools, there, hand, goal.point, spot.stance.heading, loose)
        return 1.0

    return foreseen(new, comes_there)


def is_in_reach(tools: Tools, percept: Percept, held: Held, goal: Goal, side: int) -> bool:
    """Whether from some stance a hand would come to a goal with a thing that is held so."""
    try:
        return bool(_spots_over(tools, percept, held, goal, side))
    except UnreachableError:
        return False


def _spots_over(tools: Tools, percept: Percept, held: Held, goal: Goal, side: int) -> list[Spot]:
    """Return from where a hand comes to a goal with a thing that is held so, the best first.

    Raises:
        UnreachableError: From nowhere.
    """
    return spots(
        tools,
        percept.scene,
        here(percept),
        goal.point[:2],
        goal.place,
        grips=[(held.approach, goal.point[2] + held.grip_height)],
        sides=[side],
    )


def _still_holds(
    tools: Tools, percept: Percept, hand: Hand, body: UpperBody = AT_REST
) -> Behaviour[tuple[Percept, bool]]:
    """Stand until a hand feels what it holds, or until it is gone."""
    end_ns = percept.state.t_ns + round(LOST_S * 1e9)
    while not (is_felt := hands_of(tools).feels_held(percept, hand.side)):
        if percept.state.t_ns >= end_ns:
            break
        percept = yield tick(tools, percept, STILL, body)
    return percept, is_felt


class Feeling:
    """Tells whether a hand feels what it holds, or felt it a moment ago."""

    def __init__(self, tools: Tools, hand: Hand) -> None:
        self._hands, self._side = hands_of(tools), hand.side
        self._felt_ns: int | None = None

    def __call__(self, percept: Percept) -> bool:
        now_ns = percept.state.t_ns
        if self._felt_ns is None or self._hands.feels_held(percept, self._side):
            self._felt_ns = now_ns
        return (now_ns - self._felt_ns) * 1e-9 < LOST_S


def _come_with(
    tools: Tools, percept: Percept, hand: Hand, spot: Spot, goal: Goal
) -> Behaviour[tuple[Percept, Scene]]:
    """Come to a place with what a hand holds, above the edge of a high one before it is near.

    Raises:
        UnreachableError: No way leads there.
    """
    assert hand.held is not None
    palm = goal.point[2] + hand.held.grip_height + OVER_EDGE_M
    if palm > percept.base.position[2] + HIGH_M:
        percept = yield from walk_to(tools, percept, spot.before)
        hands_of(tools).raise_held(percept, hand.side, palm)
        percept = yield from stand(tools, percept, RAISE_S)
    return (yield from come_to(tools, percept, spot))


def let_go_at(
    tools: Tools,
    percept: Percept,
    hand: Hand,
    point: Sequence[float],
    spot: Spot,
    things: Sequence[Thing],
    *,
    feel_m: float = 0.0,
    nearer: float = 0.0,
) -> Behaviour[tuple[Percept, LetGo]]:
    """Lower what a hand holds so that its lowest point is at `point`, open, draw the hand back.

    What has slipped out by then may lie below: the hand leaves it as if it had let go of it.

    Args:
        tools: The run's.
        percept: What is known now.
        hand: What holds it.
        point: On the map, m, shape (3,).
        spot: How the robot stands.
        things: What else stands about.
        feel_m: How much lower it may go on until the arm feels that the thing is borne, m; where
            it does not feel that, it keeps it. 0 lets go without.
        nearer: How much nearer to the robot it may end where the arm does not reach farther, m.

    Returns:
        The newest percept, and how it ended.
    """
    assert hand.held is not None
    held, body = hand.held, body_of(spot)
    loose = [t for t in things if not _is_held(t, hand, percept)]
    percept, found = yield from _come_down(tools, percept, hand, point, spot, loose, nearer)
    if found is None:
        return (yield from withdraw(tools, percept, hand, spot, loose)), "kept"
    palm, above = found
    percept, is_held = yield from _still_holds(tools, percept, hand, body)
    is_there = palm_off(percept, hand, palm) < MISSES_M
    if is_held and is_there and feel_m:
        percept, is_there = yield from _feel_below(tools, percept, hand, palm, feel_m, body)
    if is_held and not is_there:
        percept = yield from palm_to(tools, percept, hand, above, body)
        return (yield from withdraw(tools, percept, hand, spot, loose)), "kept"
    hand.held = None
    percept = yield from open_slowly(tools, percept, hand, body)
    back = palm.copy()
    if held.approach is Approach.ABOVE:
        back[2, 3] += ABOVE_M
    else:
        back[:3, 3] -= 0.08 * palm[:3, 0]
        back[:3, 3] -= 0.05 * palm[:3, 1] * (1.0 if hand.side else -1.0)
    percept = yield from palm_to(tools, percept, hand, back, body)
    loose.append(_as_thing(held, palm))
    percept = yield from withdraw(tools, percept, hand, spot, loose)
    return percept, "let_go" if is_held else "slipped"


def _come_down(
    tools: Tools,
    percept: Percept,
    hand: Hand,
    point: Sequence[float],
    spot: Spot,
    loose: Sequence[Thing],
    nearer: float,
) -> Behaviour[tuple[Percept, tuple[NDArray[np.float64], NDArray[np.float64]] | None]]:
    """Bring what a hand holds over a point and down to it; see `let_go_at`.

    Where the palm stays off at the end of the arm's reach it comes down again, as much nearer.

    Returns:
        The newest percept, and where the palm should be now and where it came down from; None
        where the arm finds no way.
    """
    assert hand.held is not None
    palm_from_thing, body = hand.held.palm_from_thing, body_of(spot)
    while True:
        think = partial(_way_above, tools, percept, hand, point, spot.stance.heading, loose, nearer)
        percept, found = yield from aside(tools, percept, think, body)
        if isinstance(found, UnreachableError):
            return percept, None
        palm, way = found
        percept = yield from follow(tools, percept, hand, way, body)
        above = palm.copy()
        now = map_from_pelvis(percept) @ hand.arm.pelvis_from_palm(percept.state.joint_position)
        above[2, 3] = max(now[2, 3], palm[2, 3] + 0.03)
        percept = yield from palm_to(tools, percept, hand, above, body)
        percept = yield from palm_to(tools, percept, hand, palm, body, speed=LOWER_SPEED)
        off = palm_off(percept, hand, palm)
        shifted = float(np.hypot(*((palm @ palm_from_thing)[:2, 3] - point[:2])))
        if off < MISSES_M or shifted + off > nearer:
            return percept, (palm, above)
        point = [*(np.asarray(point) + (shifted + off) * _towards(percept))]
        nearer -= shifted + off
        percept = yield from palm_to(tools, percept, hand, above, body)


def _towards(percept: Percept) -> NDArray[np.float64]:
    """Return the level direction from what the robot faces to it, unit vector, shape (3,)."""
    return -np.array([np.cos(percept.base.yaw), np.sin(percept.base.yaw), 0.0])


def _as_thing(held: Held, map_from_palm: NDArray[np.float64]) -> Thing:
    """Return what a palm holds as it stands where it lets go of it, with room about it."""
    T = map_from_palm @ held.palm_from_thing
    x, y, z = (float(value) for value in T[:3, 3])
    yaw = float(np.arctan2(T[1, 0], T[0, 0]))
    long, wide, high = held.size
    size = (long + 2.0 * BESIDE_M, wide + 2.0 * BESIDE_M, high)
    solid = Solid(shape="box", position=(x, y, z), size=size, yaw=yaw)
    colour, _, kind = held.name.rpartition(" ")
    return Thing(kind=kind, colour=colour, position=(x, y, z), confidence=1.0, t_ns=0, solid=solid)


def _way_above(
    tools: Tools,
    percept: Percept,
    hand: Hand,
    point: Sequence[float],
    heading: float,
    loose: Sequence[Thing],
    nearer: float = 0.0,
) -> tuple[NDArray[np.float64], ArmPath]:
    """Return the palm's pose with which what it holds stands on a point, and a way over that.

    Where the arm does not come there, so much nearer to the robot will do, as little as needed.

    Raises:
        UnreachableError: The arm comes there from none of the headings that are tried.
    """
    pelvis_map, map_level = level_frames(percept)
    joints = percept.state.joint_position.copy()
    assert hand.angles is not None
    joints[hand.arm.joints] = hand.angles
    boxes = boxes_about(tools.floor_plan, loose, pelvis_map)
    last: UnreachableError | None = None
    back = _towards(percept)
    shifts = np.arange(0.0, nearer + 1e-9, NEARER_STEP_M)
    for shift, turned in product(shifts, _headings(heading)):
        palm = palm_with_thing_at(hand, map_level, turned, np.asarray(point) + shift * back)
        above = palm.copy()
        for lift in LIFTS_M:
            above[2, 3] = palm[2, 3] + lift
            try:
                way = hands_of(tools).free_way(hand.side, joints, pelvis_map @ above, boxes)
                there = joints.copy()
                there[hand.arm.joints] = way.angles[-1]
                hand.arm.solve(there, pelvis_map @ palm)
                return palm, way
            except UnreachableError as error:
                last = error
    assert last is not None
    raise last


def _feel_below(
    tools: Tools,
    percept: Percept,
    hand: Hand,
    map_from_palm: NDArray[np.float64],
    deep: float,
    body: UpperBody,
) -> Behaviour[tuple[Percept, bool]]:
    """Go down until the palm stays behind, as the thing in it rests on something; then ease.

    A hand that pressed on while it opens would push its palm on what it lets go, and that over.
    """
    goal, felt_s = map_from_palm.copy(), 0.0
    bias = None if hand.bias is None else hand.bias.copy()
    while map_from_palm[2, 3] - goal[2, 3] < deep:
        goal[2, 3] -= FEEL_SPEED * 0.02
        servo(percept, hand, goal)
        percept = yield tick(tools, percept, STILL, body)
        is_behind = _height_of(percept, hand) - goal[2, 3] > BEHIND_M
        felt_s = felt_s + 0.02 if is_behind else 0.0
        if felt_s >= BEHIND_S:
            hand.angles, hand.bias = percept.state.joint_position[hand.arm.joints].copy(), bias
            return (yield from stand(tools, percept, EASE_S, body)), True
    return percept, False


def _height_of(percept: Percept, hand: Hand) -> float:
    """Return how high a palm is above the floor, m."""
    palm = map_from_pelvis(percept) @ hand.arm.pelvis_from_palm(percept.state.joint_position)
    return float(palm[2, 3])


def _headings(heading: float) -> list[float]:
    return [heading, heading + 0.3, heading - 0.3, heading + 0.6, heading - 0.6]


def palm_with_thing_at(
    hand: Hand, map_from_level: NDArray[np.float64], heading: float, point: Sequence[float]
) -> NDArray[np.float64]:
    """Return the palm's pose on the map with which the held thing stands on a point."""
    assert hand.held is not None
    T = np.eye(4)
    held = hand.held
    T[:3, :3] = map_from_level[:3, :3] @ palm_turn(held.approach, hand.side, heading, held.lean)
    offset = T[:3, :3] @ hand.held.palm_from_thing[:3, 3]
    T[:3, 3] = np.array(point) + (0.0, 0.0, held_bottom(hand)) - offset
    return T


def open_slowly(tools: Tools, percept: Percept, hand: Hand, body: UpperBody) -> Behaviour[Percept]:
    """Open the fingers over a while, the palm staying where it is."""
    assert hand.closure is not None
    start, began_ns = hand.closure.copy(), percept.state.t_ns
    share = 0.0
    while share < 1.0:
        share = min(1.0, (percept.state.t_ns - began_ns) * 1e-9 / OPEN_S)
        hand.closure = start + share * (open_fingers() - start)
        percept = yield from stand(tools, percept, 0.02, body)
    return percept


def without_held(scene: Scene, hand: Hand, percept: Percept) -> Scene:
    """Return a scene without what is in a hand: that stands nowhere, though it may be seen."""
    loose = (thing for thing in scene.things if not _is_held(thing, hand, percept))
    return replace(scene, things=tuple(loose))


def _is_held(thing: Thing, hand: Hand, percept: Percept) -> bool:
    """Whether a thing that is seen, or was before the robot stooped, is the one in a hand."""
    palm = map_from_pelvis(percept) @ hand.arm.pelvis_from_palm(percept.state.joint_position)
    is_called_so = hand.held is not None and thing.name == hand.held.name
    near = GHOST_M if is_called_so else IN_HAND_M
    return bool(np.linalg.norm(np.array(thing.position) - palm[:3, 3]) < near)


def look_after(
    tools: Tools,
    percept: Percept,
    name: str,
    point: Sequence[float],
    reason: str = "not_stayed",
) -> Behaviour[tuple[Percept, Outcome]]:
    """Look for what was let go; say whether it stayed there, or that it is not seen any more.

    Args:
        tools: The run's.
        percept: What is known now.
        name: Of the thing.
        point: Where it was let go, on the map, m, shape (3,).
        reason: Why the step failed if it did not stay.
    """
    percept, is_seen = yield from _look_at(tools, percept, lambda seen: is_seen_at(seen, point))
    outcome = what_became(percept, name, point, reason)
    if outcome is DONE and not is_seen:
        tools.remark(Outcome(kind="done", reason="put_unseen", facts=(name,)))
    return percept, outcome


def look_for_slipped(
    tools: Tools, percept: Percept, name: str, point: Sequence[float]
) -> Behaviour[tuple[Percept, Outcome]]:
    """Look whether a thing that slipped out of a hand lies where it was to be.

    Args:
        tools: The run's.
        percept: What is known now.
        name: Of the thing.
        point: Where it was to be let go, on the map, m, shape (3,).

    Returns:
        The newest percept, and done if it does, else `slipped`.
    """
    percept, lies_there = yield from _look_at(
        tools, percept, lambda seen: _nearest_to(seen, point, name) <= STAYS_M
    )
    slipped = Outcome(kind="failed", reason="slipped", facts=(name,))
    return percept, DONE if lies_there else slipped


def _look_at(
    tools: Tools, percept: Percept, is_seen: Callable[[Percept], bool]
) -> Behaviour[tuple[Percept, bool]]:
    """Stand and look for a while, until something is seen; return whether it was."""
    end_ns = percept.state.t_ns + round(LOOKS_S * 1e9)
    while percept.state.t_ns < end_ns and not is_seen(percept):
        percept = yield from stand(tools, percept, 0.1)
    return percept, is_seen(percept)


def is_seen_at(percept: Percept, point: Sequence[float]) -> bool:
    """Whether a thing is seen where one was let go: from above it may look like another."""
    return any(
        np.hypot(thing.position[0] - point[0], thing.position[1] - point[1]) < SAME_M
        for thing in _seen_now(percept)
    )


def _nearest_to(percept: Percept, point: Sequence[float], name: str) -> float:
    """Return how far from a point the nearest thing of a name is seen, m; infinite if none is."""
    return min(
        (
            float(np.linalg.norm(np.subtract(thing.position, point)))
            for thing in _seen_now(percept)
            if thing.name == name
        ),
        default=np.inf,
    )


def what_became(
    percept: Percept, name: str, point: Sequence[float], reason: str = "not_stayed"
) -> Outcome:
    """Say whether a thing that was let go is there, by what is seen now.

    What is not seen, in a bowl or behind something, is believed to be there.
    """
    if STAYS_M < _nearest_to(percept, point, name) < np.inf:
        return Outcome(kind="failed", reason=reason, facts=(name,))
    return DONE


def _seen_now(percept: Percept) -> list[Thing]:
    """Return the things that are seen for sure, and were a moment ago."""
    return [
        thing
        for thing in percept.scene.things
        if thing.kind != "person"
        and thing.confidence >= SURE
        and (percept.state.t_ns - thing.t_ns) * 1e-9 < SEES_S
    ]


def _is_same(goal: Goal, other: Goal) -> bool:
    """Whether two goals are one, seen twice."""
    return bool(np.hypot(goal.point[0] - other.point[0], goal.point[1] - other.point[1]) < SAME_M)


def held_radius(hand: Hand) -> float:
    """Return the radius of the circle round what a hand holds, as seen from above, m."""
    assert hand.held is not None
    return 0.5 * float(np.hypot(*hand.held.size[:2]))


def held_bottom(hand: Hand) -> float:
    """Return how far the middle of what a hand holds is above its lowest point, m."""
    assert hand.held is not None
    return 0.5 * hand.held.size[2]


def goal_upon(tools: Tools, thing: Thing, *, is_inside: bool) -> Goal | Outcome:
    """Return the goal on a thing or in it."""
    place = place_under(tools.floor_plan, thing)
    if place is None:
        return Outcome(kind="failed", reason="out_of_reach", facts=(thing.name,))
    if thing.solid is None:
        x, y, z = thing.position
        return Goal(point=(x, y, z + 0.05), place=place)
    x, y, z = thing.solid.position
    top = z + 0.5 * thing.solid.size[2]
    return Goal(point=(x, y, top + (RIM_AIR_M if is_inside else FALL_M)), place=place)


def by_nearness(plan: FloorPlan, at: Point) -> list[Place]:
    """Return the places on which things can be put, the nearest to a point first."""
    x, y = at
    surfaces = [place for place in plan.places if place.has_surface]
    return sorted(surfaces, key=lambda p: np.hypot(p.centre[0] - x, p.centre[1] - y))


def approaches_to(height: float) -> tuple[Approach, ...]:
    """Return how a thing may be held that is to be put down at a height above the floor, m."""
    return tuple(Approach) if height > LOW_M else (Approach.ABOVE,)


def free_spot(
    scene: Scene, percept: Percept, spare: Sequence[Disc] = (), *, place: Place, hand: Hand
) -> Goal | Outcome:
    """Return a spot on a place that nothing stands on, near its front edge and near the robot.

    Args:
        scene: What stands about.
        percept: Where the robot is.
        spare: Where else nothing is to be put.
        place: With a surface.
        hand: What it holds is to stand there.

    Returns:
        The spot, or `no_space`.
    """
    return free_disc(scene, here(percept), place, held_radius(hand), spare)


def free_disc(
    scene: Scene, at: Point, place: Place, radius: float, spare: Sequence[Disc] = ()
) -> Goal | Outcome:
    """Return a spot for a disc of a radius, m, near a point on the map; see `free_spot`."""
    x0, y0 = at
    others = [
        (
            t.position[0],
            t.position[1],
            0.5 * float(np.hypot(*t.solid.size[:2])) if t.solid else 0.07,
        )
        for t in scene.things
        if t.kind != "person" and t.confidence >= SURE
    ]
    others += spare
    cos, sin = np.cos(place.yaw), np.sin(place.yaw)
    height = place.surface_heights[-1]
    best: tuple[float, tuple[float, float], float] | None = None
    edge = EDGE_M + 0.3 * radius
    least = radius + LEDGE_M
    for u in np.arange(0.5 * place.size[0] - edge, -0.5 * place.size[0] + edge, -0.04):
        for v in np.arange(-0.5 * place.size[1] + edge, 0.5 * place.size[1] - edge + 1e-9, 0.04):
            x, y = (
                place.centre[0] + cos * u - sin * v,
                place.centre[1] + sin * u + cos * v,
            )
            air = min((np.hypot(x - a, y - b) - r for a, b, r in others), default=1.0) - radius
            if air < APART_M:
                continue
            deep = min(0.5 * place.size[0] - abs(u), 0.5 * place.size[1] - abs(v))
            front = 0.5 * place.size[0] - u
            cost = 0.15 * np.hypot(x - x0, y - y0) + abs(min(deep, front) - 0.15)
            cost -= 0.5 * min(air, 0.12)
            if best is None or cost < best[0]:
                nearer = float(np.clip(deep - least, 0.0, NEARER_MAX_M))
                best = float(cost), (float(x), float(y)), nearer
    if best is None:
        return Outcome(kind="failed", reason="no_space", facts=(place.name,))
    return Goal(point=(*best[1], height + FALL_M), place=place, nearer=best[2])

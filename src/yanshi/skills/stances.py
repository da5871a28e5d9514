"""Where to stand, how high and how far leaning, for a hand to come to a thing on furniture."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from yanshi.control.clearance import BOXES_MAX, Box
from yanshi.control.grasp import GraspConfig
from yanshi.control.kinematics import Kinematics
from yanshi.control.palm import Approach
from yanshi.control.reach_map import ReachMap, Stance, load_reach_map
from yanshi.control.route import Floor, Point
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import Scene, Thing
from yanshi.policies.walker import UPRIGHT, Posture, Walker
from yanshi.skills.ground import ROBOT_RADIUS_M, Pose, floor_of
from yanshi.skills.hands import hands_of
from yanshi.skills.skill import Percept, Tools
from yanshi.worlds.floor_plan import FloorPlan, Place

Array = NDArray[np.float64]

AIR_M = 0.045
"""Between the robot's front and what it stands before."""
STEP_BACK_M = 0.55
"""From the edge of a place to the pelvis where the last exact steps begin and end."""
FACING = tuple(np.deg2rad([0.0, 20.0, -20.0, 40.0, -40.0]))
"""How far from straight at a side of a place the robot may face, rad."""
TOP_M = 0.04
"""How thick a board is taken to be."""
HEADROOM_M = 0.30
"""Least room above a board for a hand to come from above."""
SPOTS = 24
"""How many ways to stand are told at most …"""
THOUGHTS = 10
"""… and how many of them are thought through before the robot walks to one."""
WALK_COST = 0.04
"""Score that a metre of way costs."""
SINK_AT, SINKS_BACK = (0.46, 0.51, 0.56, 0.61, 0.66), (0.12, 0.10, 0.065, 0.03, 0.02)
"""How far the pelvis goes back when it sinks from walking height to a height, m. Measured."""
LOW_M, LOW_LEAN = 0.55, 0.45
"""Below this height the robot leans at least so far, rad: with less it may step back."""
TALL_M, TALL_LEAN = 0.73, 0.2
"""Above this height too: upright with a hand 0.4 m above the pelvis it walks back by itself."""
ASIDE_COST = 0.25
"""Score that a rad of facing aside costs."""
ASKEW_RAD, ASKEW_COST = 0.3, 0.8
"""How far the fingers' heading may be from the short way across a long thing, and the score that a
rad more costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where to stand for a thing, and how."""

    pose: Pose
    """The pelvis on the map."""
    upright: Pose
    """Where it is before the robot sinks, which takes it back a little."""
    before: Pose
    """Where to stop on the way there, before the last exact steps."""
    stance: Stance
    score: float


def grips_of(
    bottom: float, top: float, *, is_tapered: bool = False
) -> list[tuple[Approach, float]]:
    """Return how high a thing may be gripped from above and from the side, m above the floor.

    Args:
        bottom: What it stands on, m above the floor.
        top: Its upper end, m above the floor.
        is_tapered: Whether its upper end is too thin to be gripped from above.
    """
    config = GraspConfig()
    middle = 0.5 * (bottom + top)
    grips = []
    if not is_tapered:
        above = max(middle, bottom + config.above_grip[0], top - config.above_room + 0.01)
        grips.append((Approach.ABOVE, above))
    low, high = bottom + config.side_grip[0], top - 0.02
    if low <= high:
        heights = sorted({float(np.clip(middle, low, high)), float(min(low + 0.06, high))})
        grips += [(Approach.SIDE, height) for height in heights]
    return grips


def short_way_across(thing: Thing) -> float | None:
    """Return in which direction fingers close round a long thing, rad on the map; either way round.

    None where the hand fits round it in others too, or where its shape is not known yet.
    """
    solid = thing.solid
    if solid is None or max(solid.size[:2]) <= GraspConfig().width_max:
        return None
    return solid.yaw + (0.0 if solid.size[0] <= solid.size[1] else 0.5 * np.pi)


@cache
def _reach_map() -> ReachMap:
    return load_reach_map()


@cache
def front_of(
    walker: Walker, kinematics: Kinematics, posture: Posture, between: tuple[float, float]
) -> float:
    """Return how far legs and trunk stand out before the pelvis between two heights, m."""
    middles, _ = kinematics.skin_in_pelvis(walker.posed(*posture))
    radius = kinematics.skin_radius
    up = middles[:, 2] + posture[0]
    is_between = (up - radius < between[1]) & (up + radius > between[0])
    is_between &= np.abs(middles[:, 1]) < 0.2  # Arms are folded.
    return float((middles[is_between, 0] + radius[is_between]).max(initial=0.1))


def spots(
    tools: Tools,
    scene: Scene,
    here: Point,
    target: Point,
    place: Place,
    *,
    grips: Sequence[tuple[Approach, float]],
    sides: Sequence[int],
    along: float = 0.0,
    nearer: float = 0.0,
    across: float | None = None,
) -> list[Spot]:
    """Return ways to stand for a thing on a place, the best first.

    Args:
        tools: The run's.
        scene: What is seen, for the people in the way.
        here: Where the robot is.
        target: The thing's middle on the map, m.
        place: What it is on.
        grips: From where a hand may come to it, and how high above the floor it grips then, m.
        sides: Hands that are free: `LEFT`, `RIGHT`.
        along: How far straight ahead the hand goes on from there, m.
        nearer: How much nearer to the edge than it seems the thing may be, m.
        across: In which direction fingers from above must close; any if None.

    Raises:
        UnreachableError: There is none.
    """
    floor = floor_of(tools.floor_plan, scene)
    found = []
    for approach, height in grips:
        if approach is Approach.ABOVE and _headroom(place, height) < HEADROOM_M:
            continue
        for depth, out, edge in _sides(place, target):
            believed = (target[0] + nearer * np.cos(out), target[1] + nearer * np.sin(out))
            for stance in _stances(tools, height, place, depth - nearer, approach, along):
                if stance.side in sides:
                    for aside in FACING:
                        found += _spot(floor, here, believed, out, edge, stance, aside, across)
    found.sort(key=lambda spot: -spot.score)
    kept: list[Spot] = []
    for spot in found:
        if len(kept) == SPOTS:
            break
        if any(_key(spot) == _key(other) for other in kept):
            continue
        try:
            floor.find_path(here, spot.before[:2], ROBOT_RADIUS_M)
        except UnreachableError:
            continue
        kept.append(spot)
    if not kept:
        raise UnreachableError(f"No stance before the {place.name} brings a hand to a thing there.")
    return kept


def _key(spot: Spot) -> tuple[object, ...]:
    stance = spot.stance
    place = (round(spot.pose[0], 1), round(spot.pose[1], 1))
    return (stance.side, stance.approach, stance.height, stance.lean, *place)


def was_tried(spot: Spot, tried: Sequence[Spot]) -> bool:
    """Whether a hand came the same way from nearly the same spot."""
    return any(
        spot.stance.side == other.stance.side
        and spot.stance.approach is other.stance.approach
        and np.hypot(spot.pose[0] - other.pose[0], spot.pose[1] - other.pose[1]) < 0.12
        for other in tried
    )


def foreseen(ways: Sequence[Spot], judge: Callable[[Spot], float], enough: float = 0.0) -> Spot:
    """Return the first way to stand that comes out well enough in thought, else the best.

    Args:
        ways: The likeliest first; so many as `THOUGHTS` are thought through.
        judge: Gives marks above 0, or raises `UnreachableError` where the arm fails. Where it fails
            from all of them, the first is returned.
        enough: With more marks than this, nothing better is looked for.
    """
    best, best_marks = ways[0], 0.0
    for spot in ways[:THOUGHTS]:
        try:
            marks = judge(spot)
        except UnreachableError:
            continue
        if marks > best_marks:
            best, best_marks = spot, marks
        if best_marks > enough:
            break
    return best


def standing(tools: Tools, percept: Percept, spot: Spot) -> Percept:
    """Return what the robot would feel if it stood there just so, its free arms folded."""
    hands, stance = hands_of(tools), spot.stance
    joints = tools.walker.posed(stance.height, stance.lean)
    for hand in hands.hands:
        mine = hand.arm.joints
        is_free = hand.side in hands.free
        joints[mine] = hands.ready(hand.side) if is_free else percept.state.joint_position[mine]
    x, y, yaw = spot.pose
    base = replace(
        percept.base,
        position=np.array([x, y, stance.height]),
        orientation_wxyz=np.array([np.cos(0.5 * yaw), 0.0, 0.0, np.sin(0.5 * yaw)]),
    )
    return replace(percept, state=replace(percept.state, joint_position=joints), base=base)


def sinking(height: float) -> float:
    """Return how far the pelvis goes back when the robot sinks to a height, m."""
    return float(np.interp(height, SINK_AT, SINKS_BACK))


def _headroom(place: Place, height: float) -> float:
    above = [board for board in place.surface_heights if board > height + 0.02]
    return min(above, default=np.inf) - TOP_M - height


def _sides(place: Place, target: Point) -> Iterator[tuple[float, float, Point]]:
    """Yield for each side how deep behind its edge the target is (less than 0 before it), the
    side's direction out of the place, rad, and the point of the edge nearest to the target."""
    dx, dy = target[0] - place.centre[0], target[1] - place.centre[1]
    for side in range(4):
        if side and place.boards:
            return  # A shelf is open to the front alone.
        out = place.yaw + side * 0.5 * np.pi
        depth = 0.5 * place.size[side % 2] - (np.cos(out) * dx + np.sin(out) * dy)
        edge = (float(target[0] + depth * np.cos(out)), float(target[1] + depth * np.sin(out)))
        yield float(depth), float(out), edge


def _stances(
    tools: Tools, height: float, place: Place, depth: float, approach: Approach, along: float
) -> list[Stance]:
    """Return stances whose front does not meet the place."""
    low, high = place.height - 0.1 if place.is_open_below else 0.0, place.height + 0.03

    def ahead_min(pelvis: float, lean: float) -> float:
        sunk, upright = (
            front_of(tools.walker, hands_of(tools).kinematics, posture, (low, high))
            for posture in ((pelvis, lean), UPRIGHT)
        )
        return depth + AIR_M + max(sunk, upright + sinking(pelvis))

    try:
        stances = _reach_map().stances(height, ahead_min=ahead_min, approach=approach, along=along)
    except UnreachableError:
        return []
    return [s for s in stances if s.lean >= least_lean(s.height)]


def least_lean(height: float) -> float:
    """Return how far the robot leans at least with its pelvis at a height, rad."""
    if height < LOW_M:
        return LOW_LEAN
    return TALL_LEAN if height > TALL_M else 0.0


def _spot(
    floor: Floor,
    here: Point,
    target: Point,
    out: float,
    edge: Point,
    stance: Stance,
    aside: float,
    across: float | None,
) -> list[Spot]:
    """Return the spot for a stance that faces a side of a place, or one turned aside from it."""
    yaw = out + np.pi + aside
    cos, sin = np.cos(yaw), np.sin(yaw)
    x = target[0] - cos * stance.ahead + sin * stance.left
    y = target[1] - sin * stance.ahead - cos * stance.left
    gap = np.cos(out) * (x - edge[0]) + np.sin(out) * (y - edge[1])
    if aside and gap < 0.2 + 0.15 * abs(np.sin(aside)):
        return []
    back = max(STEP_BACK_M - gap, 0.05)
    before = (float(x + back * np.cos(out)), float(y + back * np.sin(out)))
    if floor.clearance(before) < 0.3 or floor.clearance((float(x), float(y))) < min(
        0.15, gap - 0.02
    ):
        return []
    away = float(np.hypot(before[0] - here[0], before[1] - here[1]))
    yaw = float((yaw + np.pi) % (2.0 * np.pi) - np.pi)
    sinks = sinking(stance.height)
    return [
        Spot(
            pose=(float(x), float(y), yaw),
            upright=(float(x + sinks * cos), float(y + sinks * sin), yaw),
            before=(*before, yaw),
            stance=stance,
            score=stance.score
            - WALK_COST * away
            - ASIDE_COST * abs(aside)
            - _askew_cost(stance, yaw, across),
        )
    ]


def _askew_cost(stance: Stance, yaw: float, across: float | None) -> float:
    """Return the score that fingers askew to a long thing cost."""
    if across is None or stance.approach is not Approach.ABOVE:
        return 0.0
    askew = yaw + stance.heading - across
    askew -= np.pi * np.round(askew / np.pi)
    return float(ASKEW_COST * max(0.0, abs(askew) - ASKEW_RAD))


def boxes_about(
    plan: FloorPlan,
    things: Sequence[Thing],
    pelvis_from_map: Array,
    reach: float = 1.0,
    slim: float = 1.0,
) -> list[Box]:
    """Return what an arm must keep away from, as boxes in the pelvis frame.

    Args:
        plan: The furniture.
        things: Loose things that stand about.
        pelvis_from_map: Shape (4, 4).
        reach: What is farther from the pelvis is left out, m.
        slim: Share of the things' widths that counts.
    """
    origin = np.asarray(np.linalg.inv(pelvis_from_map)[:3, 3], dtype=np.float64)
    furniture = [
        Box(pelvis_from_box=pelvis_from_map @ T, half_size=half)
        for T, half in _furniture(plan, origin, reach)
    ]
    room = BOXES_MAX - 1 - len(furniture)  # One is for the thing itself.
    loose = things_about(things, pelvis_from_map, reach)[:room]
    thin = np.array([slim, slim, 1.0])
    return furniture + [replace(box, half_size=thin * box.half_size) for box in loose]


def things_about(things: Sequence[Thing], pelvis_from_map: Array, reach: float = 1.0) -> list[Box]:
    """Return the things whose shape is known as boxes in the pelvis frame, the nearest first."""
    origin = np.linalg.inv(pelvis_from_map)[:3, 3]
    found = []
    for thing in things:
        solid = thing.solid
        if solid is None or thing.kind == "person":
            continue
        away = float(np.linalg.norm(np.array(solid.position) - origin))
        if away > reach:
            continue
        T = np.eye(4)
        cos, sin = np.cos(solid.yaw), np.sin(solid.yaw)
        T[:2, :2] = [[cos, -sin], [sin, cos]]
        T[:3, 3] = solid.position
        box = Box(pelvis_from_box=pelvis_from_map @ T, half_size=0.5 * np.array(solid.size))
        found.append((away, box))
    return [box for _, box in sorted(found, key=lambda pair: pair[0])]


def _furniture(plan: FloorPlan, origin: Array, reach: float) -> Iterator[tuple[Array, Array]]:
    """Yield pose on the map and half size of what the furniture near a point is made of."""
    for place in plan.places:
        if not place.is_solid:
            continue
        cos, sin = np.cos(place.yaw), np.sin(place.yaw)
        R = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        for low, high, centre, size in _blocks(place):
            offset = R.T @ (origin - np.array([*place.centre, 0.0])) - np.array([*centre, 0.0])
            gap = np.maximum(np.abs(offset[:2]) - 0.5 * np.array(size), 0.0)
            if np.linalg.norm(gap) > reach:
                continue
            T = np.eye(4)
            T[:3, :3] = R
            T[:3, 3] = np.array([*place.centre, 0.0]) + R @ np.array([*centre, 0.5 * (low + high)])
            yield T, 0.5 * np.array([*size, high - low])


def _blocks(
    place: Place,
) -> Iterator[tuple[float, float, tuple[float, float], tuple[float, float]]]:
    """Yield the boxes that a place is made of: low, high, middle and size in its own frame."""
    along, across = place.size
    if place.boards:
        for board in place.boards:
            yield board - TOP_M, board, (0.0, 0.0), place.size
        for side in (-1.0, 1.0):
            yield 0.0, place.height, (0.0, side * (0.5 * across - 0.01)), (along, 0.03)
        yield 0.0, place.height, (-0.5 * along + 0.01, 0.0), (0.03, across)
    elif place.is_open_below:
        yield place.height - 0.1, place.height, (0.0, 0.0), place.size
    else:
        yield 0.0, place.height, (0.0, 0.0), place.size

"""Push a thing on the furniture away from the robot, with a fist from its near side."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from yanshi.control.arm_path import Angles, ArmPath
from yanshi.control.clearance import Box
from yanshi.control.kinematics import RIGHT
from yanshi.control.palm import Approach, palm_turn
from yanshi.control.reach_map import Stance
from yanshi.control.route import Point, wrap
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import Scene, Thing
from yanshi.skills.aside import aside
from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.grip import (
    Pose,
    body_of,
    bottom_and_top,
    come_to,
    follow,
    is_one,
    level_frames,
    palm_to,
    seen_again,
    solid_pose,
    step_away,
    withdraw,
)
from yanshi.skills.ground import place_under, with_people_and_without
from yanshi.skills.hands import Hand, hands_of, open_fingers
from yanshi.skills.motion import here, stand
from yanshi.skills.search import find, look_from_near, meant
from yanshi.skills.skill import DONE, Outcome, Percept, Tools
from yanshi.skills.stances import Spot, boxes_about, foreseen, spots, standing, was_tried
from yanshi.worlds.floor_plan import Place
from yanshi.worlds.things import shape_of

PERSON = "person"
PUSH_M, LEAST_M = 0.115, 0.085
"""How far a thing is pushed, and with how much less room it is not pushed at all, m."""
EDGE_M = 0.06
"""How near to an edge the far side of a thing may come, m."""
APART_M = 0.02
"""How near to another thing it may come, m."""
LANE_M, LANE_UP_M = (0.2, 0.05), 0.06
"""What the fist needs free: so far before a thing and so far to each side of its middle, and how
much higher than the thing, m."""
UNKNOWN_RADIUS_M = 0.06
"""What a thing is taken for whose shape is not known."""
SPEED = 0.06
"""Of the fist while it pushes, m/s: what rolls does not roll on."""
FIST_M, ASIDE_M = 0.03, 0.015
"""Where the front of a fist is ahead of the palm's middle, and aside of it, out of the palm, m; low
down, where it meets what is flat. Its knuckles are 15 mm farther ahead."""
PALM_UP = {Approach.ABOVE: 0.074, Approach.SIDE: 0.055}
"""How high a palm is above the surface, lying or upright, m: the fist is 12 mm above it then."""
GRIP_UP = {Approach.ABOVE: 0.02, Approach.SIDE: 0.07}
"""What the reach map is asked for: a thing gripped so high above the surface, m."""
ASKEW = 0.8
"""How far from straight at a side of the place it may push, rad."""
DOWN_M = 0.02
"""How far the fist comes down before the thing."""
AIR_M = 0.035
"""From the fist to the thing before it is pushed."""
FIST = open_fingers((1.0, 1.0, 1.0))
SHARES = (1.0, 0.75)
"""How much of the way is pushed, at best and if the arm does not reach as far."""
TRIES = 2
LOOK_S = 2.0
"""How long it looks where the thing is afterwards."""
MOVED_M = 0.05
NEAR_M = 1.2
"""Before it gives up it looks from nearer than this."""


class Push(Flow):
    """Stand before a thing, push it away along the surface, and see that it has moved."""

    syntax = ("{thing}",)
    summary = ("Push a thing on the furniture some way off", "把家具上的物品推开一点")
    called = {"": ("push {0}", "推一下{0}")}
    verb = ("push things", "推东西")
    risk = "travels"
    timeout_s = 240.0

    @staticmethod
    def prepare(tools: Tools) -> None:
        """Make the arms' skeletons before the motors are on."""
        hands_of(tools)

    def check(self, percept: Percept) -> Outcome | None:
        """Refuse balls, which jam under a fist or roll off, and anything while no hand is free."""
        if shape_of(self.arguments[0].split()[-1]) == "sphere":
            return Outcome(kind="failed", reason="rolls", facts=self.arguments)
        hands = hands_of(self.tools)
        if not hands.free:
            return Outcome(kind="failed", reason="hands_full", facts=hands.held_names)
        return None

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Try twice, from another side the second time; look from near before it is given up."""
        tools = self.tools
        percept, thing = yield from find(tools, percept, self.arguments[0])
        if isinstance(thing, Outcome):
            return thing
        out_of_reach = outcome = Outcome(kind="failed", reason="out_of_reach", facts=(thing.name,))
        if place_under(tools.floor_plan, thing) is None:
            return out_of_reach
        tried: list[Spot] = []
        try:
            for _ in range(TRIES):
                percept, spot = yield from self._choose_spot(percept, thing, tried)
                if isinstance(spot, Outcome) and not tried and _is_seen_from_afar(percept, thing):
                    percept = yield from look_from_near(tools, percept, thing)
                    thing = _nearest(percept, thing, thing.position) or thing
                    percept, spot = yield from self._choose_spot(percept, thing, tried)
                if isinstance(spot, Outcome):
                    return spot
                tried.append(spot)
                percept, outcome = yield from _push_from(tools, percept, thing, spot)
                if outcome.kind == "done":
                    break
                thing = _nearest(percept, thing, thing.position) or thing
        except UnreachableError:
            return out_of_reach
        return outcome

    def _choose_spot(
        self, percept: Percept, thing: Thing, tried: Sequence[Spot]
    ) -> Behaviour[tuple[Percept, Spot | Outcome]]:
        """Return where to stand so that there is room behind the thing, or why nowhere."""
        tools = self.tools
        refused = Outcome(kind="failed", reason="out_of_reach", facts=(thing.name,))
        place = place_under(tools.floor_plan, thing)
        if place is None:
            return percept, refused
        for known, is_alone in with_people_and_without(percept):
            think = partial(push_spot, tools, known, thing, place, tried)
            percept, spot = yield from aside(tools, percept, think)
            if spot is None:
                return percept, replace(refused, reason="no_room_behind")
            if not isinstance(spot, UnreachableError):
                crowded = replace(refused, reason="somebody_there")
                return percept, crowded if is_alone else spot
        return percept, refused


def push_spot(
    tools: Tools, percept: Percept, thing: Thing, place: Place, tried: Sequence[Spot]
) -> Spot | None:
    """Return the best of `push_spots` from which the arm comes behind it, as far as is foreseen.

    None where there is no room behind it.

    Args:
        tools: The run's.
        percept: What is known now.
        thing: What is to be pushed; while its shape is not known, nothing is foreseen.
        place: What it is on.
        tried: From where it was tried in vain.

    Raises:
        UnreachableError: No stance brings a fist behind it.
    """
    ways = push_spots(tools, percept.scene, here(percept), thing, place)
    ways = [way for way in ways if not was_tried(way, tried)] or ways
    if not ways or thing.solid is None:
        return ways[0] if ways else None
    others = [other for other in percept.scene.things if not is_one(other, thing)]

    def judge(spot: Spot) -> float:
        hand = hands_of(tools)[spot.stance.side]
        far = min(PUSH_M, room_behind(place, thing, spot.pose[2], others))
        there, folded = standing(tools, percept, spot), hands_of(tools).ready(hand.side)
        plan_push(tools, there, hand, thing, spot.stance, far, others, from_angles=folded)
        return 1.0

    return foreseen(ways, judge)


def push_spots(tools: Tools, scene: Scene, at: Point, thing: Thing, place: Place) -> list[Spot]:
    """Return where to stand to push a thing with room behind it, the best first; none if nowhere.

    Args:
        tools: The run's.
        scene: What is seen.
        at: Where the robot is, m.
        thing: On the place.
        place: What it is on.

    Raises:
        UnreachableError: No stance brings a fist behind it.
    """
    bottom, _ = bottom_and_top(thing)
    others = [other for other in scene.things if not is_one(other, thing)]
    found: list[Spot] = []
    for yaw in place.yaw + 0.5 * np.pi * np.arange(4):
        back = half_extent(thing, yaw) + AIR_M + FIST_M
        x, y = thing.position[:2] - back * np.array([np.cos(yaw), np.sin(yaw)])
        try:
            ways = spots(
                tools,
                scene,
                at,
                (float(x), float(y)),
                place,
                grips=[(approach, bottom + up) for approach, up in GRIP_UP.items()],
                sides=hands_of(tools).free,
                along=AIR_M + PUSH_M,
            )
        except UnreachableError:
            continue
        found += [way for way in ways if abs(wrap(way.pose[2] - yaw)) < ASKEW]
    if not found:
        raise UnreachableError(f"No stance before the {place.name} brings a fist behind a thing.")
    free = [way for way in found if room_behind(place, thing, way.pose[2], others) > LEAST_M]
    # The knuckles of an upright hand are a wall; a lying one leans over what it pushes.
    return sorted(free, key=lambda way: (way.stance.approach is Approach.ABOVE, -way.score))


def room_behind(place: Place, thing: Thing, yaw: float, others: Sequence[Thing]) -> float:
    """Return how far a thing can be pushed before it comes near an edge or another thing, m.

    Less than 0 where something stands in the way of the fist.

    Args:
        place: What it is on.
        thing: What is pushed.
        yaw: Where to, rad on the map.
        others: What else stands about.
    """
    ahead = np.array([np.cos(yaw), np.sin(yaw)])
    left = np.array([-ahead[1], ahead[0]])
    middle = np.array(thing.position[:2])
    deep, wide = half_extent(thing, yaw), half_extent(thing, yaw + 0.5 * np.pi)
    turn, offset = place.yaw, middle - np.array(place.centre)
    room = np.inf
    for angle, size in ((turn, place.size[0]), (turn + 0.5 * np.pi, place.size[1])):
        axis = np.array([np.cos(angle), np.sin(angle)])
        pace = float(ahead @ axis)
        if abs(pace) > 1e-6:
            room = min(room, (0.5 * size - np.sign(pace) * float(offset @ axis)) / abs(pace))
    room -= deep + EDGE_M
    low, high = bottom_and_top(thing)
    for other in others:
        if other.kind == PERSON:
            continue
        other_low, other_high = bottom_and_top(other)
        away = np.array(other.position[:2]) - middle
        along, aside = float(away @ ahead), abs(float(away @ left))
        beside = aside - max(wide, LANE_M[1]) - half_extent(other, yaw + 0.5 * np.pi)
        is_level = other_low < high + LANE_UP_M and other_high > low
        if is_level and beside < APART_M and along > -deep - LANE_M[0]:
            room = min(room, along - deep - half_extent(other, yaw) - APART_M)
    return float(room)


def half_extent(thing: Thing, yaw: float) -> float:
    """Return how far a thing reaches from its middle in a level direction, m."""
    solid = thing.solid
    if solid is None:
        return UNKNOWN_RADIUS_M
    if solid.shape != "box":
        return 0.5 * max(solid.size[:2])
    angle = yaw - solid.yaw
    return 0.5 * float(abs(solid.size[0] * np.cos(angle)) + abs(solid.size[1] * np.sin(angle)))


def _push_from(
    tools: Tools, percept: Percept, thing: Thing, spot: Spot
) -> Behaviour[tuple[Percept, Outcome]]:
    """Stand for a thing, look again, push it, step back and see where it is."""
    hand, body = hands_of(tools)[spot.stance.side], body_of(spot)
    percept, scene = yield from come_to(tools, percept, spot)
    seen = seen_again(scene, thing)
    if seen is None or seen.solid is None:
        percept = yield from step_away(tools, percept, spot)
        return percept, Outcome(kind="failed", reason="lost_sight", facts=(thing.name,))
    others = [other for other in scene.things if not is_one(other, seen)]
    place = place_under(tools.floor_plan, seen)
    yaw = percept.base.yaw
    room = room_behind(place, seen, yaw, others) if place is not None else 0.0
    if room < LEAST_M:
        percept = yield from step_away(tools, percept, spot)
        return percept, Outcome(kind="failed", reason="no_room_behind", facts=(thing.name,))
    far = min(PUSH_M, room)
    think = partial(plan_push, tools, percept, hand, seen, spot.stance, far, others)
    percept, reach = yield from aside(tools, percept, think, body)
    if isinstance(reach, UnreachableError):
        percept = yield from step_away(tools, percept, spot)
        return percept, Outcome(kind="failed", reason="no_push", facts=(thing.name,))
    hand.closure = FIST
    percept = yield from follow(tools, percept, hand, reach.way, body)
    percept = yield from palm_to(tools, percept, hand, reach.before, body)
    percept = yield from palm_to(tools, percept, hand, reach.behind, body, speed=SPEED)
    percept = yield from palm_to(tools, percept, hand, reach.before, body)
    percept = yield from withdraw(tools, percept, hand, spot, others)
    percept = yield from stand(tools, percept, LOOK_S)
    return percept, _what_became(percept, thing, seen, yaw, far)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shove:
    """How a fist pushes."""

    way: ArmPath
    """The arm's, to where it begins."""
    before: Pose
    """The palm on the map before it pushes, shape (4, 4) …"""
    behind: Pose
    """… and when it has pushed."""


def plan_push(
    tools: Tools,
    percept: Percept,
    hand: Hand,
    thing: Thing,
    stance: Stance,
    far: float,
    others: Sequence[Thing],
    *,
    from_angles: Angles | None = None,
) -> Shove:
    """Find the arm's way to the near side of a thing, from where it can push straight on.

    Args:
        tools: The run's.
        percept: What is known now.
        hand: Which pushes.
        thing: Whose shape is known.
        stance: How the palm is turned.
        far: How far it is pushed, m.
        others: What else stands about.
        from_angles: Of the arm at the start, rad, shape (7,); where it is wanted now if None.

    Raises:
        UnreachableError: The arm does not come there.
    """
    solid = thing.solid
    assert solid is not None
    pelvis_map, map_level = level_frames(percept)
    joints = percept.state.joint_position.copy()
    start = hand.angles if from_angles is None else from_angles
    if start is not None:
        joints[hand.arm.joints] = start
    joints[hand.fingers.joints] = hand.fingers.angles(FIST)
    ahead = map_level[:3, 0]
    near = np.array(solid.position) - half_extent(thing, percept.base.yaw) * ahead
    near[2] -= 0.5 * solid.size[2]
    mirror = 1.0 if hand.side == RIGHT else -1.0
    fist = np.array([FIST_M, mirror * ASIDE_M if stance.approach is Approach.SIDE else 0.0, 0.0])
    boxes = boxes_about(tools.floor_plan, others, pelvis_map)
    core = Box(
        pelvis_from_box=pelvis_map @ solid_pose(solid), half_size=0.35 * np.array(solid.size)
    )
    last: UnreachableError | None = None
    for heading, share in product((stance.heading, 0.0, mirror * 0.3), SHARES):
        before = map_level.copy()
        before[:3, :3] = map_level[:3, :3] @ palm_turn(stance.approach, hand.side, heading)
        before[:3, 3] = near - AIR_M * ahead - before[:3, :3] @ fist
        before[2, 3] = near[2] + PALM_UP[stance.approach]
        above, behind = before.copy(), before.copy()
        above[2, 3] += DOWN_M
        behind[:3, 3] += (AIR_M + share * far) * ahead
        try:
            way = hands_of(tools).free_way(hand.side, joints, pelvis_map @ above, [*boxes, core])
            there = joints.copy()
            there[hand.arm.joints] = way.angles[-1]
            hand.planners[-1].straight_way(there, pelvis_map @ behind, boxes)
        except UnreachableError as error:
            last = error
            continue
        return Shove(way=way, before=before, behind=behind)
    assert last is not None
    raise last


def _is_seen_from_afar(percept: Percept, thing: Thing) -> bool:
    """Whether its shape, and what stands about it, may not be known well."""
    x, y = here(percept)
    away = np.hypot(thing.position[0] - x, thing.position[1] - y)
    return thing.solid is None or bool(away > NEAR_M)


def _what_became(percept: Percept, thing: Thing, before: Thing, yaw: float, far: float) -> Outcome:
    """Say whether a thing has moved, by what is seen now."""
    expected = np.array(before.position) + far * np.array([np.cos(yaw), np.sin(yaw), 0.0])
    now = _nearest(percept, thing, expected)
    if now is None or (percept.state.t_ns - now.t_ns) * 1e-9 >= LOOK_S:
        return Outcome(kind="failed", reason="pushed_unseen", facts=(thing.name,))
    if np.linalg.norm(np.subtract(now.position, before.position)[:2]) < MOVED_M:
        return Outcome(kind="failed", reason="not_moved", facts=(thing.name,))
    return DONE


def _nearest(percept: Percept, thing: Thing, point: ArrayLike) -> Thing | None:
    """Return what is called like a thing and was seen nearest to a point, m, shape (3,)."""
    return min(
        meant(percept.scene, thing.name),
        key=lambda other: float(np.linalg.norm(np.subtract(other.position, point))),
        default=None,
    )

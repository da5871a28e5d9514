"""The flows of grasping: come near, look again, reach, close, lift, see whether it is held."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yanshi.control import grasp as grasps
from yanshi.control.arm_path import Angles, ArmPath
from yanshi.control.clearance import Box
from yanshi.control.fingers import OPEN
from yanshi.control.grasp import Grasp, GraspConfig
from yanshi.control.kinematics import LEFT
from yanshi.control.palm import Approach, grip_in_palm
from yanshi.control.route import STILL, FollowerConfig, wrap
from yanshi.core.easing import smoothstep
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import Scene, Solid, Thing
from yanshi.policies.walker import AT_REST, UPRIGHT, UpperBody
from yanshi.skills.aside import aside
from yanshi.skills.behaviour import Behaviour
from yanshi.skills.ground import floor_of, place_under
from yanshi.skills.hands import (
    Hand,
    Held,
    feels,
    hands_of,
    is_low,
    map_from_level,
    map_from_pelvis,
    open_fingers,
)
from yanshi.skills.motion import here, level_feet, stand, step_to, tick, walk_to
from yanshi.skills.search import SURE, is_still
from yanshi.skills.skill import DONE, Outcome, Percept, Tools
from yanshi.skills.stances import Spot, boxes_about, things_about
from yanshi.worlds.floor_plan import FloorPlan, Place
from yanshi.worlds.things import HOLLOW, NECKED, kind_of

Pose = NDArray[np.float64]
"""Shape (4, 4)."""

TRIES = 3
LOOK_S = 0.6
LOOK_AGAIN_S = 0.6
STEPS_FROM_M = 0.6
"""A pelvis that is lower than this rises before the robot steps away, and sinks on level feet."""
SETTLE_S = 0.5
"""How long the body rests in a new posture before anything is measured."""
SINK_S_PER_M, LEAN_S_PER_RAD = 4.0, 1.5
"""How long it takes to sink and to lean."""
GENTLE = 1.5
"""How many times as long it takes to rise with something in a hand."""
ON_THE_SPOT = (-0.03, 0.0, 0.0)
"""Who is asked to go so slowly steps on the spot, m/s and rad/s."""
PALM_SPEED = 0.14
"""Of a palm on its way to a thing, m/s."""
NEAR_M, NEAR_RAD = 0.006, 0.06
"""A palm that is so near to where it is wanted has arrived."""
MISSES_M = 0.025
"""Farther off than this it neither closes nor lets go."""
ARRIVE_S = 1.5
"""How long it may take for the last millimetres."""
CLOSE_S = 3.0
HEAVY_KG = 0.18
"""What is lighter by its kind would only be squeezed by firm fingers, or out of them."""
LIFT_M, LIFT_MAX_M = 0.10, 0.18
"""How far a thing is lifted: as far as that, or farther where a neighbour is taller."""
BESIDE_M, OVER_M, BOARD_M = 0.12, 0.02, 0.05
"""A thing is lifted over what is so close to it, by so much, and not so near to a board above."""
STEPS_UP = 3
"""How often the robot steps up to a thing until it stands where it wants to."""
STEP_UP_S = 6.0
"""… and how long it tries each time."""
AHEAD_OFF_M, OFF_M, OFF_RAD = 0.045, 0.08, 0.12
"""How far off it may stand."""
LEARNT_M = 0.08
"""How far beside the stance the steps up to it may aim, for who ends beside what it aims at."""
STEPPED_M = 0.06
"""Who moves by so much while it sinks has stepped, and need not do so again."""
EXACT = FollowerConfig(
    settle_m=np.inf,
    position_tolerance_m=0.05,
    position_accepted_m=0.08,
    yaw_accepted=0.1,
    still_s=0.3,
    patience_s=1.5,
    insist=(0.8, 0.25),
)
PASSING = FollowerConfig(
    position_tolerance_m=0.15,
    yaw_tolerance=0.2,
    position_accepted_m=0.25,
    yaw_accepted=0.4,
    still_s=0.0,
)
"""The last steps begin from about there: nobody stops on the way."""
OVERSHOOT_M = 0.02
"""How much farther than asked it steps with its arms folded."""
BACK_SPEED = 0.3
"""m/s."""
LATE_MAX_S, INSISTENCE_PER_S = 4.0, 0.25
"""How long it tries after it should be there, and how much faster it is asked to go meanwhile."""
BACK_SHORT_M = 0.05
ONE_M = 0.025
"""Two things are never so near each other."""
RENAMED_M = 0.07
IN_HAND_M = 0.2
"""What is seen farther from the palm than this is not in the hand."""
FRESH_S = 0.6
SAME_M = 0.2
"""A thing seen again within this is the one that was seen before."""
SHAPES = {
    "box": grasps.Shape.BOX,
    "cylinder": grasps.Shape.CYLINDER,
    "sphere": grasps.Shape.SPHERE,
}
BRUSHED = 0.6
"""Share of a neighbour's width that a hand keeps away from where there is no other way."""
DRAWN_OFF = ((0.6, 0.5), (0.6, 1.0), (0.0, 0.5), (0.0, 1.0), (0.6, 0.0), (0.4, 0.0), (0.2, 0.0))
"""How an arm that cannot be folded is drawn off before the robot steps back: how far the forearm
is swung outwards and the upper arm drawn back, rad; the best first."""
BENT = 0.5
"""How much an elbow bends whose upper arm is drawn back, rad."""
SWAYS_M = 0.12
"""So far a hand that is out sways as the robot begins to step: farther off it meets nothing."""
SURFACE_OFF_M = 0.06
"""A thing that seems to stand so much above or below a surface stands on it."""
FLAT_M = 0.035
"""A box lower than this counts as flat."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reach:
    """A grasp, and the arm's way to where it begins."""

    grasp: Grasp
    way: ArmPath
    map_from_palm: Pose
    map_from_palm_before: Pose


def bottom_and_top(thing: Thing) -> tuple[float, float]:
    """Return between which heights above the floor a thing is, m."""
    if thing.solid is not None:
        middle, half = thing.solid.position[2], 0.5 * thing.solid.size[2]
    else:
        middle, half = thing.position[2], kind_of(thing.kind).half_height
    return middle - half, middle + half


def heights_on(thing: Thing, place: Place) -> tuple[float, float]:
    """Return between which heights a thing is that stands on a place, whose own are known, m."""
    bottom, top = bottom_and_top(thing)
    surface = min(place.surface_heights, key=lambda height: abs(height - bottom), default=bottom)
    off = surface - bottom if abs(surface - bottom) < SURFACE_OFF_M else 0.0
    return bottom + off, top + off


def is_tapered(thing: Thing) -> bool:
    """Whether a thing has a neck, by its shape, or by its kind as long as that is not known."""
    return thing.kind in NECKED if thing.solid is None else thing.solid.is_tapered


def _apart(a: ArrayLike, b: ArrayLike) -> float:
    return float(np.linalg.norm(np.subtract(a, b)))


def come_to(tools: Tools, percept: Percept, spot: Spot) -> Behaviour[tuple[Percept, Scene]]:
    """Walk before a place, fold the free arms, step up to it, look, and take the posture.

    Returns:
        The newest percept, and all that was seen: who leans over a thing may not see it.

    Raises:
        UnreachableError: No way leads there.
    """
    hands = hands_of(tools)
    hands.fold(percept, hands.free)
    percept = yield from walk_to(tools, percept, spot.before, PASSING)
    first = np.array(spot.upright[:2])
    first -= OVERSHOOT_M * np.array([np.cos(spot.pose[2]), np.sin(spot.pose[2])])
    goal = first
    for _ in range(STEPS_UP):
        aim = (float(goal[0]), float(goal[1]), spot.pose[2])
        percept = yield from step_to(tools, percept, aim, EXACT, STEP_UP_S)
        if spot.stance.height < STEPS_FROM_M:
            percept = yield from level_feet(tools, percept, aim)
        percept = yield from stand(tools, percept, LOOK_S)
        seen, stood = percept.scene, here(percept)
        percept = yield from _bend(tools, percept, spot)
        off = np.subtract(spot.pose[:2], here(percept))
        ahead = float(off @ (np.cos(spot.pose[2]), np.sin(spot.pose[2])))
        is_turned = abs(wrap(percept.base.yaw - spot.pose[2])) > OFF_RAD
        if abs(ahead) < AHEAD_OFF_M and np.linalg.norm(off) < OFF_M and not is_turned:
            break
        went = np.subtract(here(percept), stood) - np.subtract(spot.pose[:2], spot.upright[:2])
        if np.linalg.norm(went) > STEPPED_M:
            off = first - stood
        goal = first + np.clip(goal - first + off, -LEARNT_M, LEARNT_M)
        percept = yield from stand(tools, percept, _bend_s(spot))
    percept = yield from stand(tools, percept, LOOK_AGAIN_S, body_of(spot))
    return percept, _both(percept.scene, seen)


def _both(now: Scene, before: Scene) -> Scene:
    """Return what is seen now, and what was seen before and is not seen any more."""
    sure = [thing for thing in now.things if thing.confidence >= SURE]
    kept = [
        thing
        for thing in before.things
        if thing.confidence >= SURE
        and all(_apart(thing.position, other.position) > RENAMED_M for other in sure)
    ]
    return replace(now, things=(*sure, *kept))


def _bend(tools: Tools, percept: Percept, spot: Spot) -> Behaviour[Percept]:
    """Take the posture of a stance; for a low one lean first: who does both at once may step."""
    long_s = SETTLE_S + _bend_s(spot)
    if spot.stance.height < STEPS_FROM_M:
        lean_s = LEAN_S_PER_RAD * abs(spot.stance.lean)
        leaning = UpperBody(posture=(UPRIGHT[0], spot.stance.lean))
        percept = yield from stand(tools, percept, lean_s, leaning)
        long_s -= lean_s
    return (yield from stand(tools, percept, long_s, body_of(spot)))


def _bend_s(spot: Spot) -> float:
    sink_s = SINK_S_PER_M * abs(UPRIGHT[0] - spot.stance.height)
    return sink_s + LEAN_S_PER_RAD * abs(spot.stance.lean)


def body_of(spot: Spot) -> UpperBody:
    """Return the posture of a stance."""
    return UpperBody(posture=(spot.stance.height, spot.stance.lean))


def step_away(
    tools: Tools, percept: Percept, spot: Spot, *, body: UpperBody | None = None
) -> Behaviour[Percept]:
    """Straighten up and step back; the free arms hang by and by.

    Args:
        tools: The run's.
        percept: What is known now.
        spot: How the robot stands.
        body: How it is to step back; upright if None. From a low squat it straightens up.
    """
    hands = hands_of(tools)
    if hands.held_names or spot.stance.height < STEPS_FROM_M:
        percept = yield from _rise(tools, percept, spot, GENTLE if hands.held_names else 1.0)
        body = None
    percept = yield from back_off(tools, percept, spot.before[:2], body or AT_REST)
    hands.lower(percept, hands.free)
    return percept


def _rise(tools: Tools, percept: Percept, spot: Spot, slowness: float) -> Behaviour[Percept]:
    """Rise, then straighten up, so slowly that nothing is flung out of a hand.

    From a low squat it steps on the spot meanwhile: on feet that stand it tips by up to 30° before
    it takes a step. Straightened up too soon it steps back.
    """
    (low, lean), (high, upright) = body_of(spot).posture, UPRIGHT
    velocity = ON_THE_SPOT if low < STEPS_FROM_M else STILL
    for end_s, start, end in (
        (SINK_S_PER_M * abs(high - low), (low, lean), (high, lean)),
        (LEAN_S_PER_RAD * abs(upright - lean), (high, lean), (high, upright)),
    ):
        ticks = round(slowness * end_s / 0.02)
        for posture in np.linspace(start, end, ticks + 1)[1:]:
            body = UpperBody(posture=(float(posture[0]), float(posture[1])))
            percept = yield tick(tools, percept, velocity, body)
    return percept


def back_off(
    tools: Tools, percept: Percept, point: tuple[float, float], body: UpperBody = AT_REST
) -> Behaviour[Percept]:
    """Step towards a point without turning, and stand when it is passed or nearly reached.

    The way is straight, or leads round what is beside it.

    Args:
        tools: The run's.
        percept: What is known now.
        point: On the map, m.
        body: The posture on the way; in the end the robot is upright.
    """
    floor = floor_of(tools.floor_plan, percept.scene)
    way = np.subtract(point, here(percept))
    length = float(np.linalg.norm(way))
    start_ns, usual_s = percept.state.t_ns, length / BACK_SPEED
    while (late_s := (percept.state.t_ns - start_ns) * 1e-9 - usual_s) < LATE_MAX_S:
        left = np.subtract(point, here(percept))
        if left @ way < BACK_SHORT_M * length:
            break
        cos, sin = np.cos(percept.base.yaw), np.sin(percept.base.yaw)
        speed = BACK_SPEED * (1.0 + INSISTENCE_PER_S * max(late_s, 0.0))
        straight = speed * left / max(float(np.linalg.norm(left)), 1e-6)
        x, y = floor.turn_aside(here(percept), point, straight)
        velocity = (float(cos * x + sin * y), float(-sin * x + cos * y), 0.0)
        percept = yield tick(tools, percept, velocity, body)
    return (yield from stand(tools, percept, SETTLE_S))


def take(
    tools: Tools,
    percept: Percept,
    thing: Thing,
    spot: Spot,
    approaches: Sequence[Approach] = tuple(Approach),
) -> Behaviour[tuple[Percept, Outcome]]:
    """Stand for a thing, look again, and take it with the hand of the stance.

    Args:
        tools: The run's.
        percept: What is known now.
        thing: As it was seen before.
        spot: Where to stand.
        approaches: From where it is taken if that can be.

    Returns:
        The newest percept, and done, `lost_sight`, `no_grasp`, `missed` or `slipped`.

    Raises:
        UnreachableError: No way leads there.
    """
    hand = hands_of(tools)[spot.stance.side]
    percept, scene = yield from come_to(tools, percept, spot)
    body = body_of(spot)
    seen = seen_again(scene, thing)
    if seen is None or seen.solid is None:
        percept = yield from step_away(tools, percept, spot)
        return percept, Outcome(kind="failed", reason="lost_sight", facts=(thing.name,))
    others = [t for t in scene.things if not is_one(t, seen)]
    think = partial(plan_reach, tools, percept, hand, seen.solid, others, approaches=approaches)
    percept, reach = yield from aside(tools, percept, think, body)
    if isinstance(reach, UnreachableError):
        percept = yield from step_away(tools, percept, spot)
        return percept, Outcome(kind="failed", reason="no_grasp", facts=(thing.name,))
    # What it was called when it was asked for, it is called in the hand.
    seen = replace(seen, kind=thing.kind, colour=thing.colour)
    lift = lift_over(tools.floor_plan, seen, others)
    percept, is_held = yield from _grasp(tools, percept, hand, seen, reach, body, lift)
    percept = yield from withdraw(tools, percept, hand, spot, others)
    if not is_held or hand.held is None:
        return percept, Outcome(kind="failed", reason="missed", facts=(thing.name,))
    if not _is_felt(percept, hand, seen) or _is_seen_elsewhere(percept, hand, seen):
        hand.held = None
        hands_of(tools).lower(percept, [hand.side])
        return percept, Outcome(kind="failed", reason="slipped", facts=(thing.name,))
    return percept, DONE


def is_one(thing: Thing, other: Thing) -> bool:
    """Whether two memories are of one thing: called by two names, or seen in two places."""
    if thing.solid is None or other.solid is None:
        return thing is other
    if _apart(thing.solid.position[:2], other.solid.position[:2]) < ONE_M:
        return True
    if thing.kind in HOLLOW or other.kind in HOLLOW:
        return False
    pairs = ((thing.solid, other.solid), (other.solid, thing.solid))
    return any(_is_inside(inner.position, outer) for inner, outer in pairs)


def _is_inside(point: ArrayLike, solid: Solid) -> bool:
    """Whether a point is inside a solid, as no other thing's middle is."""
    offset = solid_pose(solid)[:3, :3].T @ np.subtract(point, solid.position)
    return bool((np.abs(offset) <= 0.5 * np.array(solid.size)).all())


def _is_seen_elsewhere(percept: Percept, hand: Hand, thing: Thing) -> bool:
    """Whether the eyes saw a thing of late, and not in the hand that should hold it."""
    palm = map_from_pelvis(percept) @ hand.arm.pelvis_from_palm(percept.state.joint_position)
    fresh = [
        t
        for t in percept.scene.things
        if t.name == thing.name
        and t.confidence >= SURE
        and (percept.state.t_ns - t.t_ns) * 1e-9 < FRESH_S
    ]
    apart = [_apart(t.position, palm[:3, 3]) for t in fresh]
    return bool(apart) and min(apart) > IN_HAND_M


def seen_again(scene: Scene, thing: Thing) -> Thing | None:
    """Return what is seen now of the thing that was seen before; nothing where others stand now."""
    near = [
        t
        for t in scene.things
        if t.kind != "person" and _apart(t.position, thing.position) < SAME_M
    ]
    # From near the eyes may call it otherwise.
    named = [
        t
        for t in near
        if (t.name == thing.name or _apart(t.position, thing.position) < RENAMED_M)
        and is_still(t, thing)
    ]
    return min(named, key=lambda t: _apart(t.position, thing.position), default=None)


def level_frames(percept: Percept) -> tuple[Pose, Pose]:
    """Return the map in the pelvis frame, and the level pelvis frame on the map."""
    pelvis_map = np.asarray(np.linalg.inv(map_from_pelvis(percept)), dtype=np.float64)
    return pelvis_map, map_from_level(percept)


def solid_pose(solid: Solid) -> Pose:
    """Return the pose of a solid's middle on the map."""
    T = np.eye(4)
    cos, sin = np.cos(solid.yaw), np.sin(solid.yaw)
    T[:2, :2] = [[cos, -sin], [sin, cos]]
    T[:3, 3] = solid.position
    return T


def plan_reach(
    tools: Tools,
    percept: Percept,
    hand: Hand,
    solid: Solid,
    others: Sequence[Thing],
    *,
    from_angles: Angles | None = None,
    approaches: Sequence[Approach] = tuple(Approach),
) -> Reach:
    """Choose a grasp and find the arm's way to it.

    Args:
        tools: The run's.
        percept: How the robot stands.
        hand: That is to take it.
        solid: The shape of what is taken.
        others: What else stands about.
        from_angles: Of the arm at the start, rad, shape (7,); where it is wanted now if None.
        approaches: From where it is taken if that can be.

    Raises:
        UnreachableError: None of the best grasps can be come to.
    """
    config = GraspConfig(above_room=0.0) if solid.is_tapered else GraspConfig()
    think = partial(_reach, tools, percept, hand, solid, others, from_angles)
    if set(approaches) < set(Approach):
        with suppress(UnreachableError):
            return think(replace(config, approaches=tuple(approaches)))
    return think(config)


def _reach(
    tools: Tools,
    percept: Percept,
    hand: Hand,
    solid: Solid,
    others: Sequence[Thing],
    from_angles: Angles | None,
    config: GraspConfig,
) -> Reach:
    """Choose one of the grasps that a configuration allows; see `plan_reach`."""
    pelvis_map, map_level = level_frames(percept)
    level_map = np.asarray(np.linalg.inv(map_level), dtype=np.float64)
    pelvis_level = pelvis_map @ map_level
    joints = percept.state.joint_position.copy()
    start = hand.angles if from_angles is None else from_angles
    if start is not None:
        joints[hand.arm.joints] = start
    best = grasps.best_grasps(
        _wanted(solid, level_map),
        sides=[hand.side],
        neighbours=things_about(others, level_map),
        reach=_reach_of(hand, joints, pelvis_level),
        n=6,
        config=config,
    )
    core = Box(
        pelvis_from_box=pelvis_map @ solid_pose(solid), half_size=0.35 * np.array(solid.size)
    )
    last: UnreachableError | None = None
    # At first with air to everything; where there is none, a hand may brush past its neighbours.
    for slim in (1.0, BRUSHED) if others else (1.0,):
        boxes = boxes_about(tools.floor_plan, others, pelvis_map, slim=slim)
        for grasp in best:
            try:
                way = _way_to(tools, hand, joints, grasp, pelvis_level, boxes, core)
            except UnreachableError as error:
                last = error
                continue
            return Reach(
                grasp=grasp,
                way=way,
                map_from_palm=map_level @ grasp.pelvis_from_palm,
                map_from_palm_before=map_level @ grasp.pelvis_from_palm_before,
            )
    assert last is not None
    raise last


def _wanted(solid: Solid, level_map: Pose) -> grasps.Thing:
    """Return what is to be taken in the level pelvis frame."""
    shape = SHAPES[solid.shape]
    if shape is grasps.Shape.BOX and solid.size[2] < FLAT_M:
        shape = grasps.Shape.FLAT
    return grasps.Thing(
        shape=shape, pelvis_from_thing=level_map @ solid_pose(solid), size=solid.size
    )


def _reach_of(hand: Hand, joints: NDArray[np.float64], pelvis_level: Pose) -> grasps.Reach:
    """Return how to ask how freely an arm moves with its palm at a pose."""
    shoulder = hand.arm.kinematics.shoulder_in_pelvis(joints, hand.side)
    posed = joints.copy()  # The next pose is near the last one: so are the arm's angles.

    def free(side: int, level_palm: Pose) -> float:
        goal = pelvis_level @ level_palm
        if _apart(goal[:3, 3], shoulder) > hand.arm.reach:
            return 0.0
        try:
            posed[hand.arm.joints] = hand.arm.solve(posed, goal)
        except UnreachableError:
            return 0.0
        return hand.arm.dexterity(posed)

    return free


def _way_to(
    tools: Tools,
    hand: Hand,
    joints: NDArray[np.float64],
    grasp: Grasp,
    pelvis_level: Pose,
    boxes: Sequence[Box],
    core: Box,
) -> ArmPath:
    """Return an arm's way to where a grasp begins, from which it goes straight on to its end.

    Args:
        tools: The run's.
        hand: The one that is to take it.
        joints: Of the whole robot, rad; the fingers are set to those of the grasp.
        grasp: In the level pelvis frame.
        pelvis_level: The level pelvis frame in the pelvis frame.
        boxes: What stands about.
        core: What the thing itself keeps free on the way, though not at its end.

    Raises:
        UnreachableError: There is none.
    """
    joints[hand.fingers.joints] = hand.fingers.angles(grasp.closure)
    goal = pelvis_level @ grasp.pelvis_from_palm
    before = pelvis_level @ grasp.pelvis_from_palm_before
    goes_on = partial(_straight_on, hand, joints, goal, boxes)
    return hands_of(tools).free_way(hand.side, joints, before, [*boxes, core], goes_on)


def _straight_on(
    hand: Hand, joints: NDArray[np.float64], goal: Pose, boxes: Sequence[Box], angles: Angles
) -> ArmPath:
    """Return the straight way to a goal in the pelvis frame from angles of the arm.

    Raises:
        UnreachableError: There is none.
    """
    there = joints.copy()
    there[hand.arm.joints] = angles
    return hand.planners[0].straight_way(there, goal, boxes)


def follow(
    tools: Tools, percept: Percept, hand: Hand, way: ArmPath, body: UpperBody
) -> Behaviour[Percept]:
    """Move an arm along a way."""
    for angles in way.angles:
        hand.angles = angles
        percept = yield tick(tools, percept, STILL, body)
    return percept


def palm_to(
    tools: Tools,
    percept: Percept,
    hand: Hand,
    map_from_palm: Pose,
    body: UpperBody,
    *,
    speed: float = PALM_SPEED,
    each_tick: Callable[[Percept], None] = lambda percept: None,
) -> Behaviour[Percept]:
    """Move a palm straight to a pose on the map, however the body sways meanwhile."""
    assert hand.angles is not None
    start = map_from_pelvis(percept) @ _palm_wanted(percept, hand)
    length = float(np.linalg.norm(map_from_palm[:3, 3] - start[:3, 3]))
    ticks = max(1, round(max(length / speed, 0.2) / 0.02))
    for number in range(1, ticks + 1):
        share = number / ticks
        servo(percept, hand, _between(start, map_from_palm, smoothstep(share)))
        each_tick(percept)
        percept = yield tick(tools, percept, STILL, body)
    end_ns = percept.state.t_ns + round(ARRIVE_S * 1e9)
    while percept.state.t_ns < end_ns and not _has_arrived(percept, hand, map_from_palm):
        servo(percept, hand, map_from_palm)
        each_tick(percept)
        percept = yield tick(tools, percept, STILL, body)
    return percept


def _palm_wanted(percept: Percept, hand: Hand) -> Pose:
    joints = percept.state.joint_position.copy()
    assert hand.angles is not None
    joints[hand.arm.joints] = hand.angles
    return hand.arm.pelvis_from_palm(joints)


def servo(percept: Percept, hand: Hand, map_from_palm: Pose) -> None:
    """Take one step of the arm towards a pose of the palm on the map."""
    assert hand.angles is not None
    joints = percept.state.joint_position.copy()
    joints[hand.arm.joints] = hand.angles
    goal = np.linalg.inv(map_from_pelvis(percept)) @ map_from_palm
    hand.angles = hand.arm.step(joints, goal)


def palm_off(percept: Percept, hand: Hand, map_from_palm: Pose) -> float:
    """Return how far a palm is from where it is wanted, m."""
    palm = map_from_pelvis(percept) @ hand.arm.pelvis_from_palm(percept.state.joint_position)
    return float(np.linalg.norm(palm[:3, 3] - map_from_palm[:3, 3]))


def _has_arrived(percept: Percept, hand: Hand, map_from_palm: Pose) -> bool:
    palm = map_from_pelvis(percept) @ hand.arm.pelvis_from_palm(percept.state.joint_position)
    off = float(np.linalg.norm(palm[:3, 3] - map_from_palm[:3, 3]))
    cosine = 0.5 * (np.trace(palm[:3, :3].T @ map_from_palm[:3, :3]) - 1.0)
    return off < NEAR_M and float(np.arccos(np.clip(cosine, -1.0, 1.0))) < NEAR_RAD


def _between(start: Pose, end: Pose, share: float) -> Pose:
    """Return a pose on the line between two, turned along by quaternions."""
    import mink

    a, b = mink.SE3.from_matrix(start), mink.SE3.from_matrix(end)
    turn = (a.rotation().inverse() @ b.rotation()).log()
    T = np.eye(4)
    T[:3, :3] = (a.rotation() @ mink.SO3.exp(share * turn)).as_matrix()
    T[:3, 3] = start[:3, 3] + share * (end[:3, 3] - start[:3, 3])
    return T


def lift_over(plan: FloorPlan, thing: Thing, others: Sequence[Thing]) -> float:
    """Return how far a thing is lifted, m: over what stands close to it, and under what is above.

    Args:
        plan: The furniture.
        thing: Measured.
        others: What else stands about.
    """
    assert thing.solid is not None
    bottom, top = bottom_and_top(thing)
    tops = [LIFT_M + bottom]
    for other in others:
        if other.solid is None or abs(bottom_and_top(other)[0] - bottom) > SURFACE_OFF_M:
            continue
        widths = max(thing.solid.size[:2]) + max(other.solid.size[:2])
        if _apart(other.position[:2], thing.position[:2]) - 0.5 * widths < BESIDE_M:
            tops.append(bottom_and_top(other)[1] + OVER_M)
    place = place_under(plan, thing)
    boards = [] if place is None else [h for h in place.surface_heights if h > top]
    room = min(boards, default=np.inf) - BOARD_M - top
    return float(np.clip(min(max(tops) - bottom, room), LIFT_M, LIFT_MAX_M))


def _grasp(
    tools: Tools,
    percept: Percept,
    hand: Hand,
    thing: Thing,
    reach: Reach,
    body: UpperBody,
    lift: float,
) -> Behaviour[tuple[Percept, bool]]:
    """Reach for a thing, close the fingers round it and lift it; tell whether it is held."""
    assert thing.solid is not None
    hand.closure = open_fingers(reach.grasp.closure)
    hand.pinches = is_low(thing.solid.size[2])
    percept = yield from follow(tools, percept, hand, reach.way, body)
    percept = yield from palm_to(tools, percept, hand, reach.map_from_palm_before, body)
    percept = yield from palm_to(tools, percept, hand, reach.map_from_palm, body)
    if palm_off(percept, hand, reach.map_from_palm) < MISSES_M:
        percept = yield from close_fingers(tools, percept, hand, reach.map_from_palm, body)
    if not _is_felt(percept, hand, thing):
        hand.closure = open_fingers(reach.grasp.closure)
        percept = yield from stand(tools, percept, 0.4, body)
        percept = yield from palm_to(tools, percept, hand, reach.map_from_palm_before, body)
        return percept, False
    joints = percept.state.joint_position
    palm = map_from_pelvis(percept) @ hand.arm.pelvis_from_palm(joints)
    hand.held = Held(
        name=thing.name,
        palm_from_thing=np.linalg.inv(palm) @ solid_pose(thing.solid),
        size=thing.solid.size,
        approach=reach.grasp.approach,
        grip_height=_grip_height(percept, hand, thing.solid, reach.grasp.approach),
        lean=reach.grasp.lean,
        is_heavy=kind_of(thing.kind).mass_kg > HEAVY_KG,
    )
    above = reach.map_from_palm.copy()
    above[2, 3] += lift
    percept = yield from palm_to(tools, percept, hand, above, body)
    is_held = _is_felt(percept, hand, thing)
    if not is_held:
        hand.held = None
    return percept, is_held


def _is_felt(percept: Percept, hand: Hand, thing: Thing) -> bool:
    """Whether the fingers feel a thing of its shape between them."""
    assert thing.solid is not None
    return feels(percept, hand, thing.solid.size[2])


def _grip_height(percept: Percept, hand: Hand, solid: Solid, approach: Approach) -> float:
    """Return how far above a thing's lowest point the middle of the digits is, m."""
    palm = map_from_pelvis(percept) @ hand.arm.pelvis_from_palm(percept.state.joint_position)
    grip = palm[:3, :3] @ grip_in_palm(approach, hand.side, min(solid.size[:2])) + palm[:3, 3]
    return float(grip[2] - solid.position[2] + 0.5 * solid.size[2])


def close_fingers(
    tools: Tools, percept: Percept, hand: Hand, map_from_palm: Pose, body: UpperBody
) -> Behaviour[Percept]:
    """Close the fingers until each presses on something or is all closed."""
    assert hand.closure is not None
    end_ns = percept.state.t_ns + round(CLOSE_S * 1e9)
    while percept.state.t_ns < end_ns:
        torque = percept.state.joint_torque
        hand.closure = hand.fingers.close(hand.closure, torque)
        servo(percept, hand, map_from_palm)
        percept = yield tick(tools, percept, STILL, body)
        if hand.fingers.has_closed(hand.closure, percept.state.joint_torque):
            break
    return percept


def withdraw(
    tools: Tools, percept: Percept, hand: Hand, spot: Spot, things: Sequence[Thing]
) -> Behaviour[Percept]:
    """Bring a hand back before the chest, with what it holds, and step away from the furniture.

    An arm that cannot be folded stays out beside what stands there: the robot keeps its posture
    while it steps back, for straightening up would sweep the arm along it.
    """
    body = body_of(spot)
    think = partial(_way_back, tools, percept, hand, things)
    percept, way = yield from aside(tools, percept, think, body)
    is_folded = False
    if not isinstance(way, UnreachableError):
        path, is_folded = way
        percept = yield from follow(tools, percept, hand, path, body)
    if hand.held is None:
        hand.closure = open_fingers(OPEN)
    return (yield from step_away(tools, percept, spot, body=None if is_folded else body))


def _way_back(
    tools: Tools, percept: Percept, hand: Hand, things: Sequence[Thing]
) -> tuple[ArmPath, bool]:
    """Return an arm's way to where it is folded, or carries what it holds, and if it ends there.

    Where something stands in the place of a folded arm, the way leads off it: a hand that stays
    beside a thing sways against it while the robot steps back.

    Raises:
        UnreachableError: There is none.
    """
    hands = hands_of(tools)
    pelvis_from_map, _ = level_frames(percept)
    joints = percept.state.joint_position.copy()
    assert hand.angles is not None
    joints[hand.arm.joints] = hand.angles
    boxes = boxes_about(tools.floor_plan, things, pelvis_from_map)

    def way_to(angles: NDArray[np.float64]) -> ArmPath:
        posed = joints.copy()
        posed[hand.arm.joints] = angles
        return hands.free_way(hand.side, joints, hand.arm.pelvis_from_palm(posed), boxes)

    if hand.held is not None:
        lean = hand.held.lean
        carried = hands.carry_angles(hand.side, hand.held.approach, joints, lean)
        return way_to(carried), True
    try:
        return way_to(hands.ready(hand.side)), True
    except UnreachableError as error:
        best: tuple[float, ArmPath] | None = None
        for drawn in _drawn_off(tools, hand):
            with suppress(UnreachableError):
                way = way_to(drawn)
                air = _air_after(hand, joints, way)
                best = (air, way) if best is None or air > best[0] else best
                if air >= SWAYS_M:
                    break
        if best is None:
            raise error
    return best[1], False


def _drawn_off(tools: Tools, hand: Hand) -> Iterator[NDArray[np.float64]]:
    """Yield the angles of an arm that is drawn off from where it is, the best first."""
    side, outwards = ("left", 1.0) if hand.side == LEFT else ("right", -1.0)
    joints = hand.arm.joints.tolist()
    yaw, pitch, elbow = (
        joints.index(tools.robot.joint_index(f"{side}_{name}"))
        for name in ("shoulder_yaw", "shoulder_pitch", "elbow")
    )
    assert hand.angles is not None
    for swing, draw in DRAWN_OFF:
        angles = hand.angles.copy()
        angles[yaw] += outwards * swing
        angles[pitch] += draw
        angles[elbow] += BENT if draw else 0.0
        yield np.clip(angles, hand.arm.lower, hand.arm.upper)


def _air_after(hand: Hand, joints: NDArray[np.float64], way: ArmPath) -> float:
    """Return the air between an arm at the end of a way that was just planned and what is about it.

    In m, and no more than `SWAYS_M`: that is enough.
    """
    there = joints.copy()
    there[hand.arm.joints] = way.angles[-1]
    return hand.planners[0].clearance.from_boxes(there, SWAYS_M)

"""Carry a large box with both hands from one piece of furniture to another."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from yanshi.control.arm_path import ArmPath
from yanshi.control.clearance import Box
from yanshi.control.kinematics import LEFT
from yanshi.control.palm import Approach
from yanshi.control.reach_map import Stance
from yanshi.control.route import STILL, Floor, Point
from yanshi.control.two_palms import CLOSURE, Pose, grip_height, palms_about
from yanshi.core.easing import smoothstep
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import Scene, Solid, Thing
from yanshi.policies.walker import UPRIGHT, Posture, UpperBody
from yanshi.skills.aside import aside
from yanshi.skills.behaviour import Behaviour, Flow
from yanshi.skills.grip import (
    EXACT,
    OVERSHOOT_M,
    SINK_S_PER_M,
    STEP_UP_S,
    STEPS_UP,
    back_off,
    body_of,
    come_to,
    level_frames,
    solid_pose,
    step_away,
)
from yanshi.skills.ground import (
    ROBOT_RADIUS_M,
    floor_of,
    place_under,
    without_people,
)
from yanshi.skills.hands import Hands, Load, hands_of, map_from_level, open_fingers
from yanshi.skills.motion import here, stand, step_to, tick, walk_to
from yanshi.skills.search import LOOK_S, SURE, find, look_from_near, matches, meant
from yanshi.skills.skill import DONE, Outcome, Percept, Tools
from yanshi.skills.stances import AIR_M, Spot, boxes_about, front_of, sinking
from yanshi.worlds.floor_plan import Place

Size = tuple[float, float, float]
"""Along the way the robot faces, across it, and the height, m."""

TRIES = 2
EDGES_M = (0.2, 0.42)
"""Shortest and longest edge of the ground of a box for two hands."""
PUSH_N = 47.0
"""With which each hand presses. The wrists' 5 N·m allow no more at the knuckles."""
TOO_HEAVY_N = 33.0
"""What is felt to weigh more than this is put back: boxes from 3.2 to 3.6 kg on."""
HEIGHTS = tuple(np.arange(0.56, 0.77, 0.04))
"""Of the pelvis, from which a box may be taken, m. Lower down, loaded, the robot steps aside."""
LEANS = (0.0, 0.2, 0.3, 0.4, 0.5)
"""Of the torso, rad."""
SQUAT_COST, LEAN_COST, WALK_COST = 1.5, 2.2, 0.04
"""Leaning costs much: with 2.5 kg held out over a low table 0.5 rad bring the centre of mass 11 cm
ahead of the ankles, and the soles end at 12; with 0.4 rad it is 10 cm ahead."""
EASY_M = 0.74
"""What is as good as standing upright, m."""
REACH_UP_M = (-0.25, 0.28)
"""How high above the pelvis, m, both hands come to the sides of a box."""
OFF_M = 0.02
"""How much farther away than wanted the robot may have come to stand."""
FAR_OFF_M = 0.07
"""With more than this it steps up anew before it puts a box down."""
ASTRAY_M = 0.1
"""A box that is held farther than this from over its place is not let go."""
LIGHTEST_N = 2.5
"""What is lighter is not felt to be there."""
TURNED = 0.35
"""How far a box may be turned from the edge of what it stands on, rad."""
BEFORE_M = 0.75
"""From the edge to the pelvis where the last exact steps begin and end."""
CLEAR_M, BACK_OFF_TRIES = 0.15, 3
"""So near to there it has stepped back far enough for a box to be lowered; else it tries again."""
GAP_M = 0.06
"""Air between hands and box before they press, and after."""
LIFT_M = 0.10
OVER_M = 0.05
"""How far above a surface a box comes over it."""
OUT_M = 0.40
"""Farthest ahead of an upright robot's pelvis that the middle of a box is held, m."""
CARRIED = (0.14, 0.10)
"""Where a box is carried: its near side ahead of the pelvis and the line it is held by above, m."""
EDGE_M = 0.0
"""From a surface's edge to a box that is put there: what is farther in must be leaned for."""
SIDE_M = 0.14
"""Room for an arm at each side of a box."""
APART_M = 0.06
"""Air to what stands there already, m."""
PRESS_S, LIFT_S, WEIGH_S, MOVE_S, SPREAD_S = 0.6, 1.5, 1.0, 1.5, 0.8
SAME_M = 0.25
NEAR_M = 1.2
"""A box is measured well from nearer than this."""
PUT_DOWN = 0.5
"""A box is down when so little of its weight is felt."""
SINK_M = 0.03
"""How far below where it should stand a box is pushed at most until it is felt to stand."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Berth:
    """Where a box stands or is to stand, and where the robot stands for it."""

    spot: Spot
    map_from_box: Pose
    """Its middle, x away from the robot."""
    size: Size
    place: str
    """What it stands on."""


class Carry(Flow):
    """Take a box between both hands, walk, and put it down."""

    syntax = ("{thing} {place}",)
    summary = (
        "Carry a large box with both hands to a piece of furniture",
        "用双手把大箱子搬到家具上",
    )
    called = {"": ("carry {0}", "搬运{0}")}
    verb = ("carry boxes", "搬箱子")
    risk = "travels"
    timeout_s = 300.0

    @staticmethod
    def prepare(tools: Tools) -> None:
        """Make the arms' skeletons before the motors are on."""
        hands_of(tools)

    def check(self, percept: Percept) -> Outcome | None:
        """Refuse a place on which nothing can stand, and anything while a hand is not free."""
        name, goal = self.arguments
        if not self.tools.floor_plan.place(goal).has_surface:
            return Outcome(kind="failed", reason="no_surface", facts=(goal,))
        hands = hands_of(self.tools)
        if hands.held_names and not (hands.load is not None and _is_called(hands.load.name, name)):
            return Outcome(kind="failed", reason="hands_full", facts=hands.held_names)
        return None

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Find it, make sure that it can be put where it is to go, take it, and put it there."""
        tools, (name, goal) = self.tools, self.arguments
        place = tools.floor_plan.place(goal)
        outcome = Outcome(kind="failed", reason="not_found", facts=(name,))
        try:
            if (load := hands_of(tools).load) is not None:  # Left off by an order to stop.
                floor = floor_of(tools.floor_plan, percept.scene)
                others = [t for t in _loose(percept.scene) if t.name != load.name]
                end = plan_put(tools, floor, here(percept), place, load.size, others)
                return end if isinstance(end, Outcome) else (yield from put(tools, percept, end))
            for _ in range(TRIES):
                percept, found = yield from look_near(tools, percept, name)
                if isinstance(found, Outcome):
                    return found
                think = partial(plan_carry, tools, percept.scene, here(percept), found, place)
                percept, plan = yield from aside(tools, percept, think)
                if isinstance(plan, UnreachableError):
                    plan = Outcome(kind="failed", reason="out_of_reach", facts=(found.name,))
                if isinstance(plan, Outcome):
                    return (yield from self._why_not(percept, found, place, plan))
                percept, outcome = yield from take(tools, percept, found, plan[0])
                if outcome.kind == "done":
                    return (yield from put(tools, percept, plan[1]))
                if outcome.reason not in ("missed", "lost_sight", "no_grasp"):
                    break
        except UnreachableError:
            return Outcome(kind="failed", reason="out_of_reach", facts=(goal,))
        return outcome

    def _why_not(
        self, percept: Percept, found: Thing, place: Place, refused: Outcome
    ) -> Behaviour[Outcome]:
        """Return why a box cannot be carried: it may be for somebody who stands in the way."""
        alone = without_people(percept.scene)
        if refused.reason != "out_of_reach" or alone == percept.scene:
            return refused
        think = partial(plan_carry, self.tools, alone, here(percept), found, place)
        _, plan = yield from aside(self.tools, percept, think)
        if isinstance(plan, UnreachableError | Outcome):
            return refused
        return replace(refused, reason="somebody_there")


def look_near(
    tools: Tools, percept: Percept, name: str
) -> Behaviour[tuple[Percept, Thing | Outcome]]:
    """Find a thing, and go where its shape is seen well if a way leads there."""
    percept, found = yield from find(tools, percept, name)
    if isinstance(found, Outcome):
        return percept, found
    if np.hypot(*np.subtract(found.position[:2], here(percept))) > NEAR_M:
        percept = yield from look_from_near(tools, percept, found)
    known = [t for t in meant(percept.scene, found.name) if _apart(t, found) < SAME_M]
    if not known:
        return percept, Outcome(kind="failed", reason="lost_sight", facts=(found.name,))
    return percept, max(known, key=lambda t: t.confidence)


def plan_carry(
    tools: Tools, scene: Scene, at: Point, thing: Thing, goal: Place
) -> tuple[Berth, Berth] | Outcome:
    """Return where to stand to take a box and to put it down.

    Raises:
        UnreachableError: It cannot be taken where it stands.
    """
    solid, place = thing.solid, place_under(tools.floor_plan, thing)
    if solid is None or place is None:
        raise UnreachableError(f"The {thing.name} stands on nothing that the map shows.")
    if not all(EDGES_M[0] <= edge <= EDGES_M[1] for edge in solid.size[:2]):
        return Outcome(kind="failed", reason="one_hand", facts=(thing.name,))
    floor = floor_of(tools.floor_plan, scene)
    taken = [
        berth
        for size, map_from_box in _as_seen_from_its_sides(solid)
        for berth in _berths(tools, floor, at, place, [map_from_box], size)
    ]
    if not taken:
        raise UnreachableError(f"Both arms reach the {thing.name} from nowhere.")
    others = [t for t in _loose(scene) if _apart(t, solid) > SAME_M]
    refused = Outcome(kind="failed", reason="out_of_reach", facts=(goal.name,))
    for berth in sorted(taken, key=lambda berth: -berth.spot.score):
        end = plan_put(tools, floor, at, goal, berth.size, others)
        if isinstance(end, Berth):
            return berth, end
        refused = end
    return refused


def plan_put(
    tools: Tools, floor: Floor, at: Point, goal: Place, size: Size, others: list[Thing]
) -> Berth | Outcome:
    """Return where to stand to put a box down on a place, or why there is none."""
    free = list(_free_stands(goal, size, others))
    if ends := _berths(tools, floor, at, goal, free, size):
        return max(ends, key=lambda end: end.spot.score)
    reason = "out_of_reach" if free else "no_space"
    return Outcome(kind="failed", reason=reason, facts=(goal.name,))


def _loose(scene: Scene) -> list[Thing]:
    return [t for t in scene.things if t.confidence >= SURE and t.kind != "person"]


def _is_called(held: str, name: str) -> bool:
    """Whether a name means what is held: `red box`, or `box` of any colour."""
    return name in (held, held.split()[-1])


def _apart(thing: Thing, solid: Solid | Thing) -> float:
    return float(np.hypot(*np.subtract(thing.position[:2], solid.position[:2])))


def _as_seen_from_its_sides(solid: Solid) -> Iterator[tuple[Size, Pose]]:
    """Yield a box as it is for robots that face each of its four sides: size and pose."""
    for quarter in range(4):
        yield _turned(solid, solid.yaw + quarter * 0.5 * np.pi)


def _turned(solid: Solid, yaw: float) -> tuple[Size, Pose]:
    """Return a box's size and pose with x along that of its axes that is nearest to a yaw."""
    quarter = round((yaw - solid.yaw) / (0.5 * np.pi))
    along, across, up = solid.size
    size = (along, across, up) if quarter % 2 == 0 else (across, along, up)
    return size, _standing(solid.position, solid.yaw + quarter * 0.5 * np.pi)


def _standing(position: tuple[float, float, float], yaw: float) -> Pose:
    return solid_pose(Solid(shape="box", position=position, size=(0.0, 0.0, 0.0), yaw=yaw))


def _free_stands(place: Place, size: Size, others: list[Thing]) -> Iterator[Pose]:
    """Yield poses of a box near the edges of a place, where nothing stands."""
    depth, width, height = size
    z = place.surface_heights[-1] + 0.5 * height
    for side in range(1 if place.boards else 4):
        out = place.yaw + side * 0.5 * np.pi
        ahead = 0.5 * place.size[side % 2] - EDGE_M - 0.5 * depth
        free = 0.5 * place.size[(side + 1) % 2] - EDGE_M - 0.5 * width
        if free < 0.0 or ahead < -0.5 * place.size[side % 2] + EDGE_M + 0.5 * depth:
            continue
        for left in np.linspace(-free, free, 1 + 2 * int(free / 0.1)):
            x = place.centre[0] + ahead * np.cos(out) - left * np.sin(out)
            y = place.centre[1] + ahead * np.sin(out) + left * np.cos(out)
            pose = _standing((float(x), float(y), z), float(out + np.pi))
            if all(_is_clear(pose, size, other) for other in others):
                yield pose


def _is_clear(map_from_box: Pose, size: Size, other: Thing) -> bool:
    """Whether a thing leaves room for a box and an arm at each side of it."""
    offset = map_from_box[:2, :2].T @ (np.array(other.position[:2]) - map_from_box[:2, 3])
    beyond = np.abs(offset) - 0.5 * np.array(size[:2]) - (0.0, SIDE_M)
    radius = 0.5 * float(np.hypot(*other.solid.size[:2])) if other.solid else 0.07
    return bool(np.linalg.norm(np.maximum(beyond, 0.0)) > radius + APART_M)


def _berths(
    tools: Tools, floor: Floor, at: Point, place: Place, poses: list[Pose], size: Size
) -> list[Berth]:
    """Return how to stand for a box at each of some poses on a place, where that can be."""
    found = []
    stances: dict[float, Stance | None] = {}
    for map_from_box in poses:
        middle = map_from_box[:2, 3]
        yaw = float(np.arctan2(map_from_box[1, 0], map_from_box[0, 0]))
        to_edge = _to_edge(place, middle, yaw + np.pi)
        if to_edge is None:
            continue
        key = round(to_edge, 2)
        if key not in stances:
            bottom = float(map_from_box[2, 3]) - 0.5 * size[2]
            stances[key] = _stance(tools, place, to_edge, size, bottom)
        stance = stances[key]
        if stance is None:
            continue
        ahead = np.array([np.cos(yaw), np.sin(yaw)])
        x, y = middle - stance.ahead * ahead
        u, v = middle - (stance.ahead - sinking(stance.height)) * ahead
        before = middle - (to_edge + BEFORE_M) * ahead
        here_to = float(np.linalg.norm(before - at))
        if floor.clearance((float(before[0]), float(before[1]))) < ROBOT_RADIUS_M:
            continue
        try:
            floor.find_path(at, (float(before[0]), float(before[1])), ROBOT_RADIUS_M)
        except UnreachableError:
            continue
        spot = Spot(
            pose=(float(x), float(y), yaw),
            upright=(float(u), float(v), yaw),
            before=(float(before[0]), float(before[1]), yaw),
            stance=stance,
            score=stance.score - WALK_COST * here_to,
        )
        found.append(Berth(spot=spot, map_from_box=map_from_box, size=size, place=place.name))
    return found


def _to_edge(place: Place, middle: Pose, out: float) -> float | None:
    """Return how far the edge of a place is in a direction, m, or None where none faces it."""
    turned = (out - place.yaw + np.pi) % (2.0 * np.pi) - np.pi
    side = round(turned / (0.5 * np.pi)) % 4
    off = (turned - side * 0.5 * np.pi + np.pi) % (2.0 * np.pi) - np.pi
    if abs(off) > TURNED or (place.boards and side):
        return None
    normal = place.yaw + side * 0.5 * np.pi
    along = (middle - np.array(place.centre)) @ (np.cos(normal), np.sin(normal))
    return float((0.5 * place.size[side % 2] - along) / np.cos(off))


def _stance(tools: Tools, place: Place, to_edge: float, size: Size, bottom: float) -> Stance | None:
    """Return the posture from which the arms press and lift a box most freely."""
    hands = hands_of(tools)
    low, high = place.height - 0.1 if place.is_open_below else 0.0, place.height + 0.03
    best: Stance | None = None
    for height in HEIGHTS:
        held_up = bottom + 0.5 * size[2] + grip_height(size[2]) - height
        if not REACH_UP_M[0] <= held_up <= REACH_UP_M[1]:
            continue
        for lean in LEANS:
            sunk, upright = (
                front_of(tools.walker, hands.kinematics, posture, (low, high))
                for posture in ((height, lean), UPRIGHT)
            )
            ahead = to_edge + AIR_M + max(sunk, upright + sinking(height))
            freely = _freely(tools, hands, (height, lean), ahead, size, bottom)
            score = freely - SQUAT_COST * abs(EASY_M - height) - LEAN_COST * lean
            if freely > 0.0 and (best is None or score > best.score):
                best = Stance(
                    ahead=ahead,
                    left=0.0,
                    height=height,
                    lean=lean,
                    side=LEFT,
                    approach=Approach.SIDE,
                    heading=0.0,
                    score=score,
                )
    return best


def _freely(
    tools: Tools,
    hands: Hands,
    posture: tuple[float, float],
    ahead: float,
    size: Size,
    bottom: float,
) -> float:
    """Return how freely an arm moves beside a box, and with it lifted; 0 out of reach."""
    arm = hands[LEFT].arm
    joints = tools.walker.posed(*posture)
    least = 1.0
    for gap, lift, off in ((GAP_M, 0.0, 0.0), (0.0, LIFT_M, 0.0), (GAP_M, 0.0, OFF_M)):
        pelvis_from_box = np.eye(4)
        pelvis_from_box[:3, 3] = (ahead + off, 0.0, bottom + lift + 0.5 * size[2] - posture[0])
        goal = pelvis_from_box @ palms_about(size, gap)[LEFT]
        if np.linalg.norm(goal[:3, 3] - hands.kinematics.shoulder_in_pelvis(joints, LEFT)) > (
            arm.reach
        ):
            return 0.0
        try:
            joints[arm.joints] = arm.solve(joints, goal)
        except UnreachableError:
            return 0.0
        least = min(least, arm.dexterity(joints))
    return least


def during(
    tools: Tools,
    percept: Percept,
    seconds: float,
    body: UpperBody,
    each: Callable[[Percept, float], None],
) -> Behaviour[Percept]:
    """Stand for a while and call `each` before every tick with a share that grows to 1."""
    ticks = round(seconds / 0.02)
    for number in range(1, ticks + 1):
        each(percept, smoothstep(number / ticks))
        percept = yield tick(tools, percept, STILL, body)
    return percept


def _box_at(load: Load, percept: Percept, map_from_box: Pose) -> None:
    """Want a load at a pose on the map, however the body sways."""
    load.level_from_box = np.linalg.inv(map_from_level(percept)) @ map_from_box


def take(
    tools: Tools, percept: Percept, thing: Thing, berth: Berth
) -> Behaviour[tuple[Percept, Outcome]]:
    """Stand for a box, look again, take it between both hands and step back with it."""
    hands, spot, body = hands_of(tools), berth.spot, body_of(berth.spot)
    percept, scene = yield from come_to(tools, percept, spot)
    near = [t for t in scene.things if t.solid and _apart(t, _middle(berth)) < SAME_M]
    seen = max(near, key=lambda t: t.solid.size[0] if t.solid else 0.0, default=None)
    if seen is None or seen.solid is None or not _is_large(seen.solid):
        percept = yield from step_away(tools, percept, spot)
        return percept, Outcome(kind="failed", reason="lost_sight", facts=(thing.name,))
    size, map_from_box = _turned(seen.solid, percept.base.yaw)
    others = [t for t in scene.things if _apart(t, seen.solid) > SAME_M]
    think = partial(_ways_beside, tools, percept, size, map_from_box, others)
    percept, ways = yield from aside(tools, percept, think, body)
    if isinstance(ways, UnreachableError):
        percept = yield from step_away(tools, percept, spot)
        return percept, Outcome(kind="failed", reason="no_grasp", facts=(thing.name,))
    for hand in hands.hands:
        hand.closure = open_fingers(CLOSURE)
    for number in range(max(len(way.angles) for way in ways)):
        for hand, way in zip(hands.hands, ways, strict=True):
            hand.angles = way.angles[min(number, len(way.angles) - 1)]
        percept = yield tick(tools, percept, STILL, body)
    load = Load(name=thing.name, size=size, level_from_box=np.eye(4), width=None)
    load.width = wide = load.palm_distance + 2.0 * GAP_M
    _box_at(load, percept, map_from_box)
    hands.load = load

    def close(percept: Percept, share: float) -> None:
        _box_at(load, percept, map_from_box)
        load.width = wide - share * 2.0 * GAP_M

    def press(percept: Percept, share: float) -> None:
        _box_at(load, percept, map_from_box)
        load.width, load.push = None, share * PUSH_N

    percept = yield from during(
        tools, percept, SPREAD_S, body, lambda now, _: _box_at(load, now, map_from_box)
    )
    percept = yield from during(tools, percept, SPREAD_S, body, close)
    percept = yield from during(tools, percept, PRESS_S, body, press)
    load.is_held = True
    standing = load.level_from_box
    percept = yield from move_load(tools, percept, load, _raised(standing, LIFT_M), LIFT_S, body)
    percept = yield from stand(tools, percept, WEIGH_S, body)
    load.weighed = load.weight
    is_felt = hands.bears_load(percept)
    if not is_felt or not LIGHTEST_N < load.weight < TOO_HEAVY_N:
        reason = "missed" if not is_felt or load.weight <= LIGHTEST_N else "too_heavy"
        percept = yield from move_load(tools, percept, load, standing, LIFT_S, body)
        percept = yield from let_go(tools, percept, load, body)
        percept = yield from leave(tools, percept, spot)
        return percept, Outcome(kind="failed", reason=reason, facts=(thing.name,))
    drawn = np.eye(4)
    drawn[:3, 3] = (min(spot.stance.ahead, OUT_M), 0.0, load.level_from_box[2, 3])
    percept = yield from move_load(tools, percept, load, drawn, _sink_s(spot), UpperBody())
    percept = yield from _hold_out(tools, percept, load, CARRIED[0] + 0.5 * size[0])
    for _ in range(BACK_OFF_TRIES):  # With much before the chest steps back are short.
        percept = yield from back_off(tools, percept, spot.before[:2])
        if _is_clear_of(percept, spot):
            break
    carried = np.eye(4)
    carried[:3, 3] = (CARRIED[0] + 0.5 * size[0], 0.0, CARRIED[1] - grip_height(size[2]))
    percept = yield from move_load(tools, percept, load, carried, MOVE_S, UpperBody())
    if not hands.presses_load(percept):
        return (yield from _lost(tools, percept, load))
    return percept, DONE


def _is_clear_of(percept: Percept, spot: Spot) -> bool:
    """Whether the robot has stepped back from the furniture it stood before."""
    yaw = spot.before[2]
    ahead = np.subtract(here(percept), spot.before[:2]) @ (np.cos(yaw), np.sin(yaw))
    return bool(ahead < CLEAR_M)


def _middle(berth: Berth) -> Solid:
    x, y, z = berth.map_from_box[:3, 3].tolist()
    return Solid(shape="box", position=(x, y, z), size=berth.size, yaw=0.0)


def _is_large(solid: Solid) -> bool:
    return min(solid.size[:2]) >= EDGES_M[0]


def _ways_beside(
    tools: Tools, percept: Percept, size: Size, map_from_box: Pose, others: list[Thing]
) -> list[ArmPath]:
    """Return the ways of both arms to the sides of a box.

    Raises:
        UnreachableError: There is none.
    """
    hands = hands_of(tools)
    pelvis_from_map, _ = level_frames(percept)
    pelvis_from_box = pelvis_from_map @ map_from_box
    boxes = boxes_about(tools.floor_plan, others, pelvis_from_map)
    boxes.append(Box(pelvis_from_box=pelvis_from_box, half_size=0.5 * np.array(size)))
    joints = percept.state.joint_position.copy()
    for hand in hands.hands:
        joints[hand.fingers.joints] = hand.fingers.angles(CLOSURE)
        if hand.angles is not None:
            joints[hand.arm.joints] = hand.angles
    return [
        hands.free_way(hand.side, joints, pelvis_from_box @ palm, boxes)
        for hand, palm in zip(hands.hands, palms_about(size, GAP_M), strict=True)
    ]


def _raised(pose: Pose, height: float) -> Pose:
    raised = pose.copy()
    raised[2, 3] += height
    return raised


def _between(start: Pose, end: Pose, share: float) -> Pose:
    """Return a pose between two that are turned about the vertical by little from each other."""
    between = end.copy()
    between[:3, 3] = start[:3, 3] + share * (end[:3, 3] - start[:3, 3])
    blend = start[:3, :3] + share * (end[:3, :3] - start[:3, :3])
    u, _, v = np.linalg.svd(blend)
    between[:3, :3] = u @ v
    return between


def move_load(
    tools: Tools,
    percept: Percept,
    load: Load,
    level_from_box: Pose,
    seconds: float,
    body: UpperBody,
) -> Behaviour[Percept]:
    """Move a load before the body while standing."""
    start = load.level_from_box

    def each(_: Percept, share: float) -> None:
        load.level_from_box = _between(start, level_from_box, share)

    return (yield from during(tools, percept, seconds, body, each))


def let_go(tools: Tools, percept: Percept, load: Load, body: UpperBody) -> Behaviour[Percept]:
    """Press no more and take both hands off a box that stands."""
    push, weight = load.push, load.weight
    map_from_box = map_from_level(percept) @ load.level_from_box

    def ease(percept: Percept, share: float) -> None:
        _box_at(load, percept, map_from_box)
        load.push, load.weight = (1.0 - share) * push, (1.0 - share) * weight

    percept = yield from during(tools, percept, PRESS_S, body, ease)
    load.is_held = False
    load.push = load.weight = 0.0
    width = hands_of(tools).palm_distance(percept)

    def spread(percept: Percept, share: float) -> None:
        _box_at(load, percept, map_from_box)
        load.width = width + share * 2.0 * GAP_M

    return (yield from during(tools, percept, SPREAD_S, body, spread))


def leave(tools: Tools, percept: Percept, spot: Spot) -> Behaviour[Percept]:
    """Step back with both hands beside the box, and let the arms hang."""
    hands = hands_of(tools)
    percept = yield from step_away(tools, percept, spot)
    hands.load = None
    hands.lower(percept, hands.free)
    return percept


def _lost(tools: Tools, percept: Percept, load: Load) -> Behaviour[tuple[Percept, Outcome]]:
    """Let the arms hang: the box is gone."""
    hands = hands_of(tools)
    hands.load = None
    hands.lower(percept, hands.free)
    percept = yield tick(tools, percept)
    return percept, Outcome(kind="failed", reason="slipped", facts=(load.name,))


def put(tools: Tools, percept: Percept, berth: Berth) -> Behaviour[Outcome]:
    """Walk with the load to where it is to stand, put it down and step back.

    Raises:
        UnreachableError: No way leads there.
    """
    hands, spot, body = hands_of(tools), berth.spot, body_of(berth.spot)
    load = hands.load
    assert load is not None
    percept = yield from walk_to(tools, percept, spot.before)
    over = np.eye(4)
    above = float(berth.map_from_box[2, 3]) + OVER_M - UPRIGHT[0]
    over[:3, 3] = (
        min(spot.stance.ahead, OUT_M),
        0.0,
        max(above, float(load.level_from_box[2, 3])),
    )
    percept = yield from move_load(tools, percept, load, over, MOVE_S, UpperBody())
    if not hands.presses_load(percept):
        _, outcome = yield from _lost(tools, percept, load)
        return outcome
    x, y, yaw = spot.upright
    goal = (x - OVERSHOOT_M * np.cos(yaw), y - OVERSHOOT_M * np.sin(yaw), yaw)
    sunk = (spot.stance.height, spot.stance.lean)
    for _ in range(STEPS_UP):
        percept = yield from step_to(tools, percept, goal, EXACT, STEP_UP_S)
        percept = yield from _hold_up(tools, percept, load, spot, (UPRIGHT, sunk))
        wanted = np.linalg.inv(map_from_level(percept)) @ berth.map_from_box
        if wanted[0, 3] < spot.stance.ahead + FAR_OFF_M:
            percept = yield from _lower(tools, percept, load, berth, body)
            if _is_over(hands, percept, berth):
                break
        percept = yield from _hold_up(tools, percept, load, spot, (sunk, UPRIGHT))
        if not hands.presses_load(percept):
            _, outcome = yield from _lost(tools, percept, load)
            return outcome
    else:
        percept = yield from back_off(tools, percept, spot.before[:2])
        return Outcome(kind="failed", reason="out_of_reach", facts=(berth.place,))
    is_felt = hands.presses_load(percept)
    percept = yield from let_go(tools, percept, load, body)
    percept = yield from leave(tools, percept, spot)
    percept = yield from stand(tools, percept, LOOK_S)
    if is_felt or _is_seen_at(percept, load.name, berth):
        return DONE
    return Outcome(kind="failed", reason="slipped", facts=(load.name,))


def _sink_s(spot: Spot) -> float:
    """Return how long a robot with a load takes to sink or rise."""
    return MOVE_S + SINK_S_PER_M * abs(UPRIGHT[0] - spot.stance.height)


def _hold_up(
    tools: Tools, percept: Percept, load: Load, spot: Spot, postures: tuple[Posture, Posture]
) -> Behaviour[Percept]:
    """Sink or rise from one posture to another, a load as high over the floor as it is."""
    high = float(load.level_from_box[2, 3] + percept.base.position[2])
    start, end = np.array(postures)
    ticks = round(_sink_s(spot) / 0.02)
    for number in range(1, ticks + 1):
        height, lean = start + smoothstep(number / ticks) * (end - start)
        load.level_from_box[2, 3] = high - percept.base.position[2]
        percept = yield tick(tools, percept, STILL, UpperBody(posture=(height, lean)))
    return percept


def _hold_out(tools: Tools, percept: Percept, load: Load, ahead: float) -> Behaviour[Percept]:
    """Move a load's middle so far ahead of an upright robot."""
    held = load.level_from_box.copy()
    held[0, 3] = ahead
    return (yield from move_load(tools, percept, load, held, MOVE_S, UpperBody()))


def _lower(
    tools: Tools, percept: Percept, load: Load, berth: Berth, body: UpperBody
) -> Behaviour[Percept]:
    """Lower a load to where it is to stand, and on until it is felt to stand."""
    start = map_from_level(percept) @ load.level_from_box

    def lower(percept: Percept, share: float) -> None:
        _box_at(load, percept, _between(start, berth.map_from_box, share))

    percept = yield from during(tools, percept, LIFT_S + 1.0, body, lower)
    deeper = _raised(berth.map_from_box, -SINK_M)

    def sink(percept: Percept, share: float) -> None:
        if load.weight > PUT_DOWN * load.weighed:
            _box_at(load, percept, _between(berth.map_from_box, deeper, share))

    return (yield from during(tools, percept, LIFT_S, body, sink))


def _is_over(hands: Hands, percept: Percept, berth: Berth) -> bool:
    """Whether the middle between the palms is over where a load is to stand."""
    at = hands.load_on_map(percept)
    return bool(np.linalg.norm(at[:2] - berth.map_from_box[:2, 3]) < ASTRAY_M)


def _is_seen_at(percept: Percept, name: str, berth: Berth) -> bool:
    """Whether the eyes saw a box of late where it was to be put."""
    return any(
        _apart(t, _middle(berth)) < SAME_M
        and abs(t.position[2] - berth.map_from_box[2, 3]) < SAME_M
        and (percept.state.t_ns - t.t_ns) * 1e-9 < LOOK_S
        for t in matches(percept.scene, name)
    )

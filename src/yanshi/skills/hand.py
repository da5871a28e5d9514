"""Hand a thing to a person who holds an open hand out for it.

The hand is found by the eyes. The thing is held out above it, the robot steps up, lowers the thing
and lets go when its arm feels that the hand bears it; where it feels nothing, it keeps the thing.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from yanshi.control.arm_path import ArmPath
from yanshi.control.route import Point
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import Scene, Thing
from yanshi.policies.walker import AT_REST
from yanshi.skills.aside import aside
from yanshi.skills.behaviour import Behaviour, Flow, as_long_as
from yanshi.skills.fetch import FETCHES, fetch
from yanshi.skills.grip import TRIES, come_to, follow, level_frames
from yanshi.skills.ground import floor_of, pose_before_person
from yanshi.skills.hands import Hand, hands_of
from yanshi.skills.motion import here, stand, walk_to
from yanshi.skills.release import (
    FALL_M,
    Feeling,
    Goal,
    best_spot_over,
    let_go_at,
    look_after,
    look_for_slipped,
    palm_with_thing_at,
)
from yanshi.skills.search import find, matches
from yanshi.skills.skill import Outcome, Percept, Tools
from yanshi.skills.stances import Spot, boxes_about
from yanshi.worlds.floor_plan import FloorPlan, Place

PERSON, OPEN_HAND = "person", "open hand"
LOOK_FROM_M = 1.15
"""How far from a person it looks for an open hand."""
LOOK_S = 1.5
"""How long it looks for one from each side."""
WAIT_S = 8.0
"""How long it waits for one before the person in the end."""
SIDES = (0.0, 0.5 * np.pi, -0.5 * np.pi, np.pi)
"""From where it looks, rad about the person from where it came."""
OVER_M = 0.12
"""How far above the open hand a thing is held out while the robot steps up."""
NEARER_M = (0.0, 0.05, 0.1, 0.15)
"""… and how much nearer than the open hand, where the arm comes no farther."""
FEEL_M = 0.05
"""How much lower than it believes the open hand to be it goes to feel it."""
HAND_M = 0.12
"""Edge of the square that stands for an open hand."""
BODY_M = (0.45, 1.7)
"""Width and height of the box that stands for a person's body."""
SEES_S = 0.8
"""How long it looks where the thing is in the end."""
SAME_M = 0.1
"""What seems to be the open hand so far from where it was before is not it."""


class Handover(Flow):
    """Take the thing, walk before the person, lay it on the open hand, feel that it is borne."""

    syntax = ("{thing}",)
    summary = ("Hand a thing to the person who holds a hand out", "把物品递到人伸出的手里")
    called = {"": ("hand over {0}", "把{0}递过去")}
    verb = ("hand things over", "递东西")
    risk = "travels"
    timeout_s = 360.0

    @staticmethod
    def prepare(tools: Tools) -> None:
        """Make the arms' skeletons before the motors are on."""
        hands_of(tools)

    def check(self, percept: Percept) -> Outcome | None:
        """Refuse to fetch anything while no hand is free."""
        hands = hands_of(self.tools)
        if hands.holding(self.arguments[0]) is None and not hands.free:
            return Outcome(kind="failed", reason="hands_full", facts=hands.held_names)
        return None

    def act(self, percept: Percept) -> Behaviour[Outcome]:
        """Fetch the thing unless it is in a hand already, find the open hand, lay it there."""
        tools, name = self.tools, self.arguments[0]
        hands = hands_of(tools)
        lost: Outcome | None = None
        for _ in range(FETCHES):
            if hands.holding(name) is None:
                try:
                    percept, outcome = yield from fetch(tools, percept, name)
                except UnreachableError:
                    outcome = Outcome(kind="failed", reason="out_of_reach", facts=(name,))
                if outcome.kind != "done":
                    return lost or outcome
            hand = hands.holding(name)
            assert hand is not None
            try:
                percept, outcome = yield from _hand_over(tools, percept, hand)
            except UnreachableError:
                return Outcome(kind="failed", reason="unreachable", facts=(PERSON,))
            if outcome.reason != "slipped":
                return outcome
            lost = outcome
        assert lost is not None
        return lost


def _hand_over(tools: Tools, percept: Percept, hand: Hand) -> Behaviour[tuple[Percept, Outcome]]:
    """Find a person's open hand and lay into it what a hand holds.

    Returns:
        The newest percept, and done, `slipped` (lost on the way), or why it was not handed over.

    Raises:
        UnreachableError: No way leads to the person.
    """
    assert hand.held is not None
    finding = _find_open_hand(tools, percept)
    percept, found = yield from as_long_as(percept, finding, Feeling(tools, hand))
    if found is None:
        return percept, _lost(hand)
    percept, person = found
    if isinstance(person, Outcome):
        return percept, person
    if person.solid is None:
        return percept, Outcome(kind="failed", reason="no_open_hand", facts=(hand.held.name,))
    return (yield from _lay_into(tools, percept, hand, person))


def _find_open_hand(tools: Tools, percept: Percept) -> Behaviour[tuple[Percept, Thing | Outcome]]:
    """Find a person and the hand they hold out.

    Raises:
        UnreachableError: No way leads to the person.
    """
    percept, person = yield from find(tools, percept, PERSON)
    if not isinstance(person, Outcome):
        percept, person = yield from _see_open_hand(tools, percept, person)
    return percept, person


def _lost(hand: Hand) -> Outcome:
    """Forget what a hand held, and return that it slipped."""
    assert hand.held is not None
    name, hand.held = hand.held.name, None
    return Outcome(kind="failed", reason="slipped", facts=(name,))


def _see_open_hand(
    tools: Tools, percept: Percept, person: Thing
) -> Behaviour[tuple[Percept, Thing]]:
    """Walk round a person until an open hand is seen, and look at it from before it.

    From aside or in passing it is seen up to 10 cm off. Where none is seen, wait for one.

    Raises:
        UnreachableError: No way leads to the person.
    """
    came_from = _bearing(person, here(percept))
    for turn in SIDES:
        if person.solid is not None:
            break
        percept, person = yield from _look_from(tools, percept, person, came_from + turn)
    end_ns = percept.state.t_ns + round(WAIT_S * 1e9)
    while percept.state.t_ns < end_ns and person.solid is None:
        percept = yield from stand(tools, percept, 0.1)
        person = _seen(percept, person)
    if person.solid is None:
        return percept, person
    before_hand = _bearing(person, person.solid.position[:2])
    return (yield from _look_from(tools, percept, person, before_hand))


def _bearing(person: Thing, point: Point) -> float:
    """Return where a point is from a person, rad on the map."""
    x, y, _ = person.position
    return float(np.arctan2(point[1] - y, point[0] - x))


def _look_from(
    tools: Tools, percept: Percept, person: Thing, bearing: float
) -> Behaviour[tuple[Percept, Thing]]:
    """Walk before a person on a side, stand and look; return what is known of the person then.

    Raises:
        UnreachableError: No way leads to the person.
    """
    pose = pose_before_person(
        floor_of(tools.floor_plan, percept.scene),
        person.position[:2],
        here(percept),
        distance=LOOK_FROM_M,
        bearing=bearing,
    )
    percept = yield from walk_to(tools, percept, pose)
    percept = yield from stand(tools, percept, LOOK_S)
    return percept, _seen(percept, person)


def _seen(percept: Percept, person: Thing) -> Thing:
    """Return the person as seen last; who, or whose hand, is not seen any more is as before."""
    x, y, _ = person.position
    seen = min(
        matches(percept.scene, PERSON),
        key=lambda t: np.hypot(t.position[0] - x, t.position[1] - y),
        default=person,
    )
    return person if seen.solid is None and person.solid is not None else seen


def _seen_from_near(percept: Percept, person: Thing) -> Thing:
    """Return the same from so near that what seems to be the open hand may be something else."""
    seen = _seen(percept, person)
    assert seen.solid is not None
    assert person.solid is not None
    off = np.linalg.norm(np.subtract(seen.solid.position, person.solid.position))
    return seen if off < SAME_M else person


def _lay_into(
    tools: Tools, percept: Percept, hand: Hand, person: Thing
) -> Behaviour[tuple[Percept, Outcome]]:
    """Hold the thing out over an open hand, lower it and let go, from another stance each time.

    Raises:
        UnreachableError: No way leads there.
    """
    assert hand.held is not None
    held = hand.held
    tried: list[Spot] = []
    for _ in range(TRIES):
        person = _seen(percept, person)
        point = _above(person)
        with_person = replace(tools, floor_plan=_with_person(tools.floor_plan, person))
        goal = Goal(point=point, place=with_person.floor_plan.place(OPEN_HAND))
        think = partial(best_spot_over, with_person, percept, hand, goal, tried)
        percept, spot = yield from aside(tools, percept, think)
        if isinstance(spot, UnreachableError):
            if not tried:
                failed = Outcome(kind="failed", reason="hand_out_of_reach", facts=(held.name,))
                return percept, failed
            spot = tried[0]  # There is no other: the body will not come to stand just so again.
        tried.append(spot)
        stepping = _step_up_with(tools, with_person, percept, hand, spot, point[2])
        percept, come = yield from as_long_as(percept, stepping, Feeling(tools, hand))
        if come is None:
            return percept, _lost(hand)
        percept, scene = come
        if scene is None:
            continue
        person = _seen_from_near(percept, person)
        percept, ended = yield from let_go_at(
            replace(tools, floor_plan=_with_person(tools.floor_plan, person)),
            percept,
            hand,
            _above(person),
            spot,
            scene.things,
            feel_m=FEEL_M,
        )
        if ended == "let_go":
            percept = yield from stand(tools, percept, SEES_S)
            return (
                yield from look_after(tools, percept, held.name, _above(person), "fell_from_hand")
            )
        if ended == "slipped":
            return (yield from look_for_slipped(tools, percept, held.name, _above(person)))
    return percept, Outcome(kind="failed", reason="nobody_took", facts=(held.name,))


def _step_up_with(
    tools: Tools, with_person: Tools, percept: Percept, hand: Hand, spot: Spot, height: float
) -> Behaviour[tuple[Percept, Scene | None]]:
    """Hold a thing out, step up to an open hand, and return what is seen; None out of reach.

    Args:
        tools: The run's.
        with_person: The same with the person as furniture.
        percept: What is known now.
        hand: What holds the thing.
        spot: How the robot is to stand.
        height: Of the open hand above the floor, m.

    Raises:
        UnreachableError: No way leads there.
    """
    percept = yield from walk_to(with_person, percept, spot.before)
    out = partial(_way_out, tools, percept, hand, spot, height)
    percept, way = yield from aside(tools, percept, out)
    if isinstance(way, UnreachableError):
        return percept, None
    percept = yield from follow(tools, percept, hand, way, AT_REST)
    return (yield from come_to(with_person, percept, spot))


def _above(person: Thing) -> tuple[float, float, float]:
    """Return where the lowest point of a thing is above a person's open hand, on the map, m."""
    assert person.solid is not None
    x, y, z = person.solid.position
    return x, y, z + 0.5 * person.solid.size[2] + FALL_M


def _with_person(plan: FloorPlan, person: Thing) -> FloorPlan:
    """Return a plan with a person on it who holds an open hand out, as furniture."""
    assert person.solid is not None
    x, y, z = person.solid.position
    towards = float(np.arctan2(y - person.position[1], x - person.position[0]))
    top = z + 0.5 * person.solid.size[2]
    hand = Place(
        name=OPEN_HAND,
        centre=(x, y),
        size=(HAND_M, HAND_M),
        yaw=towards,
        height=top,
        has_surface=True,
        boards=(top,),  # As a shelf's it is come to from the front alone.
        is_open_below=True,
    )
    width, height = BODY_M
    body = Place(
        name=PERSON,
        centre=person.position[:2],
        size=(width, width),
        yaw=towards,
        height=height,
    )
    return replace(plan, places=(*plan.places, hand, body))


def _way_out(tools: Tools, percept: Percept, hand: Hand, spot: Spot, height: float) -> ArmPath:
    """Return the arm's way to where it holds a thing over what the robot is about to step up to.

    Where it does not come so far so high, it holds it a little nearer.

    Args:
        tools: The run's.
        percept: What is known now.
        hand: What holds the thing.
        spot: How the robot is about to stand.
        height: Of the open hand above the floor, m.

    Raises:
        UnreachableError: The arm does not come there.
    """
    pelvis_map, map_level = level_frames(percept)
    stance = spot.stance
    joints = percept.state.joint_position.copy()
    assert hand.angles is not None
    joints[hand.arm.joints] = hand.angles
    boxes = boxes_about(tools.floor_plan, (), pelvis_map)
    last: UnreachableError | None = None
    for nearer in NEARER_M:
        point = (stance.ahead - nearer, stance.left, height + OVER_M - stance.height)
        level_palm = palm_with_thing_at(hand, np.eye(4), stance.heading, point)
        goal = pelvis_map @ map_level @ level_palm
        try:
            return hands_of(tools).free_way(hand.side, joints, goal, boxes)
        except UnreachableError as error:
            last = error
    assert last is not None
    raise last

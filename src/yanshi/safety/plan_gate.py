"""May this step begin, here and now? Judged when it starts, whatever words it was made from.

A plan is judged when it is written, by the grammar; a step is judged again at the moment at which
it would move the robot, by rules over what the robot knows then: who is near, what floor it must
not tread on, what is in its hand. Like the gate before the motors this is a pure function. It
sees where people are and which skill is asked for, and never a name or a text that was seen or
heard: those are data, and no wording widens what is allowed.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from yanshi.core.errors import ConfigError
from yanshi.core.messages import Scene, Step

Point = tuple[float, float]
"""x and y on the map, m."""

WIDE_M = 1.2
"""How near somebody may be to the pelvis of a robot that kicks, strikes, dances, pushes or does
what nobody has found to be gentler, m. The longest reach of a routine of ours is 1.0 m, and a
person's middle is 0.3 m from the skin."""
ROOM_M: Mapping[str, float] = {
    "bow": 0.6,
    "carry": 0.9,
    "getup": 0.0,  # Who lies has no choice but where it lies.
    "go": 0.0,  # Its way leads round people, and it walks slowly near them.
    "hand": 0.6,  # It begins away from the person that it then walks up to.
    "look": 0.0,
    "pick": 0.6,
    "place": 0.6,
    "point": 0.7,
    "salute": 0.8,
    "taichi": 1.1,
    "turn": 0.0,  # So that it can always turn away.
    "warmup": 1.1,
    "wave": 0.7,
}
"""The same for skills that are gentler: what moves then reaches less far, and slowly."""
FREE_HAND = ("point", "wave")
"""Gentle skills that need a hand free; all that are not gentle do."""
UNSEEN_S = 10.0
"""So long after the last picture nobody knows who is near."""
KEEP_M, REACTION_S, SLOWEST = 0.5, 1.0, 0.25
"""Near a person the robot walks so that it would take a second to come as near as 0.5 m, but
0.25 m/s at least: slower than that it cannot step."""
_WAYS = {"forward": (1.0, 0.0), "back": (-1.0, 0.0), "left": (0.0, 1.0), "right": (0.0, -1.0)}
_FORM = re.compile(r"(-?[\d.]+),(-?[\d.]+):([\d.]+)x([\d.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepOut:
    """A stretch of floor that the robot must not tread on: an upright rectangle."""

    centre: Point
    size: Point
    """Length along x and y, m."""

    def holds(self, point: Point) -> bool:
        """Whether a point lies in it."""
        return all(
            abs(p - c) <= 0.5 * s for p, c, s in zip(point, self.centre, self.size, strict=True)
        )

    def is_crossed(self, begin: Point, end: Point) -> bool:
        """Whether a straight way leads through it (the slab method)."""
        enter, leave = 0.0, 1.0
        for a, b, c, s in zip(begin, end, self.centre, self.size, strict=True):
            low, high = c - 0.5 * s - a, c + 0.5 * s - a
            if a == b:
                if low > 0.0 or high < 0.0:
                    return False
                continue
            near, far = sorted((low / (b - a), high / (b - a)))
            enter, leave = max(enter, near), min(leave, far)
        return enter <= leave


def read_keep_out(text: str) -> KeepOut:
    """Read a stretch of floor as people write it: `1.5,-0.5:2x1`, its middle and its size in m.

    Raises:
        ConfigError: It is not of that form.
    """
    match = _FORM.fullmatch(text.replace(" ", ""))
    try:
        x, y, along, across = map(float, match.groups() if match else ())
    except ValueError:
        raise ConfigError(
            f"{text!r} is no stretch of floor. Write its middle and its size in metres on the "
            "map, X,Y:LENGTHxWIDTH, e.g. 1.5,-0.5:2x1.",
            zh=f"{text!r} 不是一块地面。请写出中心和大小（米）：X,Y:长x宽，例如 1.5,-0.5:2x1。",
        ) from None
    return KeepOut(centre=(x, y), size=(along, across))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """All that a step is judged by."""

    here: Point
    """The pelvis."""
    yaw: float
    """Where it faces, rad."""
    people: tuple[Point, ...] = ()
    """The middle of everybody who was seen."""
    seen_s: float = 0.0
    """How long ago the last picture was taken."""
    keep_out: tuple[KeepOut, ...] = ()
    places: Mapping[str, Point] = field(default_factory=dict)
    """Middle of each piece of furniture on the map."""
    in_hand: str = ""
    """What a hand holds; empty for nothing. Only whether it is empty counts."""

    @property
    def nearest(self) -> float:
        """How far the nearest person is, m; infinite when nobody was seen."""
        return _nearest(self.here, self.people)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a step may not begin, as a message key and its facts."""

    reason: str
    facts: tuple[str, ...] = ()


def people_in(scene: Scene) -> tuple[Point, ...]:
    """Return where people were seen, sure or not; nothing else of a scene counts."""
    return tuple(thing.position[:2] for thing in scene.things if thing.kind == "person")


def judge_step(step: Step, risk: str, around: Surroundings) -> Refusal | None:
    """Return why a step may not begin, or None when it may.

    Args:
        step: The skill, and which way it goes.
        risk: What the skill says that it moves: `none`, `moves` or `travels`.
        around: What is known of the robot's surroundings now.
    """
    if risk == "none":
        return None
    return judge_room(step.skill, around) or _judge_hand(step, around) or _judge_way(step, around)


def judge_room(skill: str, around: Surroundings) -> Refusal | None:
    """Return why limbs may not be swung here, or None when they may."""
    room = ROOM_M.get(skill, WIDE_M)
    if room and not around.seen_s <= UNSEEN_S:
        return Refusal(reason="unseen")
    if not around.nearest >= room:
        return Refusal(reason="person_near", facts=(f"{room:g}",))
    return None


def _judge_hand(step: Step, around: Surroundings) -> Refusal | None:
    is_free = not around.in_hand or (step.skill in ROOM_M and step.skill not in FREE_HAND)
    return None if is_free else Refusal(reason="hand_full")


def _judge_way(step: Step, around: Surroundings) -> Refusal | None:
    """Refuse a goal that must not be trodden on; ways to it lead round."""
    end = _end_of(step, around)
    for zone in around.keep_out:
        if end is None or zone.holds(around.here):  # Whoever stands in it may walk out.
            continue
        is_straight = step.arguments[0] in _WAYS
        if zone.is_crossed(around.here if is_straight else end, end):
            return Refusal(reason="keep_out")
    return None


def _end_of(step: Step, around: Surroundings) -> Point | None:
    """Return where a step leads, as far as its words tell."""
    name, *rest = (*step.arguments, "")
    if step.skill != "go" or name not in _WAYS:
        return around.places.get(name) if step.skill == "go" else None
    ahead, left = _WAYS[name]
    metres, cos, sin = float(rest[0]), math.cos(around.yaw), math.sin(around.yaw)
    x, y = around.here
    return x + metres * (cos * ahead - sin * left), y + metres * (sin * ahead + cos * left)


def speed_max(here: Point, people: Iterable[Point]) -> float:
    """Return how fast the robot may walk with people about, m/s; infinite with nobody."""
    return max((_nearest(here, people) - KEEP_M) / REACTION_S, SLOWEST)


def _nearest(here: Point, people: Iterable[Point]) -> float:
    """Return how far the nearest person is, m; 0 for one whose place is no number."""
    distances = [math.dist(here, person) for person in people]
    if not all(distance >= 0.0 for distance in distances):
        return 0.0
    return min(distances, default=math.inf)

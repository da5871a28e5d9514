"""How to take a thing: grasps sampled over its estimated shape, the best first.

The digits of a Dex3 hand close along the fingers, thumb against fingertips, so a grasp is a heading
of the fingers, a height on the thing and an approach. The score multiplies what may spoil it: a
thing too thin or too wide for the hand, faces askew to the digits, the surface under the thing,
things beside it, and how freely the arm moves there. All poses are in the frame of a level pelvis.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import product

import numpy as np
from numpy.typing import NDArray

from yanshi.control.clearance import Box
from yanshi.control.fingers import CAGE, OPEN
from yanshi.control.kinematics import LEFT, RIGHT
from yanshi.control.palm import NO_LEAN, Approach, Lean, grip_in_palm, palm_turn
from yanshi.core.errors import UnreachableError

Reach = Callable[[int, NDArray[np.float64]], float]
"""How freely an arm (`LEFT` or `RIGHT`) moves with its palm at a pose: 0 (out of reach) to 1."""


class Shape(Enum):
    """What a thing looks like from what was seen of it."""

    BOX = "box"
    """Six faces; also what lies on its side."""
    CYLINDER = "cylinder"
    """Upright."""
    SPHERE = "sphere"
    FLAT = "flat"
    """A box so low that the digits close above it; taken only if it is 4 cm high or nearly so."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Thing:
    """An estimate of something that stands upright on a surface."""

    shape: Shape
    pelvis_from_thing: NDArray[np.float64]
    """Pose of its middle, turned about z only, shape (4, 4)."""
    size: tuple[float, float, float]
    """Edges or diameters along its own axes, m."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grasp:
    """One way to take a thing."""

    side: int
    """The hand: `LEFT` or `RIGHT`."""
    approach: Approach
    heading: float
    """Of the fingers, rad, from x to the left."""
    lean: Lean
    """How the palm leans."""
    pelvis_from_palm: NDArray[np.float64]
    """Where the palm is when the fingers close, shape (4, 4)."""
    pelvis_from_palm_before: NDArray[np.float64]
    """From where it comes to the thing in a straight line, shape (4, 4)."""
    closure: tuple[float, float, float]
    """Of thumb, index and middle finger on the way there."""
    score: float
    """From 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraspConfig:
    """What fits into the hand and how grasps are sampled. Widths were tried in MuJoCo."""

    approaches: tuple[Approach, ...] = tuple(Approach)
    """From where the thing may be taken."""
    width_min: float = 0.03
    """Thinnest thing that the digits meet round, m."""
    width_best: tuple[float, float] = (0.045, 0.07)
    width_max: float = 0.09
    """Widest thing that goes in between the open digits, m."""
    above_grip: tuple[float, float] = (0.024, 0.03)
    """From above: how high on what is under the thing its grip must be for the fingertips not to
    touch it, and for full marks, m."""
    above_room: float = 0.05
    """From above: how far the thing may rise above its grip before it meets the palm, m."""
    above_middle: float = 0.008
    """From above: how far over its middle a low thing may be gripped, m."""
    side_grip: tuple[float, float] = (0.062, 0.07)
    """From the side: as `above_grip`, for the lower edge of the hand on a free way, m."""
    beside: tuple[float, float] = (-0.003, 0.02)
    """Air to neighbours at least, and for full marks, m."""
    rise: float = 0.10
    """From above the hand comes down this far, m …"""
    low_rise: float = 0.06
    """… and so far to a low thing: so the arm comes to it on a higher board, too."""
    rolls: tuple[float, ...] = (0.0, 0.35, -0.35, 0.7, -0.7)
    """From above the palm may lean aside so far, rad, away from what stands beside the thing."""
    roll_cost: float = 0.6
    """Share of the score that a rad of this costs."""
    digit_aside: float = 0.02
    """How far from the middle of the hand the digit is that is lower then, m."""
    low: float = 0.045
    """A thing lower than this is taken from above with straight fingers, m …"""
    low_tip: float = 0.1
    """… that point down so much farther, rad, and therefore pass lower …"""
    low_grip: tuple[float, float] = (0.014, 0.018)
    """… as `above_grip`, m."""
    come_from: tuple[float, float] = (0.08, 0.06)
    """From the side it comes this far along the fingers, and this far palm first, m."""
    headings: tuple[float, float] = (-0.8, 1.9)
    """Of the right hand's fingers, rad: others point back to the robot."""
    turns: int = 3
    """Headings tried to each side of a face."""


def best_grasps(
    thing: Thing,
    *,
    sides: Sequence[int] = (LEFT, RIGHT),
    neighbours: Sequence[Box] = (),
    reach: Reach | None = None,
    seed: int = 0,
    n: int = 5,
    config: GraspConfig | None = None,
) -> list[Grasp]:
    """Return the best grasps of a thing, the best first.

    Args:
        thing: What is to be taken; its bottom is on a surface.
        sides: Hands that are free.
        neighbours: What stands about it; not what it stands on.
        reach: Asked for the promising grasps only; 1 everywhere if None.
        seed: Of the headings that are tried. The same one gives the same grasps.
        n: How many at most.
        config: What fits.

    Raises:
        UnreachableError: The hand cannot take it so.
    """
    config = config or GraspConfig()
    rng = np.random.default_rng(seed)
    sampled = [
        grasp for grasp in _samples(thing, sides, neighbours, rng, config) if grasp.score > 0.0
    ]
    if not sampled:
        raise UnreachableError(_why(thing, config))
    best: list[Grasp] = []
    for grasp in sorted(sampled, key=lambda grasp: -grasp.score):
        if len(best) == n and grasp.score <= best[-1].score:
            break  # Reach only takes away: nothing better follows.
        share = 1.0 if reach is None else _freedom(grasp, reach)
        if share > 0.0:
            best.append(replace(grasp, score=share * grasp.score))
            best = sorted(best, key=lambda grasp: -grasp.score)[:n]
    if not best:
        raise UnreachableError(
            f"None of {len(sampled)} grasps of the thing at "
            f"{np.round(thing.pelvis_from_thing[:3, 3], 2)} in the pelvis frame is within the "
            "arms' reach. Another stance would do."
        )
    return best


def _freedom(grasp: Grasp, reach: Reach) -> float:
    """Return how freely the arm moves where the hand comes from and where it takes the thing."""
    share = reach(grasp.side, grasp.pelvis_from_palm)
    return min(share, reach(grasp.side, grasp.pelvis_from_palm_before)) if share else 0.0


def _samples(
    thing: Thing,
    sides: Sequence[int],
    neighbours: Sequence[Box],
    rng: np.random.Generator,
    config: GraspConfig,
) -> Iterator[Grasp]:
    """Yield grasps scored by geometry alone; what does not fit has a score of 0."""
    turns = (np.arange(config.turns) + rng.uniform(size=config.turns)) / config.turns
    offsets = np.concatenate([[0.0], 0.25 * np.pi * turns, -0.25 * np.pi * turns])
    yaw = _yaw(thing)
    low, high = config.headings
    about = _Neighbours(neighbours)
    for side, approach, quarter, offset in product(
        sides, config.approaches, range(4), offsets.tolist()
    ):
        heading = _wrapped(yaw + 0.5 * np.pi * quarter + offset)
        if not low <= (heading if side == RIGHT else -heading) <= high:
            continue
        fit = _fit(thing, approach, quarter, offset, config)
        if fit == 0.0:
            continue
        for lean in _leans(thing, approach, config):
            for grip in _grip_heights(thing, approach, lean, config):
                grasp = _grasp(thing, side, approach, heading, lean, grip, config)
                score = fit * _marks(grip, *_grip_bounds(approach, lean, config))
                score *= 1.0 - config.roll_cost * abs(lean.roll)
                if score > 0.0:
                    yield replace(grasp, score=score * about.marks(grasp, config))


def _grasp(
    thing: Thing,
    side: int,
    approach: Approach,
    heading: float,
    lean: Lean,
    grip: float,
    config: GraspConfig,
) -> Grasp:
    """Return the grasp at a height `grip` above what the thing stands on, with no score yet."""
    turn = palm_turn(approach, side, heading, lean)
    deep = _extent(thing, heading - _yaw(thing) + 0.5 * np.pi)
    middle = thing.pelvis_from_thing[:3, 3] + (0.0, 0.0, grip - 0.5 * thing.size[2])
    palm = np.eye(4)
    palm[:3, :3] = turn
    palm[:3, 3] = middle - turn @ grip_in_palm(approach, side, deep)
    before = palm.copy()
    if approach is Approach.ABOVE:
        # A palm that leans aside comes from there.
        straight = palm_turn(approach, side, heading, lean._replace(roll=0.0))
        rise = config.low_rise if lean.tip else config.rise
        before[:3, 3] += rise * (turn @ straight.T)[:, 2]
    else:
        along, face = config.come_from
        before[:3, 3] -= turn @ (along, -face if side == LEFT else face, 0.0)
    return Grasp(
        side=side,
        approach=approach,
        heading=heading,
        lean=lean,
        pelvis_from_palm=palm,
        pelvis_from_palm_before=before,
        closure=CAGE if approach is Approach.ABOVE and not lean.tip else OPEN,
        score=0.0,
    )


def _leans(thing: Thing, approach: Approach, config: GraspConfig) -> list[Lean]:
    """Return how the palm may lean."""
    if approach is Approach.SIDE:
        return [NO_LEAN]
    tip = config.low_tip if thing.size[2] < config.low else 0.0
    return [Lean(roll, tip) for roll in config.rolls]


def _grip_heights(thing: Thing, approach: Approach, lean: Lean, config: GraspConfig) -> list[float]:
    """Return heights above what the thing stands on at which it may be taken, none if nowhere."""
    top = thing.size[2]
    low, good = _grip_bounds(approach, lean, config)
    if approach is Approach.ABOVE:
        low = max(low, top - config.above_room)
        high = max(0.5 * top + config.above_middle, top - 0.02)
    else:
        high = top - 0.02
    if low > high:
        return []
    # At its middle it does not turn in the hand.
    return sorted({float(np.clip(0.5 * top, low, high)), float(np.clip(good, low, high))})


def _grip_bounds(approach: Approach, lean: Lean, config: GraspConfig) -> tuple[float, float]:
    if approach is Approach.SIDE:
        return config.side_grip
    low, good = config.low_grip if lean.tip else config.above_grip
    deeper = config.digit_aside * abs(np.sin(lean.roll))
    return low + deeper, good + deeper


def _fit(
    thing: Thing, approach: Approach, quarter: int, offset: float, config: GraspConfig
) -> float:
    """Return how well the thing goes in between the digits and how squarely they meet it."""
    angle = 0.5 * np.pi * quarter + offset
    width, deep = _extent(thing, angle), _extent(thing, angle + 0.5 * np.pi)
    low, high = config.width_best
    fit = min(_marks(width, config.width_min, low), _marks(-width, -config.width_max, -high))
    if approach is Approach.SIDE:  # It goes in between the palm and the fingertips too.
        fit = min(fit, _marks(-deep, -config.width_max, -high))
    if thing.shape in (Shape.BOX, Shape.FLAT):
        fit *= 1.0 - abs(offset) / (0.25 * np.pi)
    return fit


class _Neighbours:
    """What stands about the thing, for many grasps."""

    def __init__(self, boxes: Sequence[Box]) -> None:
        n = len(boxes)
        self._middles = np.array([box.pelvis_from_box[:3, 3] for box in boxes]).reshape(n, 3)
        self._turns = np.array([box.pelvis_from_box[:3, :3] for box in boxes]).reshape(n, 3, 3)
        self._sizes = np.array([box.half_size for box in boxes]).reshape(n, 3)

    def marks(self, grasp: Grasp, config: GraspConfig) -> float:
        """Return marks for the air between the hand and what stands about the thing."""
        if not len(self._sizes):
            return 1.0
        outline = _OUTLINE * (1.0, -1.0 if grasp.side == LEFT else 1.0, 1.0)
        ends = (grasp.pelvis_from_palm, grasp.pelvis_from_palm_before)
        points = np.concatenate([outline @ T[:3, :3].T + T[:3, 3] for T in ends])
        in_box = np.einsum("pbi,bij->pbj", points[:, None] - self._middles, self._turns)
        out = np.maximum(np.abs(in_box) - self._sizes, 0.0)
        least = np.sqrt((out**2).sum(axis=2).min()) - _OUTLINE_RADIUS_M
        return _marks(float(least), *config.beside)


def _extent(thing: Thing, angle: float) -> float:
    """Return how wide the thing is in a level direction, by its angle from the thing's own x."""
    x, y, _ = thing.size
    if thing.shape in (Shape.CYLINDER, Shape.SPHERE):
        return max(x, y)
    return float(abs(x * np.cos(angle)) + abs(y * np.sin(angle)))


def _yaw(thing: Thing) -> float:
    return float(np.arctan2(thing.pelvis_from_thing[1, 0], thing.pelvis_from_thing[0, 0]))


def _marks(value: float, least: float, good: float) -> float:
    """Return 0 at `least` and below, 1 at `good` and above."""
    return float(np.clip((value - least) / (good - least), 0.0, 1.0))


def _wrapped(angle: float) -> float:
    return float((angle + np.pi) % (2.0 * np.pi) - np.pi)


def _why(thing: Thing, config: GraspConfig) -> str:
    x, y, z = (100.0 * edge for edge in thing.size)
    low, high = 100.0 * config.width_min, 100.0 * config.width_max
    least = 200.0 * (config.above_grip[0] - config.above_middle)
    return (
        f"No grasp fits a {thing.shape.value} of {x:.0f} × {y:.0f} × {z:.1f} cm where it is. One "
        f"{low:.0f} to {high:.0f} cm wide, at least {least:.1f} cm high and with air round it "
        "would do."
    )


# The right hand in its palm's frame, open: palm, wrist, fingers and thumb.
_OUTLINE = np.array(
    [
        *[(x, 0.0, z) for x in (-0.08, -0.04, 0.0) for z in (-0.02, 0.02)],
        *[(x, 0.02, z) for x in (0.04, 0.07, 0.10) for z in (-0.0285, 0.0285)],
        (-0.05, 0.05, 0.0),
        (-0.09, 0.08, 0.0),
    ]
)
_OUTLINE_RADIUS_M = 0.018

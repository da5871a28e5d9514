"""How an arm goes where it is wanted without hitting the table, the shelf or its own body.

Two kinds of way: a *free* one to a pose before the thing, found by two random trees that grow
towards each other (Kuffner and LaValle, RRT-Connect, 2000) and then cut short; and a *straight*
one of the palm, for the last centimetres to the thing and for lifting it. Corners are rounded by
a cubic B-spline, so the arm does not stop on the way; ruckig then gives the fastest motion along
it within the limits of speed, acceleration and jerk.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mink
import numpy as np
import ruckig
from numpy.typing import NDArray

from yanshi.control.arm import Arm
from yanshi.control.clearance import Box, Clearance
from yanshi.core.errors import UnreachableError

Angles = NDArray[np.float64]

_SLACK_M = 1e-4
_LEAP_RAD = 0.5
"""An arm that changes more than this in a centimetre has turned over."""
_CUTS = 20
_SPREAD_RAD = 1.5
"""How far from the straight line branches are tried."""
_SPACINGS = (0.4, 0.2, 0.1, 0.05)
"""Of control points, rad: the widest that is free rounds corners best."""
_SAME_RAD = 0.1
"""Postures that differ by less are one."""
_TINY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmPathConfig:
    """How near an arm may come to things and how fast it goes."""

    tick_s: float = 0.02
    """Period at which a way is sampled."""
    box_gap: float = 0.018
    """Air to boxes on a free way, m."""
    body_gap: float = 0.01
    """Air to the robot's own body, m."""
    touch_gap: float = 0.002
    """Air to boxes on a straight way, m: a hand takes a thing off a table."""
    speed: float = 1.5
    """Fastest change of a joint's angle, rad/s; the walker grants 2.5."""
    acceleration: float = 8.0
    """rad/s²."""
    jerk: float = 80.0
    """rad/s³."""
    check_step: float = 0.05
    """Largest change of a joint between two places that are checked, rad."""
    grow_step: float = 0.4
    """Longest branch that a tree grows at once, rad."""
    tries: int = 1500
    """Branches tried before a way is given up."""
    line_step: float = 0.01
    """Distance of the places that are solved along a straight way, m."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmPath:
    """A motion of one arm, tick by tick."""

    angles: Angles
    """Of the arm's joints, rad, shape (n_ticks, 7); the first is one tick after the start."""
    tick_s: float

    @property
    def duration_s(self) -> float:
        """Time from the start to the end."""
        return len(self.angles) * self.tick_s


class ArmPlanner:
    """Plans the ways of one arm. The same question has the same answer."""

    def __init__(self, arm: Arm, clearance: Clearance, config: ArmPathConfig | None = None) -> None:
        """Take the arm and the distances of the same side."""
        self.arm = arm
        self.clearance = clearance
        self.config = config or ArmPathConfig()

    def free_way(
        self,
        joint_position: Angles,
        pelvis_from_palm: NDArray[np.float64],
        boxes: Sequence[Box],
        seed: int = 0,
        goes_on: Callable[[Angles], object] | None = None,
    ) -> ArmPath:
        """Find a way to a pose of the palm that keeps away from boxes and body.

        Args:
            joint_position: Where all joints are; those of the other limbs stay there. An arm that
                is too near something may come away from it.
            pelvis_from_palm: Wanted pose of the palm, shape (4, 4).
            boxes: What to keep away from.
            seed: Of the random trees.
            goes_on: Called with the arm's angles at the end of a way, before it is sought; raises
                `UnreachableError` where the arm cannot go on from there.

        Raises:
            UnreachableError: The palm cannot be there or go on, or no way was found.
        """
        rng = np.random.default_rng(seed)
        self.clearance.surround(boxes)
        start = joint_position[self.arm.joints]
        room = _Room(self, joint_position, self._gaps(joint_position, self.config.box_gap))
        postures = list(self.arm.solutions(joint_position, pelvis_from_palm))
        if not postures:
            self.arm.solve(joint_position, pelvis_from_palm)  # Raises, and says why.
        goals = [posture for posture in _all_different(postures) if room.is_free(posture)]
        if goals and goes_on is not None:
            goals = _those_that_go_on(goals, goes_on)
            self.clearance.surround(boxes)  # What goes on may keep away from others.
        for goal in sorted(goals, key=lambda goal: float(np.abs(goal - start).max())):
            if room.is_open(start, goal):
                return self._timed(np.array([start, goal]), room)
        if not goals:
            raise UnreachableError(
                f"The palm at {np.round(pelvis_from_palm[:3, 3], 2)} in the pelvis frame would "
                f"bring the arm within {self.config.box_gap} m of a box or "
                f"{self.config.body_gap} m of the body. A pose farther from them would do."
            )
        way = self._connect(start, goals, room, rng)
        return self._timed(self._shortened(way, room, rng), room)

    def straight_way(
        self,
        joint_position: Angles,
        pelvis_from_palm: NDArray[np.float64],
        boxes: Sequence[Box],
    ) -> ArmPath:
        """Move the palm along a line to a pose, as near to boxes as the touch of a thing asks.

        Arguments and errors as in `free_way`.
        """
        self.clearance.surround(boxes)
        room = _Room(self, joint_position, self._gaps(joint_position, self.config.touch_gap))
        here = self.arm.pelvis_from_palm(joint_position)
        length = float(np.linalg.norm(pelvis_from_palm[:3, 3] - here[:3, 3]))
        n = max(2, round(length / self.config.line_step))
        joints, way = joint_position.copy(), [joint_position[self.arm.joints]]
        for share in np.arange(1, n + 1) / n:
            angles = self.arm.solve(joints, _between(here, pelvis_from_palm, float(share)))
            if np.abs(angles - way[-1]).max() > _LEAP_RAD or not room.is_open(way[-1], angles):
                raise UnreachableError(
                    f"The palm cannot go straight to {np.round(pelvis_from_palm[:3, 3], 2)} in the "
                    f"pelvis frame: after {100.0 * share * length:.0f} cm the arm would hit "
                    "something or have to turn over. Another approach or stance would do."
                )
            joints[self.arm.joints] = angles
            way.append(angles)
        return self._timed(np.array(way), room, _SPACINGS[-2:])

    def _gaps(self, joint_position: Angles, box_gap: float) -> tuple[float, float]:
        """Return the air to keep to boxes and body: no more than there is at the start."""
        far = 2.0 * max(box_gap, self.config.body_gap)
        return (
            min(box_gap, self.clearance.from_boxes(joint_position, far) - _SLACK_M),
            min(self.config.body_gap, self.clearance.from_body(joint_position, far) - _SLACK_M),
        )

    def _connect(
        self, start: Angles, goals: list[Angles], room: "_Room", rng: np.random.Generator
    ) -> list[Angles]:
        """Return the corners of a way from the start to one of the goals."""
        growing, other = _Tree([start]), _Tree(goals)
        for _ in range(self.config.tries):
            # Near the straight line at first choice, anywhere in the end.
            goal = goals[int(rng.integers(len(goals)))]
            wish = start + rng.uniform() * (goal - start)
            wish += _SPREAD_RAD * rng.uniform() * rng.standard_normal(len(start))
            wish = np.clip(wish, self.arm.lower, self.arm.upper)
            new = growing.grow(wish, self.config.grow_step, room)
            if new is not None:
                met = other.grow_all_the_way(growing.places[new], self.config.grow_step, room)
                if met is not None:
                    way = growing.way_to(new)[::-1] + other.way_to(met)[1:]
                    return way if np.array_equal(way[0], start) else way[::-1]
            growing, other = other, growing
        raise UnreachableError(
            f"No way for the arm was found in {self.config.tries} tries. A start with more air "
            "round the arm, or another stance, would do."
        )

    def _shortened(
        self, way: list[Angles], room: "_Room", rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Cut corners, from anywhere to anywhere on the way, where a straight line is open."""
        corners = np.array(way)
        for _ in range(_CUTS):
            if len(corners) < 3:
                break
            lengths = _lengths(corners)
            low, high = np.sort(rng.uniform(0.0, lengths[-1], 2))
            i, j = np.searchsorted(lengths, low, "right"), np.searchsorted(lengths, high, "left")
            if i >= j:
                continue  # On the same straight part.
            ends = _at_lengths(corners, lengths, np.array([low, high]))
            if room.is_open(ends[0], ends[1]):
                corners = np.vstack([corners[:i], ends, corners[j:]])
                corners = corners[np.append(True, np.abs(np.diff(corners, axis=0)).max(1) > _TINY)]
        corner = 1
        while corner < len(corners) - 1:
            if room.is_open(corners[corner - 1], corners[corner + 1]):
                corners = np.delete(corners, corner, axis=0)
            else:
                corner += 1
        return corners

    def _timed(
        self,
        way: NDArray[np.float64],
        room: "_Room",
        spacings: tuple[float, ...] = _SPACINGS,
    ) -> ArmPath:
        """Give the motion its time: round corners if there is room and it is faster, else stop."""
        parts = [
            self._along(_Curve(np.array(pair), 0.4)) for pair in zip(way, way[1:], strict=False)
        ]
        angles = np.vstack(parts)
        for spacing in spacings:
            curve = _Curve(way, spacing)
            places = np.linspace(0.0, curve.n_spans, 2 + int(curve.n_spans * spacing / 0.05))
            if all(room.is_free(place) for place in curve.at(places)[1:]):
                rounded = self._along(curve)
                angles = min(angles, rounded, key=len)
                break
        return ArmPath(angles=angles, tick_s=self.config.tick_s)

    def _along(self, curve: "_Curve") -> Angles:
        config = self.config
        speed, acceleration, jerk = curve.bounds(config.speed, config.acceleration, config.jerk)
        asked = ruckig.InputParameter(1)
        asked.current_position, asked.target_position = [0.0], [float(curve.n_spans)]
        asked.max_velocity, asked.max_acceleration = [speed], [acceleration]
        asked.max_jerk = [jerk]
        motion = ruckig.Trajectory(1)
        ruckig.Ruckig(1).calculate(asked, motion)
        n = int(np.ceil(motion.duration / config.tick_s))
        times = np.minimum(np.arange(1, n + 1) * config.tick_s, motion.duration)
        return curve.at(np.array([motion.at_time(t)[0][0] for t in times]))


class _Room:
    """Where an arm may be while the rest of the body stays as it is."""

    def __init__(
        self, planner: ArmPlanner, joint_position: Angles, gaps: tuple[float, float]
    ) -> None:
        self._clearance, self._joints = planner.clearance, planner.arm.joints
        self._lower, self._upper = planner.arm.lower, planner.arm.upper
        self._body = joint_position.copy()
        self._gaps = gaps
        self._step = planner.config.check_step

    def is_free(self, angles: Angles) -> bool:
        """Tell whether the arm keeps its distances at some angles."""
        self._body[self._joints] = angles
        box_gap, body_gap = self._gaps
        return (
            self._clearance.from_boxes(self._body, max(box_gap, 0.0) + _SLACK_M) >= box_gap
            and self._clearance.from_body(self._body, max(body_gap, 0.0) + _SLACK_M) >= body_gap
        )

    def is_open(self, start: Angles, end: Angles) -> bool:
        """Tell whether all between two postures is free; the first is taken to be."""
        n = int(np.ceil(np.abs(end - start).max() / self._step))
        if not self.is_free(end):
            return False
        shares = np.array(_halving(n))
        return all(self.is_free(start + share * (end - start)) for share in shares)


class _Tree:
    """A random tree of postures."""

    def __init__(self, roots: list[Angles]) -> None:
        self.places = list(roots)
        self._parents = [-1] * len(roots)

    def grow(self, wish: Angles, step: float, room: _Room) -> int | None:
        """Grow one branch towards a posture; return the new place, or None if it is not free."""
        nearest = int(np.argmin(np.abs(np.array(self.places) - wish).max(axis=1)))
        before = self.places[nearest]
        distance = float(np.abs(wish - before).max())
        new = wish if distance <= step else before + (wish - before) * (step / distance)
        if not room.is_open(before, new):
            return None
        self.places.append(new)
        self._parents.append(nearest)
        return len(self.places) - 1

    def grow_all_the_way(self, wish: Angles, step: float, room: _Room) -> int | None:
        """Grow branches until a posture is reached; return its place, or None."""
        while (new := self.grow(wish, step, room)) is not None:
            if np.array_equal(self.places[new], wish):
                return new
        return None

    def way_to(self, place: int) -> list[Angles]:
        """Return the postures from a place back to the root."""
        way = []
        while place >= 0:
            way.append(self.places[place])
            place = self._parents[place]
        return way


class _Curve:
    """A uniform cubic B-spline near the corners of a way; straight parts stay straight."""

    def __init__(self, way: NDArray[np.float64], spacing: float) -> None:
        """Set control points at most `spacing` rad apart along the way."""
        lengths = _lengths(way)
        self.n_spans = max(2, int(np.ceil(lengths[-1] / spacing)))
        points = _at_lengths(way, lengths, np.linspace(0.0, lengths[-1], self.n_spans + 1))
        before, after = 2.0 * points[0] - points[1], 2.0 * points[-1] - points[-2]
        self._points = np.vstack([before, points, after])  # So that it begins and ends there.

    def at(self, where: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the postures at some places from 0 to `n_spans`, shape (n, 7)."""
        span = np.clip(where.astype(int), 0, self.n_spans - 1)
        u = (where - span)[:, None]
        p = [self._points[span + k] for k in range(4)]
        curve: NDArray[np.float64] = (
            (1.0 - u) ** 3 * p[0]
            + (3.0 * u**3 - 6.0 * u**2 + 4.0) * p[1]
            + (-3.0 * u**3 + 3.0 * u**2 + 3.0 * u + 1.0) * p[2]
            + u**3 * p[3]
        ) / 6.0
        return curve

    def bounds(self, speed: float, acceleration: float, jerk: float) -> tuple[float, float, float]:
        """Return bounds of the motion along the curve that keep every joint within its own.

        With q the posture and s the place, q̇ = q'ṡ, q̈ = q''ṡ² + q's̈ and
        q⃛ = q'''ṡ³ + 3q''ṡs̈ + q's⃛: half of each limit is for the bends, half for the pace.
        """
        first, second, third = (
            np.abs(np.diff(self._points, n, axis=0)).max(initial=_TINY) for n in (1, 2, 3)
        )
        pace = min(
            speed / first,
            np.sqrt(0.5 * acceleration / second),
            np.cbrt(0.25 * jerk / third),
        )
        change = min(0.5 * acceleration / first, 0.25 * jerk / (3.0 * second * pace))
        return float(pace), float(change), float(0.5 * jerk / first)


def _all_different(postures: Sequence[Angles]) -> list[Angles]:
    """Return postures without those that another one is like."""
    kept: list[Angles] = []
    for posture in postures:
        if all(np.abs(posture - other).max() > _SAME_RAD for other in kept):
            kept.append(posture)
    return kept


def _those_that_go_on(goals: list[Angles], goes_on: Callable[[Angles], object]) -> list[Angles]:
    """Return the postures from which an arm can go on.

    Raises:
        UnreachableError: From none of them, as of the last.
    """
    kept: list[Angles] = []
    last: UnreachableError | None = None
    for goal in goals:
        try:
            goes_on(goal)
        except UnreachableError as error:
            last = error
        else:
            kept.append(goal)
    if not kept and last is not None:
        raise last
    return kept


def _lengths(way: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each corner is along the way, by the joint that moves most, rad."""
    return np.append(0.0, np.cumsum(np.abs(np.diff(way, axis=0)).max(axis=1)))


def _at_lengths(
    way: NDArray[np.float64], lengths: NDArray[np.float64], where: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the postures that far along the way, shape (n, 7)."""
    return np.stack([np.interp(where, lengths, column) for column in way.T], axis=1)


def _halving(n: int) -> list[float]:
    """Return the shares 1/n … (n-1)/n, those first that halve the longest gap."""
    shares: list[float] = []
    gaps = [(0, n)]
    for low, high in gaps:
        if high - low > 1:
            middle = (low + high) // 2
            shares.append(middle / n)
            gaps += [(low, middle), (middle, high)]
    return shares


def _between(
    start: NDArray[np.float64], end: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """Return the pose at a share of the line, and of the shortest turn, between two poses."""
    turn = mink.SO3.from_matrix(start[:3, :3].T @ end[:3, :3]).log()
    T = np.eye(4)
    T[:3, 3] = start[:3, 3] + share * (end[:3, 3] - start[:3, 3])
    T[:3, :3] = start[:3, :3] @ mink.SO3.exp(share * turn).as_matrix()
    return T

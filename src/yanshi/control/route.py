"""Find a way across a floor, and follow it.

The floor is a rectangle with upright boxes and discs on it. Each 10 cm cell knows its distance to
the nearest of them; A* runs over the cells far enough away, and dislikes those that are
nearly too close. The follower turns that way into velocities: ahead along the path, then
in small steps in any direction onto the goal, then still. Small steps that would lead into
something are turned aside.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yanshi.core.errors import UnreachableError
from yanshi.core.messages import BaseEstimate

Point = tuple[float, float]
Velocity = tuple[float, float, float]

_CELL_M = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """An upright box on the floor."""

    centre: Point
    size: tuple[float, float]
    """Length along and across `yaw`, m."""
    yaw: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Disc:
    """An upright cylinder on the floor, e.g. a person."""

    centre: Point
    radius: float


class Floor:
    """A rectangular floor round the origin, and how much room there is on it."""

    def __init__(
        self, size: tuple[float, float], boxes: Sequence[Box] = (), discs: Sequence[Disc] = ()
    ) -> None:
        self.size = size
        self._boxes = tuple(boxes)
        self._discs = tuple(discs)
        self._x = np.arange(0.5 * (_CELL_M - size[0]), 0.5 * size[0], _CELL_M)
        self._y = np.arange(0.5 * (_CELL_M - size[1]), 0.5 * size[1], _CELL_M)
        cells = np.stack(np.meshgrid(self._x, self._y, indexing="ij"), axis=-1)
        self._clearance = self._measure(cells)  # (n_x, n_y)

    def clearance(self, point: Point) -> float:
        """Return the distance from a point to the nearest wall, box or disc, m; 0 inside."""
        return float(self._measure(np.array(point, dtype=np.float64)))

    def turn_aside(
        self, point: Point, goal: Point, velocity: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return a velocity on the map without what leads into things, m/s, shape (2,).

        At the goal there may be as little room as there is; the farther from it, the more is
        asked for, so that steps to it lead round corners and come straight at the end. The less
        there is to spare the slower things are come to; who has too little is led off.

        Args:
            point: Where the robot is.
            goal: Where it is going.
            velocity: How it would go there, shape (2,).
        """
        points = np.array([goal, point, point, point, point, point], dtype=np.float64)
        points[2:] += _PROBES
        at_goal, room, *beside = self._measure(points)
        slope = np.array([beside[0] - beside[1], beside[2] - beside[3]], dtype=np.float64)
        steepness = float(np.hypot(slope[0], slope[1]))
        if steepness < 0.5 * _PROBE_M:  # Inside something, or half-way between two things.
            return velocity
        far = max(float(np.hypot(point[0] - goal[0], point[1] - goal[1])) - _NEAR_GOAL_M, 0.0)
        wanted = min(_STEP_ROOM_M, at_goal - _SPARE_M + _MORE_ROOM * far)
        off = slope / steepness
        missing = _LED_OFF_PER_S * (wanted - room) - float(velocity @ off)
        led: NDArray[np.float64] = velocity + max(missing, 0.0) * off
        return led

    def find_path(self, start: Point, goal: Point, radius: float) -> NDArray[np.float64]:
        """Return the corners of a way from start to goal, both included, shape (n, 2).

        Near the start and the goal the robot may stand closer than `radius` to something,
        since that is where it was or is wanted.

        Raises:
            UnreachableError: There is no such way.
        """
        if self._is_line_free(np.array(start), np.array(goal), radius):
            return np.array([start, goal])
        cost = self._costs(start, goal, radius)
        cells = _a_star(cost, self._cell(start), self._cell(goal))
        if cells is None:
            raise UnreachableError(
                f"No way of {radius:.2f} m to either side leads from {_text(start)} to "
                f"{_text(goal)}; there are {self.clearance(goal):.2f} m of room at the goal."
            )
        points = [np.array(start)]
        points += [np.array([self._x[i], self._y[j]]) for i, j in cells[1:-1]]
        points.append(np.array(goal))
        return self._straighten(points, radius)

    def freest_point(self, near: Point, radius: float, room: float) -> Point | None:
        """Return the nearest point with `room` m about it that a way leads to, else None."""
        candidates = np.argwhere(self._clearance >= room)
        points = np.stack([self._x[candidates[:, 0]], self._y[candidates[:, 1]]], axis=-1)
        order = np.argsort(np.linalg.norm(points - np.array(near), axis=-1), kind="stable")
        spread = order[:: len(order) // _CANDIDATES_MAX + 1]
        for x, y in points[np.concatenate([order[:_CANDIDATES_MAX], spread])]:
            try:
                self.find_path(near, (float(x), float(y)), radius)
            except UnreachableError:
                continue
            return float(x), float(y)
        return None

    def _measure(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the clearance of points (..., 2)."""
        walls = 0.5 * np.array(self.size) - np.abs(points)
        nearest = np.maximum(walls.min(axis=-1), 0.0)
        for box in self._boxes:
            cos, sin = np.cos(box.yaw), np.sin(box.yaw)
            offset = points - np.array(box.centre)
            along = np.abs(offset @ np.array([cos, sin])) - 0.5 * box.size[0]
            across = np.abs(offset @ np.array([-sin, cos])) - 0.5 * box.size[1]
            gap = np.hypot(np.maximum(along, 0.0), np.maximum(across, 0.0))
            nearest = np.minimum(nearest, gap)
        for disc in self._discs:
            gap = np.linalg.norm(points - np.array(disc.centre), axis=-1) - disc.radius
            nearest = np.minimum(nearest, np.maximum(gap, 0.0))
        return np.asarray(nearest)

    def _costs(self, start: Point, goal: Point, radius: float) -> NDArray[np.float64]:
        """Return what a step onto each cell costs per metre; infinite where there is no room."""
        cells = np.stack(np.meshgrid(self._x, self._y, indexing="ij"), axis=-1)
        tight = np.maximum(radius + _LIKED_M - self._clearance, 0.0) / _LIKED_M
        cost = 1.0 + 3.0 * tight**2
        is_end = np.zeros(cost.shape, dtype=bool)
        for end in (start, goal):
            is_end |= np.linalg.norm(cells - np.array(end), axis=-1) < _END_M
        room = np.where(is_end, np.minimum(radius, _END_ROOM_M), radius)
        cost[self._clearance < room] = np.inf
        cost[self._cell(start)] = cost[self._cell(goal)] = 1.0
        return cost

    def _cell(self, point: Point) -> tuple[int, int]:
        i = int(np.clip(np.rint((point[0] - self._x[0]) / _CELL_M), 0, len(self._x) - 1))
        j = int(np.clip(np.rint((point[1] - self._y[0]) / _CELL_M), 0, len(self._y) - 1))
        return i, j

    def _is_line_free(
        self, start: NDArray[np.float64], goal: NDArray[np.float64], radius: float
    ) -> bool:
        length = float(np.linalg.norm(goal - start))
        shares = np.linspace(0.0, 1.0, max(2, int(length / 0.05) + 1))[:, None]
        clearance = self._measure(start + shares * (goal - start))
        along = shares[:, 0] * length
        is_end = (along < _END_M) | (length - along < _END_M)
        room = np.where(is_end, np.minimum(radius, _END_ROOM_M), radius + 0.5 * _LIKED_M)
        return bool((clearance[1:-1] >= room[1:-1]).all())

    def _straighten(self, points: list[NDArray[np.float64]], radius: float) -> NDArray[np.float64]:
        """Leave out corners as long as the straight way past them is free."""
        kept = [points[0]]
        here = 0
        while here < len(points) - 1:
            there = len(points) - 1
            while there > here + 1 and not self._is_line_free(points[here], points[there], radius):
                there -= 1
            kept.append(points[there])
            here = there
        return np.array(kept)


_LIKED_M = 0.2
"""Room beyond the radius below which a cell costs more."""
_END_M = 0.45
"""Within this distance of either end of a path less room is enough …"""
_END_ROOM_M = 0.2
"""… namely this much."""

_STEP_ROOM_M = 0.3
"""From the pelvis to things beside which small steps lead, elbows not included."""
_NEAR_GOAL_M, _MORE_ROOM = 0.1, 0.5
"""For each metre that the goal is farther than this, so much more room is wanted, m."""
_SPARE_M = 0.03
"""How much nearer than at the goal steps may come to something."""
_LED_OFF_PER_S = 3.0
"""Speed towards things for each metre of room to spare, and away for each that is missing."""
_PROBE_M = 0.01
_PROBES = _PROBE_M * np.array([(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)])

_CANDIDATES_MAX = 12
"""How many free spots are tried: the nearest ones, then as many from all over the floor."""

_NEIGHBOURS = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]


def _a_star(
    cost: NDArray[np.float64], start: tuple[int, int], goal: tuple[int, int]
) -> list[tuple[int, int]] | None:
    """Return the cheapest chain of cells from start to goal, or None."""
    costs = cost.tolist()
    n_x, n_y = cost.shape
    paid = {start: 0.0}
    came_from: dict[tuple[int, int], tuple[int, int]] = {}
    waiting = [(0.0, start)]
    while waiting:
        _, here = heapq.heappop(waiting)
        if here == goal:
            chain = [here]
            while chain[-1] != start:
                chain.append(came_from[chain[-1]])
            return chain[::-1]
        for di, dj in _NEIGHBOURS:
            i, j = here[0] + di, here[1] + dj
            if not (0 <= i < n_x and 0 <= j < n_y) or costs[i][j] == np.inf:
                continue
            total = paid[here] + (di * di + dj * dj) ** 0.5 * costs[i][j]
            if total < paid.get((i, j), np.inf):
                paid[i, j] = total
                came_from[i, j] = here
                ahead = ((i - goal[0]) ** 2 + (j - goal[1]) ** 2) ** 0.5
                heapq.heappush(waiting, (total + ahead, (i, j)))
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowerConfig:
    """How a path is walked."""

    speed: float = 0.6
    """Ahead, m/s."""
    turn_speed: float = 0.9
    """rad/s."""
    step_speed: tuple[float, float] = (0.4, 0.25)
    """Small steps near the goal, ahead or back and sideways, m/s."""
    look_ahead_m: float = 0.4
    """How far along the path to aim."""
    walk_ahead_within: float = 0.5
    """Walk while the path lies within this angle of the heading, rad; turn first otherwise."""
    settle_m: float = 0.3
    """Distance from the goal at which small steps begin."""
    position_tolerance_m: float = 0.05
    """Stop inside this …"""
    yaw_tolerance: float = 0.05
    """… and this, rad."""
    position_accepted_m: float = 0.1
    """Once still, this is good enough …"""
    yaw_accepted: float = 0.1
    """… and this, rad; else step again."""
    still_s: float = 0.7
    """How long to stand before the place counts as reached."""
    patience_s: float = 2.0
    """Small steps that have not come there by then are made longer and longer: who carries
    something steps short."""
    insist: tuple[float, float] = (0.4, 0.2)
    """By so much for a metre that is missing for a second, m/s, and by this at most."""


STILL: Velocity = (0.0, 0.0, 0.0)


class Follower:
    """Walks one path: call `velocity` at every tick until it returns None."""

    def __init__(
        self,
        path: NDArray[np.float64],
        yaw: float | None,
        config: FollowerConfig | None = None,
        floor: Floor | None = None,
    ) -> None:
        """Follow a path.

        Args:
            path: Its corners, shape (n, 2).
            yaw: Where to face at its end; any heading if None.
            config: How it is walked.
            floor: What small steps must not lead into.
        """
        self.config = config or FollowerConfig()
        self._floor = floor
        self._path = path
        self._yaw = yaw
        self._leg = 1
        self._is_settling = False
        self._is_turning = False
        self._still_since_ns: int | None = None
        self._settles_since_ns: int | None = None
        self._insistence = np.zeros(2)
        self._last_ns: int | None = None

    @property
    def is_settling(self) -> bool:
        """Whether the last small steps onto the goal have begun."""
        return self._is_settling

    @property
    def goal(self) -> NDArray[np.float64]:
        """Where the path ends, shape (2,)."""
        end: NDArray[np.float64] = self._path[-1]
        return end

    def velocity(self, base: BaseEstimate) -> Velocity | None:
        """Return how to move now, or None when the robot stands at the goal."""
        position = base.position[:2]
        away = float(np.linalg.norm(self.goal - position))
        if self._is_settling or (self._leg == len(self._path) - 1 and away < self.config.settle_m):
            self._is_settling = True
            return self._settle(base, away)
        return self._walk(base, away)

    def _walk(self, base: BaseEstimate, away: float) -> Velocity:
        config = self.config
        aim = self._aim(base.position[:2])
        offset = aim - base.position[:2]
        error = wrap(float(np.arctan2(offset[1], offset[0])) - base.yaw)
        turn = float(np.clip(2.0 * error, -config.turn_speed, config.turn_speed))
        # Hysteresis: begin to walk only when well aligned, stop only when badly off.
        allowed = config.walk_ahead_within * (0.4 if self._is_turning else 1.5)
        self._is_turning = abs(error) > allowed
        if self._is_turning:
            return 0.0, 0.0, turn
        slow = min(1.0, (away + 0.05) / 0.6) if self._leg == len(self._path) - 1 else 1.0
        ahead = config.speed * slow * max(0.0, 1.0 - abs(error) / (2.0 * allowed))
        return ahead, 0.0, turn

    def _aim(self, position: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the point to walk at: `look_ahead_m` along the path from where we are."""
        while self._leg < len(self._path) - 1:
            start, end = self._path[self._leg - 1], self._path[self._leg]
            along = (
                (position - start) @ (end - start) / max(float((end - start) @ (end - start)), 1e-9)
            )
            if np.linalg.norm(end - position) > 0.2 and along < 1.0:
                break
            self._leg += 1
        start, end = self._path[self._leg - 1], self._path[self._leg]
        length = max(float(np.linalg.norm(end - start)), 1e-9)
        way = (end - start) / length
        along = float((position - start) @ way)
        aim: NDArray[np.float64] = start + way * min(length, along + self.config.look_ahead_m)
        return aim

    def _settle(self, base: BaseEstimate, away: float) -> Velocity | None:
        config = self.config
        error = 0.0 if self._yaw is None else wrap(self._yaw - base.yaw)
        if self._still_since_ns is not None:
            if (base.t_ns - self._still_since_ns) * 1e-9 < config.still_s:
                return STILL
            if away < config.position_accepted_m and abs(error) < config.yaw_accepted:
                return None
            self._still_since_ns = None
        if away < config.position_tolerance_m and abs(error) < config.yaw_tolerance:
            self._still_since_ns = base.t_ns
            return STILL
        offset = self.goal - base.position[:2]
        self._insist(base, offset)
        cos, sin = np.cos(base.yaw), np.sin(base.yaw)
        x, y = self._turn_aside(base, 1.2 * offset + self._insistence)
        ahead, left = cos * x + sin * y, -sin * x + cos * y
        ahead_max, left_max = config.step_speed
        return (
            float(np.clip(ahead, -ahead_max, ahead_max)),
            float(np.clip(left, -left_max, left_max)),
            float(np.clip(1.5 * error, -config.turn_speed, config.turn_speed)),
        )

    def _turn_aside(self, base: BaseEstimate, velocity: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._floor is None:
            return velocity
        x, y, _ = base.position.tolist()
        return self._floor.turn_aside((x, y), tuple(self.goal.tolist()), velocity)

    def _insist(self, base: BaseEstimate, offset: NDArray[np.float64]) -> None:
        """Ask for more than is missing once small steps have not come there in time.

        What is passed is insisted on no more.
        """
        config, t_ns = self.config, base.t_ns
        if self._settles_since_ns is None:
            self._settles_since_ns = t_ns
        elapsed_s = 0.0 if self._last_ns is None else (t_ns - self._last_ns) * 1e-9
        self._last_ns = t_ns
        if (t_ns - self._settles_since_ns) * 1e-9 < config.patience_s:
            return
        gain, most = config.insist
        self._insistence += gain * elapsed_s * offset
        np.clip(self._insistence, -most, most, out=self._insistence)
        self._insistence[self._insistence * offset < 0.0] = 0.0


def wrap(angle: float) -> float:
    """Return the same angle in [-π, π)."""
    return float((angle + np.pi) % (2.0 * np.pi) - np.pi)


def _text(point: Point) -> str:
    return f"({point[0]:.2f}, {point[1]:.2f})"

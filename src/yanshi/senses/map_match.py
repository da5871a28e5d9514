"""How far off the robot's place on the map is, by the depth that its eyes see.

Walls and the sides of furniture stand where the floor plan says. With the heading known from the
IMU to a few degrees, a piece of an upright surface in the picture can only be a piece of a face
that looks the same way; how far it lies before or behind that face is how far the robot is off
across it. The shift that makes most pieces agree is found as in the iterated closest point
method with distances to planes (Y. Chen, G. Medioni, "Object modelling by registration of
multiple range images", 1992), begun from many places where the robot may be. Where two shifts
explain the picture about equally well, or too little of it is explained, nothing is concluded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yanshi.senses.eyes import Detection
from yanshi.senses.scene_memory import Surfaces
from yanshi.worlds.floor_plan import FloorPlan, Place

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapMatchConfig:
    """What counts as a piece of a face, and what as an answer."""

    depth_min: float = 0.5
    """Nearer surfaces, m, may be the robot's own arms."""
    height: tuple[float, float] = (0.1, 1.9)
    """Pieces lower or higher than this, m, are left out."""
    upright: float = 0.2
    """Largest upward part of an upright surface's normal."""
    roughness_max: float = 0.02
    """How far, m, a piece may lie from the middle of its neighbours and still be flat."""
    person_m: float = 0.5
    """Pieces this near to a person are left out."""
    pieces_max: int = 90
    """More are thinned out evenly."""
    alike: float = 0.95
    """Least cosine of the angle between the normals of a piece and its face."""
    wide_gate_m: float = 0.45
    """A piece farther than this from every face that looks its way is not explained …"""
    gate_m: float = 0.15
    """… and farther than this when the search ends."""
    blank_cost: float = 0.5
    """What a piece of something without flat sides costs; one not explained costs 1."""
    start_step_m: float = 0.4
    """Distance between the places from which the search begins."""
    reach_sd: float = 2.5
    """Up to how many standard deviations away it begins."""
    nearness: float = 1e-3
    """What a square standard deviation away costs: of equal answers the nearest is taken."""
    rounds: int = 3
    """How often the shift is bettered."""
    explained_min: float = 0.5
    """Least share of the pieces that must be explained."""
    pieces_min: int = 25
    """Fewer explained pieces tell nothing."""
    rival_m: float = 0.2
    """A shift that differs by this much where the picture tells is another answer …"""
    rival_cost: float = 0.07
    """… and too good to be dismissed unless it costs this much more per piece."""
    told_sd: float = 0.15
    """A direction known worse than this, m, is one that the picture does not tell: nothing of
    the shift along it counts."""
    piece_sd: float = 0.04
    """Standard deviation of one piece's distance to its face, m."""
    pieces_worth: float = 2.0
    """How many independent pieces all those of a picture are worth: they err together."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Viewpoint:
    """Where the robot believed to be when it took a picture, by all that it had learnt by then."""

    map_from_camera: Array
    """Shape (4, 4)."""
    centre: Array
    """The pelvis on the floor, m, shape (2,)."""
    covariance: Array
    """How unsure it was of x, y and yaw, shape (3, 3)."""
    learnt: Array
    """By how much pictures had corrected x, y and yaw since switch-on, shape (3,)."""
    stand: int
    """How often the feet had begun or ceased to carry."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Match:
    """How a picture was explained by the map."""

    shift: Array
    """What to add to the robot's place and heading: x, y in m, yaw in rad, shape (3,)."""
    information: Array
    """Inverse of the shift's covariance, shape (3, 3); singular where the picture does not tell."""
    explained: int
    """Pieces that the map explains, of those that were looked at."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Trial:
    """Shifts that were tried, and what became of each."""

    step: Array
    """What to add to each to better it, shape (n, 3)."""
    cost: Array
    """Mean over the pieces, 0 to 1, shape (n,)."""
    explained: NDArray[np.intp]
    """Pieces, shape (n,)."""
    information: Array
    """Of as many independent pieces as are explained, shape (n, 3, 3)."""


class MapMatcher:
    """Compares pictures with one floor plan."""

    def __init__(self, plan: FloorPlan, config: MapMatchConfig | None = None) -> None:
        self.config = config or MapMatchConfig()
        faces = list(_walls(plan))
        faces += [side for place in plan.places if place.has_surface for side in _sides(place)]
        middle = np.array([face.middle for face in faces])  # (n_faces, 2)
        self._normal = np.array([face.normal for face in faces])  # (n_faces, 2)
        self._along = self._normal[:, ::-1] * (-1.0, 1.0)
        self._off = (middle * self._normal).sum(axis=1)
        self._beside = (middle * self._along).sum(axis=1)
        self._half = np.array([face.half for face in faces])
        self._top = np.array([face.top for face in faces])
        blanks = [_blank(place) for place in plan.places]
        self._blank_axes = np.array([blank.axes for blank in blanks]).reshape(-1, 2, 2)
        self._blank_middle = np.array([blank.middle for blank in blanks]).reshape(-1, 2)
        self._blank_half = np.array([blank.half for blank in blanks]).reshape(-1, 2)
        self._blank_low = np.array([blank.low for blank in blanks])

    def explain(
        self, surfaces: Surfaces, detections: Sequence[Detection], viewpoint: Viewpoint
    ) -> Match | None:
        """Return how the robot's place should be shifted, None where the picture does not tell.

        Args:
            surfaces: What the picture's depth shows.
            detections: What was seen in it; people stand on no map.
            viewpoint: Where it was taken from.
        """
        T = viewpoint.map_from_camera
        people = [d.position_in_camera for d in detections if d.kind == "person"]
        on_map = np.array(people).reshape(-1, 3) @ T[:3, :3].T + T[:3, 3]
        return self.match(surfaces, T, viewpoint.centre, viewpoint.covariance, on_map[:, :2])

    def match(
        self,
        surfaces: Surfaces,
        map_from_camera: Array,
        centre: Array,
        covariance: Array,
        people: Array,
    ) -> Match | None:
        """Return how the robot's place should be shifted, None where the picture does not tell.

        Args:
            surfaces: What the picture's depth shows.
            map_from_camera: Where the robot believed its camera to be, shape (4, 4).
            centre: Where it believed to stand: x, y, m. It turns about this point.
            covariance: How unsure it is of x, y and yaw, shape (3, 3).
            people: Where people are, by the same belief, m, shape (n, 2).
        """
        config = self.config
        points, normals = upright_pieces(surfaces, map_from_camera, config)
        if len(people) and len(points):
            gap = np.linalg.norm(points[:, None, :2] - people, axis=-1).min(axis=1)
            points, normals = points[gap > config.person_m], normals[gap > config.person_m]
        if len(points) < config.pieces_min:
            return None
        every = -(-len(points) // config.pieces_max)
        return self._solve(points[::every], normals[::every], centre, covariance, every)

    def _solve(
        self, points: Array, normals: Array, centre: Array, covariance: Array, every: int
    ) -> Match | None:
        config = self.config
        looks_alike = normals @ self._normal.T > config.alike
        may_be = looks_alike & (points[:, 2, None] < self._top + 0.05)  # (n_points, n_faces)
        reach = config.reach_sd * np.sqrt(np.linalg.eigvalsh(covariance[:2, :2])[-1])
        match = self._search(points, may_be, centre, covariance, reach)
        if match and reach < config.start_step_m and _length(match) > config.gate_m:
            # So much was not looked for: it must hold against what lies as far to the other side.
            wide = 2.0 * config.start_step_m
            match = self._search(points, may_be, centre, covariance, wide)
        return match if match and match.explained * every >= config.pieces_min else None

    def _search(
        self,
        points: Array,
        may_be: NDArray[np.bool_],
        centre: Array,
        covariance: Array,
        reach: float,
    ) -> Match | None:
        """Search from places up to `reach` away."""
        config = self.config
        shifts = self._starts(reach)
        for gate in np.geomspace(config.wide_gate_m, config.gate_m, config.rounds):
            shifts = shifts + self._try(points, may_be, centre, shifts, float(gate)).step
        trial = self._try(points, may_be, centre, shifts, config.gate_m)
        surprise = np.einsum("si,ij,sj->s", shifts, np.linalg.inv(covariance), shifts)
        best = int(np.argmin(trial.cost + config.nearness * surprise))
        count = int(trial.explained[best])
        if count < config.explained_min * len(points):
            return None
        scale = config.pieces_worth / (count * config.piece_sd**2)
        information = trial.information[best] * scale
        values, axes = np.linalg.eigh(information[:2, :2])
        told = axes[:, values > config.told_sd**-2]
        if self._has_rival(shifts, trial.cost, best, told):
            return None
        # Along the rest nobody has looked for rivals, and what it seems to tell may be chance.
        kept = np.eye(3)
        kept[:2, :2] = told @ told.T
        return Match(shift=shifts[best], information=kept @ information @ kept, explained=count)

    def _has_rival(self, shifts: Array, cost: Array, best: int, told: Array) -> bool:
        """Whether another shift explains the picture nearly as well, along axes in columns."""
        away = np.linalg.norm((shifts - shifts[best])[:, :2] @ told, axis=1)
        is_near = cost < cost[best] + self.config.rival_cost
        return bool(((away > self.config.rival_m) & is_near).any())

    def _starts(self, reach: float) -> Array:
        """Return the shifts from which to search, shape (n, 3)."""
        step = self.config.start_step_m
        ticks = step * np.arange(-int(reach / step), int(reach / step) + 1)
        x, y = (grid.ravel() for grid in np.meshgrid(ticks, ticks))
        starts = np.stack([x, y, np.zeros_like(x)], axis=1)
        near: Array = starts[np.hypot(x, y) <= max(reach, step)]
        return near

    def _try(
        self,
        points: Array,
        may_be: NDArray[np.bool_],
        centre: Array,
        shifts: Array,
        gate: float,
    ) -> _Trial:
        """Explain the pieces as seen from each shifted place, and say how to better it.

        One step of Gauss and Newton with Tukey's weights, on distances to faces.
        """
        config = self.config
        cos, sin = np.cos(shifts[:, 2]), np.sin(shifts[:, 2])
        turn = np.stack([cos, -sin, sin, cos], axis=1).reshape(-1, 2, 2)
        arms = (points[:, :2] - centre) @ turn.transpose(0, 2, 1)  # (n_shifts, n_points, 2)
        places = centre + shifts[:, None, :2] + arms
        off = places @ self._normal.T - self._off  # (n_shifts, n_points, n_faces)
        beside = np.abs(places @ self._along.T - self._beside) - self._half
        size = np.where(may_be & (beside < 0.05), np.abs(off), np.inf)
        face = size.argmin(axis=-1)[..., None]  # (n_shifts, n_points, 1)
        is_blank = self._is_blank(places, points[:, 2])
        explained = (np.take_along_axis(size, face, -1)[..., 0] < gate) & ~is_blank
        residual = np.where(explained, np.take_along_axis(off, face, -1)[..., 0], 0.0)
        trust = 1.0 - (residual / gate) ** 2
        cost = np.where(explained, 1.0 - trust**3, np.where(is_blank, config.blank_cost, 1.0))
        weight = np.where(explained, trust**2, 0.0)
        normal = self._normal[face[..., 0]]
        by_turning = normal[..., 1] * arms[..., 0] - normal[..., 0] * arms[..., 1]
        J = np.concatenate([normal, by_turning[..., None]], axis=-1)  # (n_shifts, n_points, 3)
        weighted = weight[..., None] * J
        H = weighted.transpose(0, 2, 1) @ J
        slope = (weighted * residual[..., None]).sum(axis=1)
        # A little of nothing holds what the pieces do not tell where it was.
        held = 1e-3 * len(points) * np.diag([1.0, 1.0, 10.0])
        step = -np.linalg.solve(H + held, slope[..., None])[..., 0]
        return _Trial(
            step=step, cost=cost.mean(axis=1), explained=explained.sum(axis=1), information=H
        )

    def _is_blank(self, places: Array, heights: Array) -> NDArray[np.bool_]:
        """Whether pieces belong to what has no flat sides; places of shape (…, n_points, 2)."""
        is_inside = heights[:, None] > self._blank_low  # (n_points, n_blanks)
        for axis in range(2):
            way = self._blank_axes[:, :, axis]
            away = np.abs(places @ way.T - (self._blank_middle * way).sum(axis=1))
            is_inside = is_inside & (away < self._blank_half[:, axis])
        return np.asarray(is_inside.any(axis=-1))


def _length(match: Match) -> float:
    return float(np.hypot(*match.shift[:2]))


def upright_pieces(
    surfaces: Surfaces, map_from_camera: Array, config: MapMatchConfig
) -> tuple[Array, Array]:
    """Return points of flat upright surfaces on the map, and where these surfaces look.

    Across a plane the inverse depth is linear in row and column; its slopes are the plane's normal.

    Returns:
        Points in m, shape (n, 3), and level unit normals towards the camera, shape (n, 2).
    """
    rows, columns = surfaces.depth.shape
    f = surfaces.focal_length
    with np.errstate(divide="ignore", invalid="ignore"):
        near = 1.0 / surfaces.depth.astype(np.float64)
        middle = near[1:-1, 1:-1]
        left, right, up, down = near[1:-1, :-2], near[1:-1, 2:], near[:-2, 1:-1], near[2:, 1:-1]
        bend = np.maximum(np.abs(left + right - 2 * middle), np.abs(up + down - 2 * middle))
        is_flat = (0.5 * bend < config.roughness_max * middle**2) & (
            middle < 1.0 / config.depth_min
        )
    i, j = np.nonzero(is_flat)
    near_there = middle[i, j]
    slope_u = 0.5 * f * (right[i, j] - left[i, j])
    slope_v = 0.5 * f * (down[i, j] - up[i, j])
    u, v = (j + 1.5 - 0.5 * columns) / f, (i + 1.5 - 0.5 * rows) / f
    plane = np.stack([slope_u, slope_v, near_there - slope_u * u - slope_v * v], axis=1)
    R = map_from_camera[:3, :3]
    normals = -(plane / np.linalg.norm(plane, axis=1, keepdims=True)) @ R.T
    rays = np.stack([u, v, np.ones_like(u)], axis=1)
    points = (rays / near_there[:, None]) @ R.T + map_from_camera[:3, 3]
    low, high = config.height
    is_upright = np.abs(normals[:, 2]) < config.upright
    keep = is_upright & (points[:, 2] > low) & (points[:, 2] < high)
    level = normals[keep, :2]
    return points[keep], level / np.linalg.norm(level, axis=1, keepdims=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Face:
    """One upright side of something on the map."""

    middle: Array
    normal: Array
    """Where it looks, a level unit vector, shape (2,)."""
    half: float
    """Half its length, m."""
    top: float
    """Its upper end, m."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Blank:
    """A box that shows nothing which the map knows, e.g. leaves, or what lies on a table."""

    middle: Array
    axes: Array
    """Its directions in columns, shape (2, 2)."""
    half: Array
    low: float
    """Its lower end, m; it reaches up to the ceiling."""


def _walls(plan: FloorPlan) -> Iterator[_Face]:
    for side in range(4):
        out = np.array([(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)][side])
        reach, half = 0.5 * plan.size[side % 2], 0.5 * plan.size[1 - side % 2]
        yield _Face(middle=reach * out, normal=-out, half=half, top=np.inf)


def _sides(place: Place) -> Iterator[_Face]:
    for side in range(4):
        angle = place.yaw + side * 0.5 * np.pi
        out = np.array([np.cos(angle), np.sin(angle)])
        middle = np.array(place.centre) + 0.5 * place.size[side % 2] * out
        half = 0.5 * place.size[1 - side % 2]
        yield _Face(middle=middle, normal=out, half=half, top=place.height)


def _blank(place: Place) -> _Blank:
    """Return what of a place cannot be told from the map: all of it, or what is on top."""
    cos, sin = np.cos(place.yaw), np.sin(place.yaw)
    margin, low = (-0.05, place.height - 0.02) if place.has_surface else (0.15, 0.0)
    return _Blank(
        middle=np.array(place.centre),
        axes=np.array([[cos, -sin], [sin, cos]]),
        half=0.5 * np.array(place.size) + margin,
        low=low,
    )

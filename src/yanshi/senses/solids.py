"""How large is a thing, and how does it stand? Its shape from the depth of one near picture.

The points about a sighting are parted into what it stands on, the thing and its neighbours. A
robot looks down on things: it sees the top whole and the side that is turned to it, which is enough
for a box (the smallest rectangle about all points seen from above), an upright cylinder (a circle
through its wall) and a ball (a sphere through its cap). The kind, which the detector tells, says
which of the three to fit; but what is flat on top is no ball, whatever it is called.

Everything is in the *level frame* of the camera: its origin is the camera's, z points up and x
where the camera looks.

Of a person an open hand is measured that is held out with its palm up: a small level patch in the
air before the body. The detector knows no hands, and need not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from yanshi.core.messages import Image, Solid
from yanshi.senses.eyes import Detection, back_project
from yanshi.worlds.things import kind_of

Array = NDArray[np.float64]

FLAT = ("tray",)
"""What other things lie on and is no higher than …"""
SPARSE_PX = 60
RIM_M = 0.04
"""… this above its floor."""
REFINED = 3
"""How often a circle is fitted anew to the points that lie near it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SolidsConfig:
    """What is looked at about a sighting."""

    distance_max: float = 1.0
    """A thing farther from the camera than this is too coarse to measure, m."""
    radius: float = 0.14
    """How far about its middle a thing may reach, m."""
    surface_slack: float = 0.006
    """What rises less than this above the surface belongs to it, m."""
    height_min: float = 0.012
    points_min: int = 40
    """Fewer points tell no shape."""
    points_max: int = 1500
    cut_px: float = 4.0
    """What comes so near to the picture's edge goes on beyond it, pixels …"""
    cut_depth: float = 0.015
    """… if that is so far below its upper end, m."""
    wall: float = 0.0025
    """How near to a circle a point of its wall lies, m."""
    round_radius: tuple[float, float] = (0.015, 0.12)
    """Radii that a round thing may have, m."""
    tries: int = 160
    """Circles tried."""
    person_max: float = 1.7
    """A person farther from the camera than this is too far away to see an open hand, m."""
    hand_away: tuple[float, float] = (0.28, 0.6)
    """How far from the person's middle an open hand is held, over the floor, m …"""
    hand_up: tuple[float, float] = (-0.08, 0.22)
    """… and how much higher than that, m."""
    hand_size: tuple[float, float] = (0.075, 0.22)
    """Edges that it may have, m."""
    hand_below: float = 0.1
    """How far below the camera it is at least, m: from lower down its palm is not seen."""
    hand_long: float = 0.18
    """From fingertips to wrist, m; what is nearer to the body is the forearm."""
    hand_depth: float = 0.016
    """How far from its level its points are: a hand is hollow, m."""
    own_hands: float = 0.5
    """What is nearer to the camera than this may be the robot's own hand, m. An open hand that
    reaches so near is not measured: not all of it would be."""


def level_from_camera(up_in_camera: Array) -> Array:
    """Return the rotation into the level frame of a camera, shape (3, 3).

    Args:
        up_in_camera: Where up is, unit vector, shape (3,); not along the optical axis.
    """
    ahead = np.array([0.0, 0.0, 1.0]) - up_in_camera[2] * up_in_camera
    ahead /= np.linalg.norm(ahead)
    return np.stack([ahead, np.cross(up_in_camera, ahead), up_in_camera])


def solid_on_map(solid: Solid, map_from_camera: Array) -> Solid:
    """Return a solid of the level frame of a camera as it stands on the map.

    Args:
        solid: In the level frame of the camera.
        map_from_camera: The optical camera frame on the map, shape (4, 4).
    """
    turn = map_from_camera[:3, :3] @ level_from_camera(map_from_camera[2, :3]).T
    x, y, z = turn @ np.array(solid.position) + map_from_camera[:3, 3]
    yaw = solid.yaw + float(np.arctan2(turn[1, 0], turn[0, 0]))
    return replace(solid, position=(float(x), float(y), float(z)), yaw=yaw)


def measure_solids(
    image: Image,
    detections: Sequence[Detection],
    up_in_camera: Array,
    config: SolidsConfig | None = None,
) -> tuple[Solid | None, ...]:
    """Return the shape of each thing in a picture, None where it cannot be told.

    Args:
        image: The picture.
        detections: What was found in it.
        up_in_camera: Where up is in the camera's frame, unit vector, shape (3,).
        config: What is looked at.

    Returns:
        Solids in the level frame of the camera, as many as detections.
    """
    config = config or SolidsConfig()
    turn = level_from_camera(np.asarray(up_in_camera, dtype=np.float64))
    middles = np.array([d.position_in_camera for d in detections]).reshape(-1, 3) @ turn.T
    solids: list[Solid | None] = []
    for index, detection in enumerate(detections):
        distance = np.linalg.norm(detection.position_in_camera)
        if detection.kind == "person":
            is_near = distance < config.person_max
            solids.append(_open_hand(image, middles[index], turn, config) if is_near else None)
            continue
        if distance >= config.distance_max:
            solids.append(None)
            continue
        points = _points_about(image, detection, turn, config)
        to_edge = partial(_to_edge, image=image, turn=turn)
        solids.append(_measure(detection.kind, points, middles, index, to_edge, config))
    return tuple(solids)


def _open_hand(image: Image, person: Array, turn: Array, config: SolidsConfig) -> Solid | None:
    """Return the open hand that a person holds out, or None where there is none.

    Args:
        image: The picture.
        person: The person's middle in the level frame, shape (3,).
        turn: Level frame from camera, shape (3, 3).
        config: What is looked at.
    """
    i, j = np.nonzero(image.depth[::2, ::2] > 0.0)
    depth = image.depth[::2, ::2][i, j]
    points = back_project(2.0 * j + 0.5, 2.0 * i + 0.5, depth, image) @ turn.T
    away = np.linalg.norm(points[:, :2] - person[:2], axis=1)
    up = points[:, 2] - person[2]
    is_there = (away > config.hand_away[0]) & (away < config.hand_away[1])
    is_there &= (up > config.hand_up[0]) & (up < config.hand_up[1])
    is_there &= points[:, 2] < -config.hand_below
    is_there &= np.linalg.norm(points, axis=1) > config.own_hands
    points = points[is_there]
    if len(points) < config.points_min:
        return None
    level = _fullest_level(points[:, 2])
    flat = points[np.abs(points[:, 2] - level) < config.hand_depth]
    flat = _connected(flat, np.array([*np.median(flat[:, :2], axis=0), level]), _HAND_GRID_M)
    away = np.linalg.norm(flat[:, :2] - person[:2], axis=1)
    flat = flat[away > away.max(initial=0.0) - config.hand_long]
    nearest = np.linalg.norm(flat, axis=1).min(initial=np.inf)
    if len(flat) < config.points_min or nearest < config.own_hands + _HAND_GRID_M:
        return None
    shape, (x, y), size, yaw = _box(flat)
    if not config.hand_size[0] < min(size) <= max(size) < config.hand_size[1]:
        return None
    return Solid(
        shape=shape,
        position=(x, y, level - 0.5 * HAND_THICK_M),
        size=(*size, HAND_THICK_M),
        yaw=yaw,
    )


HAND_THICK_M = 0.02
"""What an open hand is taken to be; its upper side is what is measured."""
_HAND_GRID_M = 0.025
"""A palm is seen flatly: its points lie farther apart than those of a thing below the eye."""


def _points_about(image: Image, detection: Detection, turn: Array, config: SolidsConfig) -> Array:
    """Return the points of the picture about a thing in the level frame, shape (n, 3)."""
    x, y, z = detection.position_in_camera
    rows, columns = image.depth.shape
    column = 0.5 * columns + image.focal_length_px * x / z
    row = 0.5 * rows + image.focal_length_px * y / z
    far = 1.2 * _radius(detection.kind, config)
    reach = far * image.focal_length_px / z
    # Near the picture's edge what stands upright covers more of it than what is as wide.
    ends = turn @ detection.position_in_camera + np.outer((far, -far), (0.0, 0.0, 1.0))
    high, low = _pixels(ends, image, turn)[1]
    top, bottom = (
        int(np.clip(r, 0, rows)) for r in (min(row - reach, high), max(row + reach, low))
    )
    left, right = (int(np.clip(column + s * reach, 0, columns)) for s in (-1.0, 1.0))
    step = max(1, int(reach // SPARSE_PX))  # What is large is measured more coarsely.
    depth = image.depth[top:bottom:step, left:right:step]
    i, j = np.nonzero(depth > 0.0)
    column_px, row_px = step * j + left + 0.5, step * i + top + 0.5
    points: Array = back_project(column_px, row_px, depth[i, j], image) @ turn.T
    return points


def _pixels(points: Array, image: Image, turn: Array) -> Array:
    """Return in which columns and rows of the picture points of the level frame are, (2, n)."""
    x, y, z = (points @ turn).T
    rows, columns = image.depth.shape
    middle = 0.5 * np.array([[columns], [rows]])
    pixels: Array = middle + image.focal_length_px * np.stack([x, y]) / np.maximum(z, _NEAR_M)
    return pixels


_NEAR_M = 0.05
"""Along the optical axis nothing is nearer to the camera."""


def _to_edge(points: Array, image: Image, turn: Array) -> float:
    """Return how near points come to the picture's upper edge or its sides, pixels."""
    columns, rows = _pixels(points, image, turn)
    return float(min(rows.min(), columns.min(), image.depth.shape[1] - columns.max()))


def _measure(
    kind: str,
    points: Array,
    middles: Array,
    index: int,
    to_edge: Callable[[Array], float],
    config: SolidsConfig,
) -> Solid | None:
    middle = middles[index]
    offset = points - middle
    points = points[np.linalg.norm(offset[:, :2], axis=1) < _radius(kind, config)]
    points = points[np.abs(points[:, 2] - middle[2]) < 0.25]
    surface = _surface_below(points[:, 2], middle[2])
    if surface is None:
        return None
    points = points[points[:, 2] > surface + config.surface_slack]
    if kind in FLAT:  # Its rim goes round whatever lies on it.
        points = points[points[:, 2] < surface + RIM_M]
    elif len(points):
        nearest = np.linalg.norm(points[:, None, :2] - middles[None, :, :2], axis=2)
        points = points[nearest.argmin(axis=1) == index]
    points = _connected(points, middle)
    if len(points) < config.points_min:
        return None
    top = float(np.percentile(points[:, 2], 99.0))
    height = top - surface
    if height < config.height_min:
        return None
    is_cut = to_edge(points[points[:, 2] > top - config.cut_depth]) < config.cut_px
    if len(points) > config.points_max:
        points = points[:: len(points) // config.points_max + 1]
    shape = kind_of(kind).shape
    if shape == "sphere" and not _is_flat_on_top(points, top, height):
        fitted = _ball(points, config)
    elif shape == "cylinder":
        fitted = _round(points, top, config)
    else:
        fitted = _box(points)
    if fitted is None or not _is_likely(kind, fitted[2], height):
        return None
    shape, (x, y), size, yaw = fitted
    return Solid(
        shape=shape,
        position=(float(x), float(y), surface + 0.5 * height),
        size=(float(size[0]), float(size[1]), height),
        yaw=float(yaw),
        is_tapered=shape == "cylinder" and _is_tapered(points, (x, y), size[0], top),
        is_cut=is_cut,
    )


def _radius(kind: str, config: SolidsConfig) -> float:
    """Return how far about its middle a thing of a kind is looked for, m."""
    return max(config.radius, LARGER * kind_of(kind).radius)


def _is_likely(kind: str, size: tuple[float, float], height: float) -> bool:
    """Tell whether a thing of a kind may be so large: two that hang together are not one."""
    facts = kind_of(kind)
    return max(size) < 2.0 * LARGER * facts.radius and height < 2.0 * LARGER * facts.half_height


LARGER = 1.25
"""How much larger than usual a thing may be measured."""
NECK_M, NECK_SHARE = 0.04, 0.75
"""What is thinner than this share of the rest so far below its upper end tapers."""


def _is_tapered(points: Array, middle: tuple[float, float], width: float, top: float) -> bool:
    """Tell whether a round thing has a neck."""
    upper = points[points[:, 2] > top - NECK_M][:, :2]
    if len(upper) < _NECK_POINTS:
        return False
    out = np.percentile(np.linalg.norm(upper - middle, axis=1), 90.0)
    return bool(out < 0.5 * NECK_SHARE * width)


_NECK_POINTS = 8


_BIN_M = 0.004


def _surface_below(heights: Array, middle: float) -> float | None:
    """Return the height of the level that most points below a thing's middle lie on."""
    below = heights[(heights < middle + 0.005) & (heights > middle - 0.2)]
    return None if len(below) < 30 else _fullest_level(below)


def _fullest_level(heights: Array) -> float:
    """Return the height at which most points lie, m."""
    low = float(heights.min())
    counts = np.bincount(((heights - low) / _BIN_M).astype(int))
    pairs = counts + np.append(counts[1:], 0)  # A level may lie across two bins.
    best = low + float(pairs.argmax()) * _BIN_M
    return float(np.median(heights[(heights >= best) & (heights < best + 2.0 * _BIN_M)]))


_GRID_M = 0.006


def _connected(points: Array, middle: Array, grid: float = _GRID_M) -> Array:
    """Return the points that hang together with those nearest to a thing's middle."""
    if not len(points):
        return points
    cells = np.floor(points[:, :2] / grid).astype(int)
    cells -= cells.min(axis=0) - 1
    full = np.zeros(cells.max(axis=0) + 2, dtype=bool)
    full[cells[:, 0], cells[:, 1]] = True
    parts, _ = label(full, structure=np.ones((3, 3)))
    part = parts[cells[:, 0], cells[:, 1]]
    nearest = np.linalg.norm(points[:, :2] - middle[:2], axis=1).argmin()
    hanging: Array = points[part == part[nearest]]
    return hanging


_Fit = tuple[str, tuple[float, float], tuple[float, float], float]
"""Shape, middle, edges across and turn, as seen from above."""


def _box(points: Array) -> _Fit:
    """Fit a box; what is long and bent is as wide as it is half-way, and there its middle is."""
    middle, size, yaw = fit_rectangle(points)
    if max(size) < LONG * min(size):
        return "box", middle, size, yaw
    turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    offset = (points[:, :2] - middle) @ turn
    length, width = (0, 1) if size[0] > size[1] else (1, 0)
    waist = offset[np.abs(offset[:, length]) < HALF_WAIST_M, width]
    if len(waist) < _WAIST_POINTS:
        return "box", middle, size, yaw
    low, high = np.percentile(waist, [1.0, 99.0])
    edges, shift = list(size), np.zeros(2)
    edges[width], shift[width] = high - low, 0.5 * (low + high)
    x, y = turn @ shift + middle
    return "box", (x, y), (edges[0], edges[1]), yaw


LONG = 2.0
"""What is so many times as long as it is wide is measured at its waist …"""
HALF_WAIST_M = 0.015
"""… as far as that from half-way."""
_WAIST_POINTS = 20


def fit_rectangle(points: Array) -> tuple[tuple[float, float], tuple[float, float], float]:
    """Return middle, edges and turn of the smallest rectangle about points seen from above."""
    x, y = points[:, 0], points[:, 1]
    cos, sin = np.cos(_YAWS), np.sin(_YAWS)
    along = np.stack([np.outer(cos, x) + np.outer(sin, y), np.outer(cos, y) - np.outer(sin, x)])
    low, high = np.percentile(along, [1.0, 99.0], axis=2)  # (2, yaws)
    best = int((high - low).prod(axis=0).argmin())
    (u, v), size = 0.5 * (low + high)[:, best], (high - low)[:, best]
    c, s = cos[best], sin[best]
    return (c * u - s * v, s * u + c * v), (size[0], size[1]), float(_YAWS[best])


_YAWS = np.deg2rad(np.arange(0.0, 90.0, 2.0))


def _round(points: Array, top: float, config: SolidsConfig) -> _Fit | None:
    """Fit a circle through the wall as seen from above; a handle is left out."""
    wall = points[points[:, 2] < top - 0.01][:, :2]
    if len(wall) < config.points_min:
        wall = points[:, :2]
    rng = np.random.default_rng(0)  # The same picture gives the same shape.
    triples = wall[rng.integers(len(wall), size=(config.tries, 3))]
    middles, radii = _circles(triples)
    low, high = config.round_radius
    fits = np.isfinite(radii) & (radii > low) & (radii < high)
    if not fits.any():
        return None
    middles, radii = middles[fits], radii[fits]
    off = np.abs(np.linalg.norm(wall[None] - middles[:, None], axis=2) - radii[:, None])
    best = int((off < config.wall).sum(axis=1).argmax())
    middle, radius = middles[best], float(radii[best])
    for _ in range(REFINED):  # With each fit fewer points of a handle are near to the circle.
        on = wall[np.abs(np.linalg.norm(wall - middle, axis=1) - radius) < config.wall]
        finer, finer_radius = _least_squares_circle(on)
        if not low < finer_radius < high:
            break
        middle, radius = finer, finer_radius
    return "cylinder", (middle[0], middle[1]), (2.0 * radius, 2.0 * radius), 0.0


def _circles(triples: Array) -> tuple[Array, Array]:
    """Return the circles through triples of points: middles (n, 2) and radii (n,)."""
    a, b, c = triples[:, 0], triples[:, 1] - triples[:, 0], triples[:, 2] - triples[:, 0]
    double = 2.0 * (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
    with np.errstate(divide="ignore", invalid="ignore"):
        bb, cc = (b**2).sum(axis=1), (c**2).sum(axis=1)
        x = (c[:, 1] * bb - b[:, 1] * cc) / double
        y = (b[:, 0] * cc - c[:, 0] * bb) / double
    offset = np.stack([x, y], axis=1)
    return a + offset, np.linalg.norm(offset, axis=1)


def _least_squares_circle(points: Array) -> tuple[Array, float]:
    origin = points.mean(axis=0)
    xy = points - origin
    A = np.column_stack([2.0 * xy, np.ones(len(xy))])
    x, y, c = np.linalg.lstsq(A, (xy**2).sum(axis=1), rcond=None)[0]
    return origin + (x, y), float(np.sqrt(max(c + x * x + y * y, 0.0)))


def _is_flat_on_top(points: Array, top: float, height: float) -> bool:
    """Tell whether nearly all that is seen from above lies at the top.

    In 30 homes, from four sides each, that was 0.98 of a cube in the median, 0.72 of an apple (0.86
    at the 99th percentile) and 0.47 of a ball.
    """
    cells = np.floor(points[:, :2] / _GRID_M).astype(int)
    high = points[:, 2] > top - TOP_SHARE * height
    return bool(len(np.unique(cells[high], axis=0)) > FLAT_SHARE * len(np.unique(cells, axis=0)))


TOP_SHARE, FLAT_SHARE = 0.1, 0.9
"""What has more than the second share of its area in the first share of its height is flat."""


def _ball(points: Array, config: SolidsConfig) -> _Fit | None:
    """Fit a sphere."""
    origin = points.mean(axis=0)
    offset = points - origin
    A = np.column_stack([2.0 * offset, np.ones(len(offset))])
    x, y, z, c = np.linalg.lstsq(A, (offset**2).sum(axis=1), rcond=None)[0]
    radius = float(np.sqrt(max(c + x * x + y * y + z * z, 0.0)))
    low, high = config.round_radius
    if not low < radius < high:
        return None
    return "sphere", (origin[0] + x, origin[1] + y), (2.0 * radius, 2.0 * radius), 0.0

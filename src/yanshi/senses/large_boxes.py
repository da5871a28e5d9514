"""Find large boxes in the depth of a picture: what two hands carry, and the detector never learnt.

A box shows a level, rectangular top, and under its edge an upright wall that goes down to a lower
level on which it stands. Both together are rare in a room: a table's top is larger, a shelf's board
has no wall under it, a bin has no top. Everything is in the level frame of the camera, as in
`senses.solids`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from yanshi.core.messages import Image, Solid
from yanshi.senses.eyes import Detection, back_project
from yanshi.senses.solids import fit_rectangle, level_from_camera
from yanshi.worlds.things import PAINTS, kind_of

Array = NDArray[np.float64]

KIND = "box"
STEP_PX = 4
"""Every fourth row and column is looked at."""
FAR_M = 2.6
"""What is farther away is too coarse."""
EDGES_M, HEIGHT_M = (0.2, 0.45), (0.15, 0.45)
"""Of the ground, and of the height."""
WIDEST_M = 1.6 * EDGES_M[1]
"""What is wider, from corner to corner, is no box."""
LEVEL_M = 0.012
"""How much neighbouring points of one level differ in height at most."""
UPWARD = 0.9
"""Upward part of the normal of what counts as level."""
TOP_POINTS, GROUND_POINTS = 30, 12
NEIGHBOUR_M = 0.15
"""Within this of its sides the level on which it stands is seen."""
CELL_M, FILLED = 0.06, 0.65
"""A top fills this share of the cells of its rectangle."""
CORNER, CORNERS_SHARE = 0.7, 0.01
"""Beyond this share of both half edges is a corner, which holds this share of the points at least;
a round top has none there."""
WALL_M, WALL_BIN_M, WALL_SHARE = 0.03, 0.03, 0.75
"""How near to its outline points belong to its walls, and how much of their height is seen."""
CONFIDENCE = 0.9


def find_large_boxes(image: Image, up_in_camera: Array) -> tuple[tuple[Detection, Solid], ...]:
    """Return the large boxes that a picture shows whole, with their shapes.

    Args:
        image: The picture.
        up_in_camera: Where up is in the camera's frame, unit vector, shape (3,).

    Returns:
        Each as the detector would tell it, and its solid in the level frame of the camera.
    """
    turn = level_from_camera(np.asarray(up_in_camera, dtype=np.float64))
    depth = image.depth[STEP_PX // 2 :: STEP_PX, STEP_PX // 2 :: STEP_PX]
    rows, columns = np.indices(depth.shape) * STEP_PX + STEP_PX // 2 + 0.5
    points = back_project(columns, rows, depth, image) @ turn.T  # (rows, columns, 3)
    is_seen = (depth > 0.0) & (depth < FAR_M)
    is_level = is_seen & _is_level(points)
    labels = _labels(points[..., 2], is_level)
    found = []
    for label in np.flatnonzero(np.bincount(labels[is_level]) >= TOP_POINTS):
        top = labels == label
        solid = _box_under(points, top, is_level, is_seen)
        if solid is None:
            continue
        shown = image.rgb[STEP_PX // 2 :: STEP_PX, STEP_PX // 2 :: STEP_PX][top]
        x, y, z = turn.T @ np.array(solid.position)
        detection = Detection(
            kind=KIND,
            colour=_colour(shown),
            position_in_camera=(float(x), float(y), float(z)),
            confidence=CONFIDENCE,
        )
        found.append((detection, solid))
    return tuple(found)


def with_large_boxes(
    image: Image,
    detections: Sequence[Detection],
    solids: Sequence[Solid | None],
    up_in_camera: Array,
) -> tuple[tuple[Detection, ...], tuple[Solid | None, ...]]:
    """Return what the detector found with the large boxes of a picture.

    What it took a part of a box for is left out.
    """
    boxes = find_large_boxes(image, up_in_camera)
    if not boxes:
        return tuple(detections), tuple(solids)
    turn = level_from_camera(np.asarray(up_in_camera, dtype=np.float64))
    kept = [
        (detection, solid)
        for detection, solid in zip(detections, solids, strict=True)
        if detection.kind == "person"
        or not any(_holds(box, turn @ np.array(detection.position_in_camera)) for _, box in boxes)
    ]
    both = (*boxes, *kept)
    return tuple(detection for detection, _ in both), tuple(solid for _, solid in both)


def _is_level(points: Array) -> NDArray[np.bool_]:
    """Tell which points lie on a level face, by their neighbours."""
    ax, ay, az = np.moveaxis(points[1:-1, 2:] - points[1:-1, :-2], -1, 0)  # Across …
    bx, by, bz = np.moveaxis(points[2:, 1:-1] - points[:-2, 1:-1], -1, 0)  # … and down.
    x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    level = np.zeros(points.shape[:2], dtype=bool)
    level[1:-1, 1:-1] = np.abs(z) > UPWARD * np.maximum(np.sqrt(x * x + y * y + z * z), 1e-12)
    return level


def _labels(height: Array, is_level: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Number the points so that neighbours on one level share a number."""
    number = np.arange(height.size).reshape(height.shape)
    beside = is_level[:, 1:] & is_level[:, :-1] & (np.abs(np.diff(height, axis=1)) < LEVEL_M)
    below = is_level[1:] & is_level[:-1] & (np.abs(np.diff(height, axis=0)) < LEVEL_M)
    ones = np.append(number[:, 1:][beside], number[1:][below])
    others = np.append(number[:, :-1][beside], number[:-1][below])
    edges = coo_array((np.ones(len(ones), dtype=bool), (ones, others)), shape=2 * (height.size,))
    labels = connected_components(edges, directed=False)[1].reshape(height.shape)
    return np.where(is_level, labels, -1)


def _box_under(
    points: Array, top: NDArray[np.bool_], is_level: NDArray[np.bool_], is_seen: NDArray[np.bool_]
) -> Solid | None:
    """Return the box whose top some points are, or None where they are none."""
    height = float(np.median(points[top][:, 2]))
    rim = top.copy()  # With the outermost points, whose neighbours lie lower.
    rim[1:] |= top[:-1]
    rim[:-1] |= top[1:]
    rim[:, 1:] |= top[:, :-1]
    rim[:, :-1] |= top[:, 1:]
    rim &= is_seen & (np.abs(points[..., 2] - height) < LEVEL_M)
    if rim[0].any() or rim[-1].any() or rim[:, 0].any() or rim[:, -1].any():
        return None
    if np.ptp(points[rim][:, :2], axis=0).max() > WIDEST_M:
        return None
    (x, y), size, yaw = fit_rectangle(points[rim])
    if not all(EDGES_M[0] <= edge <= EDGES_M[1] for edge in size):
        return None
    cos, sin = np.cos(yaw), np.sin(yaw)
    in_box = (points[..., :2] - (x, y)) @ np.array([[cos, -sin], [sin, cos]])
    half = 0.5 * np.array(size)
    cells = np.unique(np.floor(in_box[rim] / CELL_M).astype(int), axis=0)
    if len(cells) < FILLED * size[0] * size[1] / CELL_M**2:
        return None
    outer = in_box[rim] / half
    for corner in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        if (outer * corner > CORNER).all(axis=-1).mean() < CORNERS_SHARE:
            return None
    beyond = np.max(np.abs(in_box) - half, axis=-1)
    low = height - points[..., 2]
    ground = is_level & (beyond > 0.0) & (beyond < NEIGHBOUR_M)
    ground &= (low > HEIGHT_M[0]) & (low < HEIGHT_M[1])
    if ground.sum() < GROUND_POINTS:
        return None
    tall = float(np.median(low[ground]))
    walls = is_seen & (np.abs(beyond) < WALL_M) & (low > WALL_BIN_M) & (low < tall - WALL_BIN_M)
    bins = np.unique((low[walls] / WALL_BIN_M).astype(int))
    if len(bins) < WALL_SHARE * (tall - 2.0 * WALL_BIN_M) / WALL_BIN_M:
        return None
    return Solid(
        shape="box",
        position=(float(x), float(y), height - 0.5 * tall),
        size=(float(size[0]), float(size[1]), tall),
        yaw=float(yaw),
    )


def _holds(box: Solid, point: Array) -> bool:
    """Whether a point lies in a box or touches it."""
    cos, sin = np.cos(box.yaw), np.sin(box.yaw)
    x, y, z = point - np.array(box.position)
    offset = np.abs([cos * x + sin * y, -sin * x + cos * y, z])
    return bool((offset < 0.5 * np.array(box.size) + WALL_M).all())


def _colour(shown: NDArray[np.uint8]) -> str:
    """Return the colour that most of some pixels have nearly."""
    tint = np.median(shown.astype(np.float64), axis=0)
    names = kind_of(KIND).colours
    paints = np.array([PAINTS[name] for name in names])
    paints /= np.linalg.norm(paints, axis=1, keepdims=True)
    return names[int((paints @ tint).argmax())]

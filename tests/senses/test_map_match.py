"""Pictures are traced ray by ray through the boxes of a room: the shift put in must come out."""

import dataclasses

import numpy as np
import pytest

from yanshi.senses.map_match import MapMatcher
from yanshi.senses.scene_memory import Surfaces
from yanshi.worlds.floor_plan import FloorPlan, Place

TABLE = Place(
    name="table", centre=(2.4, 0.5), size=(0.7, 1.4), yaw=np.pi, height=0.8, has_surface=True
)
SHELF = Place(
    name="shelf", centre=(0.5, 2.3), size=(0.4, 1.0), yaw=-np.pi / 2, height=0.9, has_surface=True
)
PLANT = Place(name="plant", centre=(-1.5, -1.5), size=(0.5, 0.5), yaw=0.3, height=1.2)
ROOM = FloorPlan(name="room", size=(6.0, 5.0), places=(TABLE, SHELF, PLANT), start=(0.0, 0.0, 0.0))
LOST = np.diag([0.45, 0.45, 0.02]) ** 2
SURE = np.diag([0.03, 0.03, 0.01]) ** 2
NOBODY = np.zeros((0, 2))
ROWS, COLUMNS, FOCAL = 44, 60, 31.4


def camera_at(x, y, yaw, *, down=0.65, height=1.2):
    """Return the pose of a camera that looks ahead and down."""
    ahead = np.array([np.cos(yaw) * np.cos(down), np.sin(yaw) * np.cos(down), -np.sin(down)])
    right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    T = np.eye(4)
    T[:3, :3] = np.stack([right, np.cross(ahead, right), ahead], axis=1)
    T[:3, 3] = x, y, height
    return T


def picture(plan, pose, *, clutter=()):
    """Trace every ray through floor, walls and boxes; return how far it gets along the axis."""
    v, u = np.mgrid[:ROWS, :COLUMNS]
    rays = np.stack([u + 0.5 - COLUMNS / 2, v + 0.5 - ROWS / 2, np.full(u.shape, FOCAL)], axis=-1)
    rays = rays / FOCAL @ pose[:3, :3].T
    eye = pose[:3, 3]
    with np.errstate(divide="ignore"):
        out = (0.5 * np.sign(rays[..., :2]) * plan.size - eye[:2]) / rays[..., :2]
        floor = np.where(rays[..., 2] < 0.0, -eye[2] / rays[..., 2], np.inf)
        depth = np.minimum(out.min(axis=-1), floor)
        for place in (*plan.places, *clutter):
            cos, sin = np.cos(place.yaw), np.sin(place.yaw)
            turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
            start = (eye - (*place.centre, 0.5 * place.height)) @ turn
            way = rays @ turn
            half = 0.5 * np.array([*place.size, place.height])
            near = (-np.sign(way) * half - start) / way
            far = (np.sign(way) * half - start) / way
            first, last = near.max(axis=-1), far.min(axis=-1)
            depth = np.where((first > 0.0) & (first < last), np.minimum(depth, first), depth)
    return Surfaces(depth=depth.astype(np.float32), focal_length=FOCAL)


def believe(pose, x, y, yaw=0.0):
    """Return where a robot that is off by so much believes its camera to be, and itself."""
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]
    believed = turn @ pose
    believed[:2, 3] = pose[:2, 3] + (x, y)
    return believed, believed[:2, 3].copy()


@pytest.mark.parametrize("yaw", np.linspace(-3.0, 3.0, 7))
@pytest.mark.parametrize("off", [(0.3, -0.25), (-0.5, 0.4), (0.02, 0.03)])
def test_what_a_picture_of_the_room_tells_is_right(yaw, off):
    T = camera_at(0.3, -0.4, yaw)
    match = MapMatcher(ROOM).match(picture(ROOM, T), *believe(T, *off), LOST, NOBODY)
    assert match is not None
    values, axes = np.linalg.eigh(match.information[:2, :2])
    told = axes[:, values > 0.15**-2]  # The rest cannot be seen from there.
    assert told.shape[1] >= 1
    np.testing.assert_allclose(match.shift[:2] @ told, -np.array(off) @ told, atol=0.02)


@pytest.mark.parametrize("pose", [(-1.0, 0.4, 1.5), (-1.0, 1.1, -3.0), (1.0, -1.2, -2.25)])
def test_what_a_picture_hardly_tells_of_a_direction_does_not_count(pose):
    """There are few pieces along it, and nobody has looked for another place along it."""
    T = camera_at(*pose)
    match = MapMatcher(ROOM).match(picture(ROOM, T), *believe(T, 0.3, -0.2), LOST, NOBODY)
    least, most = np.linalg.eigvalsh(match.information[:2, :2])
    assert least == pytest.approx(0.0, abs=1e-6)
    assert most > 0.05**-2


def test_a_heading_that_has_run_away_is_brought_back():
    T = camera_at(0.3, -0.4, 0.6)
    unsure = np.diag([0.05, 0.05, 0.03]) ** 2
    match = MapMatcher(ROOM).match(picture(ROOM, T), *believe(T, 0.05, 0.0, 0.04), unsure, NOBODY)
    assert match is not None
    np.testing.assert_allclose(match.shift, (-0.05, 0.0, -0.04), atol=0.01)


def test_along_a_bare_wall_nothing_is_told():
    bare = dataclasses.replace(ROOM, places=())
    T = camera_at(1.2, 0.0, 0.0, down=0.3)
    surfaces = picture(bare, T)
    surfaces.depth[:, :12] = surfaces.depth[:, -12:] = 0.0  # No corner in sight.
    match = MapMatcher(bare).match(surfaces, *believe(T, 0.3, 0.2), LOST, NOBODY)
    assert match is not None
    assert match.shift[0] == pytest.approx(-0.3, abs=0.01)
    assert abs(match.shift[1]) < 0.05
    assert match.information[0, 0] > 20.0**2
    assert match.information[1, 1] < 1.0


def test_of_two_chairs_alike_neither_is_taken_by_who_is_lost():
    """Seen is one flat side, 0.3 m behind where one chair is and 0.3 m before the other."""
    chairs = tuple(
        Place(name=name, centre=(x, 0.0), size=(0.4, 3.0), yaw=np.pi, height=0.8, has_surface=True)
        for name, x in (("one", 1.5), ("other", 2.1))
    )
    plan = dataclasses.replace(ROOM, size=(9.0, 9.0), places=chairs)
    T = camera_at(0.0, 0.0, 0.0, down=0.4)
    alone = dataclasses.replace(plan, places=chairs[:1])
    surfaces = picture(alone, T)
    surfaces.depth[surfaces.depth > 2.5] = 0.0  # Nothing but the chair.
    surfaces.depth[:, :8] = surfaces.depth[:, -8:] = 0.0
    believed = believe(T, 0.3, 0.0)
    for covariance in (LOST, SURE):
        assert MapMatcher(plan).match(surfaces, *believed, covariance, NOBODY) is None
    match = MapMatcher(alone).match(surfaces, *believed, LOST, NOBODY)
    assert match is not None
    assert match.shift[0] == pytest.approx(-0.3, abs=0.01)
    near = MapMatcher(plan).match(surfaces, *believe(T, 0.05, 0.0), SURE, NOBODY)
    assert near is not None
    assert near.shift[0] == pytest.approx(-0.05, abs=0.01)


def test_a_cupboard_that_is_on_no_map_moves_nobody():
    T = camera_at(0.3, -0.4, 0.2)
    cupboard = Place(name="new", centre=(1.9, -0.9), size=(0.5, 0.9), yaw=np.pi, height=1.0)
    surfaces = picture(ROOM, T, clutter=[cupboard])
    match = MapMatcher(ROOM).match(surfaces, *believe(T, 0.0, 0.0), SURE, NOBODY)
    assert match is None or np.abs(match.shift[:2]).max() < 0.02


def test_people_are_no_part_of_the_map():
    """One stands close by and hides most of the wall."""
    T = camera_at(1.2, -1.2, 0.0, down=0.4)
    person = Place(name="person", centre=(2.2, -1.3), size=(0.3, 0.9), yaw=np.pi, height=1.7)
    surfaces = picture(ROOM, T, clutter=[person])
    there = np.array([person.centre]) + (0.1, 0.1)
    believed = believe(T, 0.1, 0.1)
    match = MapMatcher(ROOM).match(surfaces, *believed, LOST, there)
    assert match is not None
    assert match.shift[0] == pytest.approx(-0.1, abs=0.01)
    mistaken = MapMatcher(ROOM).match(surfaces, *believed, LOST, NOBODY)
    assert mistaken is not None
    assert mistaken.shift[0] > 0.5  # The wall itself seems to be that near.


def test_the_open_floor_tells_nothing():
    T = camera_at(0.0, 0.0, 0.0, down=1.1)
    empty = dataclasses.replace(ROOM, size=(20.0, 20.0), places=())
    assert MapMatcher(empty).match(picture(empty, T), *believe(T, 0, 0), LOST, NOBODY) is None

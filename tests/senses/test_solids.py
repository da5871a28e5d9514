"""Shapes of known size are looked at by MuJoCo's rays; what is measured must be they."""

from dataclasses import dataclass, replace
from itertools import pairwise

import mujoco
import numpy as np
import pytest

from yanshi.core.messages import Image
from yanshi.robots.g1.spec import HEAD_CAMERA
from yanshi.senses.eyes import Detection
from yanshi.senses.solids import (
    SolidsConfig,
    level_from_camera,
    measure_solids,
    solid_on_map,
)

TABLE_M = 0.75
WITHIN_M = 0.005
VIEWS = [(0.0, 50.0), (1.1, 40.0), (-2.3, 60.0), (3.0, 35.0)]
"""From where it is looked, round the vertical in rad, and how far down, in degrees."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One geom that stands on the table, and what it is called; a nameless one is not detected."""

    kind: str
    shape: str
    size: tuple[float, float, float]
    """Edges or diameters, m."""
    at: tuple[float, float] = (0.0, 0.0)
    yaw: float = 0.0
    lift: float = 0.0
    """Of its lowest point above the table, m."""

    @property
    def middle(self) -> np.ndarray:
        return np.array([*self.at, TABLE_M + self.lift + 0.5 * self.size[2]])

    @property
    def xml(self) -> str:
        a, b, c = (0.5 * edge for edge in self.size)
        size = {"box": f"{a} {b} {c}", "cylinder": f"{a} {c}", "sphere": f"{a}"}[self.shape]
        x, y, z = self.middle
        turn = np.rad2deg(self.yaw)
        return f'<geom type="{self.shape}" size="{size}" pos="{x} {y} {z}" euler="0 0 {turn}"/>'


def camera_pose(azimuth: float, down_deg: float, distance: float = 0.6) -> np.ndarray:
    """Return where a camera is on the map that looks at the middle of the table."""
    down = np.deg2rad(down_deg)
    ahead = np.array([np.cos(azimuth), np.sin(azimuth), 0.0]) * np.cos(down)
    ahead[2] = -np.sin(down)
    right = np.array([np.sin(azimuth), -np.cos(azimuth), 0.0])
    T = np.eye(4)
    T[:3, :3] = np.stack([right, np.cross(ahead, right), ahead], axis=1)
    T[:3, 3] = np.array([0.0, 0.0, TABLE_M + 0.03]) - distance * ahead
    return T


def look(parts: list[Part], map_from_camera: np.ndarray) -> Image:
    """Measure the distance of all that the head's camera would show."""
    table = f'<geom type="box" size="0.6 0.6 0.02" pos="0 0 {TABLE_M - 0.02}"/>'
    return look_at(table + "".join(part.xml for part in parts), map_from_camera)


def look_at(geoms: str, map_from_camera: np.ndarray) -> Image:
    """Measure the distance of geoms in MJCF."""
    model = mujoco.MjModel.from_xml_string(
        f"<mujoco><worldbody>{geoms}</worldbody></mujoco>",
    )
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    rows, columns, f = HEAD_CAMERA.height, HEAD_CAMERA.width, HEAD_CAMERA.focal_length_px
    v, u = np.mgrid[:rows, :columns] + 0.5
    rays = np.stack([(u - 0.5 * columns) / f, (v - 0.5 * rows) / f, np.ones_like(u)], axis=-1)
    lengths = np.linalg.norm(rays, axis=-1)
    on_map = (rays / lengths[..., None]) @ map_from_camera[:3, :3].T
    count = rows * columns
    far, geoms = np.zeros(count), np.zeros(count, dtype=np.int32)
    origin = map_from_camera[:3, 3].copy()
    mujoco.mj_multiRay(
        model, data, origin, on_map.ravel(), None, 1, -1, geoms, far, None, count, 5.0
    )
    depth = np.maximum(far, 0.0).reshape(rows, columns) / lengths
    return Image(
        t_ns=0,
        rgb=np.zeros((rows, columns, 3), np.uint8),
        depth=depth.astype(np.float32),
        focal_length_px=f,
    )


def detect(part: Part, map_from_camera: np.ndarray) -> Detection:
    """Return what good eyes would tell: the middle, off by a few mm."""
    x, y, z = map_from_camera[:3, :3].T @ (
        part.middle + (0.003, -0.004, 0.003) - map_from_camera[:3, 3]
    )
    return Detection(
        kind=part.kind,
        colour="red",
        position_in_camera=(float(x), float(y), float(z)),
        confidence=0.9,
    )


def measure(parts: list[Part], azimuth=0.0, down_deg=50.0, distance=0.6):
    """Return the solids of all named parts on the map."""
    pose = camera_pose(azimuth, down_deg, distance)
    detections = [detect(part, pose) for part in parts if part.kind]
    solids = measure_solids(look(parts, pose), detections, pose[2, :3])
    return [None if solid is None else solid_on_map(solid, pose) for solid in solids]


def assert_is(solid, part: Part, within_m: float = WITHIN_M) -> None:
    """Hold a measured solid against the part, whichever of its edges it counts from."""
    assert solid is not None
    assert solid.shape == part.shape
    np.testing.assert_allclose(solid.position, part.middle, atol=within_m)
    size, yaw = list(part.size), part.yaw
    if part.shape == "box":
        quarter = round((solid.yaw - yaw) / (0.5 * np.pi))
        assert abs(solid.yaw - yaw - quarter * 0.5 * np.pi) < np.deg2rad(5.0)
        if quarter % 2:
            size[:2] = size[1::-1]
    np.testing.assert_allclose(solid.size, size, atol=within_m)


BOX = Part(kind="cube", shape="box", size=(0.05, 0.08, 0.06), yaw=0.4)
CAN = Part(kind="can", shape="cylinder", size=(0.066, 0.066, 0.12))
BALL = Part(kind="ball", shape="sphere", size=(0.07, 0.07, 0.07))
NUT = Part(kind="walnut", shape="sphere", size=(0.04, 0.04, 0.04))


@pytest.mark.parametrize("part", [BOX, CAN, BALL, NUT], ids=lambda part: part.kind)
@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_a_shape_is_measured_to_5_mm_from_wherever_it_is_seen(part, view):
    (solid,) = measure([part], *view)
    assert_is(solid, part)


@pytest.mark.parametrize("way", [0.0, 0.5 * np.pi])
@pytest.mark.parametrize("kinds", [("cube", "cube"), ("cube", "")])
def test_two_things_2_cm_apart_are_two_whether_both_are_known_or_one(way, kinds):
    apart = 0.5 * (0.05 + 0.02)
    at = apart * np.array([np.cos(way), np.sin(way)])
    first, second = (
        Part(kind=kind, shape="box", size=(0.05, 0.05, 0.05), at=tuple(sign * at))
        for kind, sign in zip(kinds, (1.0, -1.0), strict=True)
    )
    solids = measure([first, second], down_deg=55.0)
    for solid, part in zip(solids, (first, second), strict=False):
        assert_is(solid, part)


@pytest.mark.parametrize("gap", [0.002, 0.005])
def test_two_things_that_all_but_touch_are_parted_between_their_middles(gap):
    y = 0.5 * (0.05 + gap)
    pair = [
        Part(kind="cube", shape="box", size=(0.05, 0.05, 0.05), at=(0.0, sign * y))
        for sign in (1.0, -1.0)
    ]
    for solid, part in zip(measure(pair, down_deg=55.0), pair, strict=True):
        assert_is(solid, part, within_m=0.01)  # The middles are told no better.


@pytest.mark.parametrize("way", [0.0, 1.6, 3.1, -1.2])
def test_a_handle_does_not_widen_a_cup(way):
    cup = Part(kind="cup", shape="cylinder", size=(0.08, 0.08, 0.09))
    out = 0.04 + 0.012
    handle = Part(
        kind="",
        shape="box",
        size=(0.03, 0.012, 0.05),
        at=(out * np.cos(way), out * np.sin(way)),
        yaw=way,
        lift=0.02,
    )
    (solid,) = measure([cup, handle])
    assert_is(solid, cup)


@pytest.mark.parametrize("view", VIEWS, ids=str)
@pytest.mark.parametrize("edge", [0.045, 0.06])
def test_what_is_flat_on_top_is_no_ball_whatever_it_is_called(view, edge):
    cube = Part(kind="apple", shape="box", size=(edge, edge, edge), yaw=0.7)
    (solid,) = measure([cube], *view)
    assert_is(solid, cube)


def test_turning_all_about_the_vertical_turns_the_answer():
    pose = camera_pose(0.3, 50.0)
    image, found = look([BOX], pose), [detect(BOX, pose)]
    (solid,) = measure_solids(image, found, pose[2, :3])
    before = solid_on_map(solid, pose)
    for angle in (0.5, -2.0, 3.0):
        turn = np.eye(4)
        turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        turned = solid_on_map(solid, turn @ pose)
        np.testing.assert_allclose(turned.position, turn[:3, :3] @ before.position, atol=1e-9)
        assert np.cos(turned.yaw - before.yaw - angle) == pytest.approx(1.0, abs=1e-12)
        assert turned.size == before.size


@pytest.mark.parametrize("down_deg", [0.0, 20.0, 70.0])
def test_the_level_frame_looks_ahead_and_has_no_tilt(down_deg):
    pose = camera_pose(0.7, down_deg)
    level_camera = level_from_camera(pose[2, :3])
    map_level = pose[:3, :3] @ level_camera.T
    ahead = (np.cos(0.7), np.sin(0.7), 0.0)
    np.testing.assert_allclose(map_level[:, 2], (0.0, 0.0, 1.0), atol=1e-12)
    np.testing.assert_allclose(map_level[:, 0], ahead, atol=1e-12)
    assert np.linalg.det(level_camera) == pytest.approx(1.0)


def test_the_same_picture_gives_the_same_solids_in_the_order_of_the_detections():
    ball = Part(kind="ball", shape="sphere", size=(0.07, 0.07, 0.07), at=(0.0, 0.12))
    pose = camera_pose(0.0, 50.0)
    image = look([CAN, ball], pose)
    found = [detect(CAN, pose), detect(ball, pose)]
    first = measure_solids(image, found, pose[2, :3])
    assert [solid.shape for solid in first] == ["cylinder", "sphere"]
    assert measure_solids(image, found[::-1], pose[2, :3]) == first[::-1]
    assert measure_solids(image, [], pose[2, :3]) == ()


def test_what_is_far_a_person_or_not_in_the_picture_has_no_shape():
    assert measure([CAN], distance=1.1) == [None]
    pose = camera_pose(0.0, 50.0)
    image = look([CAN], pose)
    (can,) = [detect(CAN, pose)]
    person = Detection(
        kind="person",
        colour="",
        position_in_camera=can.position_in_camera,
        confidence=0.9,
    )
    assert measure_solids(image, [person], pose[2, :3]) == (None,)
    nothing = replace(image, depth=np.zeros_like(image.depth))
    assert measure_solids(nothing, [can], pose[2, :3]) == (None,)


@pytest.mark.parametrize(("side_px", "is_enough"), [(5, False), (9, True)])
def test_a_thing_of_which_little_is_seen_has_no_shape(side_px, is_enough):
    """The table is there, and of the box a patch of its top."""
    pose = camera_pose(0.0, 50.0)
    image, table = look([BOX], pose), look([], pose)
    top = BOX.middle + (0.0, 0.0, 0.5 * BOX.size[2])
    x, y, z = pose[:3, :3].T @ (top - pose[:3, 3])
    rows, columns = image.depth.shape
    row = round(0.5 * rows + image.focal_length_px * y / z)
    column = round(0.5 * columns + image.focal_length_px * x / z)
    is_kept = np.isclose(image.depth, table.depth, atol=1e-4)
    is_kept[row : row + side_px, column : column + side_px] = True
    part = replace(image, depth=np.where(is_kept, image.depth, 0.0))
    (solid,) = measure_solids(part, [detect(BOX, pose)], pose[2, :3])
    assert (solid is not None) is is_enough


def test_what_hardly_rises_from_the_table_has_no_shape():
    low = SolidsConfig().height_min
    flat = Part(kind="book", shape="box", size=(0.1, 0.14, low - 0.003))
    thick = Part(kind="book", shape="box", size=(0.1, 0.14, low + 0.008))
    assert measure([flat]) == [None]
    (solid,) = measure([thick])
    assert_is(solid, thick)


PALM = 0.95
"""Height of an open hand's upper side above the floor, m."""


def measure_person(
    hand: str,
    azimuth: float = 0.0,
    distance: float = 1.15,
    middle_up: float = 0.0,
    down_deg: float = 37.0,
):
    """Return what is measured of a person at the origin with an arm of some geoms, on the map.

    The detector sees their middle so much higher than it is.
    """
    xml = (
        '<geom type="plane" size="0 0 1"/>'
        '<geom type="capsule" size="0.17" fromto="0 0 0.3 0 0 1.4"/>' + hand
    )
    pose = camera_pose(azimuth, down_deg)
    pose[:3, 3] = (-distance * np.cos(azimuth), -distance * np.sin(azimuth), 1.2)
    middle = pose[:3, :3].T @ (np.array([0.03, -0.03, 0.92 + middle_up]) - pose[:3, 3])
    person = Detection(
        kind="person", colour="", position_in_camera=tuple(middle.tolist()), confidence=0.9
    )
    (solid,) = measure_solids(look_at(xml, pose), [person], pose[2, :3])
    return solid and solid_on_map(solid, pose)


def arm(azimuth: float, top: float = PALM, half_wide: float = 0.06) -> str:
    """Return a forearm and a palm, 17 by 12 cm by default, that is held out towards the camera."""
    x, y = -0.42 * np.cos(azimuth), -0.42 * np.sin(azimuth)
    turn = np.rad2deg(azimuth)
    return (
        f'<geom type="box" size="0.085 {half_wide} 0.01" pos="{x} {y} {top - 0.01}" '
        f'euler="0 0 {turn}"/>'
        f'<geom type="capsule" size="0.035" fromto="{0.2 * x} {0.2 * y} 1.1 '
        f'{0.8 * x} {0.8 * y} {top - 0.02}"/>'
    )


@pytest.mark.parametrize("azimuth", [0.0, 2.0])
@pytest.mark.parametrize("distance", [1.0, 1.15, 1.4])
def test_an_open_hand_is_found_to_2_cm_and_its_height_to_5_mm(azimuth, distance):
    solid = measure_person(arm(azimuth), azimuth, distance)
    assert solid is not None
    x, y, z = solid.position
    off = np.hypot(x + 0.42 * np.cos(azimuth), y + 0.42 * np.sin(azimuth))
    assert off < 0.02
    assert z + 0.5 * solid.size[2] == pytest.approx(PALM, abs=0.005)


@pytest.mark.parametrize(
    "hand",
    [
        "",
        '<geom type="capsule" size="0.036" fromto="0 -0.25 1.1 -0.1 -0.25 0.9"/>'
        '<geom type="ellipsoid" size="0.04 0.022 0.055" pos="-0.12 -0.25 0.82"/>',
        arm(0.0, top=0.5),
        '<geom type="box" size="0.3 0.5 0.02" pos="-0.5 0 0.95"/>',
    ],
    ids=["no arm", "a hanging arm", "too low", "a table"],
)
def test_who_holds_no_hand_out_has_none(hand):
    assert measure_person(hand) is None


def test_what_is_as_thin_as_a_forearm_is_no_hand():
    assert measure_person(arm(0.0, half_wide=0.045)) is not None
    assert measure_person(arm(0.0, half_wide=0.034)) is None


@pytest.mark.parametrize("height", [1.2, 1.3])
def test_a_shoulder_as_high_as_the_camera_is_no_palm_though_the_middle_is_seen_too_high(height):
    shoulder = f'<geom type="ellipsoid" size="0.12 0.1 0.19" pos="-0.4 0.1 {height}"/>'
    assert measure_person(shoulder, middle_up=0.2, down_deg=10.0) is None


def test_the_hand_of_somebody_far_away_is_not_measured():
    assert measure_person(arm(0.0), distance=2.5) is None


def bottle(at: tuple[float, float]) -> list[Part]:
    """Return a bottle's body, which is detected, and its neck, which is a part of it."""
    body = Part(kind="bottle", shape="cylinder", size=(0.068, 0.068, 0.15), at=at)
    neck = Part(kind="", shape="cylinder", size=(0.033, 0.033, 0.07), at=at, lift=0.15)
    return [body, neck]


@pytest.mark.parametrize("azimuth", [0.0, 1.1, -2.3])
def test_all_of_a_bottle_is_as_high_as_it_is_and_has_a_neck(azimuth):
    (solid,) = measure(bottle((0.0, 0.0)), azimuth, down_deg=40.0, distance=0.65)
    assert solid.size[2] == pytest.approx(0.22, abs=WITHIN_M)
    assert solid.is_tapered
    assert not solid.is_cut


@pytest.mark.parametrize(
    "at", [(0.2, 0.0), (0.05, 0.3), (0.05, -0.3)], ids=["above", "left", "right"]
)
def test_a_bottle_whose_neck_is_out_of_the_picture_is_cut_and_seems_to_have_none(at):
    (solid,) = measure(bottle(at), 0.0, down_deg=50.0, distance=0.35)
    assert solid.size[2] < 0.2
    assert not solid.is_tapered
    assert solid.is_cut


@pytest.mark.parametrize("part", [BOX, CAN, BALL, NUT], ids=lambda part: part.kind)
def test_a_shape_in_the_middle_of_the_picture_is_whole(part):
    (solid,) = measure([part])
    assert not solid.is_cut


def banana(yaw: float) -> str:
    """Return an arc of capsules on the table, bent by 0.2 rad every 3 cm, as MJCF."""
    steps = np.concatenate([[0.0], np.cumsum(0.03 * np.exp(1j * np.arange(-0.5, 0.51, 0.2)))])
    arc = (steps - 0.5 * (steps[0] + steps[-1])) * np.exp(1j * yaw)
    z = TABLE_M + 0.018
    return "".join(
        f'<geom type="capsule" size="0.018" fromto="{a.real} {a.imag} {z} {b.real} {b.imag} {z}"/>'
        for a, b in pairwise(arc)
    )


@pytest.mark.parametrize("yaw", [0.0, 0.6, 2.4])
def test_what_is_long_and_bent_is_as_wide_as_it_is_half_way(yaw):
    pose = camera_pose(0.0, 55.0)
    table = f'<geom type="box" size="0.6 0.6 0.02" pos="0 0 {TABLE_M - 0.02}"/>'
    image = look_at(table + banana(yaw), pose)
    seen = detect(Part(kind="banana", shape="box", size=(0.2, 0.08, 0.036)), pose)
    (solid,) = measure_solids(image, [seen], pose[2, :3])
    width, length = sorted(solid.size[:2])
    assert width == pytest.approx(0.036, abs=0.008)
    assert length == pytest.approx(0.2, abs=0.015)
    # Bent to the left, half-way it lies to the right of the line between its ends.
    half_way = solid_on_map(solid, pose).position[:2]
    sag = 0.03 * np.sin([0.5, 0.3, 0.1]).sum()
    expected = -sag * np.array([-np.sin(yaw), np.cos(yaw)])
    np.testing.assert_allclose(half_way, expected, atol=0.008)

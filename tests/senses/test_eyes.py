"""The eyes: their geometry against MuJoCo's, and the weights in the repository against homes."""

from pathlib import Path

import mujoco
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yanshi.assets import locate as locate_asset
from yanshi.bench.eyes import HAND_M, bench_eyes, look_at_home, near_rows_of, rows_of
from yanshi.bodies.mujoco_camera import MujocoCamera
from yanshi.core.errors import AssetError, ContractError, UnknownNameError
from yanshi.core.messages import Image
from yanshi.robots.spec import CameraSpec
from yanshi.senses.eyes import CELL_PX, OFFSET_UNIT_M, Eyes, back_project, locate

EYE = CameraSpec(
    name="eye",
    link="head",
    position=(0.0, 0.0, 0.0),
    pitch_down=0.0,
    fov_deg=70.0,
    width=480,
    height=352,
    depth_max=8.0,
)
RADIUS = 0.03
WORLD = f"""
<mujoco>
  <statistic extent="3"/>
  <worldbody>
    <light pos="0 0 3"/>
    <geom type="box" pos="3 0 0" size="0.05 9 9"/>
    <body name="ball"><freejoint/><geom type="sphere" size="{RADIUS}"/></body>
    <body name="head"><camera name="eye" xyaxes="0 -1 0 0 0 1" fovy="70"/></body>
  </worldbody>
</mujoco>
"""


def picture(depth, focal_length_px=251.0):
    depth = np.asarray(depth, np.float32)
    return Image(
        t_ns=0,
        rgb=np.zeros((*depth.shape, 3), np.uint8),
        depth=depth,
        focal_length_px=focal_length_px,
    )


@pytest.fixture(scope="module")
def eyes():
    return Eyes()


@given(st.floats(-1.5, 1.5), st.floats(-1.0, 1.0), st.floats(0.3, 5.0))
def test_back_projection_undoes_projection(x, y, z):
    image = picture(np.ones((352, 480)))
    column = 240.0 + 251.0 * x / z
    row = 176.0 + 251.0 * y / z
    point = back_project(np.array([column]), np.array([row]), np.array([z]), image)
    np.testing.assert_allclose(point, [[x, y, z]], atol=1e-9)


@pytest.mark.parametrize("place", [(0.6, 0.1, -0.2), (1.5, -0.6, 0.4), (2.4, 0.9, -0.7)])
def test_a_sphere_is_located_from_colour_and_depth_to_a_centimetre(place):
    model = mujoco.MjModel.from_xml_string(WORLD)
    ahead, left, up = place
    with MujocoCamera(model, EYE) as camera:
        image = camera.capture_at(np.array([ahead, left, up, 1.0, 0.0, 0.0, 0.0]), 0)
    rows, columns = np.nonzero((image.depth > 0.0) & (image.depth < 2.9))
    surface = back_project(columns + 0.5, rows + 0.5, image.depth[rows, columns], image)
    # The nearest point of a sphere lies on the ray through its middle.
    nearest = surface[np.linalg.norm(surface, axis=1).argmin()]
    distance = np.linalg.norm(nearest)
    middle = nearest * (distance + RADIUS) / distance
    np.testing.assert_allclose(middle, (-left, -up, ahead), atol=0.01)


def test_an_answer_without_offsets_is_the_middle_of_its_cell():
    image = picture(np.full((352, 480), 2.0))
    cells = (np.array([44]), np.array([60]))
    found = locate(cells, np.zeros((3, 1), np.float32), np.array([2.0], np.float32), image)
    middle = 0.5 * CELL_PX / 251.0 * 2.0
    np.testing.assert_allclose(found, [[middle, middle, 2.0]], atol=1e-6)


def test_offsets_move_an_answer_right_down_and_away():
    image = picture(np.full((352, 480), 2.0))
    cells = (np.array([44]), np.array([60]))
    still, moved = (
        locate(cells, np.full((3, 1), by, np.float32), np.array([2.0], np.float32), image)
        for by in (0.0, 0.5)
    )
    assert (moved > still).all()
    assert moved[0, 2] - still[0, 2] == pytest.approx(0.5 * OFFSET_UNIT_M)


def test_the_weights_find_most_clear_things_in_unseen_homes(eyes):
    trials = [look_at_home(eyes, 1_999_990 + k) for k in range(3)]
    rows = {row.name: row for row in rows_of(trials)}
    assert rows["recall of clear things"].n >= 10
    assert rows["recall of clear things"].value >= 0.8
    assert rows["precision"].value >= 0.8
    assert rows["error by 2 cm + 1 %, 90th percentile"].value <= 1.5


def test_the_same_picture_gives_the_same_things(eyes):
    rng = np.random.default_rng(0)
    image = Image(
        t_ns=0,
        rgb=rng.integers(0, 255, (*eyes.shape, 3), np.uint8),
        depth=rng.uniform(0.5, 3.0, eyes.shape).astype(np.float32),
        focal_length_px=251.0,
    )
    assert eyes.detect(image) == eyes.detect(image) == Eyes().detect(image)


def test_nothing_is_seen_in_an_empty_picture(eyes):
    assert eyes.detect(picture(np.full(eyes.shape, 2.0))) == ()


def test_a_picture_of_another_size_is_refused(eyes):
    with pytest.raises(ContractError, match=r"\(352, 480\).*\(240, 320\)"):
        eyes.detect(picture(np.ones((240, 320))))


def test_missing_weights_are_named_with_what_makes_them(tmp_path: Path):
    with pytest.raises(AssetError, match="yanshi train eyes"):
        Eyes(tmp_path / "eyes.onnx")


def test_another_network_is_not_taken_for_eyes():
    with pytest.raises(ContractError, match="kinds"):
        Eyes(locate_asset("g1_walk_ppo"))


def kept_apart(eyes, *answers):
    """Return which of (kind, x) answers stay, the surest first."""
    positions = np.array([(x, 0.0, 1.0) for _, x in answers])
    kinds = np.array([eyes.kinds.index(kind) for kind, _ in answers])
    return eyes._keep_apart(positions, kinds)


def test_of_two_answers_in_one_place_the_surer_stays(eyes):
    assert kept_apart(eyes, ("cup", 0.0), ("ball", 0.03), ("can", 0.04)) == [0, 2]


def test_what_lies_on_a_tray_stays_beside_the_tray(eyes):
    assert kept_apart(eyes, ("apple", 0.0), ("tray", 0.01), ("tray", 0.08), ("ball", 0.02)) == [
        0,
        1,
    ]


def test_one_person_is_seen_once(eyes):
    assert kept_apart(eyes, ("person", 0.0), ("person", 0.4), ("cup", 0.2)) == [0, 2]


def test_a_bench_from_where_hands_reach_counts_what_is_near(eyes):
    trials = [look_at_home(eyes, 1_999_980 + k, "tidy") for k in range(5)]
    rows = {row.name: row for row in near_rows_of(trials)}
    near = [
        t for trial in trials for t in trial["things"] if t["clear"] and t["distance"] <= HAND_M
    ]
    assert rows["recall of clear things"].n == len(near) >= 10
    assert rows["recall: tray"].n == sum(t["kind"] == "tray" for t in near) > 0
    assert rows["recall of clear things"].value >= 0.8
    assert rows["precision"].value >= 0.8
    assert rows["error, median"].value <= 0.015


def test_a_bench_in_another_world_is_refused():
    with pytest.raises(UnknownNameError, match="home, tidy"):
        bench_eyes(1, world="tdy")

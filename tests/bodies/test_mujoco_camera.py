import multiprocessing
from dataclasses import replace

import mujoco
import numpy as np
import pytest

from yanshi.bodies.mujoco_camera import MujocoCamera
from yanshi.core.errors import BodyError
from yanshi.robots.spec import CameraSpec

EYE = CameraSpec(
    name="eye",
    link="head",
    position=(0.0, 0.0, 0.0),
    pitch_down=0.0,
    fov_deg=60.0,
    width=160,
    height=120,
    depth_max=5.0,
)
# A camera at the origin looks along the world's x axis at a wall.
WORLD = """
<mujoco>
  <statistic extent="3"/>
  <worldbody>
    <light pos="0 0 3"/>
    <geom type="box" pos="{wall} 0 0" size="0.05 9 9" rgba="0.3 0.3 0.3 1"/>
    <body name="ball"><freejoint/><geom type="sphere" size="0.1" rgba="1 0 0 1"/></body>
    <body name="head">
      <camera name="eye" xyaxes="0 -1 0 0 0 1" fovy="60"/>
      <geom type="box" pos="0.3 0 0" size="0.01 1 1" group="2"/>
    </body>
  </worldbody>
</mujoco>
"""
AWAY = np.array([-3.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0])


def model(wall=2.05):
    return mujoco.MjModel.from_xml_string(WORLD.format(wall=wall))


def ball_at(x, y, z):
    return np.array([x, y, z, 1.0, 0.0, 0.0, 0.0])


def red_pixels(image):
    rgb = image.rgb.astype(int)
    return np.argwhere((rgb[..., 0] > 80) & (rgb[..., 0] > 2 * rgb[..., 1]))


@pytest.mark.parametrize("distance", [0.5, 2.0, 4.0])
def test_depth_is_the_distance_to_a_wall_along_the_optical_axis(distance):
    with MujocoCamera(model(distance + 0.05), EYE) as camera:
        depth = camera.capture_at(AWAY, 0).depth
    np.testing.assert_allclose(depth, distance, rtol=1e-3)


def test_depth_beyond_the_cameras_range_is_unknown():
    with MujocoCamera(model(wall=6.0), EYE) as camera:
        depth = camera.capture_at(AWAY, 0).depth
    np.testing.assert_array_equal(depth, 0.0)


def test_a_ball_appears_where_a_pinhole_projects_its_middle():
    middle = np.array([1.5, 0.3, -0.2])  # Ahead, left, below.
    with MujocoCamera(model(), EYE) as camera:
        image = camera.capture_at(ball_at(*middle), 0)
    rows, columns = red_pixels(image).T
    f = image.focal_length_px
    assert columns.mean() + 0.5 == pytest.approx(80.0 - f * 0.3 / 1.5, abs=1.5)
    assert rows.mean() + 0.5 == pytest.approx(60.0 + f * 0.2 / 1.5, abs=1.5)


def test_a_ball_is_nearest_to_the_camera_by_its_radius():
    with MujocoCamera(model(), EYE) as camera:
        depth = camera.capture_at(ball_at(1.5, 0.0, 0.0), 0).depth
    assert depth.min() == pytest.approx(1.4, abs=5e-3)


def test_link_from_camera_agrees_with_where_the_renderer_puts_things():
    point_in_link = np.array([1.5, 0.3, -0.2])
    point_in_camera = EYE.link_from_camera[:3, :3].T @ point_in_link
    np.testing.assert_allclose(point_in_camera, [-0.3, 0.2, 1.5], atol=1e-12)


def test_the_robots_detailed_meshes_are_left_out():
    with MujocoCamera(model(), EYE) as camera:
        assert camera.capture_at(AWAY, 0).depth.min() > 1.9


def test_a_picture_keeps_its_pixels_when_the_next_one_is_taken():
    with MujocoCamera(model(), EYE) as camera:
        first = camera.capture_at(ball_at(1.5, 0.0, 0.0), 0)
        before = first.rgb.copy()
        camera.capture_at(AWAY, 1)
    np.testing.assert_array_equal(first.rgb, before)
    assert not first.rgb.flags.writeable
    assert not first.depth.flags.writeable


def test_two_cameras_of_different_size_may_take_turns():
    small = replace(EYE, width=64, height=48)
    with MujocoCamera(model(), EYE) as one, MujocoCamera(model(1.05), small) as other:
        for _ in range(2):
            np.testing.assert_allclose(one.capture_at(AWAY, 0).depth, 2.0, rtol=1e-3)
            np.testing.assert_allclose(other.capture_at(AWAY, 0).depth, 1.0, rtol=1e-3)


def test_a_camera_in_another_process_takes_the_same_picture():
    pose = ball_at(1.5, 0.3, -0.2)
    with MujocoCamera(model(), EYE) as camera:
        here = camera.capture_at(pose, 7)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.apply(_capture, (pose,))
    np.testing.assert_array_equal(here.rgb, there.rgb)
    np.testing.assert_array_equal(here.depth, there.depth)
    assert there.t_ns == 7


def _capture(pose):
    with MujocoCamera(model(), EYE) as camera:
        return camera.capture_at(pose, 7)


def test_the_model_is_left_as_it_was():
    shared = model()
    before = (shared.vis.global_.offwidth, shared.vis.quality.offsamples)
    with MujocoCamera(shared, EYE):
        assert (shared.vis.global_.offwidth, shared.vis.quality.offsamples) == before


def test_an_unknown_camera_is_refused_with_the_cameras_there_are():
    with pytest.raises(BodyError, match="'nose'.*eye"):
        MujocoCamera(model(), replace(EYE, name="nose"))

"""What the judge of pictures knows, against geometry."""

import mujoco
import numpy as np
import pytest

from yanshi.bodies.mujoco_truth import TruthCamera
from yanshi.robots.spec import CameraSpec

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
RADIUS = 0.1
WORLD = f"""
<mujoco>
  <statistic extent="3"/>
  <worldbody>
    <light pos="0 0 3"/>
    <geom type="box" pos="3 0 0" size="0.05 9 9"/>
    <body name="ball"><freejoint/><geom type="sphere" size="{RADIUS}"/></body>
    <body name="screen"><freejoint/><geom type="box" size="0.01 1 1"/></body>
    <body name="head"><camera name="eye" xyaxes="0 -1 0 0 0 1" fovy="70"/></body>
  </worldbody>
</mujoco>
"""
UPRIGHT = (1.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def camera():
    camera = TruthCamera(mujoco.MjModel.from_xml_string(WORLD), EYE)
    yield camera
    camera.close()


def look(camera, ball, screen):
    data = mujoco.MjData(camera.model)
    data.qpos[:] = (*ball, *UPRIGHT, *screen, *UPRIGHT)
    mujoco.mj_kinematics(camera.model, data)
    mujoco.mj_comPos(camera.model, data)
    mujoco.mj_camlight(camera.model, data)
    sights = camera.look(data, {"ball": 0.0, "screen": 0.0}, alone=True)
    return {sight.body: sight for sight in sights}


def test_a_ball_covers_as_many_pixels_as_its_disc(camera):
    ball = look(camera, ball=(2.0, 0.0, 0.0), screen=(-5.0, 0.0, 0.0))["ball"]
    disc = np.pi * (EYE.focal_length_px * RADIUS / 2.0) ** 2
    assert ball.visible_px == pytest.approx(disc, rel=0.03)
    assert ball.visible_share == 1.0


def test_half_hidden_is_half_visible(camera):
    ball = look(camera, ball=(2.0, 0.0, 0.0), screen=(1.0, 1.0, 0.0))["ball"]
    assert ball.visible_share == pytest.approx(0.5, abs=0.03)


def test_what_is_wholly_hidden_is_not_seen(camera):
    assert "ball" not in look(camera, ball=(2.0, 0.0, 0.0), screen=(1.0, 0.0, 0.0))


def test_what_is_behind_is_not_seen(camera):
    assert look(camera, ball=(-2.0, 0.0, 0.0), screen=(-5.0, 0.0, 0.0)) == {}


def test_positions_are_right_down_and_ahead(camera):
    ball = look(camera, ball=(2.0, 0.3, 0.4), screen=(-5.0, 0.0, 0.0))["ball"]
    np.testing.assert_allclose(ball.position_in_camera, (-0.3, -0.4, 2.0), atol=1e-9)


def test_a_ball_cut_by_the_edge_does_not_show_its_middle(camera):
    edge = 2.0 * 0.5 * EYE.width / EYE.focal_length_px
    sight = look(camera, ball=(2.0, edge + 0.05, 0.0), screen=(-5.0, 0.0, 0.0))["ball"]
    assert not sight.shows_middle
    assert sight.visible_px > 0


def test_looking_leaves_the_model_as_it_was(camera):
    groups = camera.model.geom_group.copy()
    look(camera, ball=(2.0, 0.0, 0.0), screen=(1.0, 1.0, 0.0))
    np.testing.assert_array_equal(camera.model.geom_group, groups)

import numpy as np
import pytest

from yanshi.core.errors import UnknownNameError
from yanshi.robots.g1.spec import G1
from yanshi.robots.spec import CameraSpec

LEVEL = CameraSpec(
    name="eye",
    link="head",
    position=(0.1, 0.2, 0.3),
    pitch_down=0.0,
    fov_deg=90.0,
    width=320,
    height=240,
    depth_max=5.0,
)


def test_joint_indices_follow_the_order_asked_for():
    names = ("right_knee", "left_hip_pitch")
    indices = G1.joint_indices(names)
    assert tuple(G1.joint_names[i] for i in indices) == names


def test_an_unknown_joint_is_named_with_the_nearest_known_one():
    with pytest.raises(UnknownNameError, match="left_knee"):
        G1.joint_index("left_kne")


def test_a_right_angle_of_view_has_half_the_height_as_focal_length():
    assert LEVEL.focal_length_px == pytest.approx(120.0)


def test_a_level_camera_looks_along_the_links_x_axis_with_its_picture_upright():
    np.testing.assert_allclose(LEVEL.link_from_camera[:3, 2], [1.0, 0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(LEVEL.link_from_camera[:3, 1], [0.0, 0.0, -1.0], atol=1e-12)


def test_link_from_camera_is_a_rigid_motion():
    R = LEVEL.link_from_camera[:3, :3]
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(R) == pytest.approx(1.0)

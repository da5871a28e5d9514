import mujoco
import numpy as np

from yanshi.core.frames import pose_matrix, rotation_matrix


def test_rotation_is_the_one_that_mujoco_makes():
    rng = np.random.default_rng(0)
    for wxyz in rng.normal(size=(50, 4)):
        wxyz /= np.linalg.norm(wxyz)
        expected = np.zeros(9)
        mujoco.mju_quat2Mat(expected, wxyz)
        np.testing.assert_allclose(rotation_matrix(wxyz), expected.reshape(3, 3), atol=1e-12)


def test_frames_read_right_to_left_and_cancel():
    quarter_left = [np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)]
    map_from_pelvis = pose_matrix([1.0, 2.0, 0.8], quarter_left)
    ahead_of_pelvis = np.array([1.0, 0.0, 0.0, 1.0])
    np.testing.assert_allclose(map_from_pelvis @ ahead_of_pelvis, [1.0, 3.0, 0.8, 1.0], atol=1e-12)

"""Rotations and poses: quaternions are `wxyz` and unit, poses are 4 × 4 matrices.

A pose `map_from_pelvis` takes points of the pelvis frame to the map: frames are read from
right to left and cancel, `map_from_camera = map_from_pelvis @ pelvis_from_camera`.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rotation_matrix(wxyz: ArrayLike) -> NDArray[np.float64]:
    """Return the rotation matrix of a unit quaternion, shape (3, 3)."""
    w, x, y, z = np.asarray(wxyz, dtype=np.float64).tolist()  # Python's floats are faster.
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def pose_matrix(position: ArrayLike, wxyz: ArrayLike) -> NDArray[np.float64]:
    """Return the pose of a frame at `position` turned by `wxyz`, shape (4, 4)."""
    T = np.eye(4)
    T[:3, :3] = rotation_matrix(wxyz)
    T[:3, 3] = position
    return T

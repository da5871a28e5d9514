"""Two hands beside a box: mirrored, and its sides are where they touch."""

import numpy as np
import pytest

from yanshi.control.kinematics import LEFT, RIGHT
from yanshi.control.two_palms import LOW_M, RIM_M, TOUCH, grip_height, palms_about

SIZE = (0.28, 0.36, 0.24)
MIRROR = np.diag([1.0, -1.0, 1.0, 1.0])


def test_the_right_palm_mirrors_the_left_one():
    left, right = palms_about(SIZE)
    np.testing.assert_allclose(MIRROR @ left @ MIRROR, right, atol=1e-12)


@pytest.mark.parametrize("gap", [0.0, 0.05])
def test_what_touches_lies_on_the_sides_of_the_box_or_so_far_from_them(gap):
    for side, palm in zip((LEFT, RIGHT), palms_about(SIZE, gap), strict=True):
        out = 1.0 if side == LEFT else -1.0
        touched = palm @ (TOUCH[0], -out * TOUCH[1], 0.0, 1.0)
        assert out * touched[1] == pytest.approx(0.5 * SIZE[1] + gap)
        assert touched[2] == pytest.approx(grip_height(SIZE[2]))
        fingers, face = palm[:3, 0], -out * palm[:3, 1]
        assert fingers[0] > 0.9
        assert face @ (0.0, -out, 0.0) > 0.9


def test_a_box_is_held_above_its_middle_where_hands_have_room():
    assert 0.0 < grip_height(0.24) < 0.12
    for height in (0.12, 0.16, 0.2, 0.4):
        low = grip_height(height) + 0.5 * height
        assert low >= LOW_M - 1e-9
        assert height - low >= RIM_M - 1e-9

"""A way that begins and ends gently."""

import numpy as np
import pytest

from yanshi.core.easing import smoothstep


def test_it_goes_all_the_way_at_rest_at_both_ends_and_never_back():
    shares = np.linspace(0.0, 1.0, 101)
    way = np.array([smoothstep(float(share)) for share in shares])
    speed = np.diff(way) / np.diff(shares)
    assert (way[0], way[-1]) == (0.0, 1.0)
    assert (speed > 0.0).all()
    assert speed[[0, -1]] == pytest.approx(0.0, abs=0.03)
    np.testing.assert_allclose(way + way[::-1], 1.0)
    assert speed.max() == pytest.approx(1.5, abs=0.001)

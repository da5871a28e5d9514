"""Turns are read off the simulator's pelvis."""

import numpy as np
import pytest
from tests.skills.rig import SHELF, Rig


@pytest.mark.parametrize(
    ("arguments", "degrees"),
    [(("left", "90"), 90.0), (("right", "45"), -45.0), (("around",), 180.0)],
)
def test_a_turn_has_the_angle_asked(rig: Rig, arguments, degrees):
    assert rig.do("turn", *arguments).kind == "done"
    error = (rig.yaw - np.deg2rad(degrees) + np.pi) % (2 * np.pi) - np.pi
    assert abs(error) < np.deg2rad(7.0)
    assert np.linalg.norm(rig.position) < 0.12


def test_more_than_half_a_turn_goes_the_long_way(rig: Rig):
    turned, last = 0.0, 0.0

    def watch(rig: Rig) -> None:
        nonlocal turned, last
        turned += (rig.yaw - last + np.pi) % (2 * np.pi) - np.pi
        last = rig.yaw

    rig.do("turn", "right", "270", watch=watch)
    assert turned == pytest.approx(np.deg2rad(-270.0), abs=np.deg2rad(7.0))


def test_it_turns_to_a_place_on_the_map(rig: Rig):
    assert rig.do("turn", "shelf").kind == "done"
    assert rig.off(*SHELF.centre) < np.deg2rad(6.0)

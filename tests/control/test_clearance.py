"""What a hand holds counts as part of the arm."""

import numpy as np
import pytest

from yanshi.bodies.simulation import simulate
from yanshi.control.arm import Arm
from yanshi.control.clearance import Box, Clearance
from yanshi.control.kinematics import LEFT, RIGHT
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1


@pytest.fixture(scope="module", params=[LEFT, RIGHT])
def hand(request):
    side = request.param
    kinematics = simulate("empty", 0).kinematics
    arm = Arm(kinematics, load_g1(with_looks=False), side)
    clearance = Clearance(G1, load_g1(with_looks=False), G1_LINKS, side)
    return arm.pelvis_from_palm(G1.default_position), clearance, -1.0 if side == LEFT else 1.0


@pytest.mark.parametrize("size", [(0.07, 0.07, 0.23), (0.2, 0.04, 0.04), (0.04, 0.2, 0.04)])
def test_a_box_beyond_the_end_of_what_is_held_is_as_far_as_it_was_put(hand, size):
    pelvis_from_palm, clearance, face = hand
    palm_from_thing = np.eye(4)
    palm_from_thing[:3, 3] = 0.01, 0.07 * face, 0.02
    thing = pelvis_from_palm @ palm_from_thing
    long = int(np.argmax(size))
    axis = thing[:3, long] * (-1.0 if long == 2 else face if long == 1 else 1.0)
    pelvis_from_box = np.eye(4)
    pelvis_from_box[:3, :3] = thing[:3, :3]
    pelvis_from_box[:3, 3] = thing[:3, 3] + axis * (0.5 * size[long] + 0.03)
    clearance.surround([Box(pelvis_from_box=pelvis_from_box, half_size=np.full(3, 0.01))])
    clearance.hold(None)
    empty = clearance.from_boxes(G1.default_position, 0.3)
    clearance.hold(palm_from_thing, size)
    assert clearance.from_boxes(G1.default_position, 0.3) == pytest.approx(0.02, abs=1e-3)
    assert empty > 0.02
    clearance.hold(None)
    assert clearance.from_boxes(G1.default_position, 0.3) == empty


def test_what_is_held_against_the_thigh_is_too_near_the_body(hand):
    pelvis_from_palm, clearance, _ = hand
    clearance.hold(None)
    free = clearance.from_body(G1.default_position, 0.3)
    palm_from_thing = np.eye(4)
    towards = np.linalg.inv(pelvis_from_palm) @ (0.0, 0.0, -0.1, 1.0)
    palm_from_thing[:3, 3] = towards[:3]
    clearance.hold(palm_from_thing, (0.06, 0.06, 0.06))
    assert clearance.from_body(G1.default_position, 0.3) < min(free, 0.0)
    clearance.hold(None)

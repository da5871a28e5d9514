"""Boxes of known size are looked at by MuJoCo's rays; nothing else in a room is one."""

from dataclasses import replace

import numpy as np
import pytest
from tests.senses.test_solids import TABLE_M, Part, assert_is, camera_pose, detect, look

from yanshi.senses.large_boxes import find_large_boxes, with_large_boxes
from yanshi.senses.solids import solid_on_map

CARTON = Part(kind="box", shape="box", size=(0.28, 0.36, 0.24), yaw=0.3)


def boxes_in(parts, azimuth=0.0, down_deg=35.0, distance=1.1):
    """Return the large boxes that are seen on the table, on the map."""
    pose = camera_pose(azimuth, down_deg, distance)
    found = find_large_boxes(look(parts, pose), pose[2, :3])
    return [solid_on_map(solid, pose) for _, solid in found]


@pytest.mark.parametrize("azimuth", [0.0, 0.7, -2.0])
@pytest.mark.parametrize("size", [(0.28, 0.36, 0.24), (0.26, 0.40, 0.2)])
def test_a_large_box_is_measured(azimuth, size):
    carton = replace(CARTON, size=size)
    (solid,) = boxes_in([carton], azimuth)
    assert_is(solid, carton, within_m=0.02)


@pytest.mark.parametrize(
    "part",
    [
        replace(CARTON, size=(0.14, 0.10, 0.09)),
        replace(CARTON, size=(0.30, 0.40, 0.06)),
        replace(CARTON, size=(0.30, 0.70, 0.24)),
        replace(CARTON, lift=0.25, size=(0.30, 0.40, 0.02)),
        replace(CARTON, shape="sphere", size=(0.3, 0.3, 0.3)),
        replace(CARTON, shape="cylinder", size=(0.3, 0.3, 0.3)),
    ],
    ids=["parcel", "flat", "long", "board with nothing under it", "ball", "flowerpot"],
)
def test_what_is_no_large_box_is_not_taken_for_one(part):
    assert boxes_in([part]) == []


def test_what_the_detector_took_a_part_of_a_box_for_is_left_out_and_neighbours_stay():
    pose = camera_pose(0.0, 35.0, 1.1)
    beside = Part(kind="can", shape="cylinder", size=(0.07, 0.07, 0.12), at=(0.1, 0.4))
    image = look([CARTON, beside], pose)
    taken_for = [
        detect(replace(CARTON, kind="tray"), pose),
        detect(beside, pose),
        replace(detect(CARTON, pose), kind="person", colour=""),
    ]
    found, solids = with_large_boxes(image, taken_for, [None] * 3, pose[2, :3])
    assert [detection.kind for detection in found] == ["box", "can", "person"]
    assert [solid is not None for solid in solids] == [True, False, False]
    middle = pose[:3, :3] @ found[0].position_in_camera + pose[:3, 3]
    np.testing.assert_allclose(middle, CARTON.middle, atol=0.02)
    assert middle[2] > TABLE_M

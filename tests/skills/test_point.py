"""Whether it points at something is seen from the hand that physics moved."""

import numpy as np
import pytest
from tests.skills.rig import DOOR, Rig, thing


def miss_deg(rig: Rig, target: tuple[float, float, float], side: str) -> float:
    """Return the angle at the shoulder between palm and target."""
    body = rig.body.data.body
    hand = body(f"{side}_wrist_yaw_link")
    shoulder = body(f"{side}_shoulder_roll_link").xpos
    palm = hand.xpos + hand.xmat.reshape(3, 3) @ (0.1, 0.0, 0.0) - shoulder
    line = np.array(target) - shoulder
    return float(np.rad2deg(np.arccos(palm @ line / np.linalg.norm(palm) / np.linalg.norm(line))))


@pytest.mark.parametrize("target", [(2.0, 0.8, 1.0), (1.0, -0.3, 0.5)])
def test_the_nearer_arm_points_for_a_second_and_a_half(target):
    rig = Rig(seen=[thing("person", *target)])
    side = "left" if target[1] > 0 else "right"
    misses: list[float] = []
    lean: list[float] = []

    def watch(rig: Rig) -> None:
        misses.append(miss_deg(rig, target, side))
        lean.append(float(np.rad2deg(np.arccos(rig.body.data.body("torso_link").xmat[8]))))

    assert rig.do("point", "person", watch=watch).kind == "done"
    assert np.sort(misses)[round(1.5 / 0.02)] < 8.0
    assert max(lean) < 15.0
    assert np.linalg.norm(rig.position) < 0.15


def test_it_turns_first_to_what_lies_behind(rig: Rig):
    best = [180.0]
    where = (*DOOR.centre, 0.6 * DOOR.height)

    def watch(rig: Rig) -> None:
        best.append(min(miss_deg(rig, where, side) for side in ("left", "right")))

    assert rig.do("point", "door", watch=watch).kind == "done"
    assert rig.off(*DOOR.centre) < np.deg2rad(10.0)
    assert np.sort(best)[25] < 8.0

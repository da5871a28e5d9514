"""Two feet of different steepness are told when both carry for a second, and only then."""

import numpy as np
import pytest

from yanshi.bench.injection import Injection
from yanshi.bench.rig import Case, look_at, set_up
from yanshi.core.messages import RobotState
from yanshi.senses.footing import Footing

TICK_NS = 20_000_000


class Legs:
    """Two feet of any steepness that carry anything."""

    def __init__(self, left: float, right: float, loads: tuple[float, float]) -> None:
        self.pitch = np.array([left, right])
        self.loads = np.array(loads)

    def feet_ahead_in_pelvis(self, joint_position):
        return np.stack([np.cos(self.pitch), np.zeros(2), np.sin(self.pitch)], axis=1)

    def leg_loads(self, joint_position, joint_torque, up_in_pelvis):
        return self.loads


def state(t_ns: int, lean: float = 0.0) -> RobotState:
    zeros = np.zeros(2)
    return RobotState(
        t_ns=t_ns,
        joint_position=zeros,
        joint_velocity=zeros,
        joint_torque=zeros,
        orientation_wxyz=(np.cos(0.5 * lean), 0.0, np.sin(0.5 * lean), 0.0),
        angular_velocity=np.zeros(3),
        acceleration=np.zeros(3),
    )


def told_at(legs: Legs, ticks: int = 60, lean: float = 0.0) -> int | None:
    footing = Footing(legs)
    told = [k for k in range(ticks) if footing.update(state(k * TICK_NS, lean))]
    return told[0] if told else None


@pytest.mark.parametrize(
    ("left", "right", "loads", "tick"),
    [
        (0.1, 0.0, (150.0, 150.0), 50),
        (0.0, 0.1, (150.0, 150.0), 50),
        (0.05, -0.05, (150.0, 150.0), 50),
        (0.05, 0.0, (150.0, 150.0), None),  # Within what a mat makes.
        (0.2, 0.2, (150.0, 150.0), None),  # A steep floor.
        (0.1, 0.0, (250.0, 50.0), None),  # On one foot.
        (0.1, 0.0, (50.0, 250.0), None),
        (0.1, 0.0, (70.0, 70.0), None),  # Hanging.
    ],
)
def test_feet_are_told_that_are_not_equally_steep_while_both_carry(left, right, loads, tick):
    assert told_at(Legs(left, right, loads)) == tick


def test_how_the_pelvis_leans_does_not_matter():
    assert told_at(Legs(0.4, 0.3, (150.0, 150.0)), lean=0.35) == 50
    assert told_at(Legs(0.3, 0.3, (150.0, 150.0)), lean=-0.6) is None


def test_a_step_in_between_is_a_new_beginning():
    legs = Legs(0.1, 0.0, (150.0, 150.0))
    footing = Footing(legs)
    assert not any(footing.update(state(k * TICK_NS)) for k in range(50))
    legs.loads = np.array([300.0, 0.0])
    assert not footing.update(state(50 * TICK_NS))
    legs.loads = np.array([150.0, 150.0])
    assert not any(footing.update(state(k * TICK_NS)) for k in range(51, 101))
    assert footing.update(state(101 * TICK_NS))


def test_a_knee_whose_zero_has_moved_is_told_and_a_sound_one_is_not():
    case = Case(row="", what="", wanted="", run=lambda *_: {}, passes=bool)
    for size, faults in ((0.1, ["feet_odd"]), (0.0, [])):
        moved = Injection(part="joint", kind="moved", joint="left_knee", size=size)
        trial = look_at(set_up(case, 3, injections=(moved,)), "wait 60")
        assert trial["faults"] == faults
        assert trial["is_upright"]
        assert trial["limp_ms"] is None

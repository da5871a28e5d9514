"""Who hangs goes limp after 0.3 s; who stands, dances or falls does not."""

import numpy as np
import pytest

from yanshi.bench.faults import HUNG_MS, LIMP_SPEED, choose_cases, lift
from yanshi.bench.rig import STANDING, WALKING, Case, look_at, set_up
from yanshi.bodies.push import Push
from yanshi.core.messages import RobotState
from yanshi.safety.faults import TABLE, Fault
from yanshi.senses.suspension import Suspension

TICK_NS = 20_000_000
G = 9.81
CASE = Case(row="", what="", wanted="", run=lambda *_: {}, passes=bool)


class Legs:
    """Two feet that carry anything."""

    def __init__(self, *loads: float) -> None:
        self.loads = np.array(loads)

    def leg_loads(self, joint_position, joint_torque, up_in_pelvis):
        return self.loads


def state(t_ns: int, felt: float, lean: float = 0.0) -> RobotState:
    """A sample of a robot that leans ahead and feels a push upwards, m/s²."""
    zeros = np.zeros(2)
    return RobotState(
        t_ns=t_ns,
        joint_position=zeros,
        joint_velocity=zeros,
        joint_torque=zeros,
        orientation_wxyz=(np.cos(0.5 * lean), 0.0, np.sin(0.5 * lean), 0.0),
        angular_velocity=np.zeros(3),
        acceleration=np.array([-np.sin(lean), 0.0, np.cos(lean)]) * felt,
    )


@pytest.mark.parametrize("lean", [0.0, 0.4, -0.4])
@pytest.mark.parametrize(
    ("loads", "felt", "tick"),
    [
        ((0.0, 0.0), G, 15),
        ((-90.0, 70.0), G, 15),  # Legs that thrash.
        ((-90.0, 160.0), G, None),  # One is caught, on the other one it stands.
        ((39.0, 40.0), G, 15),
        ((40.0, 40.0), G, None),
        ((0.0, 330.0), G, None),  # On one foot.
        ((0.0, 0.0), 6.0, 15),
        ((0.0, 0.0), 5.9, None),
        ((0.0, 0.0), 0.5, None),  # In a jump or a fall.
        ((np.nan, 0.0), G, None),
    ],
)
def test_who_weighs_something_and_has_no_foot_that_carries_hangs(loads, felt, tick, lean):
    suspension = Suspension(Legs(*loads))
    told = [k for k in range(60) if suspension.update(state(k * TICK_NS, felt, lean))]
    assert (told[0] if told else None) == tick


def test_a_foot_that_carries_for_a_tick_is_a_new_beginning():
    legs = Legs(0.0, 0.0)
    suspension = Suspension(legs)
    assert not any(suspension.update(state(k * TICK_NS, G)) for k in range(15))
    legs.loads = np.array([0.0, 300.0])
    assert not suspension.update(state(15 * TICK_NS, G))
    legs.loads = np.zeros(2)
    assert not any(suspension.update(state(k * TICK_NS, G)) for k in range(16, 31))
    assert suspension.update(state(31 * TICK_NS, G))


def test_a_blow_while_light_does_not_make_a_fall_a_hanging_and_what_was_before_counts_no_more():
    suspension = Suspension(Legs(0.0, 0.0))
    felt = [0.5] * 15 + [60.0]
    assert not any(suspension.update(state(k * TICK_NS, a)) for k, a in enumerate(felt))
    suspension.reset()
    assert [suspension.update(state(k * TICK_NS, G)) for k in range(16)] == [False] * 15 + [True]


@pytest.mark.parametrize("doing", [STANDING, WALKING, ""])
def test_a_robot_that_a_crane_lifts_goes_limp_and_says_why(doing):
    case = next(c for c in choose_cases("A12") if c.doing == doing)
    trial = lift(case, 3)
    assert trial["faults"] == ["feet_off"]
    assert trial["hung_ms"] <= HUNG_MS
    assert 0.0 < trial["limp_speed"] < LIMP_SPEED
    assert trial["begun_after"] == 0
    assert case.passes(trial)
    assert not case.passes(trial | {"hung_ms": HUNG_MS + 2.0})
    assert not case.passes(trial | {"hung_ms": None})


def test_it_asks_to_be_put_down_in_the_language_it_was_spoken_to():
    case = next(c for c in choose_cases("A12") if c.doing == STANDING)
    rig = set_up(case, 3)
    assert rig.episode.run("wait 60").said[-1] == TABLE[Fault.FEET_OFF].words[0]
    rig = set_up(case, 3, at_s=0.0, after_s=3.0)
    assert rig.episode.run("wait 60").said[0] == TABLE[Fault.FEET_OFF].words[0]


def test_a_dance_that_leaps_and_a_fall_whose_feet_leave_the_floor_are_no_hanging():
    trial = look_at(set_up(CASE, 1, at_s=3.0, after_s=12.0), "dance")
    assert trial["faults"] == []
    pushed = [Push(impulse=60.0, at_s=2.3, way="0")]
    trial = look_at(set_up(CASE, 0, at_s=2.3, after_s=4.0, pushes=pushed), "wait 60")
    assert trial["faults"] == ["fallen"]

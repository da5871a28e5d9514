"""Who hangs goes limp after 0.3 s; who stands, dances or falls does not."""

from dataclasses import replace

import numpy as np
import pytest

from yanshi.bench.faults import HUNG_MS, LIMP_SPEED, choose_cases, lift
from yanshi.bench.rig import STANDING, WALKING, Case, look_at, set_up
from yanshi.bodies.push import Push
from yanshi.bodies.simulation import simulate
from yanshi.core.messages import RobotState
from yanshi.robots.g1.spec import G1
from yanshi.safety.faults import TABLE, Fault
from yanshi.senses.suspension import Suspension

TICK_NS = 20_000_000
G = 9.81
LEG = ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll")
CASE = Case(row="", what="", wanted="", run=lambda *_: {}, passes=bool)


class Legs:
    """Two feet that carry anything; a state's two joints are the knees."""

    knees = np.array([0, 1])

    def __init__(self, *loads: float, lean: float = 0.0) -> None:
        self.loads, self.lean = np.array(loads), lean

    def foot_wrenches(self, joint_position, joint_torque):
        return np.outer(self.loads, [-np.sin(self.lean), 0.0, np.cos(self.lean), 0.0, 0.0, 0.0])


def state(t_ns: int, felt: float, lean: float = 0.0, knee: float = 0.3) -> RobotState:
    """A sample of a robot that leans ahead and feels a push upwards, m/s²."""
    zeros = np.zeros(2)
    return RobotState(
        t_ns=t_ns,
        joint_position=np.array([0.3, knee]),
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
        ((-90.0, 49.0), G, 15),  # Legs that thrash.
        ((-90.0, 160.0), G, None),  # One is caught, on the other one it stands.
        ((24.0, 25.0), G, 15),
        ((25.0, 26.0), G, None),
        ((0.0, 330.0), G, None),  # On one foot.
        ((0.0, 0.0), 6.0, 15),
        ((0.0, 0.0), 5.9, None),
        ((0.0, 0.0), 0.5, None),  # In a jump or a fall.
        ((np.nan, 0.0), G, None),
    ],
)
def test_who_weighs_something_and_has_no_foot_that_carries_hangs(loads, felt, tick, lean):
    suspension = Suspension(Legs(*loads, lean=lean))
    told = [k for k in range(60) if suspension.update(state(k * TICK_NS, felt, lean))]
    assert (told[0] if told else None) == tick


@pytest.mark.parametrize(("knee", "tick"), [(0.16, 15), (0.14, None), (0.0, None), (-0.05, None)])
def test_what_a_stretched_leg_carries_is_not_told_by_its_torques(knee, tick):
    suspension = Suspension(Legs(0.0, -150.0))
    told = [k for k in range(60) if suspension.update(state(k * TICK_NS, G, knee=knee))]
    assert (told[0] if told else None) == tick


def test_who_stands_on_its_toes_with_a_heavy_box_does_not_hang():
    """Home 9127, 3.9 kg between the fists: the simulator's floor bore 373 N, ankles bore much."""
    joints, torque = G1.default_position.copy(), np.zeros(len(G1.joint_names))
    legs = G1.joint_indices([f"{side}_{name}" for side in ("left", "right") for name in LEG])
    joints[legs[:6]] = [-0.057, 0.008, 0.067, 0.383, -0.267, -0.085]
    joints[legs[6:]] = [-0.238, -0.039, -0.049, 0.332, -0.032, 0.03]
    torque[legs] = [6.5, 5.8, 2.3, 1.8, 13.5, -3.9, 24.2, -8.5, -1.3, 11.9, 16.7, 4.9]
    sample = replace(state(0, G, 0.055), joint_position=joints, joint_torque=torque)
    suspension = Suspension(simulate("empty", 0).kinematics)
    for k in range(30):
        assert not suspension.update(replace(sample, t_ns=k * TICK_NS))
    suspension.reset()
    hung = replace(sample, joint_torque=0.1 * torque)
    told = [k for k in range(30) if suspension.update(replace(hung, t_ns=k * TICK_NS))]
    assert told[0] == 15


@pytest.mark.parametrize(("ticks", "is_told"), [(2, True), (3, False)])
def test_feet_that_touch_the_floor_for_a_moment_bear_nothing_and_for_longer_they_do(ticks, is_told):
    legs = Legs(0.0, 300.0)
    suspension = Suspension(legs)
    told = []
    for k in range(16):
        legs.loads = np.array([0.0, 300.0 if 8 <= k < 8 + ticks else 0.0])
        told.append(suspension.update(state(k * TICK_NS, G)))
    assert told == [False] * 15 + [is_told]


def test_what_feet_carried_before_the_last_third_of_a_second_counts_no_more():
    legs = Legs(0.0, 300.0)
    suspension = Suspension(legs)
    assert not any(suspension.update(state(k * TICK_NS, G)) for k in range(50))
    legs.loads = np.zeros(2)
    told = [k for k in range(50, 70) if suspension.update(state(k * TICK_NS, G))]
    assert told == list(range(63, 70))  # With two of 300 N among sixteen.


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

"""A joint that does not do what it was told to, where it says it is, is found; others are not."""

from dataclasses import replace

import numpy as np
import pytest

from yanshi.core.messages import JointTarget, RobotState
from yanshi.robots.spec import JointLimits
from yanshi.safety.faults import Fault
from yanshi.safety.joint_watch import JointConfig, JointWatch

TICK_NS = 20_000_000
LIMITS = JointLimits(
    lower=np.full(2, -2.0),
    upper=np.full(2, 2.0),
    velocity=np.array([10.0, 10.0]),
    torque=np.array([50.0, 50.0]),
)
STIFFNESS, DAMPING = np.array([100.0, 100.0]), np.array([5.0, 2.0])
ODD = frozenset({Fault.JOINT_ODD})
FINE: frozenset[Fault] = frozenset()


def sample(position, velocity=(0.0, 0.0), *, target=(0.0, 0.0), torque=None, t_ns=0) -> RobotState:
    """What is measured when the second joint obeys, and the first unless it is told otherwise."""
    pull = STIFFNESS * (np.array(target) - position) - DAMPING * velocity
    pull = np.clip(pull, -50.0, 50.0)
    if torque is not None:
        pull[0] = torque
    return RobotState(
        t_ns=t_ns,
        joint_position=np.array(position, dtype=float),
        joint_velocity=np.array(velocity, dtype=float),
        joint_torque=pull,
        orientation_wxyz=np.array([1.0, 0.0, 0.0, 0.0]),
        angular_velocity=np.zeros(3),
        acceleration=np.array([0.0, 0.0, 9.81]),
    )


def sent(target=(0.0, 0.0), stiffness=STIFFNESS, t_ns=0) -> JointTarget:
    return JointTarget(t_ns=t_ns, position=np.array(target), stiffness=stiffness, damping=DAMPING)


def jittered(state: RobotState, tick: int) -> RobotState:
    """Return the same with the last bits of an encoder that works."""
    position = state.joint_position + (tick % 2) * 1e-9
    return replace(state, joint_position=position)


def faults(state: RobotState, target: JointTarget, n: int) -> list[frozenset[Fault]]:
    watch = JointWatch(LIMITS)
    return [
        watch.take(jittered(replace(state, t_ns=t), k), replace(target, t_ns=t))
        for k, t in enumerate(range(0, n * TICK_NS, TICK_NS))
    ]


def test_joints_that_obey_are_fine_whatever_presses_on_them():
    for position in ((0.0, 0.3), (0.49, -0.2), (-1.5, 1.9)):  # The last pulls as hard as it can.
        for velocity in ((0.0, 0.0), (8.4, -8.4)):
            assert faults(sample(position, velocity), sent(), 9) == [FINE] * 9


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_an_angle_that_its_pull_belies_is_odd_in_the_fourth_sample(sign):
    near = sample((0.2, 0.0), torque=-20.0 + sign * 6.9)
    assert faults(near, sent(), 9) == [FINE] * 9
    off = sample((0.2, 0.0), torque=-20.0 + sign * 7.1)
    assert faults(off, sent(), 6) == [FINE] * 3 + [ODD] * 3


def test_a_motor_that_does_not_pull_is_odd_where_it_should():
    assert faults(sample((0.05, 0.0), torque=0.0), sent(), 9) == [FINE] * 9
    assert faults(sample((0.08, 0.0), torque=0.0), sent(), 4)[-1] == ODD


def test_damping_and_the_strongest_pull_count():
    braking = sample((0.0, 0.0), (4.0, 0.0), torque=0.0)  # Should brake with 20 N·m.
    assert faults(braking, sent(), 4)[-1] == ODD
    weak = sample((-1.0, 0.0), torque=44.0)  # Should pull with 100, can with 50.
    assert faults(weak, sent(), 4)[-1] == FINE
    assert faults(sample((-1.0, 0.0), torque=42.0), sent(), 4)[-1] == ODD


def test_a_blow_between_two_samples_is_forgotten():
    watch = JointWatch(LIMITS)
    odd, fine = sample((0.2, 0.0), torque=0.0), sample((0.2, 0.0))
    for k, state in enumerate((odd, odd, odd, fine, odd, odd, odd)):
        assert watch.take(jittered(state, k), sent()) == FINE
    assert watch.take(odd, sent()) == ODD


def test_joints_are_counted_each_for_itself():
    watch = JointWatch(LIMITS)
    first = sample((0.2, 0.0), torque=0.0)
    second = replace(first, joint_torque=np.array([-20.0, 10.0]))
    for k, state in enumerate((first, first, second, second, first, first)):
        assert watch.take(jittered(state, k), sent()) == FINE


@pytest.mark.parametrize("apart_ns", [-5_000_001, 5_000_001])
def test_a_sample_is_not_judged_by_a_target_of_another_time(apart_ns):
    watch = JointWatch(LIMITS)
    odd = sample((0.2, 0.0), torque=0.0)
    odd = replace(odd, t_ns=10**9)
    for k in range(9):
        assert watch.take(jittered(odd, k), sent(t_ns=10**9 + apart_ns)) == FINE
    near_ns = 10**9 + int(np.sign(apart_ns)) * 5_000_000
    for k in range(3):
        assert watch.take(jittered(odd, k + 1), sent(t_ns=near_ns)) == FINE
    assert watch.take(jittered(odd, 0), sent(t_ns=near_ns)) == ODD


def test_a_joint_that_is_limp_or_as_fast_as_its_motor_gets_is_not_judged():
    limp = np.array([0.0, 100.0])
    assert faults(sample((1.0, 0.0), torque=9.0), sent(stiffness=limp), 9) == [FINE] * 9
    for speed in (8.6, -8.6):
        assert faults(sample((0.0, 0.0), (speed, 0.0), torque=0.0), sent(), 9) == [FINE] * 9
    assert faults(sample((0.0, 0.0), (8.5, 0.0), torque=0.0), sent(), 4)[-1] == ODD


def test_how_long_and_how_far_may_be_set():
    watch = JointWatch(LIMITS, JointConfig(odd_rad=0.3, odd_samples=1))
    assert watch.take(sample((0.2, 0.0), torque=0.0), sent()) == FINE
    assert watch.take(sample((0.4, 0.0), torque=0.0), sent()) == ODD


@pytest.mark.parametrize(("torque", "fault"), [(-0.79, FINE), (-0.81, "frozen")])
def test_a_joint_that_repeats_itself_and_pulls_as_if_it_had_moved_is_frozen(torque, fault):
    watch = JointWatch(LIMITS)
    still = sample((0.0, 0.0), torque=torque)
    told = [watch.take(still, sent()) for _ in range(5)]
    frozen = frozenset({Fault.JOINT_FROZEN}) if fault else FINE
    assert told == [FINE] * 3 + [frozen] * 2
    assert watch.take(jittered(still, 1), sent()) == FINE
    assert watch.take(jittered(still, 1), sent()) == FINE


def test_a_joint_repeats_itself_only_if_its_speed_does_too():
    watch = JointWatch(LIMITS)
    for k in range(9):
        state = sample((0.0, 0.0), (1e-9 * k, 0.0), torque=-2.0)
        assert watch.take(state, sent()) == FINE


def test_a_joint_that_sleeps_while_no_target_is_judged_has_slept_all_the_same():
    watch = JointWatch(LIMITS)
    still = sample((0.0, 0.0), torque=-2.0)
    for _ in range(4):
        assert watch.take(still, sent(t_ns=10**9)) == FINE
    assert watch.take(still, sent()) == frozenset({Fault.JOINT_FROZEN})

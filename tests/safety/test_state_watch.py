"""What cannot have been measured is left out for a moment, and no sensor falls asleep unseen."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yanshi.core.errors import BodyError
from yanshi.core.messages import RobotState
from yanshi.safety.faults import Fault
from yanshi.safety.state_watch import StateWatch

TICK_NS = 20_000_000
PARTS = {
    "joint_position": 3,
    "joint_velocity": 3,
    "joint_torque": 3,
    "orientation_wxyz": 4,
    "angular_velocity": 3,
    "acceleration": 3,
}


def sample(tick: int, **parts: object) -> RobotState:
    """Return a healthy sample: every number has noise in its last bits."""
    random = np.random.default_rng(tick)
    state = RobotState(
        t_ns=tick * TICK_NS,
        joint_position=[0.1, 0.2, 0.3] + 1e-6 * random.standard_normal(3),
        joint_velocity=1e-3 * random.standard_normal(3),
        joint_torque=[1.0, 2.0, 3.0] + 1e-6 * random.standard_normal(3),
        orientation_wxyz=[1.0, 0.0, 0.0, 0.0] + 1e-4 * random.standard_normal(4),
        angular_velocity=1e-3 * random.standard_normal(3),
        acceleration=[0.0, 0.0, 9.81] + 1e-2 * random.standard_normal(3),
    )
    return replace(state, **parts)


def spoilt(tick: int, part: str, value: float, index: int = 1) -> RobotState:
    numbers = getattr(sample(tick), part).copy()
    numbers[index] = value
    return sample(tick, **{part: numbers})


def test_healthy_samples_are_taken_as_they_come():
    watch = StateWatch(sample(0))
    for tick in range(1, 50):
        now = sample(tick)
        assert watch.take(now) == frozenset()
        assert watch.state is now
        assert not watch.is_missing


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308, -1e308])
def test_a_sample_with_a_number_that_is_none_is_left_out_twice_and_then_a_fault(part, value):
    watch = StateWatch(sample(0))
    for tick in (1, 2):
        assert watch.take(spoilt(tick, part, value)) == {Fault.SAMPLE_DROPPED}
    assert watch.take(spoilt(3, part, value)) == {Fault.STATE_MALFORMED}
    assert watch.state.t_ns == 0
    assert watch.is_missing


def test_a_good_sample_between_two_bad_ones_begins_the_count_anew():
    watch = StateWatch(sample(0))
    for tick in range(1, 30):
        is_bad = tick % 3 != 0
        now = spoilt(tick, "acceleration", np.nan) if is_bad else sample(tick)
        assert watch.take(now) == ({Fault.SAMPLE_DROPPED} if is_bad else frozenset())
    assert watch.state.t_ns == 27 * TICK_NS


@pytest.mark.parametrize(("part", "n"), PARTS.items())
def test_a_sample_of_another_shape_is_left_out(part, n):
    watch = StateWatch(sample(0))
    for wrong in (np.ones(n - 1), np.ones(n + 1), np.ones((n, 1)), np.empty(0)):
        watch = StateWatch(sample(0))
        assert watch.take(sample(1, **{part: wrong})) == {Fault.SAMPLE_DROPPED}


def test_an_orientation_that_is_no_rotation_is_left_out():
    for w, is_good in ((1.04, True), (0.96, True), (1.06, False), (0.94, False), (0.0, False)):
        faults = StateWatch(sample(0)).take(sample(1, orientation_wxyz=(w, 0.0, 0.0, 0.0)))
        assert (faults == frozenset()) is is_good


def test_a_reading_up_to_the_bound_is_one():
    for value, is_good in ((0.99e6, True), (1.01e6, False)):
        faults = StateWatch(sample(0)).take(spoilt(1, "acceleration", value))
        assert (faults == frozenset()) is is_good


def test_a_sample_that_does_not_come_or_is_none_newer_changes_nothing_and_is_worth_asking_again():
    first = sample(0)
    watch = StateWatch(first)
    assert not watch.is_missing
    for come in (None, sample(0), replace(sample(1), t_ns=0), replace(sample(1), t_ns=-1)):
        assert watch.take(come) == frozenset()
        assert watch.state is first
        assert watch.is_missing


def test_a_robot_that_is_not_felt_cannot_be_begun_with():
    first = spoilt(0, "angular_velocity", np.nan)
    with pytest.raises(BodyError) as refused:
        StateWatch(first)
    assert str(refused.value) == (
        "The robot was read and what came is no measurement: every angle, speed, torque, "
        "orientation, rotation rate and acceleration must be finite. Check the sensors' link; "
        f"measured: {first}."
    )
    assert refused.value.zh == (
        "读到的机器人状态无效：关节和 IMU 的测量都必须是有限数值。请检查传感器连接。"
    )


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize(("length", "is_taken"), [(1.0, True), (0.9, False), (1.1, False)])
def test_an_orientation_is_a_rotation_whichever_way_the_robot_is_turned(place, length, is_taken):
    turned = np.zeros(4)
    turned[place] = length
    watch = StateWatch(sample(0))
    watch.take(sample(1, orientation_wxyz=turned))
    assert watch.is_missing is not is_taken
    mixed = length * np.array([0.5, -0.5, 0.5, 0.5])
    watch.take(sample(2, orientation_wxyz=mixed))
    assert watch.is_missing is not is_taken


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_largest_number_that_can_be_measured_is_taken_and_no_larger_one(sign):
    watch = StateWatch(sample(0))
    watch.take(spoilt(1, "acceleration", sign * 1e6))
    assert watch.is_missing is False
    watch.take(spoilt(2, "acceleration", sign * 1.001e6))
    assert watch.is_missing is True


def test_nothing_is_missing_at_first():
    assert StateWatch(sample(0)).is_missing is False


def frozen_imu(tick: int) -> RobotState:
    held = sample(0)
    return sample(tick, angular_velocity=held.angular_velocity, acceleration=held.acceleration)


def test_an_imu_that_repeats_itself_is_found_after_80_ms_at_rest_too():
    watch = StateWatch(sample(0))
    for tick in (1, 2, 3):
        assert watch.take(frozen_imu(tick)) == frozenset()
    assert watch.take(frozen_imu(4)) == {Fault.IMU_FROZEN}
    assert watch.take(frozen_imu(5)) == {Fault.IMU_FROZEN}
    assert watch.take(sample(6)) == frozenset()


def test_an_imu_that_has_long_been_awake_may_repeat_itself_for_60_ms():
    watch = StateWatch(sample(0))
    held = sample(50)
    imu = {"angular_velocity": held.angular_velocity, "acceleration": held.acceleration}
    for tick in range(1, 51):
        assert watch.take(sample(tick)) == frozenset()
    for tick in range(51, 54):
        assert watch.take(sample(tick, **imu)) == frozenset()
    for tick in range(54, 60):
        assert watch.take(sample(tick, **imu)) == {Fault.IMU_FROZEN}


def test_an_encoder_that_has_long_moved_may_repeat_itself_for_60_ms():
    watch = StateWatch(sample(0))
    for tick in range(1, 51):
        assert watch.take(sample(tick)) == frozenset()
    found = [watch.take(frozen_joint(tick, 2.0 + tick)) for tick in range(51, 57)]
    assert found == [frozenset()] * 4 + [{Fault.JOINT_FROZEN}] * 2


@pytest.mark.parametrize("part", ["angular_velocity", "acceleration"])
def test_an_imu_of_which_half_changes_is_awake(part):
    watch = StateWatch(sample(0))
    held = getattr(sample(0), part)
    for tick in range(1, 20):
        assert watch.take(sample(tick, **{part: held})) == frozenset()


def frozen_joint(tick: int, torque: float = 2.0, speed: float = 0.0) -> RobotState:
    """Return a sample whose middle joint tells the same angle and speed each time."""
    now = sample(tick)
    position, velocity = now.joint_position.copy(), now.joint_velocity.copy()
    position[1], velocity[1] = 0.2, speed
    return replace(
        now, joint_position=position, joint_velocity=velocity, joint_torque=[1.0, torque, 3.0]
    )


def faults_of(samples: list[RobotState]) -> list[frozenset[Fault]]:
    watch = StateWatch(sample(0))
    return [watch.take(now) for now in samples]


def test_an_encoder_may_repeat_itself_at_rest():
    assert not any(faults_of([frozen_joint(tick) for tick in range(1, 100)]))


@pytest.mark.parametrize("way", [1.0, -1.0])
def test_an_encoder_that_repeats_itself_while_its_motor_pulls_otherwise_is_found_after_80_ms(way):
    pulls = [2.0, 2.0, 2.0, 2.0 + 2.51 * way, 2.0 + 2.51 * way]
    faults = faults_of([frozen_joint(tick + 1, torque) for tick, torque in enumerate(pulls)])
    assert faults == [frozenset()] * 4 + [{Fault.JOINT_FROZEN}]


def test_a_motor_that_pulls_hardly_otherwise_tells_nothing():
    samples = [frozen_joint(tick, 2.0 + 0.99 * (tick % 2)) for tick in range(1, 100)]
    assert not any(faults_of(samples))


@pytest.mark.parametrize("speed", [0.3, -0.3])
def test_an_encoder_that_stays_where_it_is_but_tells_a_speed_is_found(speed):
    faults = faults_of([frozen_joint(tick, speed=speed) for tick in range(1, 7)])
    assert faults[:4] == [frozenset()] * 4
    assert faults[4:] == [{Fault.JOINT_FROZEN}] * 2


@pytest.mark.parametrize("part", ["joint_position", "joint_velocity"])
def test_an_encoder_of_which_half_changes_is_awake(part):
    """A joint held where it is tells the same angle, one that turns evenly the same speed."""
    samples = []
    for tick in range(1, 20):
        now = frozen_joint(tick, 2.0 + 3.0 * tick)
        samples.append(replace(now, **{part: getattr(sample(tick), part)}))
    assert not any(faults_of(samples))


def test_a_joint_that_has_moved_meanwhile_begins_anew():
    held = [frozen_joint(tick, 2.0 + tick) for tick in range(1, 5)]
    moved = [sample(5)]
    again = [frozen_joint(tick, 9.0 + tick) for tick in range(6, 11)]
    faults = faults_of([*held, *moved, *again])
    assert faults == [frozenset()] * 9 + [{Fault.JOINT_FROZEN}]


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(PARTS)),
            st.floats(),
            st.integers(0, 2),
            st.integers(0, 5),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_whatever_comes_what_is_kept_is_finite_and_never_older(samples):
    watch = StateWatch(sample(0))
    tick = 0
    for part, value, index, step, is_missing in samples:
        tick += step
        before_ns = watch.state.t_ns
        faults = watch.take(None if is_missing else spoilt(tick, part, value, index))
        assert len(faults) <= 1
        assert watch.state.t_ns >= before_ns
        for name in PARTS:
            assert np.isfinite(getattr(watch.state, name)).all()

"""A motor that does not pull as it was told to is found in four samples, and no sound one ever."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yanshi.core.messages import JointTarget, RobotState
from yanshi.robots.g1.spec import G1
from yanshi.safety.faults import Fault
from yanshi.safety.motor_watch import MotorConfig, MotorWatch

TICK_NS = 20_000_000
N = len(G1.joint_names)
LEG = frozenset({Fault.LEG_ASTRAY})
ARM = frozenset({Fault.ARM_ASTRAY})
KNEE, ELBOW = G1.joint_index("left_knee"), G1.joint_index("right_elbow")
FINGER = G1.joint_index("left_hand_index_0")
WAIST = G1.joint_index("waist_roll")
MOST = G1.limits.torque


def told(offset: float = 0.05) -> JointTarget:
    """Return a target a little away from where the joints are."""
    return JointTarget(
        t_ns=0,
        position=G1.default_position + offset,
        stiffness=G1.stiffness,
        damping=G1.damping,
    )


def pulling(target: JointTarget, **parts: object) -> RobotState:
    """Return a robot whose motors pull as they were told to."""
    state = RobotState(
        t_ns=0,
        joint_position=G1.default_position,
        joint_velocity=np.zeros(N),
        joint_torque=np.zeros(N),
        orientation_wxyz=[1.0, 0.0, 0.0, 0.0],
        angular_velocity=np.zeros(3),
        acceleration=np.zeros(3),
    )
    state = replace(state, **parts)
    pull = target.stiffness * (target.position - state.joint_position)
    pull = pull - target.damping * state.joint_velocity
    return replace(state, joint_torque=np.clip(pull, -MOST, MOST))


def off_by(torque: float, joint: int = KNEE) -> RobotState:
    """Return one of whose motors one pulls more than it was told to, N·m."""
    state = pulling(told())
    found = state.joint_torque.copy()
    found[joint] += torque
    return replace(state, joint_torque=found)


def verdicts(*states: RobotState, watch: MotorWatch | None = None) -> list[frozenset[Fault]]:
    watch = watch or MotorWatch(G1)
    return [watch.update(state, told(), state.t_ns) for state in states]


def least(joint: int = KNEE) -> float:
    """Return the smallest torque that counts."""
    return max(0.06 * float(G1.stiffness[joint]), 0.5)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), reach=st.floats(0.0, 10.0), speed=st.floats(0.0, 30.0))
def test_motors_that_pull_as_they_were_told_to_are_never_a_fault(seed, reach, speed):
    rng, watch = np.random.default_rng(seed), MotorWatch(G1)
    for tick in range(6):
        target = replace(told(), position=rng.uniform(-reach, reach, N))
        state = pulling(
            target,
            t_ns=tick * TICK_NS,
            joint_position=rng.uniform(-reach, reach, N),
            joint_velocity=rng.uniform(-speed, speed, N),
        )
        assert not watch.update(state, target, state.t_ns)
        assert watch.astray == ()


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize(
    ("joint", "fault"), [(KNEE, LEG), (WAIST, LEG), (ELBOW, ARM)], ids=["knee", "waist", "elbow"]
)
def test_the_fourth_sample_in_a_row_tells_and_so_does_every_one_after_it(joint, fault, sign):
    watch, astray = MotorWatch(G1), off_by(sign * 1.01 * least(joint), joint)
    assert verdicts(*[astray] * 6, watch=watch) == [frozenset()] * 3 + [fault] * 3
    assert watch.astray == (G1.joint_names[joint],)
    assert verdicts(off_by(0.0), watch=watch) == [frozenset()]
    assert watch.astray == ()


@pytest.mark.parametrize("joint", [KNEE, ELBOW])
def test_a_little_less_never_tells(joint):
    for sign in (-1.0, 1.0):
        assert not any(verdicts(*[off_by(sign * 0.99 * least(joint), joint)] * 9))


def test_a_blow_that_swings_back_is_no_fault():
    hard, back, sound = off_by(80.0), off_by(-80.0), off_by(0.0)
    assert not any(verdicts(*[hard, hard, hard, back, back, back] * 3))
    assert not any(verdicts(*[hard, hard, hard, sound] * 3))
    assert verdicts(*[hard] * 3, *[back] * 4)[-1] == LEG  # The count began with the first one back.


def test_several_joints_are_counted_each_for_itself():
    watch = MotorWatch(G1)
    assert not any(verdicts(off_by(50.0), off_by(50.0), watch=watch))
    both = off_by(50.0)
    both = replace(both, joint_torque=both.joint_torque + 9.0 * (np.arange(N) == ELBOW))
    assert verdicts(both, both, watch=watch) == [frozenset(), LEG]
    assert watch.astray == ("left_knee",)
    assert verdicts(both, both, watch=watch) == [LEG, LEG]
    assert watch.astray == ("left_knee", "right_elbow")


def test_a_leg_matters_more_than_an_arm():
    both = off_by(50.0)
    both = replace(both, joint_torque=both.joint_torque + 9.0 * (np.arange(N) == ELBOW))
    assert verdicts(*[both] * 4)[-1] == LEG


def test_an_encoder_that_is_off_by_a_tenth_of_a_radian_is_found_on_every_joint():
    for joint, name in enumerate(G1.joint_names):
        target = told()
        state = pulling(target)
        read = state.joint_position.copy()
        read[joint] += 0.1
        found = verdicts(*[replace(state, joint_position=read)] * 4)[-1]
        assert bool(found) is ("hand" not in name), name


def test_a_motor_at_its_limit_pulls_as_it_should_and_one_that_gives_up_before_does_not():
    target = told(offset=9.0)
    state = pulling(target)
    assert state.joint_torque[KNEE] == MOST[KNEE]
    watch = MotorWatch(G1)
    assert not any(watch.update(state, target, 0) for _ in range(6))
    weak = state.joint_torque.copy()
    weak[KNEE] *= 0.7
    weak_state = replace(state, joint_torque=weak)
    assert [watch.update(weak_state, target, 0) for _ in range(4)][-1] == LEG
    against = replace(state, joint_torque=-weak)
    watch.reset()
    assert [watch.update(against, told(offset=-9.0), 0) for _ in range(4)][-1] == LEG


@pytest.mark.parametrize(("share", "fault"), [(0.79, LEG), (0.81, frozenset())])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_a_motor_near_its_fastest_may_pull_less(share, fault, sign):
    speed = np.zeros(N)
    speed[KNEE] = sign * share * G1.limits.velocity[KNEE]
    state = pulling(told(), joint_velocity=speed)
    less = state.joint_torque.copy()
    less[KNEE] = 0.0
    assert verdicts(*[replace(state, joint_torque=less)] * 4)[-1] == fault


def test_a_sample_is_judged_by_the_target_of_its_time_however_late_it_comes():
    watch = MotorWatch(G1)
    targets = [told(offset=0.2 * (-1) ** tick) for tick in range(30)]
    for late in (0, 1, 3):
        watch.reset()
        for tick in range(late, 30):
            state = replace(pulling(targets[tick - late]), t_ns=(tick - late) * TICK_NS)
            assert not watch.update(state, targets[tick], tick * TICK_NS)
        pull = state.joint_torque.copy()
        pull[KNEE] = 0.0
        slack = [
            replace(state, t_ns=(30 + tick - late) * TICK_NS, joint_torque=pull)
            for tick in range(3 + late + 1)
        ]
        found = [
            watch.update(weak, targets[-1], (30 + tick) * TICK_NS)
            for tick, weak in enumerate(slack)
        ]
        assert found[-1] == LEG


def test_a_sample_of_no_target_s_time_is_not_judged_and_begins_the_count_anew():
    def at(t_ns: int) -> RobotState:
        return replace(off_by(50.0), t_ns=t_ns)

    watch, ages = MotorWatch(G1), [0, 3_000_000, 10_000_000, 0]
    times = [tick * TICK_NS for tick in range(1, 5)]
    found = [watch.update(at(t - age), told(), t) for t, age in zip(times, ages, strict=True)]
    assert found == [frozenset()] * 3 + [LEG]
    for age in (10_000_001, 18_000_000, 10**9, -1):
        watch = MotorWatch(G1)
        assert not any(watch.update(at(t - age), told(), t) for t in times)
        for t in times[:3]:
            assert not watch.update(at(t + 10**10), told(), t + 10**10)
        late = times[3] + 10**10
        assert not watch.update(at(late - age), told(), late)


def test_a_sample_that_was_made_after_a_target_began_is_not_judged_by_the_one_before():
    """As when a reading fails and is made good 2 ms later: the next target is in force then."""
    watch = MotorWatch(G1)
    for tick in range(1, 12):
        old, new = told(offset=0.2 * (-1) ** tick), told(offset=-0.2 * (-1) ** tick)
        now = tick * TICK_NS
        late = replace(pulling(old), t_ns=now - TICK_NS + 2_000_000)
        assert not watch.update(late, old, now)
        assert not watch.update(replace(pulling(new), t_ns=now), new, now)


def test_fingers_are_not_judged():
    assert not any(verdicts(*[off_by(9.0, FINGER)] * 9))


def test_a_soft_joint_is_judged_by_newton_metres():
    soft = G1.stiffness.copy()
    soft[ELBOW] = 1.0
    target = replace(told(), stiffness=soft)
    state = pulling(target)
    for torque, fault in ((0.49, frozenset()), (0.51, ARM)):
        found = state.joint_torque.copy()
        found[ELBOW] += torque
        watch = MotorWatch(G1)
        off = replace(state, joint_torque=found)
        assert [watch.update(off, target, 0) for _ in range(4)][-1] == fault


def test_who_begins_anew_counts_from_one():
    watch, astray = MotorWatch(G1), off_by(50.0)
    verdicts(*[astray] * 3, watch=watch)
    watch.reset()
    assert verdicts(*[astray] * 4, watch=watch) == [frozenset()] * 3 + [LEG]


def test_another_number_of_samples_may_be_asked_for():
    watch = MotorWatch(G1, MotorConfig(samples=2))
    assert verdicts(*[off_by(50.0)] * 2, watch=watch) == [frozenset(), LEG]

"""The gate keeps its promises whatever comes in."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.safety.robot import (
    BOUNDS,
    LIMITS,
    LIMP,
    MIDDLE,
    REACH,
    STEP,
    TICK_NS,
    measured,
    sent_at,
    target,
)

from yanshi.core.errors import BodyError, ConfigError
from yanshi.core.messages import JointTarget, RobotState
from yanshi.robots.spec import JointLimits
from yanshi.safety.faults import Action, Fault, choose_action
from yanshi.safety.gate import (
    Bounds,
    GateConfig,
    Gated,
    first_target,
    gate_target,
    is_target_lost,
)

MS = 1_000_000


def gate(
    asked: JointTarget,
    sent: Gated | None = None,
    state: RobotState | None = None,
    *,
    token: int = 7,
    writer: int = 7,
    now_ns: int = TICK_NS,
    bounds: Bounds = BOUNDS,
) -> tuple[Gated, frozenset[Fault]]:
    sent = sent or sent_at(*MIDDLE)
    state = state or measured(*MIDDLE)
    return gate_target(asked, sent, state, bounds, token=token, writer=writer, now_ns=now_ns)


def test_a_small_request_passes_unchanged():
    asked = target(0.005, -0.005, 0.505, gain=7.0)
    gated, faults = gate(asked)
    np.testing.assert_allclose(gated.position, asked.position, atol=1e-15)
    assert gated.stiffness is asked.stiffness
    assert gated.damping is asked.damping
    assert gated.t_ns == TICK_NS
    assert faults == frozenset()


def test_what_passed_can_be_written_to_by_nobody():
    gated, _ = gate(target(*MIDDLE))
    assert not gated.position.flags.writeable
    assert gated.position.base is None


def test_a_large_request_is_walked_to_at_the_velocity_limit_either_way():
    gated, faults = gate(target(0.5, -0.4, 0.5))
    np.testing.assert_allclose(gated.position, [STEP, -STEP, 0.5])
    assert faults == frozenset()


def test_each_joint_keeps_its_own_speed():
    limits = replace(LIMITS, velocity=np.array([1.0, 2.0, 3.0]))
    for way in (1.0, -1.0):
        gated, _ = gate(target(way, way, 0.5 + way), bounds=Bounds.of(limits, LIMP))
        moved = (gated.position - MIDDLE) * way
        np.testing.assert_allclose(moved, [0.002, 0.004, 0.006])


def test_a_slow_tick_earns_no_longer_step_than_the_largest():
    bounds = Bounds.of(LIMITS, LIMP, GateConfig(tick_s=0.1, step_max=0.03))
    gated, _ = gate(target(1.0, -1.0, 0.5), bounds=bounds)
    np.testing.assert_allclose(gated.position, [0.03, -0.03, 0.5])


@pytest.mark.parametrize("way", [1.0, -1.0])
def test_no_joint_is_sent_beyond_its_limits(way):
    near = np.where(way > 0, LIMITS.upper, LIMITS.lower) - way * 0.004
    asked = near + way * 0.5
    gated, faults = gate(target(*asked), sent_at(*near), measured(*near))
    np.testing.assert_allclose(gated.position, near + way * 0.004)
    assert faults == frozenset()


def test_a_joint_outside_its_limits_walks_back_at_its_velocity_limit():
    outside = (1.2, -0.7, 0.5)
    for asked in (target(*MIDDLE), target(*MIDDLE, t_ns=TICK_NS + 1)):  # Held, too.
        gated, _ = gate(asked, sent_at(*outside), measured(*outside))
        np.testing.assert_allclose(gated.position, [1.19, -0.69, 0.5])


@pytest.mark.parametrize("way", [1.0, -1.0])
def test_no_spring_pulls_harder_than_its_motor_can(way):
    bounds = Bounds.of(replace(LIMITS, torque=np.array([0.02, 0.05, 8.0])), LIMP)
    asked = target(way * 0.3, way * 0.3, 0.5 + way * 0.005)
    gated, faults = gate(asked, bounds=bounds)
    np.testing.assert_allclose((gated.position - MIDDLE) * way, [0.002, 0.005, 0.005])
    assert faults == frozenset()


@pytest.mark.parametrize("way", [1.0, -1.0])
def test_a_target_that_a_push_has_left_behind_comes_nearer_at_the_velocity_limit(way):
    pushed = measured(way * 0.9, 0.0, 0.5)
    gated, _ = gate(target(*MIDDLE), sent_at(*MIDDLE), pushed)
    np.testing.assert_allclose(gated.position, [way * STEP, 0.0, 0.5])
    near = sent_at(way * 0.098, 0.0, 0.5)
    gated, _ = gate(target(*MIDDLE), near, pushed)
    np.testing.assert_allclose(gated.position, [way * (0.9 - REACH), 0.0, 0.5])


def test_a_joint_limit_counts_for_more_than_a_pull():
    far = measured(3.0, 0.0, 0.5)
    gated, _ = gate(target(0.9, 0.0, 0.5), sent_at(0.995, 0.0, 0.5), far)
    np.testing.assert_allclose(gated.position[0], 1.0)


@pytest.mark.parametrize("stiffness", [0.0, 1e-12])
def test_a_limp_joint_may_be_sent_anywhere(stiffness):
    soft = JointTarget(
        t_ns=0, position=(0.5, 0.0, 0.5), stiffness=np.full(3, stiffness), damping=np.zeros(3)
    )
    gated, faults = gate(soft)
    np.testing.assert_allclose(gated.position, [STEP, 0.0, 0.5])
    assert faults == frozenset()


@pytest.mark.parametrize(
    ("age_ns", "is_timely"), [(0, True), (40 * MS, True), (40 * MS + 1, False), (-1, False)]
)
def test_a_target_is_obeyed_from_its_stamp_for_two_periods(age_ns, is_timely):
    asked = target(0.5, 0.5, 0.5, t_ns=60 * MS - age_ns)
    gated, faults = gate(asked, state=measured(*MIDDLE, t_ns=60 * MS), now_ns=60 * MS)
    assert (faults == frozenset()) is is_timely
    assert bool(gated.position[0] > 0.0) is is_timely
    if not is_timely:
        assert faults == {Fault.TARGET_STALE}
        assert gated.t_ns == 60 * MS


MALFORMED = {
    "nan": target(np.nan, 0.0, 0.5),
    "infinite": target(0.0, np.inf, 0.5),
    "infinite below": target(0.0, -np.inf, 0.5),
    "no angle": target(0.0, 12.7, 0.5),
    "no angle below": target(0.0, -12.7, 0.5),
    "too few": target(0.5),
    "too many": target(0.0, 0.0, 0.5, 0.0),
    "nan gain": target(*MIDDLE, gain=np.nan),
    "negative gain": target(*MIDDLE, gain=-1.0),
    "stiffness too large": replace(target(*MIDDLE), stiffness=np.array([1.0, 500.1, 1.0])),
    "damping too large": replace(target(*MIDDLE), damping=np.array([1.0, 50.1, 1.0])),
    "infinite stiffness": replace(target(*MIDDLE), stiffness=np.full(3, np.inf)),
    "one stiffness": replace(target(*MIDDLE), stiffness=np.ones(1)),
    "one damping": replace(target(*MIDDLE), damping=np.ones(1)),
}


@pytest.mark.parametrize("asked", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_target_is_refused_and_the_last_one_held(asked):
    sent = sent_at(0.1, 0.2, 0.6)
    gated, faults = gate(asked, sent)
    np.testing.assert_array_equal(gated.position, sent.position)
    assert gated.stiffness is sent.stiffness
    assert gated.damping is sent.damping
    assert faults == {Fault.TARGET_MALFORMED}


def test_gains_and_angles_on_their_bounds_are_let_through():
    top = JointTarget(
        t_ns=0, position=MIDDLE, stiffness=np.full(3, 500.0), damping=np.full(3, 50.0)
    )
    limp = JointTarget(
        t_ns=0, position=(12.6, -12.6, 0.5), stiffness=np.zeros(3), damping=np.zeros(3)
    )
    for asked in (top, limp):
        gated, faults = gate(asked)
        assert faults == frozenset()
        assert gated.stiffness is asked.stiffness


def test_gains_of_which_one_alone_has_changed_are_looked_at():
    sent = sent_at(*MIDDLE)
    for name in ("stiffness", "damping"):
        asked = replace(sent, **{name: np.full(3, -1.0)})
        assert gate(asked, sent)[1] == {Fault.TARGET_MALFORMED}


@pytest.mark.parametrize("token", [6, 8])
def test_what_comes_from_one_who_may_not_write_is_refused(token):
    gated, faults = gate(target(0.5, 0.5, 0.5, gain=3.0), token=token, writer=7)
    np.testing.assert_array_equal(gated.position, MIDDLE)
    assert gated.stiffness[0] == 10.0
    assert faults == {Fault.TARGET_FOREIGN}


UNFELT = {
    "nan": measured(np.nan, 0.0, 0.5),
    "infinite": measured(np.inf, 0.0, 0.5),
    "no angle": measured(-12.7, 0.0, 0.5),
    "too few": measured(0.0),
}


@pytest.mark.parametrize("state", UNFELT.values(), ids=UNFELT)
def test_joints_that_are_not_felt_go_limp_under_damping(state):
    sent = sent_at(0.1, 0.2, 0.6)
    gated, faults = gate(target(*MIDDLE), sent, state)
    assert faults == {Fault.STATE_MALFORMED}
    np.testing.assert_array_equal(gated.position, sent.position)
    np.testing.assert_array_equal(gated.stiffness, np.zeros(3))
    np.testing.assert_array_equal(gated.damping, LIMP)
    assert gated.t_ns == TICK_NS


@pytest.mark.parametrize(
    ("age_ns", "is_felt"), [(0, True), (50 * MS, True), (50 * MS + 1, False), (-1, False)]
)
def test_a_measurement_counts_for_50_ms(age_ns, is_felt):
    asked = target(*MIDDLE, t_ns=60 * MS)
    state = measured(*MIDDLE, t_ns=60 * MS - age_ns)
    gated, faults = gate(asked, state=state, now_ns=60 * MS)
    assert faults == (frozenset() if is_felt else {Fault.STATE_STALE})
    assert gated.stiffness.any() == is_felt
    assert gated.t_ns == 60 * MS


def test_angles_as_far_from_zero_as_can_be_are_felt():
    far = (12.6, -12.6, 12.6)
    _, faults = gate(target(*MIDDLE), sent_at(*far), measured(*far))
    assert faults == frozenset()


@pytest.mark.parametrize(
    ("state", "stiffness", "damping"),
    [
        (measured(np.nan, 0.0, 0.5), np.ones(3), np.ones(3)),
        (measured(12.7, 0.0, 0.5), np.ones(3), np.ones(3)),
        (measured(0.0), np.ones(1), np.ones(1)),
        (measured(0.0), np.ones(3), np.ones(3)),
        (measured(*MIDDLE), np.ones(1), np.ones(3)),
        (measured(*MIDDLE), np.ones(3), np.ones(1)),
        (measured(*MIDDLE), np.full(3, 500.1), np.ones(3)),
        (measured(*MIDDLE), np.ones(3), np.full(3, 50.1)),
        (measured(*MIDDLE), np.full(3, -0.1), np.ones(3)),
    ],
)
def test_a_robot_that_cannot_be_held_is_not_begun_with(state, stiffness, damping):
    with pytest.raises(BodyError, match="3 finite angles within 12.6 rad") as raised:
        first_target(state, stiffness, damping, BOUNDS)
    assert "3 个有效的关节角" in raised.value.zh


def test_it_begins_where_the_joints_are():
    state = measured(12.6, -0.7, 0.5, t_ns=5)
    first = first_target(state, np.full(3, 500.0), np.full(3, 50.0), BOUNDS)
    assert first.t_ns == 5
    assert first.position is state.joint_position
    assert first.stiffness.tolist() == [500.0] * 3
    assert first.damping.tolist() == [50.0] * 3


nan = np.array([np.nan, 1.0, 1.0])


@pytest.mark.parametrize(
    ("change", "damping"),
    [
        ({"lower": nan}, LIMP),
        ({"upper": nan}, LIMP),
        ({"velocity": nan}, LIMP),
        ({"torque": nan}, LIMP),
        ({"lower": np.full(3, -13.0)}, LIMP),
        ({"upper": np.full(3, 13.0)}, LIMP),
        ({"lower": np.array([1.1, 0.0, 0.0])}, LIMP),
        ({"velocity": -LIMITS.velocity}, LIMP),
        ({"torque": -LIMITS.torque}, LIMP),
        ({"torque": np.full(3, 10_001.0)}, LIMP),
        ({"upper": np.ones(1)}, LIMP),
        ({"torque": np.ones(1)}, LIMP),
        ({}, np.ones(1)),
        ({}, -LIMP),
        ({}, nan),
        ({}, np.full(3, 50.1)),
        (dict.fromkeys(("lower", "upper", "velocity", "torque"), np.ones((1, 3))), np.ones((1, 3))),
        (dict.fromkeys(("lower", "upper", "velocity", "torque"), np.ones(0)), np.ones(0)),
    ],
)
def test_limits_that_are_none_are_refused_before_anything_moves(change, damping):
    with pytest.raises(ConfigError, match="^The gate was given limits") as raised:
        Bounds.of(replace(LIMITS, **change), damping)
    assert raised.value.zh.startswith("安全门得到的关节限位无效")
    assert "12.6 rad" in str(raised.value)
    assert "50.0" in str(raised.value)


def test_joints_that_may_not_move_and_the_strongest_ones_have_limits():
    fixed = JointLimits(
        lower=np.full(3, -12.6),
        upper=np.full(3, 12.6),
        velocity=np.zeros(3),
        torque=np.full(3, 1e4),
    )
    bounds = Bounds.of(fixed, np.full(3, 50.0))
    one = JointLimits(lower=np.ones(1), upper=np.ones(1), velocity=np.ones(1), torque=np.ones(1))
    assert Bounds.of(one, np.zeros(1)).step_up.tolist() == [0.002]
    gated, _ = gate(target(1.0, 0.0, 0.5), bounds=bounds)
    np.testing.assert_array_equal(gated.position, MIDDLE)


def test_bounds_do_not_change_when_their_maker_writes_on():
    lower = np.array(LIMITS.lower)
    bounds = Bounds.of(replace(LIMITS, lower=lower), LIMP)
    lower[0] = -9.0
    assert bounds.lower[0] == -1.0
    for name in ("lower", "upper", "torque", "step_up", "step_down", "no_stiffness"):
        assert not getattr(bounds, name).flags.writeable
    assert not bounds.limp_damping.flags.writeable


def test_a_limp_joint_is_braked_as_its_bounds_were_told_and_pulled_by_nothing():
    bounds = Bounds.of(LIMITS, np.array([1.0, 2.0, 3.0]))
    gated, faults = gate(target(*MIDDLE), sent_at(0.1, 0.2, 0.6), UNFELT["nan"], bounds=bounds)
    assert faults == {Fault.STATE_MALFORMED}
    assert gated.damping.tolist() == [1.0, 2.0, 3.0]
    assert gated.stiffness.tolist() == [0.0] * 3


# -- whatever comes in ------------------------------------------------------------------------

number = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True, width=64),
    st.floats(-2.0, 2.0),
    st.sampled_from([0.0, -0.0, 5e-324, 1e308, -1e308, np.nan, np.inf, -np.inf, 12.6, 500.0]),
)
numbers = st.lists(number, min_size=1, max_size=4)
threes = st.lists(number, min_size=3, max_size=3)
gains = st.one_of(numbers, st.just([10.0] * 3), st.just([0.0] * 3))
ages = st.one_of(st.sampled_from([0, TICK_NS]), st.integers(-(10**18), 10**18))


@st.composite
def targets(draw, now_ns):
    return JointTarget(
        t_ns=now_ns - draw(ages),
        position=draw(st.one_of(numbers, threes)),
        stiffness=draw(gains),
        damping=draw(gains),
    )


@st.composite
def states(draw, now_ns):
    return measured(*draw(st.one_of(numbers, threes)), t_ns=now_ns - draw(ages))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_comes_in_what_goes_out_is_finite_and_within_every_limit(data):
    sent = sent_at(*data.draw(st.lists(st.floats(-3.0, 3.0), min_size=3, max_size=3)))
    for tick in range(1, 6):
        now_ns = tick * TICK_NS
        asked, state = data.draw(targets(now_ns)), data.draw(states(now_ns))
        token = data.draw(st.sampled_from([7, 8]))
        gated, faults = gate(asked, sent, state, token=token, now_ns=now_ns)
        for array in (gated.position, gated.stiffness, gated.damping):
            assert array.shape == (3,)
            assert np.isfinite(array).all()
        assert ((gated.stiffness >= 0.0) & (gated.stiffness <= 500.0)).all()
        assert ((gated.damping >= 0.0) & (gated.damping <= 50.0)).all()
        assert (np.abs(gated.position - sent.position) <= STEP + 1e-12).all()
        out, was_out = (
            np.maximum(LIMITS.lower - t.position, t.position - LIMITS.upper).clip(0.0)
            for t in (gated, sent)
        )
        assert (out <= was_out + 1e-12).all()
        if gated.stiffness.any():
            q = state.joint_position
            over, was_over = (
                (gated.stiffness * np.abs(t.position - q) - LIMITS.torque).clip(0.0)
                for t in (gated, sent)
            )
            at_limit = (gated.position <= LIMITS.lower) | (gated.position >= LIMITS.upper)
            assert ((over <= was_over + 1e-6) | at_limit).all()
        assert faults or token == 7
        sent = gated


@settings(deadline=None)
@given(st.sets(st.sampled_from(["stale", "malformed", "foreign", "unfelt", "old"])), st.data())
def test_more_that_is_wrong_never_weakens_the_reaction(wrong, data):
    fewer = data.draw(st.sets(st.sampled_from(sorted(wrong)))) if wrong else set()
    assert reaction(fewer) <= reaction(wrong)
    assert (reaction(wrong) is Action.NONE) is (not wrong)


def reaction(wrong: set[str]) -> Action:
    asked, state = target(*MIDDLE), measured(*MIDDLE)
    if "stale" in wrong:
        asked = replace(asked, t_ns=-(10**9))
    if "malformed" in wrong:
        asked = replace(asked, position=np.full(3, np.nan))
    if "old" in wrong:
        state = replace(state, t_ns=-(10**9))
    if "unfelt" in wrong:
        state = replace(state, joint_position=np.full(3, np.nan))
    _, faults = gate(asked, state=state, token=7 + ("foreign" in wrong))
    return choose_action(faults)


def test_a_target_that_is_held_for_60_ms_is_lost():
    assert not is_target_lost(5 * MS, BOUNDS, now_ns=65 * MS - 1)
    assert is_target_lost(5 * MS, BOUNDS, now_ns=65 * MS)
    late = Bounds.of(LIMITS, LIMP, GateConfig(target_lost_s=0.1))
    assert not is_target_lost(0, late, now_ns=99 * MS)

"""The gate keeps its promises whatever a policy asks for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yanshi.core.messages import JointTarget
from yanshi.robots.spec import JointLimits
from yanshi.safety.faults import Fault
from yanshi.safety.gate import GateConfig, gate_target

TICK_NS = 2_000_000
CONFIG = GateConfig()
LIMITS = JointLimits(
    lower=np.full(3, -1.0),
    upper=np.full(3, 1.0),
    velocity=np.full(3, 5.0),
    torque=np.full(3, 10.0),
)


def target(*position: float, t_ns: int = 0, gain: float = 10.0) -> JointTarget:
    gains = np.full(len(position), gain)
    return JointTarget(t_ns=t_ns, position=position, stiffness=gains, damping=gains)


def test_small_request_passes_unchanged():
    asked, sent = target(0.005, 0.0, 0.0, gain=7.0), target(0.0, 0.0, 0.0)
    gated, faults = gate_target(asked, sent, LIMITS, CONFIG, now_ns=TICK_NS)
    np.testing.assert_allclose(gated.position, [0.005, 0.0, 0.0])
    np.testing.assert_array_equal(gated.stiffness, asked.stiffness)
    assert gated.t_ns == TICK_NS
    assert faults == frozenset()


@pytest.mark.parametrize("age_s", [0.041, -0.001], ids=["too old", "from the future"])
def test_untimely_target_is_held(age_s):
    asked, sent = target(0.5, 0.5, 0.5), target(0.1, 0.2, 0.3)
    gated, faults = gate_target(asked, sent, LIMITS, CONFIG, now_ns=round(age_s * 1e9))
    np.testing.assert_array_equal(gated.position, sent.position)
    assert faults == {Fault.TARGET_STALE}


@pytest.mark.parametrize(
    "asked",
    [
        target(np.nan, 0.0, 0.0),
        target(0.0, np.inf, 0.0),
        target(0.5),
        target(0.0, 0.0, 0.0, gain=np.nan),
        target(0.0, 0.0, 0.0, gain=-1.0),
        target(0.0, 0.0, 0.0, gain=501.0),
    ],
    ids=["nan", "infinite", "wrong shape", "nan gain", "negative gain", "gain too large"],
)
def test_malformed_target_is_held(asked):
    sent = target(0.1, 0.2, 0.3)
    gated, faults = gate_target(asked, sent, LIMITS, CONFIG, now_ns=TICK_NS)
    np.testing.assert_array_equal(gated.position, sent.position)
    np.testing.assert_array_equal(gated.stiffness, sent.stiffness)
    assert faults == {Fault.TARGET_MALFORMED}


number = st.floats(allow_nan=True, allow_infinity=True, width=64)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(number, number, number), min_size=1, max_size=30))
def test_no_request_gets_past_the_limits_or_the_speed(requests):
    sent = target(0.0, 0.0, 0.0)
    for tick, request in enumerate(requests, start=1):
        asked = target(*request, t_ns=tick * TICK_NS)
        gated, _ = gate_target(asked, sent, LIMITS, CONFIG, now_ns=tick * TICK_NS)
        assert np.isfinite(gated.position).all()
        assert (np.abs(gated.position) <= 1.0).all()
        assert (np.abs(gated.position - sent.position) <= 0.01 + 1e-12).all()
        sent = gated


def test_joint_outside_its_limits_walks_back_at_its_velocity_limit():
    gated, _ = gate_target(
        target(0.0, 0.0, 0.0), target(1.5, 0.0, 0.0), LIMITS, CONFIG, now_ns=TICK_NS
    )
    np.testing.assert_allclose(gated.position, [1.49, 0.0, 0.0])
